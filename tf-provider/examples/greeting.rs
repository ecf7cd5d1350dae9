//! A provider that greets.

use std::{process::ExitCode, sync::Arc};

use tf_provider::{
    ApplyRequest, Attribute, Block, ObjectResponse, PlanRequest, PlanResponse, Provider,
    ProviderInfo, ReadRequest, Resource, Schema, Type, Value, async_trait, serve,
};

const ABOUT: ProviderInfo = ProviderInfo {
    name: "example",
    version: "0.1.0",
    address: "registry.terraform.io/acme/example",
    summary: "Greets",
    crates: &["greeting"],
};

#[tokio::main]
pub(crate) async fn main() -> ExitCode {
    let served = serve(Example, &ABOUT).await;
    served.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}

struct Example;

impl Provider for Example {
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Greeting)]
    }
}

struct Greeting;

#[async_trait]
impl Resource for Greeting {
    fn type_name(&self) -> &'static str {
        "example_greeting"
    }
    fn schema(&self) -> Schema {
        let name = Attribute::new("name", Type::String, "Who is greeted.").required();
        let text = Attribute::new("text", Type::String, "The greeting.");
        let attributes = vec![name, text];
        Schema::new(Block { attributes, ..Block::default() })
    }
    async fn read(&self, request: ReadRequest) -> ObjectResponse {
        request.state.into()
    }
    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        greet(request.proposed.unwrap_or(request.prior)).into()
    }
    async fn create(&self, request: ApplyRequest) -> ObjectResponse {
        greet(request.planned).into()
    }
    async fn update(&self, request: ApplyRequest) -> ObjectResponse {
        greet(request.planned).into()
    }
    async fn delete(&self, _: ApplyRequest) -> ObjectResponse {
        Value::Null.into()
    }
}

/// A greeting for a name that is not known yet is not known yet either.
fn greet(mut object: Value) -> Value {
    let text = object.get("name").as_str();
    let text = text.map_or(Value::Unknown, |name| format!("Hello, {name}!").into());
    object.set("text", text);
    object
}
