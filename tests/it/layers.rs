//! The layers as a table: the modules of its crate that a folder may use, and the crates that it may not. The test reads
//! `use` items, which rustfmt keeps in one form, down to the unit tests at the end of a file.

use std::{fs, path::Path};

/// Folder or file, allowed modules, forbidden crates. The longest path that matches a file counts.
#[rustfmt::skip]
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("tf-provider/src/lib.rs", &["plugin", "protocol", "terraform"], &["prost", "rmp", "rustls"]),
    ("tf-provider/src/plugin", &["protocol"], &["prost", "prost_types", "rmp", "reqwest"]),
    ("tf-provider/src/plugin/handshake.rs", &[], &["rustls", "tokio", "tonic"]),
    ("tf-provider/src/terraform", &[], &["prost", "prost_types", "rmp", "rustls", "tokio", "tonic"]),
    ("tf-provider/src/protocol", &["terraform"], &["jiff", "rcgen", "reqwest", "rustls", "tokio_rustls"]),
    ("src/lib.rs", &[], &["reqwest", "tokio", "tonic"]),
    ("src/main.rs", &[], &["reqwest", "tonic"]),
    ("src/provider", &["atlas", "clock", "pkcs12", "sealing", "x509"], &["prost", "reqwest", "rmp", "rustls", "tonic"]),
    ("src/provider/functions", &["x509"], &["jiff", "prost", "reqwest", "tokio", "tonic"]),
    ("src/atlas", &["clock", "x509"], &["prost", "tf_provider", "tonic"]),
    ("src/x509", &[], &["reqwest", "tf_provider", "tokio", "tonic"]),
    ("src/sealing.rs", &[], &["reqwest", "tf_provider", "tokio", "tonic"]),
    ("src/pkcs12.rs", &["x509"], &["reqwest", "tf_provider", "tokio", "tonic"]),
    ("src/clock.rs", &[], &["reqwest", "tf_provider", "tokio", "tonic"]),
];

#[test]
fn no_layer_uses_a_forbidden_module_or_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut violations = Vec::new();
    for folder in ["src", "tf-provider/src"] {
        visit(&root.join(folder), &mut |file| {
            let path = file.strip_prefix(root).unwrap().to_str().unwrap();
            violations.extend(check(
                &path.replace('\\', "/"),
                &fs::read_to_string(file).unwrap(),
            ));
        });
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let missing = LAYERS.iter().find(|(path, ..)| !root.join(path).exists());
    assert_eq!(missing, None, "the table names a path that does not exist");
}

#[test]
fn a_forbidden_use_is_found() {
    let text = "//! use prost::x;\nuse std::env;\nuse crate::{\n    clock::{self, Clock},\n    provider::client,\n};\nuse crate::{clock::Clock, sealing};\npub use tf_provider::Value;\n\n#[cfg(test)]\nmod tests {\n    use tonic::x;\n}\n";
    let found = [
        "src/atlas/issue.rs uses crate::provider",
        "src/atlas/issue.rs uses crate::sealing",
        "src/atlas/issue.rs uses tf_provider",
    ];
    assert_eq!(check("src/atlas/issue.rs", text), found);
    assert_eq!(check("src/provider/client.rs", text), [""; 0]);
    assert_eq!(
        check("src/elsewhere.rs", ""),
        ["src/elsewhere.rs is in no layer"]
    );
}

fn check(path: &str, text: &str) -> Vec<String> {
    let mut layers: Vec<_> = LAYERS
        .iter()
        .filter(|(layer, ..)| path.starts_with(layer))
        .collect();
    layers.sort_by_key(|(layer, ..)| layer.len());
    let Some((layer, modules, crates)) = layers.pop() else {
        return vec![format!("{path} is in no layer")];
    };
    // The first folder or file below `src` is the top module, which may use itself.
    let own = layer
        .rsplit("src/")
        .next()
        .unwrap()
        .split(['/', '.'])
        .next()
        .unwrap();
    let names = uses(text);
    let forbidden = names.iter().filter(|(name, inner)| match name.as_str() {
        "crate" => inner != own && !modules.contains(&inner.as_str()),
        name => crates.contains(&name),
    });
    forbidden
        .map(|(name, inner)| match name.as_str() {
            "crate" => format!("{path} uses crate::{inner}"),
            name => format!("{path} uses {name}"),
        })
        .collect()
}

/// The first two segments of every path in a `use` item.
fn uses(text: &str) -> Vec<(String, String)> {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    let mut found = Vec::new();
    for item in text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| !line.starts_with("//"))
    {
        let Some((before, _)) = item.1.split_once("use ") else {
            continue;
        };
        if !before.is_empty() && !before.starts_with("pub") {
            continue;
        }
        let rest: String = text.split('\n').skip(item.0).collect();
        let path = rest
            .split_once("use ")
            .unwrap()
            .1
            .split(';')
            .next()
            .unwrap();
        let (root, tree) = path.split_once("::").unwrap_or((path, ""));
        for branch in branches(tree.trim_start_matches('{')) {
            let segment = branch.split("::").next().unwrap().trim_matches([' ', '}']);
            found.push((root.to_owned(), segment.to_owned()));
        }
    }
    found
}

/// The parts of a `use` tree between the commas that are not inside of braces.
fn branches(tree: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = tree.split(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    parts
        .filter(|part| !part.trim_matches([' ', '}']).is_empty())
        .collect()
}

fn visit(folder: &Path, act: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            visit(&path, act);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !is_test {
            act(&path);
        }
    }
}
