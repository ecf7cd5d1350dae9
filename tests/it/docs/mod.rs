//! The documentation is right: pages are current, blocks validate, examples plan, commands exist.

mod blocks;
mod examples;
#[cfg(unix)]
mod guide;
mod troubleshooting;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;

use crate::support::{
    atlas::{PROJECT, atlas, login},
    terraform::{cli, cli_has, provider},
};
use tf_harness::cli::Workspace;

#[test]
fn the_pages_are_what_the_schemas_examples_and_templates_make() {
    let stale = xtask::docs::stale(root()).unwrap();
    assert!(stale.is_empty(), "run cargo xtask docs; stale: {stale:?}");
}

#[test]
fn a_relative_link_leads_to_a_file() {
    let mut followed = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|it| !it.is_empty() && !it.contains("://")) {
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{}: {target} leads nowhere", shown(&page));
            followed += 1;
        }
    }
    assert!(followed > 30, "links are found: {followed}");
}

#[test]
fn the_quickstart_shows_all_of_it_to_be_as_it_should_be() {
    let provider = provider().display().to_string();
    let line = ["xtask", "quickstart", "--ready-made-keys", "--provider", &provider];
    xtask::Xtask::parse_from(line).run().unwrap();
}

#[test]
fn the_module_passes_its_own_tests_mocked_and_against_an_atlas() {
    if !cli_has("mock_provider", 7, 8) {
        return;
    }
    let atlas = atlas(&["billing", "reports"]);
    let mut workspace = Workspace::new(&cli(), provider()).unwrap();
    copy(&root().join("examples/modules/x509-user"), workspace.path());
    let passes = |workspace: &Workspace, file: &str| {
        let filter = format!("-filter=tests/{file}.tftest.hcl");
        let text = workspace.run(["test", "-no-color", &filter]).success().text();
        assert!(text.contains("4 passed, 0 failed"), "{text}");
    };
    passes(&workspace, "mocked");
    assert_eq!(atlas.control().issued_count(), 0);
    for (name, value) in login(&atlas) {
        workspace.set_env(name, &value);
    }
    passes(&workspace, "local_atlas");
    let issued = atlas.control().certificates(PROJECT, "billing");
    assert_eq!(issued.len(), 2, "one create and one rotation");
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file that users and contributors read.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<_> =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for folder in ["docs", "examples"] {
        walk(&root().join(folder), &mut |file| pages.push(file.to_owned()));
    }
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages
}

/// Calls back for each file below the folder.
pub(crate) fn walk(folder: &Path, found: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found(&path);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    walk(from, &mut |file| {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    });
}

pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
