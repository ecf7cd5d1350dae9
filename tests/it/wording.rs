//! Words that the house style replaces occur nowhere in code, messages and documentation.

use std::{fs, path::Path};

use crate::docs::{root, shown, walk};

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
    let mut files: Vec<_> =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let folders = "src tf-provider/src tests xtask docs examples templates fuzz/fuzz_targets";
    for folder in folders.split(' ') {
        walk(&root().join(folder), &mut |file| files.push(file.to_owned()));
    }
    let is_text = |file: &Path| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("rs" | "md" | "tf" | "proto")) && !file.ends_with(file!())
    };
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_text(file)) {
        let text = fs::read_to_string(file).unwrap().to_lowercase();
        for (number, line) in (1..).zip(text.lines()) {
            let words = WORDS.iter().filter(|(word, _)| line.contains(word));
            let place = format!("{}:{number}", shown(file));
            found.extend(words.map(|(word, term)| format!("{place}: {word:?}; write {term}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
