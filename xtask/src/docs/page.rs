//! What is a page of its own, and what the provider says about it.

use std::collections::BTreeMap;

use tf_provider::{Function, Provider, Schema};

use super::{schema, signature};

/// One page that is about a part of the provider.
pub(super) struct Page {
    pub(super) kind: Kind,
    /// As users write it.
    pub(super) name: String,
    /// Markdown.
    pub(super) description: String,
    /// One plain sentence for the page's head.
    summary: String,
    /// What a template may ask for by name.
    pub(super) sections: BTreeMap<&'static str, String>,
}

/// What kind of part it is: decides on folders, headings and the words around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Provider,
    Resource,
    DataSource,
    EphemeralResource,
    Function,
}

impl Page {
    /// Every page, the provider's own first.
    pub(super) fn all(provider: &dyn Provider) -> Vec<Self> {
        let mut pages = vec![Self::of_schema(
            Kind::Provider,
            PROVIDER,
            &provider.schema(),
        )];
        for resource in provider.resources() {
            pages.push(Self::of_schema(
                Kind::Resource,
                resource.type_name(),
                &resource.schema(),
            ));
        }
        for source in provider.data_sources() {
            pages.push(Self::of_schema(
                Kind::DataSource,
                source.type_name(),
                &source.schema(),
            ));
        }
        for ephemeral in provider.ephemeral_resources() {
            pages.push(Self::of_schema(
                Kind::EphemeralResource,
                ephemeral.type_name(),
                &ephemeral.schema(),
            ));
        }
        pages.extend(
            provider
                .functions()
                .iter()
                .map(|function| Self::of_function(function.as_ref())),
        );
        pages
    }

    fn of_schema(kind: Kind, name: &str, schema: &Schema) -> Self {
        let description = schema.block.description.clone();
        let summary = description.lines().next().unwrap_or_default().to_owned();
        let sections = BTreeMap::from([("schema", schema::markdown(&schema.block))]);
        Self {
            kind,
            name: name.to_owned(),
            description,
            summary,
            sections,
        }
    }

    fn of_function(function: &dyn Function) -> Self {
        let signed = function.signature();
        let sections = BTreeMap::from([
            (
                "signature",
                signature::declaration(function.name(), &signed),
            ),
            ("arguments", signature::arguments(&signed)),
        ]);
        Self {
            kind: Kind::Function,
            name: function.name().to_owned(),
            description: signed.description.to_owned(),
            summary: format!("{}.", signed.summary),
            sections,
        }
    }

    /// The page's path under `docs/`.
    pub(super) fn path(&self) -> String {
        let short = self.name.strip_prefix("atlas_").unwrap_or(&self.name);
        match self.kind.folder() {
            Some(folder) => format!("{folder}/{short}.md"),
            None => "index.md".to_owned(),
        }
    }

    /// The page's main example, under `examples/`.
    pub(super) fn example(&self) -> String {
        let name = &self.name;
        match self.kind {
            Kind::Provider => "provider/provider.tf".to_owned(),
            Kind::Resource => format!("resources/{name}/resource.tf"),
            Kind::DataSource => format!("data-sources/{name}/data-source.tf"),
            Kind::EphemeralResource => format!("ephemeral-resources/{name}/ephemeral-resource.tf"),
            Kind::Function => format!("functions/{name}/function.tf"),
        }
    }

    /// Everything above the first section.
    pub(super) fn head(&self) -> String {
        let Self {
            name,
            summary,
            description,
            ..
        } = self;
        let (title, heading) = match self.kind {
            Kind::Provider => (format!("{name} Provider"), format!("{name} Provider")),
            Kind::Function => (
                format!("{name} function - {PROVIDER}"),
                format!("function: {name}"),
            ),
            kind => {
                let word = kind.word();
                (
                    format!("{name} {word} - {PROVIDER}"),
                    format!("{name} ({word})"),
                )
            }
        };
        format!(
            "---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {summary}\n---\n\n# {heading}\n\n{description}\n"
        )
    }
}

impl Kind {
    fn folder(self) -> Option<&'static str> {
        match self {
            Self::Provider => None,
            Self::Resource => Some("resources"),
            Self::DataSource => Some("data-sources"),
            Self::EphemeralResource => Some("ephemeral-resources"),
            Self::Function => Some("functions"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Resource => "Resource",
            Self::DataSource => "Data Source",
            Self::EphemeralResource => "Ephemeral Resource",
            Self::Function => "Function",
        }
    }
}

const PROVIDER: &str = "atlas";
