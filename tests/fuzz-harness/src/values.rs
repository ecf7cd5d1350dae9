//! Values as Terraform sends and stores them.

use std::sync::OnceLock;

use terraform_provider_atlas::provider::AtlasProvider;
use tf_provider::{Block, Provider as _, Schema, Type};

/// Msgpack under a type; the first byte chooses which.
pub fn msgpack(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let types = types();
    tf_provider::fuzzing::msgpack(bytes, &types[usize::from(*choice) % types.len()]);
}

/// Stored JSON under the resource's schema.
pub fn json_state(data: &[u8]) {
    let Ok(json) = serde_json::from_slice(data) else {
        return;
    };
    let _ = certificate().read_state(&json);
    let loose = Schema::new(Block {
        attributes: vec![
            tf_provider::Attribute::new("flag", Type::Bool, "A bool."),
            tf_provider::Attribute::new(
                "maps",
                Type::map(Type::list(Type::Number)),
                "Maps of lists.",
            ),
        ],
        ..Block::default()
    });
    let _ = loose.read_state(&json);
}

fn types() -> &'static [Type] {
    static TYPES: OnceLock<Vec<Type>> = OnceLock::new();
    TYPES.get_or_init(|| {
        vec![
            certificate().block.ty(),
            Type::list(Type::map(Type::String)),
            Type::set(Type::Number),
            Type::list(Type::object([("a", Type::Bool)])),
            Type::map(Type::object([("a", Type::Number), ("b", Type::list(Type::String))])),
        ]
    })
}

fn certificate() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| AtlasProvider::default().resources().remove(0).schema())
}
