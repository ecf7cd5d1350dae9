use serde_json::json;

use super::*;
use crate::convert;
use crate::schema::tests::{attribute, example};
use crate::value::{refined, unknown};

fn object(json: serde_json::Value) -> Value {
    convert::block(json.into(), &example()).unwrap()
}

fn verdict(planned: &Value, actual: &Value) -> Vec<String> {
    compatible(&example(), planned, actual)
        .iter()
        .map(|problem| problem.message.clone())
        .collect()
}

fn changed(planned: serde_json::Value, actual: serde_json::Value) -> Vec<String> {
    verdict(&object(planned), &object(actual))
}

#[test]
fn an_unknown_may_become_anything_of_its_kind() {
    let planned = object(json!({ "name": "x", "id": unknown(), "size": unknown() }));
    let actual = object(json!({ "name": "x", "id": "7", "size": null }));
    assert!(verdict(&planned, &actual).is_empty());
    assert!(verdict(&planned, &planned).is_empty());
}

#[test]
fn a_refined_unknown_keeps_its_promise() {
    let planned = json!({ "name": "x", "id": refined("pre-") });
    assert!(changed(planned.clone(), json!({ "name": "x", "id": "pre-1" })).is_empty());
    for broken in [json!("1"), json!(null)] {
        let found = changed(planned.clone(), json!({ "name": "x", "id": broken }));
        assert!(
            found[0].contains("does not conform to planning placeholder"),
            "{found:?}"
        );
    }
}

#[test]
fn what_was_known_stays_as_it_was() {
    for (was, now, message) in [
        (json!("x"), json!("y"), r#"was "x", but now "y""#),
        (json!("x"), json!(null), r#"was "x", but now null"#),
        (json!(null), json!("y"), r#"was null, but now "y""#),
        (json!("x"), unknown(), r#"was known ("x"), but now unknown"#),
    ] {
        let found = changed(
            json!({ "name": "n", "note": was }),
            json!({ "name": "n", "note": now }),
        );
        assert_eq!(found, [message]);
    }
}

#[test]
fn of_a_sensitive_attribute_nothing_is_told() {
    let found = changed(
        json!({ "name": "n", "secret": "a" }),
        json!({ "name": "n", "secret": "b" }),
    );
    assert_eq!(found, ["inconsistent values for sensitive attribute"]);
}

#[test]
fn collections_neither_lose_nor_gain() {
    let found = changed(
        json!({ "name": "n", "labels": { "a": "1", "b": "2" }, "tags": ["x", "y"] }),
        json!({ "name": "n", "labels": { "b": "2", "c": "3" }, "tags": ["x", "z", "w"] }),
    );
    assert_eq!(
        found,
        [
            r#"element "a" has vanished"#,
            r#"new element "c" has appeared"#,
            r#"planned set element "y" does not correlate with any element in actual"#,
            r#"actual set element "w" does not correlate with any element in plan"#,
            r#"actual set element "z" does not correlate with any element in plan"#,
            "length changed from 2 to 3",
        ]
    );
}

#[test]
fn lists_are_compared_place_by_place() {
    let schema = Block {
        attributes: BTreeMap::from([(
            "l".into(),
            attribute(Type::List(Box::new(Type::String)), "optional"),
        )]),
        ..Block::default()
    };
    let list = |json: serde_json::Value| Value::object([("l", json.into())]);
    let verdict = |planned, actual| {
        let found = compatible(&schema, &list(planned), &list(actual));
        found.iter().map(Problem::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        verdict(json!(["a", unknown()]), json!(["a", "b"])),
        Vec::<String>::new()
    );
    assert_eq!(verdict(json!(["a", "b"]), json!(["b", "a"])).len(), 2);
    assert_eq!(
        verdict(json!(["a"]), json!(["a", "b"])),
        ["l[1]: new element 1 has appeared"]
    );
    assert_eq!(
        verdict(json!(["a"]), json!([])),
        ["l[0]: element 0 has vanished"]
    );
}

#[test]
fn a_dynamic_attribute_is_not_compared() {
    let schema = Block {
        attributes: BTreeMap::from([("d".into(), attribute(Type::Dynamic, "computed"))]),
        ..Block::default()
    };
    let of = |value: Value| Value::object([("d", value)]);
    assert!(compatible(&schema, &of(1.into()), &of("x".into())).is_empty());
}

#[test]
fn blocks_keep_their_number_and_sets_of_blocks_may_only_shrink() {
    let found = changed(
        json!({ "name": "n", "rule": [{ "port": 1 }], "zone": { "a": {} }, "timeouts": {} }),
        json!({ "name": "n", "rule": [], "zone": { "b": {} }, "timeouts": null }),
    );
    assert_eq!(
        found,
        [
            "block count changed from 1 to 0",
            "was present, but now absent",
            r#"block key "a" has vanished"#,
            r#"new block key "b" has appeared"#,
        ]
    );
    let peers = |ports: &[i64]| {
        let peers: Vec<_> = ports.iter().map(|port| json!({ "port": port })).collect();
        json!({ "name": "n", "peer": peers })
    };
    assert!(changed(peers(&[1, 2]), peers(&[2, 1])).is_empty());
    assert!(
        changed(peers(&[1]), peers(&[1, 2]))
            .contains(&"block set length changed from 1 to 2".into())
    );
}

#[test]
fn the_object_itself_neither_comes_nor_goes() {
    let object = object(json!({ "name": "n" }));
    assert_eq!(
        verdict(&object, &Value::Null),
        ["was present, but now absent"]
    );
    assert_eq!(
        verdict(&Value::Null, &object),
        ["was absent, but now present"]
    );
}
