//! `cargo xtask docs`: the registry pages that have parts from the provider, `examples/` or `templates/`.
//!
//! The pages of the provider, resources, data sources, ephemeral resources and functions are rendered from their schemas and
//! signatures and from the template of the same path, if there is one. A guide is rendered if it has a template; all other
//! guides are written in `docs/guides` directly.

mod page;
mod schema;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use terraform_provider_atlas::provider::AtlasProvider;

use self::page::Page;
use crate::project;

/// Generate docs/ from the provider's schemas, examples/ and templates/
#[derive(Debug, Args)]
pub struct Options {
    /// Write nothing; fail and list the pages that are out of date
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// A page cannot be rendered or written, or with `--check` one is out of date.
pub fn run(options: &Options) -> Result<()> {
    let root = project::root();
    let (pages, stale) = (render(root)?, stale(root)?);
    if options.check && !stale.is_empty() {
        bail!("docs/ is out of date, run cargo xtask docs:\n  {}", stale.join("\n  "));
    }
    for path in &stale {
        let file = root.join(path);
        let written = match pages.get(path) {
            Some(text) => fs::create_dir_all(file.parent().unwrap_or(root))
                .and_then(|()| fs::write(&file, text)),
            None => fs::remove_file(&file),
        };
        written.with_context(|| file.display().to_string())?;
        println!("{path}");
    }
    if stale.is_empty() {
        println!("docs/ is up to date");
    }
    Ok(())
}

/// The pages by path.
fn render(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    for page in Page::all(&AtlasProvider::default()) {
        let template = root.join("templates").join(page.path());
        let body = if template.is_file() { read(&template)? } else { page.default_template() };
        let section = |name: &str| page.sections.get(name).cloned();
        let body = fill(root, &body, &section).with_context(|| page.path())?;
        pages.insert(format!("docs/{}", page.path()), format!("{}\n{body}", page.head()));
    }
    for template in files(&root.join("templates/guides"))? {
        let name = template.file_name().unwrap_or_default().display().to_string();
        let text = fill(root, &read(&template)?, &|_| None).with_context(|| name.clone())?;
        pages.insert(format!("docs/guides/{name}"), text);
    }
    Ok(pages)
}

/// The paths of pages that are out of date, are missing, or describe nothing in the provider.
///
/// # Errors
/// The pages cannot be rendered or read.
pub fn stale(root: &Path) -> Result<Vec<String>> {
    let pages = render(root)?;
    let current = |path: &String| fs::read_to_string(root.join(path)).ok();
    let outdated = pages.iter().filter(|(path, text)| current(path).as_ref() != Some(text));
    let mut stale: Vec<String> = outdated.map(|(path, _)| path.clone()).collect();
    for folder in
        ["resources", "data-sources", "ephemeral-resources", "functions", "list-resources"]
    {
        for file in files(&root.join("docs").join(folder))? {
            let path = format!("docs/{folder}/{}", file.file_name().unwrap_or_default().display());
            if !pages.contains_key(&path) {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

/// Replaces lines such as `{{schema}}`: `{{example PATH}}` is a file under `examples/`, `{{excerpt PATH}}` the same without its
/// `terraform` block, and everything else a section of the page.
fn fill(root: &Path, template: &str, section: &dyn Fn(&str) -> Option<String>) -> Result<String> {
    let mut filled = String::new();
    for line in template.lines() {
        let placeholder = line.strip_prefix("{{").and_then(|line| line.strip_suffix("}}"));
        filled += &match placeholder.map(|name| (name, name.split_once(' '))) {
            None => line.to_owned(),
            Some((_, Some((kind @ ("example" | "excerpt"), path)))) => {
                let text = read(&root.join("examples").join(path))?;
                let rest = if kind == "example" { Some(&*text) } else { without_terraform(&text) };
                fenced(path, rest.with_context(|| format!("{path} has no terraform block"))?)
            }
            Some((name, _)) => {
                section(name).with_context(|| format!("unknown placeholder {line}"))?
            }
        };
        filled.push('\n');
    }
    Ok(filled)
}

fn fenced(path: &str, text: &str) -> String {
    let language = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("sh") => "shell",
        Some("hcl") => "tfquery",
        _ => "terraform",
    };
    format!("```{language}\n{}\n```", text.trim_end())
}

fn without_terraform(text: &str) -> Option<&str> {
    let (block, rest) = text.split_once("\n}\n")?;
    block.starts_with("terraform {").then(|| rest.trim_start())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_excerpt_omits_the_terraform_block() {
        let text = "terraform {\n  required_providers {\n  }\n}\n\nresource \"a\" \"b\" {\n}\n";
        assert_eq!(without_terraform(text), Some("resource \"a\" \"b\" {\n}\n"));
        assert_eq!(without_terraform("resource \"a\" \"b\" {\n}\n"), None);
    }

    #[test]
    fn unknown_placeholders_are_errors() {
        for line in ["{{schemas}}", "{{example resources/none.tf}}"] {
            assert!(fill(project::root(), line, &|_| None).is_err(), "{line}");
        }
        let filled = fill(project::root(), "{{x}}\ntext", &|_| Some("X".to_owned())).unwrap();
        assert_eq!(filled, "X\ntext\n");
    }
}
