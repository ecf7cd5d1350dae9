//! The troubleshooting guide knows the codes and titles that the provider knows, and no others.

use std::{collections::BTreeSet, fs};

use super::{root, walk};

#[test]
fn every_error_code_that_the_provider_explains_is_in_the_guide() {
    let guide = guide();
    let codes: BTreeSet<String> = quoted(&source("src/provider/diagnostics"), '"')
        .into_iter()
        .filter(|text| is_code(text))
        .collect();
    assert!(codes.len() > 20, "codes are found: {codes:?}");
    let missing: Vec<_> =
        codes.iter().filter(|code| !guide.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_title_and_code_in_the_guide_is_one_that_the_provider_gives() {
    let source = source("src");
    let rows =
        guide().lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect::<Vec<_>>();
    // The last column is advice.
    let columns: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.trim_end_matches('|').rsplit_once('|'))
        .map(|(front, _)| front)
        .collect();
    let named: BTreeSet<String> = quoted(&columns.join("\n"), '`')
        .into_iter()
        .filter(|text| is_code(text) || is_title(text))
        .collect();
    assert!(named.len() > 50, "titles and codes are found: {named:?}");
    let unknown: Vec<_> =
        named.iter().filter(|text| !source.contains(&format!("\"{text}\""))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/guides/troubleshooting.md")).unwrap()
}

/// All Rust source below a folder, the protocol server's words included.
fn source(folder: &str) -> String {
    let mut text = String::new();
    for folder in [folder, "tf-provider/src/terraform"] {
        walk(&root().join(folder), &mut |file| {
            text += &fs::read_to_string(file).unwrap();
        });
    }
    text
}

/// What stands between two such marks on one line.
fn quoted(text: &str, mark: char) -> Vec<String> {
    text.lines().flat_map(|line| line.split(mark).skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Such as `USER_NOT_FOUND`, and not the name of an environment variable.
fn is_code(text: &str) -> bool {
    let foreign = ["MONGODB_ATLAS_", "MCLI_", "TF_", "SSL_CERT_", "HTTPS_", "NO_PROXY"];
    text.contains('_')
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !foreign.iter().any(|prefix| text.starts_with(prefix))
}

/// Such as `Atlas cannot be reached`; Terraform's own words are no title of ours.
fn is_title(text: &str) -> bool {
    text.contains(' ')
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && !text.contains("...")
}
