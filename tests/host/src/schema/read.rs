//! From the wire, with everything refused that crashes core or that core refuses.

use std::collections::{BTreeMap, HashMap};

use super::{
    Attribute, Block, Capabilities, Function, NestedBlock, Nesting, Parameter, ProviderSchema,
    Schema,
};
use crate::path::Path;
use crate::pb::tfplugin5 as pb;
use crate::ty::Type;
use crate::violation::{Problem, Violation};

/// Reads a whole `GetSchema` response; its diagnostics are left to the caller.
pub fn read(response: &pb::get_provider_schema::Response) -> Result<ProviderSchema, Violation> {
    let mut reader = Reader::default();
    let provider = if response.provider.is_some() {
        reader.schema("provider", response.provider.as_ref(), Kind::Provider)
    } else {
        reader.complain("provider", "missing provider schema");
        Schema::default()
    };
    let schema = ProviderSchema {
        provider,
        resources: reader.schemas("resource", &response.resource_schemas, Kind::Resource),
        data_sources: reader.schemas("data", &response.data_source_schemas, Kind::Other),
        ephemeral_resources: reader.schemas(
            "ephemeral",
            &response.ephemeral_resource_schemas,
            Kind::Other,
        ),
        functions: response
            .functions
            .iter()
            .map(|(name, function)| (name.clone(), reader.function(name, function)))
            .collect(),
        capabilities: response.server_capabilities.as_ref().map_or_else(
            Capabilities::default,
            |capabilities| Capabilities {
                plan_destroy: capabilities.plan_destroy,
                get_provider_schema_optional: capabilities.get_provider_schema_optional,
                move_resource_state: capabilities.move_resource_state,
                generate_resource_config: capabilities.generate_resource_config,
            },
        ),
    };
    if reader.problems.is_empty() {
        return Ok(schema);
    }
    Err(Violation {
        rpc: "GetSchema",
        subject: "the provider".into(),
        summary: "Invalid schema".into(),
        problems: reader.problems,
    })
}

/// Only managed resources may have write-only attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Provider,
    Resource,
    Other,
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn complain(&mut self, place: &str, message: impl Into<String>) {
        let path = Path::root().attribute(place);
        self.problems.push(Problem::new(&path, message));
    }

    fn schemas(
        &mut self,
        prefix: &str,
        given: &HashMap<String, pb::Schema>,
        kind: Kind,
    ) -> BTreeMap<String, Schema> {
        given
            .iter()
            .map(|(name, schema)| {
                (
                    name.clone(),
                    self.schema(&format!("{prefix}.{name}"), Some(schema), kind),
                )
            })
            .collect()
    }

    fn schema(&mut self, place: &str, given: Option<&pb::Schema>, kind: Kind) -> Schema {
        let version = given.map_or(0, |schema| schema.version);
        if version < 0 {
            self.complain(place, "negative schema version");
        }
        let block = self.block(place, given.and_then(|schema| schema.block.as_ref()), kind);
        Schema { version, block }
    }

    fn block(&mut self, place: &str, given: Option<&pb::schema::Block>, kind: Kind) -> Block {
        let Some(given) = given else {
            self.complain(place, "unset block crashes core");
            return Block::default();
        };
        let mut block = Block {
            description: given.description.clone(),
            deprecated: given.deprecated,
            ..Block::default()
        };
        for attribute in &given.attributes {
            let place = format!("{place}.{}", attribute.name);
            let read = self.attribute(&place, attribute, kind);
            if block
                .attributes
                .insert(attribute.name.clone(), read)
                .is_some()
            {
                self.complain(&place, "attribute declared twice");
            }
        }
        for nested in &given.block_types {
            let place = format!("{place}.{}", nested.type_name);
            let read = self.nested(&place, nested, kind);
            if block.attributes.contains_key(&nested.type_name)
                || block
                    .blocks
                    .insert(nested.type_name.clone(), read)
                    .is_some()
            {
                self.complain(
                    &place,
                    "name defined as both attribute and child block type",
                );
            }
        }
        block
    }

    fn attribute(&mut self, place: &str, given: &pb::schema::Attribute, kind: Kind) -> Attribute {
        if !is_name(&given.name) {
            self.complain(
                place,
                "name may contain only lowercase letters, digits and underscores",
            );
        }
        match (given.required, given.optional, given.computed) {
            (false, false, false) => {
                self.complain(place, "must set Optional, Required or Computed");
            }
            (true, true, _) => self.complain(place, "cannot set both Optional and Required"),
            (true, _, true) => self.complain(place, "cannot set both Computed and Required"),
            _ => {}
        }
        if given.write_only && kind != Kind::Resource {
            self.complain(place, "only managed resources have write-only attributes");
        }
        if given.write_only && given.computed {
            self.complain(place, "write-only excludes computed");
        }
        Attribute {
            ty: self.ty(place, &given.r#type),
            required: given.required,
            optional: given.optional,
            computed: given.computed,
            sensitive: given.sensitive,
            write_only: given.write_only,
            deprecated: given.deprecated,
            description: given.description.clone(),
        }
    }

    fn nested(&mut self, place: &str, given: &pb::schema::NestedBlock, kind: Kind) -> NestedBlock {
        use pb::schema::nested_block::NestingMode as Mode;
        if !is_name(&given.type_name) {
            self.complain(
                place,
                "name may contain only lowercase letters, digits and underscores",
            );
        }
        let block = self.block(place, given.block.as_ref(), kind);
        let (min, max) = (given.min_items, given.max_items);
        let nesting = match given.nesting() {
            Mode::Single => Nesting::Single,
            Mode::Group => Nesting::Group,
            Mode::List => Nesting::List,
            Mode::Set => Nesting::Set,
            Mode::Map => Nesting::Map,
            Mode::Invalid => {
                self.complain(place, "invalid nesting mode");
                Nesting::Single
            }
        };
        let limits_hold = match nesting {
            Nesting::Single => min == max && (0..=1).contains(&min),
            Nesting::Group | Nesting::Map => min == 0 && max == 0,
            Nesting::List | Nesting::Set => min >= 0 && max >= 0 && (max == 0 || min <= max),
        };
        if !limits_hold {
            self.complain(
                place,
                format!("min_items {min} and max_items {max} do not fit"),
            );
        }
        if nesting == Nesting::Set && block.ty().is_dynamic_anywhere() {
            self.complain(place, "set blocks cannot contain dynamic attributes");
        }
        if nesting == Nesting::Set && has_write_only(&block) {
            self.complain(place, "set blocks cannot contain write-only attributes");
        }
        NestedBlock {
            nesting,
            block,
            min_items: min,
            max_items: max,
        }
    }

    fn function(&mut self, name: &str, given: &pb::Function) -> Function {
        let place = format!("function.{name}");
        if !is_identifier(name) {
            self.complain(&place, "function name is not an identifier");
        }
        let parameters: Vec<_> = given
            .parameters
            .iter()
            .map(|given| self.parameter(&place, given))
            .collect();
        let variadic = given
            .variadic_parameter
            .as_ref()
            .map(|given| self.parameter(&place, given));
        let mut names: Vec<_> = parameters
            .iter()
            .chain(&variadic)
            .map(|parameter| parameter.name.as_str())
            .collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            self.complain(&place, "two parameters share a name");
        }
        if given.r#return.is_none() {
            self.complain(&place, "unset return crashes core");
        }
        let returns = given
            .r#return
            .as_ref()
            .map_or(Type::Dynamic, |given| self.ty(&place, &given.r#type));
        Function {
            parameters,
            variadic,
            returns,
            summary: given.summary.clone(),
            description: given.description.clone(),
        }
    }

    fn parameter(&mut self, place: &str, given: &pb::function::Parameter) -> Parameter {
        if !is_identifier(&given.name) {
            self.complain(
                place,
                format!("parameter name {:?} is not an identifier", given.name),
            );
        }
        Parameter {
            name: given.name.clone(),
            ty: self.ty(place, &given.r#type),
            allow_null: given.allow_null_value,
            allow_unknown: given.allow_unknown_values,
        }
    }

    fn ty(&mut self, place: &str, given: &[u8]) -> Type {
        Type::parse(given).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(given);
            self.complain(place, format!("type {text:?} crashes core"));
            Type::Dynamic
        })
    }
}

fn has_write_only(block: &Block) -> bool {
    block
        .attributes
        .values()
        .any(|attribute| attribute.write_only)
        || block
            .blocks
            .values()
            .any(|nested| has_write_only(&nested.block))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
