use serde_json::{Map, Value, json};

use super::handshake::PROTOCOL_VERSION;

/// The text for a developer who started the binary with `-debug`: how a host finds this process.
pub(super) fn instructions(provider: &str, network: &str, address: &str, pid: u32) -> String {
    // A quote inside would end the shell's word; inside JSON strings it has another spelling.
    let value = variable(provider, network, address, pid).replace('\'', "\\u0027");
    let assignment = if cfg!(windows) {
        format!("$env:TF_REATTACH_PROVIDERS='{value}'")
    } else {
        format!("TF_REATTACH_PROVIDERS='{value}'")
    };
    format!(
        "The provider is running. To use it, set this in the environment of terraform or tofu:\n\
         \n\
         {assignment}\n\
         \n\
         Ctrl-C ends it.\n"
    )
}

/// One entry for each registry a configuration may take the provider from: the same short source means another address
/// to `terraform` than to `tofu`.
fn variable(provider: &str, network: &str, address: &str, pid: u32) -> String {
    // `Test` keeps hosts from ending this process when their work is done.
    let entry = json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": network, "String": address },
    });
    let mut entries = Map::new();
    if let Some((_, source)) = provider.split_once('/') {
        for registry in REGISTRIES {
            entries.insert(format!("{registry}/{source}"), entry.clone());
        }
    }
    entries.insert(provider.to_owned(), entry);
    Value::Object(entries).to_string()
}

const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_the_process_under_the_addresses_of_both_registries() {
        let text = variable("registry.terraform.io/acme/cloud", "unix", "/tmp/p/s", 42);
        let read: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = read.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "registry.opentofu.org/acme/cloud",
                "registry.terraform.io/acme/cloud"
            ]
        );
        assert_eq!(
            read["registry.opentofu.org/acme/cloud"],
            json!({
                "Protocol": "grpc", "ProtocolVersion": 5, "Pid": 42, "Test": true,
                "Addr": { "Network": "unix", "String": "/tmp/p/s" },
            })
        );
    }

    #[test]
    fn keeps_the_address_of_a_private_registry_too() {
        let text = variable("registry.acme.example/acme/cloud", "unix", "/s", 1);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert!(read.get("registry.acme.example/acme/cloud").is_some());
        assert_eq!(read.as_object().unwrap().len(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn stays_one_word_for_the_shell_whatever_the_path_holds() {
        let text = instructions("registry.terraform.io/a/b", "unix", "/tmp/it's/s", 1);
        let line = text
            .lines()
            .find(|line| line.starts_with("TF_REATTACH_PROVIDERS='"))
            .unwrap();
        let value = line
            .strip_prefix("TF_REATTACH_PROVIDERS='")
            .and_then(|rest| rest.strip_suffix('\''))
            .unwrap();
        assert!(!value.contains('\''));
        let read: Value = serde_json::from_str(value).unwrap();
        assert_eq!(
            read["registry.terraform.io/a/b"]["Addr"]["String"],
            "/tmp/it's/s"
        );
    }
}
