//! The codec's two halves in one place, with what both must agree on.

pub use super::read::decode;
pub use super::write::encode;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ty::Type;
    use crate::value::{Number, Refinement, Value};

    fn number(text: &str) -> Value {
        Value::Number(Number::parse(text).unwrap())
    }

    #[test]
    fn core_and_we_write_the_same_bytes() {
        let list = Type::List(Box::new(Type::String));
        let prefix = Refinement {
            not_null: true,
            prefix: Some("pre-".into()),
            ..Refinement::default()
        };
        let at_least_zero = Refinement {
            not_null: true,
            lower: Some((Number::from(0_i64), true)),
            ..Refinement::default()
        };
        let present = Refinement {
            not_null: true,
            ..Refinement::default()
        };
        let refined = |refinement| Value::Refined(Box::new(refinement));
        for (value, ty, bytes) in [
            (Value::Null, Type::String, &b"\xc0"[..]),
            (Value::Unknown, Type::String, b"\xd4\x00\x00"),
            (Value::Unknown, Type::Dynamic, b"\xd4\x00\x00"),
            (true.into(), Type::Bool, b"\xc3"),
            ("a".into(), Type::String, b"\xa1a"),
            (7.into(), Type::Number, b"\x07"),
            ((-1).into(), Type::Number, b"\xff"),
            (300.into(), Type::Number, b"\xcd\x01\x2c"),
            (number("1.5"), Type::Number, b"\xcb\x3f\xf8\0\0\0\0\0\0"),
            (number("0.1"), Type::Number, b"\xa30.1"),
            (
                number("9223372036854775808"),
                Type::Number,
                b"\xb39223372036854775808",
            ),
            (
                Value::List(vec![Value::Null, Value::Unknown]),
                list,
                b"\x92\xc0\xd4\0\0",
            ),
            (
                refined(prefix),
                Type::String,
                b"\xc7\x09\x0c\x82\x01\xc2\x02\xa4pre-",
            ),
            (
                refined(at_least_zero),
                Type::Number,
                b"\xc7\x07\x0c\x82\x01\xc2\x03\x92\x00\xc3",
            ),
            (refined(present), Type::String, b"\xc7\x03\x0c\x81\x01\xc2"),
        ] {
            let encoded = encode(&value, &ty);
            assert_eq!(encoded, bytes, "{value:?}");
            assert_eq!(decode(bytes, &ty).unwrap(), value);
            assert_eq!(decode(&encoded, &ty).unwrap(), value);
        }
    }

    #[test]
    fn any_extension_is_an_unknown() {
        for bytes in [
            &b"\xd4\x07\x01"[..],
            b"\xd5\x00\x00\x00",
            b"\xc7\x01\x0c\x80",
            b"\xc7\x00\x00",
        ] {
            assert_eq!(
                decode(bytes, &Type::Number),
                Ok(Value::Unknown),
                "{bytes:x?}"
            );
        }
    }

    #[test]
    fn a_dynamic_value_brings_its_type() {
        let value = Value::from(json!(["x", 1]));
        let bytes = encode(&value, &Type::Dynamic);
        assert!(bytes.starts_with(b"\x92\xc4\x1d[\"tuple\",[\"string\",\"number\"]]\x92"));
        assert_eq!(decode(&bytes, &Type::Dynamic).unwrap(), value);
        let unknown = b"\x92\xc4\x08\"string\"\xd4\x00\x00";
        assert_eq!(decode(unknown, &Type::Dynamic).unwrap(), Value::Unknown);
    }

    #[test]
    fn what_core_cannot_read_is_refused_with_its_place() {
        let object = Type::object([("a", Type::String), ("b", Type::Number)]);
        for (bytes, ty, place) in [
            (&b"\x81\xa1a\xa1x"[..], &object, ""),
            (b"\x82\xa1a\xa1x\xa1a\xa1y", &object, ""),
            (b"\x82\xa1a\xa1x\xa1c\x01", &object, ""),
            (b"\x82\xa1a\x05\xa1b\x01", &object, "a"),
            (b"\x82\xa1a\xa1x\xa1b\xcb\x7f\xf8\0\0\0\0\0\0", &object, "b"),
            (b"\x82\xa1a\xa2\xff\xfe\xa1b\x01", &object, "a"),
            (b"\x82\xa1a\xa1x\xa1b", &object, "b"),
            (b"\xa1xx", &Type::String, ""),
            (b"\xa5x", &Type::String, ""),
            (b"", &Type::String, ""),
            (b"\xc7\x02\x0c\x80\x80", &Type::String, ""),
            (b"\xc7\x03\x0c\x81\x09\xc2", &Type::String, ""),
        ] {
            let error = decode(bytes, ty).unwrap_err();
            assert_eq!(error.path, place, "{bytes:x?}: {error}");
        }
    }

    #[test]
    fn what_comes_back_is_composed_and_sets_collapse() {
        assert_eq!(decode(b"\xa3e\xcc\x81", &Type::String).unwrap(), "\u{e9}");
        let set = Type::Set(Box::new(Type::String));
        assert_eq!(
            decode(b"\x93\xa1b\xa1a\xa1b", &set).unwrap(),
            json!(["a", "b"])
        );
    }

    fn typed() -> impl Strategy<Value = (Type, Value)> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(|b| (Type::Bool, Value::Bool(b))),
            any::<i64>().prop_map(|n| (Type::Number, n.into())),
            any::<f64>().prop_filter_map("finite", |f| Some((
                Type::Number,
                Value::Number(Number::from_f64(f)?)
            ))),
            "[a-z\u{e9}]{0,40}".prop_map(|text| (Type::String, text.into())),
            Just((Type::String, Value::Null)),
            Just((Type::Number, Value::Unknown)),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                (inner.clone(), 0..4_usize).prop_map(|((ty, value), n)| {
                    (Type::List(Box::new(ty)), Value::List(vec![value; n]))
                }),
                inner
                    .clone()
                    .prop_map(|(ty, value)| { (Type::Set(Box::new(ty)), Value::set([value])) }),
                (inner.clone(), "[a-z]{1,9}").prop_map(|((ty, value), key)| {
                    (
                        Type::Map(Box::new(ty)),
                        Value::Map(BTreeMap::from([(key, value)])),
                    )
                }),
                proptest::collection::btree_map("[a-z]{1,9}", inner, 0..4).prop_map(|entries| {
                    let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
                    for (name, (ty, value)) in entries {
                        types.insert(name.clone(), ty);
                        values.insert(name, value);
                    }
                    (Type::Object(types), Value::Object(values))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_survives_the_wire((ty, value) in typed()) {
            prop_assert_eq!(decode(&encode(&value, &ty), &ty).unwrap(), value);
        }

        #[test]
        fn no_bytes_bring_the_decoder_down(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let ty = Type::object([("a", Type::List(Box::new(Type::Dynamic))), ("b", Type::Number)]);
            let _ = decode(&bytes, &ty);
        }
    }
}
