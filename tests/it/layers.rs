//! The layers as a table: which folder may name which modules of ours and which crates. A new arrow is a change to this
//! table, seen in review.

mod names;

use std::{fs, path::Path};

use self::names::{Name, names};

/// What the files under a path may name. The longest path that fits counts.
struct Layer {
    /// A folder or a file, from the workspace's root.
    path: &'static str,
    /// Modules of the same crate, by their first segments under `crate`.
    modules: &'static [&'static str],
    /// Other crates.
    crates: &'static [&'static str],
    /// Modules of the standard library that it may not name.
    not_std: &'static [&'static str],
}

/// Every layer may name its own folder, `std` but for `not_std`, and these.
const EVERYWHERE: [&str; 2] = ["thiserror", "tracing"];

/// Crates that a path could begin with although no layer may name them.
const NOWHERE: [&str; 5] = ["std", "http", "hyper", "axum", "local_atlas"];

const LAYERS: &[Layer] = &[
    // tf-provider, the protocol server. Never Atlas, reqwest, X.509 of users.
    Layer {
        path: "tf-provider/src/lib.rs",
        modules: &["plugin", "protocol", "terraform"],
        crates: &["async_trait", "tokio_util", "tonic"],
        not_std: &["env", "fs", "net", "process"],
    },
    // Being a plugin process. Never tfplugin5 messages, schemas.
    Layer {
        path: "tf-provider/src/plugin",
        modules: &["protocol"],
        crates: &[
            "base64",
            "jiff",
            "nix",
            "rcgen",
            "rustls",
            "rustls_pki_types",
            "serde_json",
            "tempfile",
            "tokio",
            "tokio_rustls",
            "tokio_stream",
            "tokio_util",
            "tonic",
            "tracing_subscriber",
        ],
        not_std: &[],
    },
    // Terraform's vocabulary as plain Rust. Never prost, tonic, msgpack, I/O, the clock.
    Layer {
        path: "tf-provider/src/terraform",
        modules: &[],
        crates: &[
            "async_trait",
            "serde_json",
            "tokio_util",
            "unicode_normalization",
        ],
        not_std: &["env", "fs", "io", "net", "process", "time"],
    },
    // When to renew is a time, which nobody reads there.
    Layer {
        path: "tf-provider/src/terraform/ephemeral.rs",
        modules: &[],
        crates: &["async_trait", "tokio_util"],
        not_std: &["env", "fs", "io", "net", "process"],
    },
    // tfplugin5 on the wire. Never sockets, TLS.
    Layer {
        path: "tf-provider/src/protocol",
        modules: &["terraform"],
        crates: &[
            "prost_types",
            "rmp",
            "rmpv",
            "serde_json",
            "tokio",
            "tokio_stream",
            "tokio_util",
            "tonic",
            "unicode_normalization",
        ],
        not_std: &["env", "fs", "net", "process"],
    },
    // terraform-provider-atlas.
    Layer {
        path: "src/lib.rs",
        modules: &[],
        crates: &[],
        not_std: &["env", "fs", "io", "net", "process", "time"],
    },
    Layer {
        path: "src/main.rs",
        modules: &[],
        crates: &["terraform_provider_atlas", "tf_provider", "tokio"],
        not_std: &["env", "fs", "net", "time"],
    },
    // What this provider means. Never prost, tonic, msgpack, reqwest, sockets.
    Layer {
        path: "src/provider",
        modules: &["atlas", "clock", "pkcs12", "sealing", "x509"],
        crates: &[
            "jiff",
            "percent_encoding",
            "secrecy",
            "serde",
            "serde_json",
            "tf_provider",
            "tokio",
        ],
        not_std: &["fs", "net", "process"],
    },
    // Addresses are a part of what these parse.
    Layer {
        path: "src/provider/functions",
        modules: &["x509"],
        crates: &["percent_encoding", "secrecy", "tf_provider"],
        not_std: &["env", "fs", "io", "process", "time"],
    },
    // The Admin API client. Never Terraform in any word, environment variables, diagnostics.
    Layer {
        path: "src/atlas",
        modules: &["clock", "x509"],
        crates: &[
            "base64",
            "bytes",
            "h2",
            "http_auth",
            "http_body",
            "jiff",
            "percent_encoding",
            "reqwest",
            "rustls",
            "secrecy",
            "serde",
            "serde_json",
            "tokio",
            "tokio_util",
            "url",
        ],
        not_std: &["env", "fs", "process"],
    },
    // Beside them, without neighbours.
    Layer {
        path: "src/x509",
        modules: &[],
        crates: &[
            "aws_lc_rs",
            "base64",
            "jiff",
            "rustls",
            "rustls_pki_types",
            "secrecy",
            "unicode_normalization",
            "x509_cert",
            "zeroize",
        ],
        not_std: &["env", "fs", "io", "net", "process", "time"],
    },
    Layer {
        path: "src/sealing.rs",
        modules: &[],
        crates: &["age", "aws_lc_rs", "bech32", "secrecy", "zeroize"],
        not_std: &["env", "fs", "net", "process", "time"],
    },
    Layer {
        path: "src/pkcs12.rs",
        modules: &["x509"],
        crates: &[
            "base64",
            "p12_keystore",
            "rustls_pki_types",
            "secrecy",
            "zeroize",
        ],
        not_std: &["env", "fs", "net", "process", "time"],
    },
    Layer {
        path: "src/clock.rs",
        modules: &[],
        crates: &["jiff"],
        not_std: &["env", "fs", "io", "net", "process"],
    },
];

#[test]
fn no_layer_names_what_it_must_not_know() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut files = Vec::new();
    for folder in ["src", "tf-provider/src"] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 50, "the sources are not where they were");
    for file in files {
        let path = file
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        found.extend(violations(&path, &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_row_of_the_table_is_about_something() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for layer in LAYERS {
        let path = root.join(layer.path);
        assert!(
            path.exists(),
            "{} is in the table and not in the tree",
            layer.path
        );
    }
}

#[test]
fn a_forbidden_line_is_found() {
    let text = "//! Decides.\n\nuse std::time::Duration;\n\nuse tf_provider::Diagnostic;\n";
    assert_eq!(
        violations("src/atlas/retry.rs", text),
        ["src/atlas/retry.rs:5 may not name tf_provider"]
    );
    let text = "fn f() {\n    let x = crate::provider::config::schema();\n    reqwest::get(tokio::join!(x));\n}\n";
    assert_eq!(
        violations("src/x509/name.rs", text),
        [
            "src/x509/name.rs:2 may not name crate::provider",
            "src/x509/name.rs:3 may not name reqwest",
            "src/x509/name.rs:3 may not name tokio",
        ]
    );
    let text = "use super::{\n    super::protocol::decode,\n    path::Path,\n};\nuse {serde_json::Value, prost::Message};\n";
    assert_eq!(
        violations("tf-provider/src/terraform/value.rs", text),
        [
            "tf-provider/src/terraform/value.rs:2 may not name crate::protocol",
            "tf-provider/src/terraform/value.rs:5 may not name prost",
        ]
    );
    let text = "use std::{env, time::Duration};\nlet x = \"a text\n  use tonic::y;\";\nlet y = std::fs::read(x);\n";
    assert_eq!(
        violations("src/atlas/issue.rs", text),
        [
            "src/atlas/issue.rs:1 may not name std::env",
            "src/atlas/issue.rs:4 may not name std::fs"
        ]
    );
    assert_eq!(
        violations("src/elsewhere/x.rs", ""),
        ["src/elsewhere/x.rs is in no layer"]
    );
}

#[test]
fn what_is_allowed_or_only_talked_about_is_not_found() {
    let text = "//! Like `reqwest::get`.\nuse crate::{atlas::Client, x509};\nuse super::model;\n// tonic::x\nlet s = \"prost::x\";\n\
                use tf_provider::Value;\nuse serde_json::{Value as Json, json};\nValue::object(json::x);\n\
                #[cfg(test)]\nmod tests {\n    use tonic::x;\n}\n";
    assert_eq!(
        violations("src/provider/user_certificate/plan.rs", text),
        Vec::<String>::new()
    );
}

/// What the file names and its layer must not know, with the line.
fn violations(path: &str, text: &str) -> Vec<String> {
    let fits = |layer: &&Layer| path == layer.path || path.starts_with(&format!("{}/", layer.path));
    let Some(layer) = LAYERS
        .iter()
        .filter(fits)
        .max_by_key(|layer| layer.path.len())
    else {
        return vec![format!("{path} is in no layer")];
    };
    let own = module_of(path);
    let crates = LAYERS
        .iter()
        .flat_map(|layer| layer.crates)
        .chain(&NOWHERE)
        .map(|name| (*name).to_owned());
    names(text, &own, &crates.collect::<Vec<_>>())
        .into_iter()
        .filter_map(|(line, name)| match name {
            Name::Crate(name) => {
                let allowed =
                    EVERYWHERE.contains(&name.as_str()) || layer.crates.contains(&name.as_str());
                (!allowed).then(|| format!("{path}:{line} may not name {name}"))
            }
            Name::Std(name) => layer
                .not_std
                .contains(&name.as_str())
                .then(|| format!("{path}:{line} may not name std::{name}")),
            Name::Module(top) => {
                let allowed = own.first() == Some(&top) || layer.modules.contains(&top.as_str());
                (!allowed).then(|| format!("{path}:{line} may not name crate::{top}"))
            }
        })
        .collect()
}

/// `src/atlas/retry.rs` is the module `atlas::retry`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let mut segments: Vec<String> = inside
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if segments
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        segments.pop();
    }
    segments
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}
