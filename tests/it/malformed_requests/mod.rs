//! Requests that no correct host sends: damaged, enormous, contradictory, for another schema. Each gets a diagnostic or a
//! clean status, and the process goes on.

mod bytes;
mod calls;

use std::time::Duration;

use serde_json::Value as Json;
use tf_harness::{
    core::Core,
    pb::tfplugin5::{self as pb, DynamicValue},
    plugin::Provider,
    value::{Type, encode},
};

use crate::support::{
    fixture::TYPE,
    plugin::{ScratchDir, started},
};

/// A provider that is not configured.
struct Unconfigured {
    core: Core,
    _temporary: ScratchDir,
}

impl Unconfigured {
    async fn start() -> Self {
        let temporary = ScratchDir::new();
        let core = started(temporary.options()).await;
        Self { core, _temporary: temporary }
    }

    fn ty(&self) -> Type {
        self.core.schema.resources[TYPE].block.ty()
    }

    /// A configuration, completed as core does.
    fn object(&self, config: Json) -> Json {
        let block = &self.core.schema.resources[TYPE].block;
        block.conform(config).unwrap()
    }

    fn encoded(&self, config: Json) -> DynamicValue {
        encode(&self.object(config), &self.ty())
    }

    async fn validate(&self, config: DynamicValue) -> Vec<pb::Diagnostic> {
        let request = pb::validate_resource_type_config::Request {
            type_name: TYPE.to_owned(),
            config: Some(config),
            client_capabilities: None,
        };
        let mut client = self.core.provider.client();
        let response = client.validate_resource_type_config(request).await;
        response.expect("a response").into_inner().diagnostics
    }
}

#[track_caller]
fn one_error(diagnostics: &[pb::Diagnostic]) -> &pb::Diagnostic {
    let [only] = diagnostics else { panic!("not one diagnostic: {diagnostics:#?}") };
    let is_error = only.severity() == pb::diagnostic::Severity::Error;
    assert!(is_error && !only.summary.is_empty() && !only.detail.is_empty());
    only
}

/// The process still answers, and has not panicked.
async fn assert_alive(provider: &Provider) {
    let request = pb::get_provider_schema::Request {};
    provider.client().get_schema(request).await.unwrap();
    let process = provider.process().expect("a process");
    let log = process.stderr.lines().join("\n");
    assert!(!log.contains("panic"), "{log}");
    assert!(process.wait(Duration::ZERO).await.is_none());
}
