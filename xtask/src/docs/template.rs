//! The hand-written parts of pages, and how what they ask for is put in.
//!
//! A line that is `{{schema}}`, `{{signature}}` or `{{arguments}}` becomes that part of the page's subject;
//! `{{example PATH}}` a file under `examples/`; `{{excerpt PATH}}` the same without its first `terraform` block.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    DocsError, Pages, file_error,
    page::{Kind, Page},
};

/// The templates and examples of a project.
pub(super) struct Templates {
    templates: PathBuf,
    examples: PathBuf,
}

impl Templates {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            templates: root.join("xtask").join("templates"),
            examples: root.join("examples"),
        }
    }

    /// A page about a part of the provider.
    pub(super) fn page(&self, page: &Page) -> Result<String, DocsError> {
        let path = page.path();
        let own = self.templates.join(&path);
        let body = match (own.is_file(), page.kind) {
            (true, _) => read(&own)?,
            (false, Kind::Function) => FUNCTION.replace("EXAMPLE", &page.example()),
            (false, _) => COMMON.replace("EXAMPLE", &page.example()),
        };
        let body = self.fill(&path, &body, &|section| page.sections.get(section).cloned())?;
        Ok(format!("{}\n{body}", page.head()))
    }

    /// The guides, by their paths under `docs/`.
    pub(super) fn guides(&self) -> Result<Pages, DocsError> {
        let folder = self.templates.join("guides");
        let mut pages = Pages::new();
        for file in files(&folder)? {
            let path = format!("guides/{file}");
            let text = read(&folder.join(&file))?;
            if !text.starts_with("---\npage_title: ") {
                return Err(wrong(&path, "a guide begins with its page_title"));
            }
            let text = self.fill(&path, &text, &|_| None)?;
            pages.insert(path, text);
        }
        Ok(pages)
    }

    fn fill(
        &self,
        template: &str,
        text: &str,
        section: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, DocsError> {
        let mut filled = String::new();
        for line in text.lines() {
            match line
                .strip_prefix("{{")
                .and_then(|line| line.strip_suffix("}}"))
            {
                Some(wanted) => filled += &self.wanted(template, wanted, section)?,
                None => filled += line,
            }
            filled.push('\n');
        }
        Ok(filled)
    }

    fn wanted(
        &self,
        template: &str,
        wanted: &str,
        section: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, DocsError> {
        match wanted.split_once(' ') {
            Some(("example", path)) => Ok(fenced(path, &read(&self.examples.join(path))?)),
            Some(("excerpt", path)) => {
                let text = read(&self.examples.join(path))?;
                let rest = without_terraform_block(&text).ok_or_else(|| {
                    wrong(template, &format!("{path} begins with no terraform block"))
                })?;
                Ok(fenced(path, rest))
            }
            _ => section(wanted).ok_or_else(|| {
                wrong(
                    template,
                    &format!("{{{{{wanted}}}}} is nothing that can be put in"),
                )
            }),
        }
    }
}

/// The files below a folder, as paths with slashes, sorted. None where there is no such folder.
pub(super) fn files(folder: &Path) -> Result<Vec<String>, DocsError> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder).map_err(|source| file_error(folder, source))? {
        let entry = entry.map_err(|source| file_error(folder, source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(
                files(&entry.path())?
                    .into_iter()
                    .map(|inner| format!("{name}/{inner}")),
            );
        } else {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn read(path: &Path) -> Result<String, DocsError> {
    fs::read_to_string(path).map_err(|source| file_error(path, source))
}

fn fenced(path: &str, text: &str) -> String {
    let is_shell = Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "sh");
    let language = if is_shell { "shell" } else { "terraform" };
    format!("```{language}\n{}\n```", text.trim_end())
}

fn without_terraform_block(text: &str) -> Option<&str> {
    let (block, rest) = text.split_once("\n}\n")?;
    block.starts_with("terraform {").then(|| rest.trim_start())
}

fn wrong(template: &str, problem: &str) -> DocsError {
    DocsError::Template {
        template: template.to_owned(),
        problem: problem.to_owned(),
    }
}

const COMMON: &str = "\
## Example Usage

{{example EXAMPLE}}

## Schema

{{schema}}
";

const FUNCTION: &str = "\
## Example Usage

{{example EXAMPLE}}

## Signature

{{signature}}

## Arguments

{{arguments}}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_leaves_the_terraform_block_out() {
        let text = "terraform {\n  required_providers {\n  }\n}\n\nresource \"a\" \"b\" {\n}\n";
        assert_eq!(
            without_terraform_block(text),
            Some("resource \"a\" \"b\" {\n}\n")
        );
        assert_eq!(without_terraform_block("resource \"a\" \"b\" {\n}\n"), None);
    }

    #[test]
    fn a_template_that_asks_for_the_unknown_is_named() {
        let templates = Templates::new(Path::new("."));
        for line in ["{{schemas}}", "{{example resources/none.tf}}"] {
            assert!(
                templates.fill("index.md", line, &|_| None).is_err(),
                "{line}"
            );
        }
        assert_eq!(
            templates
                .fill("index.md", "{{x}}\ntext", &|_| Some("X".to_owned()))
                .ok()
                .as_deref(),
            Some("X\ntext\n")
        );
    }
}
