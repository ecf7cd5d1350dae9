//! SECURITY.md promises nothing that no test shows, and the rules for what we depend on are in force.

use std::{fs, path::Path};

#[test]
fn every_claim_names_tests_that_exist() {
    let text = read("SECURITY.md");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what stops them"));
    let mut claims = 0;
    for row in rows {
        let tests = row
            .trim_end_matches([' ', '|'])
            .rsplit('|')
            .next()
            .expect("a last cell");
        let mut file = None;
        let mut named = 0;
        for quoted in tests.split('`').skip(1).step_by(2) {
            if quoted.contains('/') {
                file = Some((quoted, read(quoted)));
                continue;
            }
            let (path, source) = file.as_ref().expect("a file before its tests");
            let at = source
                .find(&format!("fn {quoted}("))
                .unwrap_or_else(|| panic!("{path} has no test {quoted}"));
            let before: Vec<&str> = source[..at].lines().rev().take(6).collect();
            assert!(
                before.iter().any(|line| line.contains("test")),
                "{quoted} in {path} is no test"
            );
            named += 1;
        }
        assert!(named > 0, "no test shows this: {row}");
        claims += 1;
    }
    assert!(claims > 30, "only {claims} claims were found");
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    for member in [
        "tf-provider",
        "tests/fuzz-harness",
        "tests/host",
        "tests/local-atlas",
        "xtask",
    ] {
        let manifest = read(&format!("{member}/Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{member}");
    }
}

#[test]
fn the_dependencies_are_judged_by_rules() {
    let rules = read("deny.toml");
    for section in ["[licenses]", "[bans]", "[sources]"] {
        assert!(rules.contains(section), "deny.toml lacks {section}");
    }
    for banned in ["ring", "openssl"] {
        assert!(rules.contains(banned), "deny.toml does not ban {banned}");
    }
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
