//! A resource instance as core keeps it in state.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::value::Value;

/// What state holds of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceInstance {
    /// The object: of the schema's type, or whatever an older version has left.
    pub state: Value,
    /// The provider's private data.
    pub private: Vec<u8>,
    /// Whether the next plan will replace it.
    pub tainted: bool,
    /// The schema version under which the object was stored.
    pub schema_version: i64,
}

impl ResourceInstance {
    /// An instance as an older version of the provider may have left it.
    pub fn stored(attributes: Json, schema_version: i64) -> Self {
        Self {
            state: attributes.into(),
            private: Vec::new(),
            tainted: false,
            schema_version,
        }
    }

    /// As an instance stands in a state file. Attributes of type dynamic are not supported.
    pub fn to_json(&self) -> Json {
        let mut json = json!({
            "schema_version": self.schema_version,
            "attributes": self.state.to_json(),
        });
        if self.tainted {
            json["status"] = "tainted".into();
        }
        if !self.private.is_empty() {
            json["private"] = STANDARD.encode(&self.private).into();
        }
        json
    }

    /// Reads what [`Self::to_json`] writes, or an instance out of a state file. `None` if it is not
    /// one.
    pub fn from_json(json: &Json) -> Option<Self> {
        let private = match &json["private"] {
            Json::Null => Vec::new(),
            text => STANDARD.decode(text.as_str()?).ok()?,
        };
        Some(Self {
            state: Value::from(json["attributes"].as_object().cloned().map(Json::Object)?),
            private,
            tainted: json["status"] == "tainted",
            schema_version: json["schema_version"].as_i64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_survives_the_state_file() {
        let instance = ResourceInstance {
            private: b"\x00{}".to_vec(),
            tainted: true,
            ..ResourceInstance::stored(json!({ "id": "x", "n": 1, "list": [{ "a": null }] }), 3)
        };
        assert_eq!(
            ResourceInstance::from_json(&instance.to_json()),
            Some(instance)
        );
    }
}
