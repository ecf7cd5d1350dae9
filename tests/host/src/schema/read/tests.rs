use super::*;
use crate::pb::tfplugin5::schema::nested_block::NestingMode;

fn string(name: &str) -> pb::schema::Attribute {
    pb::schema::Attribute {
        name: name.into(),
        r#type: br#""string""#.to_vec(),
        optional: true,
        ..Default::default()
    }
}

fn block(name: &str, nesting: NestingMode, limits: (i64, i64)) -> pb::schema::NestedBlock {
    pb::schema::NestedBlock {
        type_name: name.into(),
        block: Some(pb::schema::Block::default()),
        nesting: nesting.into(),
        min_items: limits.0,
        max_items: limits.1,
    }
}

fn response(block: pb::schema::Block) -> pb::get_provider_schema::Response {
    let schema = |block| pb::Schema {
        version: 0,
        block: Some(block),
    };
    pb::get_provider_schema::Response {
        provider: Some(schema(pb::schema::Block::default())),
        resource_schemas: HashMap::from([("x".to_owned(), schema(block))]),
        ..Default::default()
    }
}

fn complaint(block: pb::schema::Block) -> String {
    read(&response(block)).unwrap_err().to_string()
}

#[test]
fn a_sound_schema_is_read() {
    let schema = read(&response(pb::schema::Block {
        attributes: vec![string("name")],
        block_types: vec![block("timeouts", NestingMode::Single, (0, 0))],
        ..Default::default()
    }))
    .unwrap();
    let block = &schema.resources["x"].block;
    assert_eq!(block.attributes["name"].ty, Type::String);
    assert_eq!(block.blocks["timeouts"].nesting, Nesting::Single);
}

#[test]
fn what_crashes_core_is_refused() {
    let mut bare = response(pb::schema::Block::default());
    bare.provider = None;
    assert!(
        read(&bare)
            .unwrap_err()
            .to_string()
            .contains("missing provider schema")
    );
    bare.provider = Some(pb::Schema::default());
    bare.functions.insert("f".into(), pb::Function::default());
    let complaint = read(&bare).unwrap_err();
    assert!(complaint.to_string().contains("unset block"), "{complaint}");
    assert!(
        complaint.to_string().contains("unset return"),
        "{complaint}"
    );
}

#[test]
fn what_core_refuses_is_refused() {
    let attribute = |attribute| pb::schema::Block {
        attributes: vec![attribute],
        ..Default::default()
    };
    let nested = |nested| pb::schema::Block {
        block_types: vec![nested],
        ..Default::default()
    };
    let mut flags = string("a");
    flags.required = true;
    assert!(complaint(attribute(flags)).contains("both Optional and Required"));
    let mut none = string("a");
    none.optional = false;
    assert!(complaint(attribute(none)).contains("must set"));
    let mut ty = string("a");
    ty.r#type = b"string".to_vec();
    assert!(complaint(attribute(ty)).contains("crashes core"));
    let mut write_only = string("a");
    write_only.write_only = true;
    write_only.computed = true;
    assert!(complaint(attribute(write_only)).contains("excludes computed"));
    for limits in [(0, 1), (2, 2)] {
        let single = nested(block("b", NestingMode::Single, limits));
        assert!(complaint(single).contains("do not fit"));
    }
    let map = nested(block("b", NestingMode::Map, (1, 1)));
    assert!(complaint(map).contains("do not fit"));
    let invalid = nested(block("B", NestingMode::Invalid, (0, 0)));
    assert!(complaint(invalid).contains("invalid nesting"));
    let both = pb::schema::Block {
        attributes: vec![string("a")],
        block_types: vec![block("a", NestingMode::List, (0, 0))],
        ..Default::default()
    };
    assert!(complaint(both).contains("both attribute and child block"));
}
