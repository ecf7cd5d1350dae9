//! Each check fails for a wrong object: one wrong answer for each, beside a right one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use serde_json::{Value as Json, json};
use tf_harness::{
    checks::{compatible, plan_valid, proposed_new, storable},
    core::{ResourceInstance, Stored},
    diagnostic::Diagnostics,
    pb::tfplugin5::{self as pb, attribute_path::step::Selector},
    schema::{Attribute, Block, Schema},
    value::{Type, decode, encode, unknown, with},
};

/// `name` is required, `size` optional and computed, `id` computed, `note` optional, `password` write-only, and there is a
/// block `timeouts`.
fn schema() -> Schema {
    let timeouts = Type::Object([("create".to_owned(), Type::String)].into());
    let attributes = [
        ("name", Type::String, "r"),
        ("size", Type::Number, "oc"),
        ("id", Type::String, "c"),
        ("note", Type::String, "o"),
        ("password", Type::String, "ow"),
        ("timeouts", timeouts, "o"),
    ];
    let attributes = attributes.map(|(name, ty, flags)| {
        let attribute = Attribute {
            ty,
            required: flags.contains('r'),
            optional: flags.contains('o'),
            computed: flags.contains('c'),
            sensitive: false,
            write_only: flags.contains('w'),
        };
        (name.to_owned(), attribute)
    });
    Schema {
        name: "x".to_owned(),
        version: 1,
        block: Block { attributes: attributes.into() },
        identity: Some(Type::Object([("key".to_owned(), Type::String)].into())),
    }
}

fn object(config: Json) -> Json {
    schema().block.conform(config).unwrap()
}

#[test]
fn plan_that_contradicts_configuration_or_prior_is_invalid() {
    let block = schema().block;
    let config = object(json!({ "name": "n", "password": "p", "timeouts": { "create": "5m" } }));
    let right = with(with(config.clone(), "password", Json::Null), "id", unknown());
    let problems = |planned: &Json| plan_valid(&block, &Json::Null, &config, planned);
    assert_eq!(problems(&right), []);
    for (name, wrong) in [
        ("name", json!("N")),
        ("note", json!("made up")),
        ("password", json!("p")),
        ("timeouts", Json::Null),
        ("timeouts", unknown()),
    ] {
        let found = problems(&with(right.clone(), name, wrong));
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].path, name);
    }
    assert_eq!(problems(&Json::Null).len(), 1);
    // A value that means the same as the configured one may stay.
    let prior = with(right, "name", "N");
    assert_eq!(plan_valid(&block, &prior, &config, &prior), []);
}

#[test]
fn result_that_breaks_the_plan_is_incompatible() {
    let block = schema().block;
    let planned =
        with(object(json!({ "name": "n", "timeouts": { "create": "5m" } })), "id", unknown());
    let right = with(planned.clone(), "id", "7");
    assert_eq!(compatible(&block, &planned, &right), []);
    for (name, wrong, path) in [
        ("name", json!("m"), "name"),
        ("note", json!("n"), "note"),
        ("name", unknown(), "name"),
        ("timeouts", Json::Null, "timeouts"),
        ("timeouts", json!({ "create": "6m" }), "timeouts.create"),
    ] {
        let found = compatible(&block, &planned, &with(right.clone(), name, wrong));
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].path, path);
    }
}

#[test]
fn proposed_object_keeps_the_prior_value_of_computed_attributes_only() {
    let prior = with(object(json!({ "name": "x", "note": "n", "size": 3 })), "id", "7");
    let proposed = proposed_new(&schema().block, &prior, &object(json!({ "name": "y" })));
    let kept = json!({ "name": "y", "note": null, "size": 3, "id": "7", "password": null, "timeouts": null });
    assert_eq!(proposed, kept);
}

#[test]
fn unknown_and_write_only_values_cannot_be_stored() {
    let block = schema().block;
    let right = object(json!({ "name": "n" }));
    assert_eq!(storable(&block, &right), []);
    for (name, wrong) in [("id", unknown()), ("password", json!("p"))] {
        assert_eq!(storable(&block, &with(right.clone(), name, wrong))[0].path, name);
    }
}

#[test]
fn value_of_another_shape_is_not_decoded() {
    let (ty, right) = (schema().block.ty(), object(json!({ "name": "n", "size": 1 })));
    assert_eq!(decode(Some(&encode(&right, &ty)), &ty), Ok(right.clone()));
    let smaller = Type::Object([("name".to_owned(), Type::String)].into());
    let wrong = encode(&json!({ "name": "n" }), &smaller);
    assert!(decode(Some(&wrong), &ty).is_err(), "an attribute is missing");
    let wrong =
        encode(&json!({ "name": 1 }), &Type::Object([("name".to_owned(), Type::Number)].into()));
    assert!(decode(Some(&wrong), &smaller).is_err(), "a number for a string");
    let mut wrong = encode(&right, &ty);
    wrong.msgpack.push(0xc0);
    assert!(decode(Some(&wrong), &ty).is_err(), "bytes after the end");
}

#[test]
fn diagnostic_that_core_cannot_show_is_a_violation() {
    let ty = schema().block.ty();
    let diagnostic = |severity, summary: &str, selectors: &[Selector]| pb::Diagnostic {
        severity,
        summary: summary.to_owned(),
        attribute: Some(pb::AttributePath {
            steps: selectors
                .iter()
                .map(|it| pb::attribute_path::Step { selector: Some(it.clone()) })
                .collect(),
        }),
        ..pb::Diagnostic::default()
    };
    let name = |name: &str| Selector::AttributeName(name.to_owned());
    let read = |given| Diagnostics::read(&[given], &ty);
    let right = read(diagnostic(1, "s", &[name("timeouts"), name("create")])).unwrap();
    assert_eq!((right.has_errors(), right[0].path.as_str()), (true, "timeouts.create"));
    for wrong in [
        diagnostic(0, "s", &[]),
        diagnostic(1, "", &[]),
        diagnostic(1, "s", &[name("nowhere")]),
        diagnostic(1, "s", &[name("name"), Selector::ElementKeyInt(-1)]),
        diagnostic(1, "s", &[Selector::ElementKeyString("name".to_owned())]),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong:?}");
    }
}

fn prior() -> ResourceInstance {
    ResourceInstance {
        state: with(object(json!({ "name": "old" })), "id", "1"),
        private: b"old".to_vec(),
        identity: Some(json!({ "key": "1" })),
        tainted: false,
        schema_version: 1,
    }
}

/// What is stored for a plan of `name = "n"`, or of a delete.
fn store(
    prior: Option<&ResourceInstance>,
    delete: bool,
    new: &Json,
    identity: &str,
    error: bool,
) -> Stored {
    let schema = schema();
    let planned = with(object(json!({ "name": "n" })), "id", unknown());
    let diagnostic =
        pb::Diagnostic { severity: 1, summary: "refused".to_owned(), ..pb::Diagnostic::default() };
    let response = pb::apply_resource_change::Response {
        new_state: Some(encode(new, &schema.block.ty())),
        private: b"new".to_vec(),
        diagnostics: error.then_some(diagnostic).into_iter().collect(),
        new_identity: Some(pb::ResourceIdentityData {
            identity_data: schema
                .identity
                .as_ref()
                .map(|ty| encode(&json!({ "key": identity }), ty)),
        }),
        ..pb::apply_resource_change::Response::default()
    };
    schema.store(prior, if delete { &Json::Null } else { &planned }, &response)
}

#[test]
fn apply_result_is_stored_as_core_stores_it() {
    let new = with(object(json!({ "name": "n" })), "id", "7");
    let (old, null) = (prior(), Json::Null);
    let created = store(None, false, &new, "7", false);
    let instance = created.instance.unwrap();
    assert_eq!((created.violation, instance.tainted), (None, false));
    assert_eq!((instance.state, instance.private), (new.clone(), b"new".to_vec()));
    assert_eq!(instance.identity, Some(json!({ "key": "7" })));

    let failed = store(None, false, &new, "7", true).instance.unwrap();
    assert!(failed.tainted, "a create with an object and an error");
    let failed = store(Some(&old), false, &old.state, "1", true).instance.unwrap();
    assert!(!failed.tainted && failed.state == old.state, "an update with an error");
    assert_eq!(store(None, false, &null, "", true).instance, None);
    assert_eq!(store(Some(&old), true, &null, "", true).instance, Some(old.clone()));
    let deleted = store(Some(&old), true, &null, "", false);
    assert_eq!((deleted.violation, deleted.instance), (None, None));

    let wrong = |stored: Stored| stored.violation.expect("a violation").to_string();
    let unknown_id = with(new.clone(), "id", unknown());
    let other_name = with(new.clone(), "name", "m");
    let written = with(new.clone(), "password", "p");
    assert!(wrong(store(Some(&old), false, &null, "1", false)).contains("now absent"));
    assert!(wrong(store(Some(&old), true, &old.state, "1", false)).contains("still exists"));
    assert!(wrong(store(None, false, &unknown_id, "7", false)).contains("still unknown"));
    assert!(wrong(store(None, false, &other_name, "7", false)).contains("inconsistent result"));
    assert!(wrong(store(Some(&old), false, &new, "2", false)).contains("changed the identity"));
    let lost = store(None, false, &written, "7", false);
    assert_eq!(lost.instance, None, "core loses an object with a write-only value");
    assert!(wrong(lost).contains("write-only"));
}
