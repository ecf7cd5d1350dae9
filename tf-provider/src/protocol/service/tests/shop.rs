//! A provider with a resource that has an identity, one that has none, and a list resource.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::async_trait;

use crate::terraform::{
    ApplyRequest, Attribute, Block, Diagnostic, Diagnostics, ImportTarget, ListRequest,
    ListResource, ListResponse, ListedResource, MoveRequest, ObjectResponse, PlanRequest,
    PlanResponse, Provider, ReadRequest, Resource, Schema, Type, Value,
};

pub(super) struct Shop;

impl Provider for Shop {
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Item), Arc::new(Anonymous)]
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        vec![Arc::new(Items)]
    }
}

/// A resource whose name decides what happens to it.
pub(super) struct Item;

#[async_trait]
impl Resource for Item {
    fn type_name(&self) -> &'static str {
        "shop_item"
    }

    fn schema(&self) -> Schema {
        Schema::new(Block {
            attributes: vec![
                Attribute::new("name", Type::String, "").required(),
                Attribute::new("size", Type::Number, "").optional_computed(),
                Attribute::new("secret", Type::String, "").write_only(),
                Attribute::new("id", Type::String, ""),
            ],
            ..Block::default()
        })
    }

    fn identity_schema(&self) -> Option<Schema> {
        let attributes = vec![Attribute::new("name", Type::String, "").required()];
        let schema = Schema::new(Block { attributes, ..Block::default() });
        Some(Schema { version: 1, ..schema })
    }

    fn identity(&self, object: &Value) -> Option<Value> {
        Some(Value::object([("name", object.get("name").clone())]))
    }

    async fn read(&self, request: ReadRequest) -> ObjectResponse {
        let name = request.state.get("name").as_str().unwrap_or_default();
        assert_ne!(name, "panic");
        let (state, diagnostics) = match name {
            "gone" => (Value::Null, Diagnostics::new()),
            "fails" => (Value::Null, Diagnostic::error("Refused", "").into()),
            _ => (request.state.clone(), Diagnostics::new()),
        };
        ObjectResponse { state, private: b"new".to_vec(), diagnostics }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        request.proposed.unwrap_or(request.prior).into()
    }

    async fn create(&self, request: ApplyRequest) -> ObjectResponse {
        ObjectResponse {
            diagnostics: Diagnostic::error("Half done", "").into(),
            ..request.planned.into()
        }
    }

    async fn update(&self, request: ApplyRequest) -> ObjectResponse {
        request.planned.into()
    }

    async fn delete(&self, request: ApplyRequest) -> ObjectResponse {
        assert_eq!(request.private, b"planned");
        Value::Null.into()
    }

    async fn import(
        &self,
        target: ImportTarget,
        _cancel: CancellationToken,
    ) -> Result<ObjectResponse, Diagnostics> {
        let name = match target {
            ImportTarget::Id(id) => id,
            ImportTarget::Identity(identity) => format!("{:?}", identity.get("name").as_str()),
        };
        Ok(item(name.as_str()).into())
    }

    async fn move_from(&self, request: MoveRequest) -> Result<ObjectResponse, Diagnostics> {
        Ok(item(request.source_type.as_str()).into())
    }
}

/// A resource without an identity.
struct Anonymous;

#[async_trait]
impl Resource for Anonymous {
    fn type_name(&self) -> &'static str {
        "shop_anonymous"
    }

    fn schema(&self) -> Schema {
        Item.schema()
    }

    async fn read(&self, request: ReadRequest) -> ObjectResponse {
        Item.read(request).await
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        Item.plan(request).await
    }

    async fn create(&self, request: ApplyRequest) -> ObjectResponse {
        Item.create(request).await
    }

    async fn update(&self, request: ApplyRequest) -> ObjectResponse {
        Item.update(request).await
    }

    async fn delete(&self, request: ApplyRequest) -> ObjectResponse {
        Item.delete(request).await
    }
}

/// Lists `count` items with a warning, whatever the limit is, or fails if `fails` is set.
pub(super) struct Items;

#[async_trait]
impl ListResource for Items {
    fn type_name(&self) -> &'static str {
        "shop_item"
    }

    fn schema(&self) -> Schema {
        Schema::new(Block {
            attributes: vec![
                Attribute::new("count", Type::Number, "").optional(),
                Attribute::new("fails", Type::Bool, "").optional(),
            ],
            ..Block::default()
        })
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let negative = config.get("count").as_i64().is_some_and(|count| count < 0);
        let error = || Diagnostic::error("Negative count", "");
        negative.then(error).into_iter().collect()
    }

    async fn list(&self, request: ListRequest) -> Result<ListResponse, Diagnostics> {
        if request.config.get("fails").as_bool() == Some(true) {
            return Err(Diagnostic::error("Refused", "").into());
        }
        let found = (0..request.config.get("count").as_i64().unwrap_or(2)).map(|number| {
            let object = item(format!("item {number}").as_str());
            ListedResource {
                identity: Value::object([("name", object.get("name").clone())]),
                display_name: format!("Item {number}"),
                object: request.include_resource.then_some(object),
            }
        });
        let warnings = Diagnostic::warning("Incomplete", "").into();
        Ok(ListResponse { found: found.collect(), warnings })
    }
}

pub(super) fn item(name: impl Into<Value>) -> Value {
    Value::object([
        ("name", name.into()),
        ("size", 7.into()),
        ("secret", Value::Null),
        ("id", "i-1".into()),
    ])
}
