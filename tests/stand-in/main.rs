//! Stands in for other providers whose blocks our pages show, so that the real CLI can validate those blocks without a
//! network: the arguments that the pages use, written down from those providers' own pages. The file's name says which
//! provider it is.

use std::{ffi::OsStr, path::Path, process::ExitCode, sync::Arc};

use tf_provider::{
    About, ApplyResponse, Attribute, Block, ConfigureRequest, CreateRequest, DeleteRequest,
    Diagnostic, Diagnostics, NestedBlock, Nesting, PlanRequest, PlanResponse, Provider,
    ReadRequest, ReadResponse, Resource, Schema, Type, UpdateRequest, Value, async_trait, serve,
};

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let program = std::env::args().next().unwrap_or_default();
    let file = Path::new(&program)
        .file_stem()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    let Some(kind) = KINDS
        .iter()
        .find(|kind| file == format!("terraform-provider-{}", kind.about.name))
    else {
        eprintln!("{program} is none of the providers that this stands in for");
        return ExitCode::FAILURE;
    };
    match serve(StandIn(kind), &kind.about).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// A provider and the resources that our pages use of it.
struct Kind {
    about: About,
    resources: &'static [NamedBlock],
}

/// A resource type's name and how its arguments are made.
type NamedBlock = (&'static str, fn() -> Block);

const KINDS: [Kind; 3] = [
    Kind {
        about: about("kubernetes", "registry.terraform.io/hashicorp/kubernetes"),
        resources: &[("kubernetes_secret_v1", kubernetes_secret)],
    },
    Kind {
        about: about("mongodbatlas", "registry.terraform.io/mongodb/mongodbatlas"),
        resources: &[("mongodbatlas_database_user", database_user)],
    },
    Kind {
        about: about("aws", "registry.terraform.io/hashicorp/aws"),
        resources: &[
            ("aws_secretsmanager_secret", secret),
            ("aws_secretsmanager_secret_version", secret_version),
        ],
    },
];

const fn about(name: &'static str, address: &'static str) -> About {
    About {
        name,
        version: "0.0.0",
        address,
        summary: "Stands in for another provider",
        crates: &[],
    }
}

fn kubernetes_secret() -> Block {
    let metadata = Block {
        attributes: vec![
            text("name").optional(),
            text("namespace").optional(),
            texts("annotations"),
            texts("labels"),
        ],
        ..Block::default()
    };
    Block {
        attributes: vec![
            text("id"),
            text("type").optional(),
            texts("data").sensitive(),
            texts("data_wo").write_only(),
            number("data_wo_revision"),
        ],
        blocks: vec![NestedBlock::new("metadata", Nesting::List, metadata)],
        ..Block::default()
    }
}

fn database_user() -> Block {
    let roles = Block {
        attributes: vec![
            text("role_name").required(),
            text("database_name").optional(),
        ],
        ..Block::default()
    };
    Block {
        attributes: vec![
            text("id"),
            text("project_id").required(),
            text("username").required(),
            text("auth_database_name").required(),
            text("x509_type").optional(),
        ],
        blocks: vec![NestedBlock::new("roles", Nesting::Set, roles)],
        ..Block::default()
    }
}

fn secret() -> Block {
    Block {
        attributes: vec![text("id"), text("name").optional()],
        ..Block::default()
    }
}

fn secret_version() -> Block {
    Block {
        attributes: vec![
            text("id"),
            text("secret_id").required(),
            text("secret_string_wo").write_only(),
            number("secret_string_wo_version"),
        ],
        ..Block::default()
    }
}

fn text(name: &str) -> Attribute {
    Attribute::new(name, Type::String, "")
}

fn texts(name: &str) -> Attribute {
    Attribute::new(name, Type::map(Type::String), "").optional()
}

fn number(name: &str) -> Attribute {
    Attribute::new(name, Type::Number, "").optional()
}

struct StandIn(&'static Kind);

#[async_trait]
impl Provider for StandIn {
    fn schema(&self) -> Schema {
        Schema::default()
    }

    async fn configure(&self, _request: ConfigureRequest) -> Diagnostics {
        Diagnostics::new()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        self.0
            .resources
            .iter()
            .map(|(name, block)| {
                Arc::new(Shape {
                    name,
                    block: *block,
                }) as Arc<dyn Resource>
            })
            .collect()
    }
}

/// A resource that can be planned and never applied.
struct Shape {
    name: &'static str,
    block: fn() -> Block,
}

#[async_trait]
impl Resource for Shape {
    fn type_name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> Schema {
        Schema::new((self.block)())
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let mut planned = request.proposed;
        planned.set("id", Value::Unknown);
        PlanResponse {
            planned,
            ..PlanResponse::default()
        }
    }

    async fn create(&self, _request: CreateRequest) -> ApplyResponse {
        refusal(Value::Null)
    }

    async fn update(&self, request: UpdateRequest) -> ApplyResponse {
        refusal(request.prior)
    }

    async fn delete(&self, request: DeleteRequest) -> ApplyResponse {
        refusal(request.prior)
    }
}

fn refusal(state: Value) -> ApplyResponse {
    let diagnostics =
        Diagnostic::error("Stand-in", "This provider only stands in for another one.").into();
    ApplyResponse {
        state,
        private: Vec::new(),
        diagnostics,
    }
}
