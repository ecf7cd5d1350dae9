//! The text of source files, for tests about the text of the product.

use std::{fs, path::Path};

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let path = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
        if root.join(&path).is_dir() {
            found.extend(files(&path));
        } else if Path::new(&path).extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            found.push((path, text));
        }
    }
    found
}
