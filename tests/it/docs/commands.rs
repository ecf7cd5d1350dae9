//! Every command that a page tells contributors to run exists.

use std::fs;

use super::{blocks::blocks, root};

#[test]
fn every_command_in_the_readme_and_in_contributing_exists() {
    let mut checked = 0;
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "examples/modules/x509-user/README.md",
    ] {
        for block in blocks(&root().join(page), &["shell"]) {
            for line in block.text.lines() {
                let words: Vec<&str> = line
                    .split(" #")
                    .next()
                    .unwrap_or_default()
                    .split_whitespace()
                    .collect();
                // Variables in front of a command.
                let words: Vec<&str> = words
                    .into_iter()
                    .skip_while(|word| word.contains('=') && !word.starts_with('-'))
                    .collect();
                assert!(
                    exists(&words),
                    "{}: {line:?} is no command that is known to work",
                    block.place
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 12, "commands are found: {checked}");
}

fn exists(words: &[&str]) -> bool {
    match words {
        ["cargo", "xtask", name, options @ ..] => {
            *name == "--help"
                || xtask::VERBS.iter().any(|verb| {
                    let known = |option: &&str| {
                        **option == *"--help" || verb.help.contains(&format!("  {option} "))
                    };
                    verb.name == *name
                        && options
                            .iter()
                            .filter(|option| option.starts_with("--"))
                            .all(known)
                })
        }
        ["cargo", "test" | "run", "-p", package, ..] => has_package(package),
        ["cargo", "test", "--test", test, ..] => {
            root().join("tests").join(test).join("main.rs").is_file()
        }
        [".ci/run"] => root().join(".ci/run").is_file(),
        []
        | ["cargo", "build"]
        | ["cargo", "test", "--workspace"]
        | [
            "terraform",
            "init" | "plan" | "apply" | "test" | "output" | "destroy",
            ..,
        ]
        // The second three check a release that was downloaded.
        | ["mongosh" | "cat" | "export" | "umask" | "sha256sum" | "gpg" | "gh", ..] => true,
        // The inside of the CLI configuration that a page writes with `cat`.
        [word, ..] => {
            [
                "provider_installation",
                "dev_overrides",
                "}",
                "direct",
                "EOF",
            ]
            .contains(word)
                || word.starts_with('"')
        }
    }
}

fn has_package(name: &str) -> bool {
    [
        "",
        "xtask",
        "tf-provider",
        "tests/host",
        "tests/local-atlas",
    ]
    .iter()
    .any(|folder| {
        let manifest =
            fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap_or_default();
        manifest.contains(&format!("\nname = {name:?}\n"))
    })
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    for line in [
        "cargo xtask quikstart",
        "cargo xtask docs --chekc",
        "cargo test -p nobody",
        "terraform frobnicate",
        "make",
    ] {
        assert!(
            !exists(&line.split_whitespace().collect::<Vec<_>>()),
            "{line}"
        );
    }
}
