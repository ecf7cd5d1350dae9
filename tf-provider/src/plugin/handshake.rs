//! The handshake with the host: the magic cookie, the protocol version and the line on standard output.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Map, Value, json};

use super::listener::Endpoint;

/// The protocol version of the handshake line, whatever the host offers: the host reports a mismatch.
const PROTOCOL_VERSION: u32 = 5;
const CORE_VERSION: u32 = 1;
/// The value of `TF_PLUGIN_MAGIC_COOKIE` that hosts set.
pub(super) const MAGIC_COOKIE: &str =
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// Whether this value of `PLUGIN_PROTOCOL_VERSIONS` contains version 5.
pub(super) fn offers_version(versions: Option<&str>) -> bool {
    versions.is_some_and(|all| all.split(',').any(|it| it.trim().parse() == Ok(PROTOCOL_VERSION)))
}

/// The line on standard output that a host waits for.
///
/// `certificate` is the certificate of this process as DER; without one the host connects in plain text. `multiplexing`
/// adds the seventh field, which states that this plugin does not multiplex.
pub(super) fn line(endpoint: &Endpoint, certificate: Option<&[u8]>, multiplexing: bool) -> String {
    let (network, address) = (endpoint.network, &endpoint.address);
    let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der));
    let certificate = certificate.unwrap_or_default();
    let seventh = if multiplexing { "|false" } else { "" };
    format!("{CORE_VERSION}|{PROTOCOL_VERSION}|{network}|{address}|grpc|{certificate}{seventh}\n")
}

/// The instructions for a developer who started the binary with `-debug`: the value of `TF_REATTACH_PROVIDERS` has an entry
/// for each registry, because a short source address means another one to `terraform` than to `tofu`.
pub(super) fn reattach(provider: &str, endpoint: &Endpoint, pid: u32) -> String {
    // `Test` keeps hosts from ending this process after a run.
    let entry = json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": endpoint.network, "String": endpoint.address },
    });
    let mut entries = Map::new();
    if let Some((_, source)) = provider.split_once('/') {
        for registry in REGISTRIES {
            entries.insert(format!("{registry}/{source}"), entry.clone());
        }
    }
    entries.insert(provider.to_owned(), entry);
    // A single quote would end the word in a shell; JSON has an escape for it.
    let value = Value::Object(entries).to_string().replace('\'', "\\u0027");
    let assignment = if cfg!(windows) {
        format!(
            "$env:TF_REATTACH_PROVIDERS='{value}'\n\nor, in cmd.exe,\n\nset TF_REATTACH_PROVIDERS={value}"
        )
    } else {
        format!("TF_REATTACH_PROVIDERS='{value}'")
    };
    format!(
        "The provider is running. To use it, set this in the environment of terraform or tofu:\n\n\
         {assignment}\n\n\
         Ctrl-C ends it.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(network: &'static str, address: &str) -> Endpoint {
        Endpoint { network, address: address.to_owned(), socket_dir: std::sync::Arc::default() }
    }

    #[test]
    fn version_is_found_in_any_order_and_among_junk() {
        for offered in ["5", "5,6", "6,5", "x,,5", " 5 "] {
            assert!(offers_version(Some(offered)), "{offered:?}");
        }
        for offered in [None, Some(""), Some("6"), Some("55"), Some("five")] {
            assert!(!offers_version(offered), "{offered:?}");
        }
    }

    #[test]
    fn line_has_six_fields_and_a_seventh_on_request() {
        let unix = endpoint("unix", "/tmp/plugin1/socket");
        let plain = line(&unix, None, false);
        assert_eq!(plain, "1|5|unix|/tmp/plugin1/socket|grpc|\n");

        let tcp = endpoint("tcp", "127.0.0.1:10000");
        let secured = line(&tcp, Some(&[0xfb, 0xff, 0xfe, 0x01]), true);
        assert_eq!(secured, "1|5|tcp|127.0.0.1:10000|grpc|+//+AQ|false\n");
    }

    /// The value of the variable, which must be one word in a shell.
    fn reattach_providers(provider: &str, address: &str, pid: u32) -> Value {
        let text = reattach(provider, &endpoint("unix", address), pid);
        let (_, rest) = text.split_once("TF_REATTACH_PROVIDERS='").unwrap();
        let (word, rest) = rest.split_once('\'').unwrap();
        assert!(rest.starts_with('\n'), "{text}");
        serde_json::from_str(word).unwrap()
    }

    #[test]
    fn reattach_names_the_process_under_the_addresses_of_both_registries() {
        let read = reattach_providers("registry.terraform.io/acme/cloud", "/tmp/p/s", 42);
        let keys: Vec<_> = read.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["registry.opentofu.org/acme/cloud", "registry.terraform.io/acme/cloud"]);
        assert_eq!(
            read["registry.opentofu.org/acme/cloud"],
            json!({
                "Protocol": "grpc", "ProtocolVersion": 5, "Pid": 42, "Test": true,
                "Addr": { "Network": "unix", "String": "/tmp/p/s" },
            })
        );
    }

    #[test]
    fn reattach_keeps_the_address_of_a_private_registry() {
        let read = reattach_providers("registry.acme.example/acme/cloud", "/s", 1);
        assert!(read.get("registry.acme.example/acme/cloud").is_some());
        assert_eq!(read.as_object().unwrap().len(), 3);
    }

    #[test]
    fn reattach_is_one_shell_word_for_any_path() {
        let read = reattach_providers("registry.terraform.io/a/b", "/tmp/it's/s", 1);
        assert_eq!(read["registry.terraform.io/a/b"]["Addr"]["String"], "/tmp/it's/s");
    }
}
