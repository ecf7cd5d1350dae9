//! What a configuration's `lifecycle` block and the command line decide.

use crate::schema::Block;
use crate::value::Value;

/// How one resource is handled beside its configuration.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Changes that the configuration asks for and core hides.
    pub ignore_changes: IgnoreChanges,
    /// The new object comes before the old one goes.
    pub create_before_destroy: bool,
    /// `-replace` was given.
    pub replace: bool,
    /// `-refresh=false` was given.
    pub no_refresh: bool,
}

/// The attributes and blocks, at the top level, whose changes are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IgnoreChanges {
    /// None.
    #[default]
    Nothing,
    /// These.
    Names(Vec<String>),
    /// All of them.
    All,
}

impl Lifecycle {
    /// The same without `-replace`, which has done its work once the plan is made.
    pub(super) fn unforced(self) -> Self {
        Self {
            replace: false,
            ..self
        }
    }
}

impl IgnoreChanges {
    /// The configuration as the provider gets to see it in a plan.
    pub fn apply(&self, schema: &Block, prior: &Value, config: &Value) -> Value {
        if prior.is_null() || *self == Self::Nothing {
            return config.clone();
        }
        let hidden = |name: &str| match self {
            Self::Nothing => false,
            Self::Names(names) => names.iter().any(|ignored| ignored == name),
            Self::All => schema
                .attributes
                .get(name)
                .is_none_or(|attribute| attribute.optional || attribute.required),
        };
        let names = schema.attributes.keys().chain(schema.blocks.keys());
        names
            .filter(|name| hidden(name))
            .fold(config.clone(), |config, name| {
                config.with(name, prior.attribute(name).clone())
            })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::convert;
    use crate::schema::tests::example;

    fn object(json: serde_json::Value) -> Value {
        convert::block(json.into(), &example()).unwrap()
    }

    #[test]
    fn ignored_changes_are_hidden_behind_the_prior_value() {
        let prior = object(json!({ "name": "old", "note": "old" })).with("id", "7");
        let config = object(json!({ "name": "new", "note": "new", "password": "p" }));
        let names = IgnoreChanges::Names(vec!["note".into(), "password".into()]);
        let seen = names.apply(&example(), &prior, &config);
        assert_eq!(seen["name"], "new");
        assert_eq!(seen["note"], "old");
        assert_eq!(seen["password"], Value::Null);
        let all = IgnoreChanges::All.apply(&example(), &prior, &config);
        assert_eq!(all["name"], "old");
        assert_eq!(all["id"], Value::Null);
        assert_eq!(
            IgnoreChanges::All.apply(&example(), &Value::Null, &config),
            config
        );
    }
}
