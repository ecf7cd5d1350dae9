//! `THREAT_MODEL.md` and `tests/README.md` name tests that exist, and the supply chain follows its rules.

use std::fs;

use crate::docs::root;

#[test]
fn every_control_and_every_promise_names_test_files_that_exist() {
    let text =
        read("THREAT_MODEL.md") + read("tests/README.md").split("## Promises").nth(1).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.starts_with("| ") && !line.ends_with("| test |") && !line.ends_with("| tests |")
        })
        .collect();
    assert!(rows.len() > 70, "{} controls and promises", rows.len());
    for row in rows {
        let tests = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let files: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!files.is_empty(), "no test: {row}");
        for file in files {
            assert!(
                read(file).contains("#[test]") || read(file).contains("#[tokio::test"),
                "{file} has no tests"
            );
        }
    }
}

#[test]
fn every_action_in_a_workflow_is_pinned_by_commit_with_its_version() {
    let mut actions = 0;
    for folder in [".github/workflows", ".github/actions/local-atlas"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let path = file.unwrap().path();
            for line in fs::read_to_string(&path).unwrap().lines() {
                let Some((_, action)) = line.split_once("uses: ") else {
                    continue;
                };
                if action.starts_with("./") {
                    continue;
                }
                assert!(is_pinned(action), "{}: {action}", path.display());
                actions += 1;
            }
        }
    }
    assert!(actions > 10, "{actions} actions");
}

/// Whether an action is `NAME@COMMIT # vX.Y.Z`.
fn is_pinned(action: &str) -> bool {
    let Some((commit, version)) =
        action.split_once('@').and_then(|(_, rest)| rest.split_once(" # v"))
    else {
        return false;
    };
    commit.len() == 40
        && commit.chars().all(|c| c.is_ascii_hexdigit())
        && version.starts_with(|c: char| c.is_ascii_digit())
}

#[test]
fn an_action_with_a_tag_a_branch_or_no_version_is_not_pinned() {
    let commit = "3d3c42e5aac5ba805825da76410c181273ba90b1";
    assert!(is_pinned(&format!("actions/checkout@{commit} # v7.0.1")));
    for action in ["actions/checkout@v7", "actions/checkout@main # v7.0.1", "actions/checkout"] {
        assert!(!is_pinned(action), "{action}");
    }
    assert!(!is_pinned(&format!("actions/checkout@{commit}")));
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
