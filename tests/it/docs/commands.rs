//! Every `cargo xtask` command in a page is one that the command line accepts.

use clap::Parser;

use super::{blocks::blocks, pages};

#[test]
fn every_xtask_command_in_a_page_is_accepted() {
    let mut accepted = 0;
    for page in pages() {
        for block in blocks(&page, &["shell", "console"]) {
            for line in block.text.lines().filter_map(|line| line.split_once("cargo xtask ")) {
                let command = line.1.split(" #").next().unwrap_or_default().replace('"', "");
                let words = ["xtask"].into_iter().chain(command.split_whitespace());
                match xtask::Xtask::try_parse_from(words) {
                    Err(error) if error.use_stderr() => {
                        panic!("{}: {command}\n{error}", block.place)
                    }
                    _ => accepted += 1,
                }
            }
        }
    }
    assert!(accepted > 5, "commands are found: {accepted}");
}
