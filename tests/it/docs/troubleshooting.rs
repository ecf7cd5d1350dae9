//! The troubleshooting guide has the codes and titles of the provider, and no others.

use std::{collections::BTreeSet, fs};

use super::root;
use crate::support::sources::{Part, files, sources};

#[test]
fn every_error_code_that_the_provider_explains_is_in_the_guide() {
    let guide = guide();
    let sources = sources(Part::Product).into_iter();
    let advice = sources.filter(|(path, _)| path.starts_with("src/provider/diagnostics/"));
    let source: String = advice.map(|(_, text)| text).collect();
    let codes: BTreeSet<_> = quoted(&source, '"').filter(|text| is_code(text)).collect();
    assert!(codes.len() > 20, "codes are found: {codes:?}");
    let missing: Vec<_> = codes.iter().filter(|it| !guide.contains(&format!("`{it}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_title_and_code_in_the_guide_is_one_of_the_provider() {
    let folders = ["src", "tf-provider/src/terraform"];
    let source: String = folders.into_iter().flat_map(files).map(|(_, text)| text).collect();
    // The last column is advice.
    let guide = guide();
    let rows = guide.lines().filter(|line| line.starts_with('|'));
    let columns = rows.filter_map(|row| row.trim_end_matches('|').rsplit_once('|'));
    let columns: Vec<&str> = columns.map(|(front, _)| front).collect();
    let columns = columns.join("\n");
    let is_ours = |text: &&str| is_code(text) || is_title(text);
    let named: BTreeSet<_> = quoted(&columns, '`').filter(is_ours).collect();
    assert!(named.len() > 50, "titles and codes are found: {named:?}");
    let unknown: Vec<_> = named.iter().filter(|it| !source.contains(&format!("{it:?}"))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/guides/troubleshooting.md")).unwrap()
}

/// The texts between two such marks on one line.
fn quoted(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.lines().flat_map(move |line| line.split(mark).skip(1).step_by(2))
}

/// Such as `USER_NOT_FOUND`, and not the name of an environment variable.
fn is_code(text: &str) -> bool {
    let variables = ["MONGODB_ATLAS_", "MCLI_", "TF_", "SSL_CERT_", "HTTPS_", "NO_PROXY"];
    let is_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.contains('_')
        && text.chars().all(is_code)
        && !variables.iter().any(|prefix| text.starts_with(prefix))
}

/// Such as `Atlas cannot be reached`.
fn is_title(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_uppercase());
    begins && text.contains(' ') && !text.contains("...")
}
