use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

#[test]
fn attributes_are_accepted_in_any_order_and_once() {
    let ty = Type::object([("a", Type::String), ("b", Type::Number)]);
    let wanted = Value::object([("a", "x".into()), ("b", number("7"))]);
    assert_eq!(decode(&hex("82 a1 61 a1 78 a1 62 07"), &ty).unwrap(), wanted);
    assert_eq!(decode(&hex("82 a1 62 07 a1 61 a1 78"), &ty).unwrap(), wanted);
    for bytes in ["82 a1 61 a1 78 a1 61 a1 78", "82 a1 61 a1 78 a1 63 07", "81 a1 61 a1 78"] {
        assert!(decode(&hex(bytes), &ty).is_err(), "{bytes}");
    }
}

#[test]
fn observed_messages_of_hosts_are_decoded() {
    let long = "b4 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30";
    let cases: &[(&str, Type, Value)] = &[
        ("c0", Type::String, Value::Null),
        ("c2", Type::Bool, Value::Bool(false)),
        ("c3", Type::Bool, Value::Bool(true)),
        ("a2 68 69", Type::String, "hi".into()),
        ("c4 02 68 69", Type::String, "hi".into()),
        ("a3 65 cc 81", Type::String, "\u{e9}".into()),
        ("07", Type::Number, number("7")),
        ("ff", Type::Number, number("-1")),
        ("cc ff", Type::Number, number("255")),
        ("cd 01 00", Type::Number, number("256")),
        ("ce 00 01 00 00", Type::Number, number("65536")),
        ("cf ff ff ff ff ff ff ff ff", Type::Number, number("18446744073709551615")),
        ("d0 80", Type::Number, number("-128")),
        ("d1 80 00", Type::Number, number("-32768")),
        ("d2 80 00 00 00", Type::Number, number("-2147483648")),
        ("d3 80 00 00 00 00 00 00 00", Type::Number, number("-9223372036854775808")),
        ("ca 3f c0 00 00", Type::Number, number("1.5")),
        ("cb 3f f8 00 00 00 00 00 00", Type::Number, number("1.5")),
        ("a3 30 2e 31", Type::Number, number("0.1")),
        (long, Type::Number, number("12345678901234567890")),
        ("d4 00 00", Type::String, Value::Unknown),
        ("c7 09 0c 82 01 c2 02 a4 70 72 65 2d", Type::String, Value::Unknown),
        ("c7 07 0c 82 01 c2 03 92 00 c3", Type::Number, Value::Unknown),
        ("c7 03 0c 81 01 c2", Type::String, Value::Unknown),
        ("d5 0c 00 00", Type::Bool, Value::Unknown),
        ("c8 00 01 0c 80", Type::Bool, Value::Unknown),
        ("92 01 c0", Type::list(Type::Number), Value::List(vec![number("1"), Value::Null])),
        (
            "92 a1 6b d4 00 00",
            Type::Set(Box::new(Type::String)),
            Value::List(vec!["k".into(), Value::Unknown]),
        ),
        (
            "81 a1 61 c3",
            Type::map(Type::Bool),
            Value::object([("a", true)].map(|(k, v)| (k, v.into()))),
        ),
    ];
    for (bytes, ty, expected) in cases {
        assert!(decode(&hex(bytes), ty).as_ref() == Ok(expected), "{bytes} under {ty:?}");
    }
}

#[test]
fn invalid_value_is_rejected_with_its_path() {
    let ty = Type::object([("a", Type::list(Type::map(Type::Bool)))]);
    let cases = [
        ("81 a1 61 91 81 a1 6b a1 78", "a[0][\"k\"]", "a bool is required"),
        (
            "81 a1 61 91 81 a1 6b",
            "a[0][\"k\"]",
            "the value is not msgpack, is cut off or is nested too deeply",
        ),
        ("81 a1 61 07", "a", "a list is required"),
        ("80", "", "an object with exactly the attributes of the schema is required"),
        ("81 a1 62 c0", "", "an object with exactly the attributes of the schema is required"),
        ("c0 c0", "", "bytes follow the value"),
        ("", "", "the value is not msgpack, is cut off or is nested too deeply"),
    ];
    for (bytes, path, problem) in cases {
        let error = decode(&hex(bytes), &ty).unwrap_err();
        assert_eq!((&*error.path.to_string(), error.problem), (path, problem));
    }
    for (bytes, ty) in [
        ("a1 ff", Type::String),
        ("cb 7f f8 00 00 00 00 00 00", Type::Number),
        ("a3 4e 61 4e", Type::Number),
        ("dd ff ff ff ff", Type::list(Type::Bool)),
        ("db ff ff ff ff", Type::String),
    ] {
        assert!(decode(&hex(bytes), &ty).is_err(), "{bytes}");
    }
    let twice = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    assert!(decode(&hex("82 a1 61 c3 a1 61 c3"), &twice).is_err());
}

#[test]
fn text_is_encoded_in_normalization_form_c() {
    assert_eq!(encode(&"e\u{301}".into()), hex("a2 c3 a9"));
}

/// A type and a value of it.
fn typed() -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        Just((Type::String, Value::Null)),
        Just((Type::Bool, Value::Unknown)),
        any::<bool>().prop_map(|truth| (Type::Bool, truth.into())),
        any::<i64>().prop_map(|int| (Type::Number, int.into())),
        "-?[1-9][0-9]{20,40}(\\.[0-9]{1,5})?".prop_map(|text| (Type::Number, number(&text))),
        (-1e300..1e300)
            .prop_map(|f: f64| (Type::Number, Value::Number(Number::from_f64(f).unwrap()))),
        ".{0,300}".prop_map(|text| (Type::String, normalize(&text).into_owned().into())),
    ];
    leaf.prop_recursive(4, 64, 5, |inner| {
        let named = prop::collection::btree_map(
            prop::sample::select(&["a", "ab", "b", "id", "z"][..]),
            inner.clone(),
            0..5,
        );
        prop_oneof![
            (inner.clone(), 0_usize..20)
                .prop_map(|((ty, value), n)| (Type::list(ty), Value::List(vec![value; n]))),
            (inner.clone(), 0_usize..2).prop_map(|((ty, value), n)| (
                Type::Set(Box::new(ty)),
                Value::List(vec![value; n])
            )),
            named.prop_map(|named| {
                let types = named.iter().map(|(name, (ty, _))| (*name, ty.clone()));
                let values = named.iter().map(|(name, (_, value))| (*name, value.clone()));
                (Type::object(types.collect::<Vec<_>>()), Value::object(values.collect::<Vec<_>>()))
            }),
            inner.prop_map(|(ty, value)| (Type::map(ty), Value::object([("k", value)]))),
        ]
    })
}

#[test]
fn nesting_is_limited() {
    let nested = |levels: usize| [&b"\x91".repeat(levels)[..], b"\xc0"].concat();
    let unknown = |levels| [b"\x81\xa1x", &nested(levels)[..]].concat();
    for (bytes, ty, problem) in [
        (nested(MAX_DEPTH / 2 - 1), Type::Bool, "a bool is required"),
        (unknown(MAX_DEPTH / 2 - 1), Type::object([]), "exactly the attributes of the schema"),
        (nested(MAX_DEPTH / 2), Type::Bool, "nested too deeply"),
        (unknown(1_000_000), Type::object([]), "nested too deeply"),
    ] {
        assert!(decode(&bytes, &ty).unwrap_err().problem.contains(problem), "{problem}");
    }
}

fn stored(text: &str, ty: &Type) -> Result<Value, DecodeError> {
    from_json(&serde_json::from_str(text).unwrap(), ty)
}

#[test]
fn state_of_an_older_or_newer_build_is_read_under_the_present_schema() {
    let ty = Type::object([("name", Type::String), ("months", Type::Number)]);
    let read = stored(r#"{"name":"x","dropped":[1]}"#, &ty);
    assert_eq!(read, Ok(Value::object([("name", "x".into()), ("months", Value::Null)])));
}

#[test]
fn numbers_keep_every_digit() {
    let read = stored("12345678901234567890.5", &Type::Number).unwrap();
    assert_eq!(read.as_number().unwrap().to_string(), "12345678901234567890.5");
}

#[test]
fn scalars_are_taken_from_each_others_text() {
    assert_eq!(stored("\"7\"", &Type::Number), Ok(7.into()));
    assert_eq!(stored("7", &Type::String), Ok("7".into()));
    assert_eq!(stored("\"true\"", &Type::Bool), Ok(true.into()));
    assert_eq!(stored("true", &Type::String), Ok("true".into()));
}

#[test]
fn a_mismatch_names_its_place() {
    let ty = Type::object([("a", Type::list(Type::Bool))]);
    let error = stored(r#"{"a":[true,{}]}"#, &ty).unwrap_err();
    assert_eq!((&*error.path.to_string(), error.problem), ("a[1]", "a bool is required"));
}

proptest! {
    #[test]
    fn decoding_reverses_encoding((ty, value) in typed()) {
        prop_assert_eq!(decode(&encode(&value), &ty), Ok(value));
    }

    #[test]
    fn decoding_never_panics((ty, value) in typed(), junk in prop::collection::vec(any::<u8>(), 0..64), cut in any::<prop::sample::Index>()) {
        let _ = decode(&junk, &ty);
        let mut bytes = encode(&value);
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend_from_slice(&junk);
        let _ = decode(&bytes, &ty);
    }
}
