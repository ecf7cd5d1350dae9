//! Raw requests, also such as no Terraform would send: every one is answered, and none harms the next.

mod calls;
mod malformed;

use serde_json::Value as Json;
use tf_host::{
    convert,
    core::{Core, Settings},
    pb::tfplugin5::{self as pb, DynamicValue},
    provider::Provider,
    ty::Type,
    wire,
};

use crate::support::plugin::Temporary;

const TYPE: &str = "atlas_user_certificate";

/// A provider that was never configured.
struct Wire {
    core: Core,
    _temporary: Temporary,
}

impl Wire {
    async fn start() -> Self {
        let temporary = Temporary::new();
        let provider = Provider::spawn(temporary.options())
            .await
            .expect("the provider starts");
        let core = Core::new(provider, Settings::default())
            .await
            .expect("a sound schema");
        Self {
            core,
            _temporary: temporary,
        }
    }

    fn provider(&self) -> &Provider {
        self.core.provider()
    }

    /// The type of the resource's objects.
    fn ty(&self) -> Type {
        self.core.schema().resources[TYPE].block.ty()
    }

    /// A configuration, completed as core does.
    fn object(&self, config: Json) -> tf_host::value::Value {
        convert::block(config.into(), &self.core.schema().resources[TYPE].block)
            .expect("a configuration that core lets through")
    }

    fn encoded(&self, config: Json) -> DynamicValue {
        wire::encode(&self.object(config), &self.ty())
    }

    async fn validate(&self, config: DynamicValue) -> Vec<pb::Diagnostic> {
        let request = pb::validate_resource_type_config::Request {
            type_name: TYPE.to_owned(),
            config: Some(config),
            client_capabilities: None,
        };
        self.provider()
            .validate_resource_type_config(request)
            .await
            .expect("an answer")
            .diagnostics
    }
}

/// The path of a diagnostic as it is written in a configuration.
fn place(diagnostic: &pb::Diagnostic) -> String {
    use pb::attribute_path::step::Selector;
    let steps = diagnostic.attribute.iter().flat_map(|path| &path.steps);
    let text: String = steps
        .filter_map(|step| step.selector.as_ref())
        .map(|selector| match selector {
            Selector::AttributeName(name) => format!(".{name}"),
            Selector::ElementKeyString(key) => format!("[{key:?}]"),
            Selector::ElementKeyInt(index) => format!("[{index}]"),
        })
        .collect();
    text.trim_start_matches('.').to_owned()
}

fn is_error(diagnostic: &pb::Diagnostic) -> bool {
    diagnostic.severity() == pb::diagnostic::Severity::Error
}

/// The only diagnostic, which is an error.
#[track_caller]
fn one_error(diagnostics: &[pb::Diagnostic]) -> &pb::Diagnostic {
    let [only] = diagnostics else {
        panic!("not one diagnostic: {diagnostics:#?}")
    };
    assert!(
        is_error(only) && !only.summary.is_empty() && !only.detail.is_empty(),
        "{only:#?}"
    );
    only
}
