//! The text of source files, for tests about the text of the product.

use std::fs;

use crate::docs::{root, shown, walk};

/// A part of a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Without unit tests.
    Product,
    /// Unit tests.
    Tests,
}

/// Path from the root of the repository and text of every Rust file of the product.
pub fn sources(part: Part) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, text) in ["src", "tf-provider/src"].into_iter().flat_map(files) {
        let is_test_file = path.ends_with("/tests.rs") || path.contains("/tests/");
        let split = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
        let text = match part {
            Part::Product if is_test_file => continue,
            Part::Product => &text[..split],
            Part::Tests if is_test_file => &text,
            Part::Tests => &text[split..],
        };
        found.push((path, text.to_owned()));
    }
    assert!(found.len() > 50, "the sources are where they were");
    found
}

/// The text of all tests: unit tests and integration tests.
pub fn tests() -> String {
    let tests = sources(Part::Tests).into_iter().chain(files("tests/it"));
    tests.map(|(_, text)| text).collect()
}

/// Path from the root of the repository and text of every Rust file below a folder.
pub fn files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut |file| {
        if file.extension().is_some_and(|extension| extension == "rs") {
            found.push((shown(file), fs::read_to_string(file).unwrap()));
        }
    });
    found
}
