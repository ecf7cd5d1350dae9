//! The pages about parts of the provider.

use std::collections::BTreeMap;

use tf_provider::{Provider, Schema};

use super::schema;

/// A page about the provider or a part of it.
pub(super) struct Page {
    kind: &'static Kind,
    name: String,
    /// Markdown.
    description: String,
    /// One plain sentence.
    summary: String,
    /// Values of placeholders.
    pub(super) sections: BTreeMap<&'static str, String>,
}

/// The folders and headings of a kind of page.
struct Kind {
    title: &'static str,
    folder: &'static str,
    example: &'static str,
}

const PROVIDER: Kind = Kind { title: "Provider", folder: "", example: "provider.tf" };
const RESOURCE: Kind = Kind { title: "Resource", folder: "resources", example: "resource.tf" };
const DATA_SOURCE: Kind =
    Kind { title: "Data Source", folder: "data-sources", example: "data-source.tf" };
const EPHEMERAL: Kind = Kind {
    title: "Ephemeral Resource",
    folder: "ephemeral-resources",
    example: "ephemeral-resource.tf",
};
const LIST: Kind =
    Kind { title: "List Resource", folder: "list-resources", example: "list-resource.tfquery.hcl" };
const FUNCTION: Kind = Kind { title: "function", folder: "functions", example: "function.tf" };

impl Page {
    /// Every page, the provider's first.
    pub(super) fn all(provider: &dyn Provider) -> Vec<Self> {
        let mut pages = vec![Self::of_schema(&PROVIDER, "atlas", &provider.schema())];
        for it in provider.resources() {
            let mut page = Self::of_schema(&RESOURCE, it.type_name(), &it.schema());
            let identity = it.identity_schema();
            page.sections.extend(identity.map(|it| ("identity", schema::identity(&it))));
            pages.push(page);
        }
        for it in provider.data_sources() {
            pages.push(Self::of_schema(&DATA_SOURCE, it.type_name(), &it.schema()));
        }
        for it in provider.ephemeral_resources() {
            pages.push(Self::of_schema(&EPHEMERAL, it.type_name(), &it.schema()));
        }
        for it in provider.list_resources() {
            pages.push(Self::of_schema(&LIST, it.type_name(), &it.schema()));
        }
        for function in provider.functions() {
            let signature = function.signature();
            pages.push(Self {
                kind: &FUNCTION,
                name: function.name().to_owned(),
                description: signature.description.to_owned(),
                summary: format!("{}.", signature.summary),
                sections: BTreeMap::from([
                    ("signature", schema::declaration(function.name(), &signature)),
                    ("arguments", schema::arguments(&signature)),
                ]),
            });
        }
        pages
    }

    fn of_schema(kind: &'static Kind, name: &str, schema: &Schema) -> Self {
        let description = schema.block.description.clone();
        Self {
            kind,
            name: name.to_owned(),
            summary: description.lines().next().unwrap_or_default().to_owned(),
            description,
            sections: BTreeMap::from([("schema", schema::markdown(&schema.block))]),
        }
    }

    /// The path below `docs/` and `templates/`.
    pub(super) fn path(&self) -> String {
        match self.kind.folder {
            "" => "index.md".to_owned(),
            folder => format!("{folder}/{}.md", self.name.trim_start_matches("atlas_")),
        }
    }

    /// The front matter, the heading and the description.
    pub(super) fn head(&self) -> String {
        let Self { kind, name, summary, description, .. } = self;
        let (title, heading) = match kind.folder {
            "" => (format!("{name} Provider"), format!("{name} Provider")),
            "functions" => (format!("{name} function - atlas"), format!("function: {name}")),
            _ => (format!("{name} {} - atlas", kind.title), format!("{name} ({})", kind.title)),
        };
        // The registry accepts no subcategory on the provider's own page.
        let subcategory = if kind.folder.is_empty() { "" } else { "subcategory: \"\"\n" };
        format!(
            "---\npage_title: \"{title}\"\n{subcategory}description: |-\n  {summary}\n---\n\n# {heading}\n\n{description}\n"
        )
    }

    /// The body of a page without a template of its own.
    pub(super) fn default_template(&self) -> String {
        let Kind { folder, example, .. } = self.kind;
        let sections = match *folder {
            "functions" => "## Signature\n\n{{signature}}\n\n## Arguments\n\n{{arguments}}\n",
            _ => "## Schema\n\n{{schema}}\n",
        };
        format!(
            "## Example Usage\n\n{{{{example {folder}/{}/{example}}}}}\n\n{sections}",
            self.name
        )
    }
}
