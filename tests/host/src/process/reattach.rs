//! Plugins that somebody else has started: what `TF_REATTACH_PROVIDERS` says.

use serde_json::Value as Json;

use super::Address;

/// One entry of `TF_REATTACH_PROVIDERS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reattach {
    /// The provider's source address.
    pub source: String,
    /// Where it listens, in plain text.
    pub address: Address,
    /// Its process.
    pub pid: i64,
    /// The protocol version; 5 where none is given.
    pub version: i64,
}

impl Reattach {
    /// Finds the variable in a plugin's output and reads every entry. `None` for anything that a host
    /// could not use: among it `Test` being other than true, by which the host would kill the plugin.
    pub fn find(output: &str) -> Option<Vec<Self>> {
        let (_, rest) = output.split_once("TF_REATTACH_PROVIDERS=")?;
        let json = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next()?,
            None => rest.lines().next()?,
        };
        Self::parse(json)
    }

    /// Reads the value of the variable.
    pub fn parse(json: &str) -> Option<Vec<Self>> {
        let entries: serde_json::Map<String, Json> = serde_json::from_str(json).ok()?;
        entries
            .into_iter()
            .map(|(source, entry)| Self::read(source, &entry))
            .collect()
    }

    fn read(source: String, entry: &Json) -> Option<Self> {
        if entry["Protocol"] != "grpc" || entry["Test"] != true {
            return None;
        }
        let address = Address::parse(
            entry["Addr"]["Network"].as_str()?,
            entry["Addr"]["String"].as_str()?,
        )?;
        let version = match &entry["ProtocolVersion"] {
            Json::Null => 5,
            version => version.as_i64()?,
        };
        Some(Self {
            source,
            address,
            pid: entry["Pid"].as_i64()?,
            version,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_found_in_what_a_plugin_prints() {
        let output = r#"Provider started. To attach Terraform CLI, set:

    TF_REATTACH_PROVIDERS='{"registry.terraform.io/ns/x":{"Protocol":"grpc","ProtocolVersion":5,"Pid":7,"Test":true,"Addr":{"Network":"unix","String":"/tmp/p"}}}'
"#;
        let found = Reattach::find(output).unwrap();
        assert_eq!(found[0].source, "registry.terraform.io/ns/x");
        assert_eq!(found[0].address, Address::Unix("/tmp/p".into()));
        assert_eq!((found[0].pid, found[0].version), (7, 5));
    }

    #[test]
    fn an_entry_that_would_get_the_plugin_killed_is_refused() {
        let json =
            r#"{"x/y/z":{"Protocol":"grpc","Pid":7,"Addr":{"Network":"unix","String":"/tmp/p"}}}"#;
        assert_eq!(Reattach::parse(json), None);
    }
}
