//! `cargo xtask docs`: the registry's pages, rendered from the provider's schemas, `examples/` and `xtask/templates/`.
//!
//! A page of the provider, a resource, a data source, an ephemeral resource or a function has its title, description,
//! schema and signature from the provider itself; what stands between them comes from a template of the same path, or
//! from a common one. A guide is all template.

mod page;
mod schema;
mod signature;
mod template;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use terraform_provider_atlas::provider::AtlasProvider;
use thiserror::Error;

use self::{page::Page, template::Templates};
use crate::{Arguments, Failure, Verb, project};

/// The verb `docs`.
pub const VERB: Verb = Verb {
    name: "docs",
    summary: "write docs/ from the schemas, examples/ and xtask/templates/",
    help: "\
Usage: cargo xtask docs [--check]

Writes the registry's pages: docs/ from the provider's schemas, from examples/ and from the
hand-written parts in xtask/templates/. Never edit docs/ by hand.

  --check   write nothing; fail and name the pages if docs/ is not what would be written
",
    run,
};

/// What can be wrong with what the pages are made of.
#[derive(Debug, Error)]
pub enum DocsError {
    /// A file cannot be read or written.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A template asks for something that there is not.
    #[error("{template}: {problem}")]
    Template {
        /// The template's path under `xtask/templates`.
        template: String,
        /// What is wrong in it.
        problem: String,
    },
}

/// The pages: path under `docs/` and text.
pub type Pages = BTreeMap<String, String>;

/// Renders every page.
///
/// # Errors
/// A template or an example is missing or wrong.
pub fn render(root: &Path) -> Result<Pages, DocsError> {
    let templates = Templates::new(root);
    let mut pages = Pages::new();
    for page in Page::all(&AtlasProvider::new()) {
        let text = templates.page(&page)?;
        pages.insert(page.path(), text);
    }
    pages.extend(templates.guides()?);
    Ok(pages)
}

/// The paths under `docs/` that are not what [`render`] gives: stale, missing, or too many.
///
/// # Errors
/// The pages cannot be rendered or read.
pub fn stale(root: &Path) -> Result<Vec<String>, DocsError> {
    let pages = render(root)?;
    let present = present(root)?;
    let all: BTreeSet<&String> = pages.keys().chain(present.keys()).collect();
    Ok(all
        .into_iter()
        .filter(|path| pages.get(*path) != present.get(*path))
        .cloned()
        .collect())
}

fn run(mut arguments: Arguments) -> Result<(), Failure> {
    let check = arguments.flag("--check");
    arguments.finish()?;
    let stale = stale(project::root()).map_err(|error| failure(&error))?;
    if stale.is_empty() {
        println!("docs/ is up to date");
        return Ok(());
    }
    if check {
        let list = stale.join("\n  docs/");
        return Err(Failure::Failed(format!(
            "docs/ is stale; run cargo xtask docs\n  docs/{list}"
        )));
    }
    write(project::root(), &stale).map_err(|error| failure(&error))?;
    for path in stale {
        println!("docs/{path}");
    }
    Ok(())
}

fn write(root: &Path, stale: &[String]) -> Result<(), DocsError> {
    let pages = render(root)?;
    for path in stale {
        let file = root.join("docs").join(path);
        match pages.get(path) {
            Some(text) => {
                let folder = file.parent().unwrap_or(root);
                fs::create_dir_all(folder).map_err(|source| file_error(folder, source))?;
                fs::write(&file, text).map_err(|source| file_error(&file, source))?;
            }
            None => fs::remove_file(&file).map_err(|source| file_error(&file, source))?,
        }
    }
    Ok(())
}

/// The files under `docs/` as they are.
fn present(root: &Path) -> Result<Pages, DocsError> {
    let docs = root.join("docs");
    let mut found = Pages::new();
    for file in template::files(&docs)? {
        let text = template::read(&docs.join(&file))?;
        found.insert(file, text);
    }
    Ok(found)
}

fn file_error(path: &Path, source: io::Error) -> DocsError {
    DocsError::File {
        path: path.to_owned(),
        source,
    }
}

fn failure(error: &DocsError) -> Failure {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Failure::Failed(format!("{error}{cause}"))
}
