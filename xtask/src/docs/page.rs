//! The pages about parts of the provider.

use std::collections::BTreeMap;

use tf_provider::{Provider, Schema};

use super::schema;

/// A page about the provider or a part of it.
pub(super) struct Page {
    /// `Resource` and so on.
    title: &'static str,
    /// Below `docs/`, `templates/` and `examples/`; empty for the provider.
    folder: &'static str,
    name: String,
    /// Markdown.
    description: String,
    /// One plain sentence.
    summary: String,
    /// Values of placeholders.
    pub(super) sections: BTreeMap<&'static str, String>,
}

impl Page {
    /// Every page, the provider's first.
    pub(super) fn all(provider: &dyn Provider) -> Vec<Self> {
        let mut pages = vec![Self::of_schema("Provider", "", "atlas", &provider.schema())];
        for it in provider.resources() {
            let mut page = Self::of_schema("Resource", "resources", it.type_name(), &it.schema());
            let identity = it.identity_schema();
            page.sections.extend(identity.map(|it| ("identity", schema::identity(&it.block))));
            pages.push(page);
        }
        pages.extend(provider.data_sources().iter().map(|it| {
            Self::of_schema("Data Source", "data-sources", it.type_name(), &it.schema())
        }));
        pages.extend(provider.ephemeral_resources().iter().map(|it| {
            let folder = "ephemeral-resources";
            Self::of_schema("Ephemeral Resource", folder, it.type_name(), &it.schema())
        }));
        pages.extend(provider.list_resources().iter().map(|it| {
            Self::of_schema("List Resource", "list-resources", it.type_name(), &it.schema())
        }));
        pages.extend(provider.functions().iter().map(|function| {
            let signature = function.signature();
            Self {
                title: "function",
                folder: "functions",
                name: function.name().to_owned(),
                description: signature.description.to_owned(),
                summary: format!("{}.", signature.summary),
                sections: BTreeMap::from([
                    ("signature", schema::declaration(function.name(), &signature)),
                    ("arguments", schema::arguments(&signature)),
                ]),
            }
        }));
        pages
    }

    fn of_schema(title: &'static str, folder: &'static str, name: &str, schema: &Schema) -> Self {
        let description = schema.block.description.clone();
        Self {
            title,
            folder,
            name: name.to_owned(),
            summary: description.lines().next().unwrap_or_default().to_owned(),
            description,
            sections: BTreeMap::from([("schema", schema::markdown(&schema.block))]),
        }
    }

    /// The path below `docs/` and `templates/`.
    pub(super) fn path(&self) -> String {
        match self.folder {
            "" => "index.md".to_owned(),
            folder => format!("{folder}/{}.md", self.name.trim_start_matches("atlas_")),
        }
    }

    /// The front matter, the heading and the description.
    pub(super) fn head(&self) -> String {
        let Self { title: kind, folder, name, summary, description, .. } = self;
        let (title, heading) = match *folder {
            "" => (format!("{name} Provider"), format!("{name} Provider")),
            "functions" => (format!("{name} function - atlas"), format!("function: {name}")),
            _ => (format!("{name} {kind} - atlas"), format!("{name} ({kind})")),
        };
        // The registry accepts no subcategory on the provider's own page.
        let subcategory = if folder.is_empty() { "" } else { "subcategory: \"\"\n" };
        format!(
            "---\npage_title: \"{title}\"\n{subcategory}description: |-\n  {summary}\n---\n\n# {heading}\n\n{description}\n"
        )
    }

    /// The body of a page without a template of its own.
    pub(super) fn default_template(&self) -> String {
        let Self { folder, name, .. } = self;
        let extension = if *folder == "list-resources" { "tfquery.hcl" } else { "tf" };
        let example = format!("{folder}/{name}/{}.{extension}", folder.trim_end_matches('s'));
        let sections = match *folder {
            "functions" => "## Signature\n\n{{signature}}\n\n## Arguments\n\n{{arguments}}\n",
            _ => "## Schema\n\n{{schema}}\n",
        };
        format!("## Example Usage\n\n{{{{example {example}}}}}\n\n{sections}")
    }
}
