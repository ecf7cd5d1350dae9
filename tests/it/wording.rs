//! Words that the house style replaces occur nowhere in code, messages and documentation.

use std::{fs, path::Path};

/// Lower-case text, and the term to use.
const WORDS: [(&str, &str); 7] = [
    ("farewell", "destroy warning"),
    (" anew", "again, or: a new certificate"),
    ("in clear", "in plain text"),
    ("atlas' ", "Atlas's, or: the Atlas ..."),
    ("half a login", "incomplete credentials"),
    ("all the same", "(leave out)"),
    ("what came", "the response"),
];

#[test]
fn replaced_words_occur_nowhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [
        "src",
        "tf-provider/src",
        "tests",
        "xtask",
        "docs",
        "examples",
        "templates",
        "fuzz/fuzz_targets",
        ".",
    ] {
        check(root, folder, folder != ".", &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn check(root: &Path, folder: &str, is_recursive: bool, found: &mut Vec<String>) {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten();
    for name in entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok()) {
        let path = format!("{folder}/{name}");
        let is_text = [".rs", ".md", ".tf", ".proto"].iter().any(|ending| name.ends_with(ending));
        if root.join(&path).is_dir() && is_recursive && name != "target" {
            check(root, &path, true, found);
        } else if is_text && path != "tests/it/wording.rs" {
            let text = fs::read_to_string(root.join(&path)).unwrap().to_lowercase();
            for (number, line) in (1..).zip(text.lines()) {
                let words = WORDS.iter().filter(|(word, _)| line.contains(word));
                found.extend(
                    words.map(|(word, term)| format!("{path}:{number}: {word:?}; write {term}")),
                );
            }
        }
    }
}
