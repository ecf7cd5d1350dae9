//! What each folder may `use`. A new dependency between layers is a change to this table.

use crate::support::sources::{Part, sources};

/// Path | modules of its own crate that it may use besides itself | crates that it must not use. The first row that fits counts.
const LAYERS: &str = "\
tf-provider/src/lib.rs    | plugin protocol terraform        | reqwest rustls prost rmpv std::env std::net
tf-provider/src/plugin    | protocol                         | reqwest rmp rmpv prost
tf-provider/src/protocol  | terraform                        | reqwest rustls tokio_rustls std::env std::fs std::net std::process
tf-provider/src/terraform |                                  | prost tonic rmp rmpv tokio std::env std::fs std::net std::process
src/lib.rs                |                                  | reqwest tonic std::env
src/main.rs               |                                  | reqwest tonic std::env std::net
src/atlas                 | clock x509                       | tf_provider tonic prost age std::env std::fs std::process
src/provider/functions    | x509                             | reqwest tokio std::env std::fs std::process std::time
src/provider              | atlas clock pkcs12 sealing x509  | reqwest rustls tonic prost rmp std::fs std::net std::process
src/x509                  |                                  | tf_provider reqwest tokio std::env std::fs std::net std::process
src/pkcs12                | x509                             | tf_provider reqwest tokio std::env std::fs std::net std::process
src/sealing               |                                  | tf_provider reqwest tokio std::env std::fs std::net std::process
src/clock.rs              |                                  | tf_provider reqwest tokio std::env std::fs std::net std::process";

/// The files of `src/atlas`, lowest first: each may use only those before it.
const ATLAS: &str = "params proxy config sanitize error request response single_use_body \
    http_settings http retry shared auth issued_ids client issue";

#[test]
fn every_file_uses_only_what_its_layer_may_use() {
    let violations: Vec<_> =
        sources(Part::Product).iter().flat_map(|(path, text)| violations_in(path, text)).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn a_forbidden_use_is_found() {
    let text = "//! x\nuse std::{\n    env,\n    time::{self, Duration},\n};\nuse super::{config::Config, issue::{a, b}};\n";
    let found =
        violations_in("src/atlas/http.rs", text).join(" ").replace("src/atlas/http.rs: ", "");
    assert_eq!(found, "std::env crate::atlas::issue::a crate::atlas::issue::b");
    let found = violations_in("src/x509/mod.rs", "use crate::{atlas::Client, x509::pem};");
    assert_eq!(found, ["src/x509/mod.rs: crate::atlas::Client"]);
}

fn violations_in(path: &str, text: &str) -> Vec<String> {
    let mut rows = LAYERS.lines().map(|row| row.split('|').map(str::trim));
    let row = rows.find_map(|mut row| path.starts_with(row.next()?).then_some(row));
    let mut row = row.unwrap_or_else(|| panic!("{path} is in no layer"));
    let (modules, crates) = (row.next().unwrap(), row.next().unwrap());
    let is_in = |name: &str, list: &str| {
        let mut parents = list.split_whitespace();
        parents.any(|parent| format!("{name}::").starts_with(&format!("{parent}::")))
    };
    let rank = |file: &str| ATLAS.split(' ').position(|known| known == file);
    let inside = path.rsplit("src/").next().unwrap().trim_end_matches(".rs");
    let own: Vec<_> = inside.trim_end_matches("/mod").split('/').collect();
    let code = format!("\n{text}");
    let trees = code.split("\nuse ").skip(1);
    let trees = trees.map(|rest| rest.split(';').next().unwrap().split_whitespace().collect());
    let is_violation = |name: &String| match name.split("::").collect::<Vec<_>>()[..] {
        ["crate", "atlas", file, ..] if own[0] == "atlas" && own.len() > 1 => {
            file != own[1] && rank(file).is_none_or(|place| Some(place) > rank(own[1]))
        }
        ["crate", ..] => !is_in(&name[7..], own[0]) && !is_in(&name[7..], modules),
        _ => is_in(name, crates),
    };
    let names = trees.flat_map(|tree: String| expand(&tree));
    let violations = names.map(|name| absolute(&name, &own)).filter(is_violation);
    violations.map(|name| format!("{path}: {name}")).collect()
}

/// `super::x` and `self::x` from the root of the crate.
fn absolute(name: &str, own: &[&str]) -> String {
    let levels = name.split("::").take_while(|part| *part == "super").count();
    if levels == 0 && !name.starts_with("self::") {
        return name.to_owned();
    }
    let rest = name.split("::").skip(levels.max(1)).collect::<Vec<_>>();
    [&["crate"], &own[..own.len() - levels], &rest].concat().join("::")
}

/// `a::{b,c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, members)) = tree.split_once('{') else {
        return vec![tree.trim_end_matches('}').to_owned()];
    };
    let mut depth = 0;
    let members = members.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let members = members.filter(|member| !member.trim_end_matches('}').is_empty());
    let names = members.flat_map(expand);
    names.map(|name| format!("{prefix}{name}")).collect()
}
