//! Every Terraform configuration in README, docs and guides is validated by the real CLI, and every `cargo xtask` command is one
//! that the command line accepts. A block that uses other providers is only checked for its format, except in the test that
//! downloads them.

use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser as _;
use tf_harness::cli::{Output, SOURCE, Workspace};
use xtask::package::{Mirror, NAMESPACE};

use super::{pages, shown};
use crate::support::{
    fixture::certificate,
    terraform::{cli, cli_has, provider},
};

/// The other providers in our pages.
const OTHERS: [&str; 3] = ["hashicorp/aws", "hashicorp/kubernetes", "mongodb/mongodbatlas"];

#[test]
fn every_terraform_block_validates_or_is_formatted() {
    let workspace = Workspace::new(&cli(), provider()).unwrap();
    let checked = check_blocks(&workspace, |workspace, text| {
        if others(text).next().is_some() {
            workspace.write("block.tf", &(text.to_owned() + "\n")).unwrap();
            let output = workspace.run(["fmt", "-check", "-diff", "block.tf"]);
            fs::remove_file(workspace.path().join("block.tf")).unwrap();
            return output;
        }
        workspace.write("main.tf", &completed(text)).unwrap();
        if text.contains("module ") {
            workspace.run(["get", "-no-color"]).success();
        }
        workspace.run(["validate", "-no-color"])
    });
    assert!(checked > 20, "blocks are found: {checked}");
}

#[test]
#[ignore = "downloads providers"]
fn blocks_with_other_providers_validate_with_the_real_ones() {
    let mut workspace = Workspace::new(&cli(), provider()).unwrap();
    let mirror = Mirror::new(&workspace.path().join(".mirror"), NAMESPACE).unwrap();
    let configuration =
        mirror.link(provider(), &env!("CARGO_PKG_VERSION").parse().unwrap()).unwrap();
    workspace.set_env("TF_CLI_CONFIG_FILE", configuration.to_str().unwrap());
    check_blocks(&workspace, |workspace, text| {
        workspace.write("main.tf", &completed(text)).unwrap();
        workspace.run(["init", "-no-color", "-upgrade"]).success();
        workspace.run(["validate", "-no-color"])
    });
}

/// Checks every block that this CLI supports, and returns their number.
fn check_blocks(workspace: &Workspace, check: impl Fn(&Workspace, &str) -> Output) -> usize {
    let modules = super::root().join("examples/modules");
    super::copy(&modules, &workspace.path().join("examples/modules"));
    let (mut checked, mut wrong) = (0, Vec::new());
    for block in pages().iter().flat_map(|page| blocks(page, &["terraform"])) {
        let (terraform, tofu) = needs(&block.text);
        if !cli_has(&block.place, terraform, tofu) {
            continue;
        }
        let output = check(workspace, &block.text);
        if !output.status.success() {
            wrong.push(format!("{}\n{}", block.place, output.text()));
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    checked
}

#[test]
fn every_xtask_command_in_a_page_is_accepted() {
    let mut accepted = 0;
    for block in pages().iter().flat_map(|page| blocks(page, &["shell", "console"])) {
        for (_, command) in block.text.lines().filter_map(|line| line.split_once("cargo xtask ")) {
            let command = command.split(" #").next().unwrap_or_default().replace('"', "");
            let words = ["xtask"].into_iter().chain(command.split_whitespace());
            let error = xtask::Xtask::try_parse_from(words).err().filter(clap::Error::use_stderr);
            assert!(error.is_none(), "{}: {command}\n{error:?}", block.place);
            accepted += 1;
        }
    }
    assert!(accepted > 5, "commands are found: {accepted}");
}

/// The other providers that occur in the text.
fn others(text: &str) -> impl Iterator<Item = &'static str> {
    let has = move |it: &&str| text.contains(it) || text.contains(&format!("\"{}_", kind(it)));
    OTHERS.into_iter().filter(has)
}

/// A fenced block.
pub(super) struct Block {
    pub(super) text: String,
    /// File and line, for messages.
    pub(super) place: String,
}

/// The fenced blocks of a page in one of these languages; a fence may be indented.
pub(super) fn blocks(page: &Path, languages: &[&str]) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut lines = (1..).zip(text.lines());
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
        let inside: Vec<_> = inside.map(|line| line.get(indent..).unwrap_or_default()).collect();
        if languages.contains(&language) {
            let place = format!("{}:{number}", shown(page));
            found.push(Block { text: inside.join("\n"), place });
        }
    }
    found
}

/// The least Terraform 1.x and `OpenTofu` 1.x that support everything in the block.
pub(super) fn needs(text: &str) -> (u32, u32) {
    let features = [
        ("identity = {", (12, 12)),
        ("_wo ", (11, 11)),
        ("ephemeral", (10, 11)),
        ("provider::", (8, 7)),
        ("moved {", (8, 10)),
    ];
    let used = features.iter().filter(|(word, _)| text.contains(word));
    used.fold((5, 6), |(terraform, tofu), (_, (t, o))| (terraform.max(*t), tofu.max(*o)))
}

/// The block as a whole configuration: with the providers, variables and certificates that it omits.
fn completed(text: &str) -> String {
    let sources = others(text).chain([SOURCE]);
    let sources =
        sources.map(|it| format!("    {} = {{\n      source = {it:?}\n    }}\n", kind(it)));
    let mut parts = Vec::new();
    if !text.contains("required_providers") {
        let sources: String = sources.collect();
        parts.push(format!("terraform {{\n  required_providers {{\n{sources}  }}\n}}\n"));
    }
    let variables = names(text, "var.").into_iter().map(|it| format!("variable {it:?}"));
    parts.extend(variables.filter(|it| !text.contains(it)).map(|it| it + " {}\n"));
    for name in names(text, "atlas_user_certificate.") {
        let declares = |kind| text.contains(&format!("{kind} \"atlas_user_certificate\" {name:?}"));
        if !declares("resource") && !declares("data") {
            parts.push(certificate("").replacen("\"app\"", &format!("{name:?}"), 1));
        }
    }
    // A checkout has the module that pages name by its address in the repository.
    parts.push(text.replace(PUBLISHED_MODULE, "./examples/modules/x509-user"));
    parts.join("\n")
}

const PUBLISHED_MODULE: &str =
    "git::https://github.com/OWNER/terraform-provider-atlas//examples/modules/x509-user?ref=v0.1.0";

fn kind(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

/// The identifiers that follow a prefix.
fn names(text: &str, prefix: &str) -> BTreeSet<String> {
    let after = text.split(prefix).skip(1);
    let names = after
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
    names.filter(|name: &String| !name.is_empty()).collect()
}
