//! Who is asking: three logins, two API versions, and what becomes of tokens and challenges.

mod choice;
mod end_to_end;
mod reconfigured;
mod tokens;

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::core::{Core, Outcome};

use crate::support::{
    atlas::PROJECT,
    plugin::{self, ScratchDir, configure},
};

/// A provider process with this provider block, which may name everything but `base_url`.
async fn started(atlas: &LocalAtlas, mut block: Json) -> (Core, ScratchDir) {
    let temporary = ScratchDir::new();
    let core = plugin::started(temporary.options()).await;
    block["base_url"] = json!(atlas.base_url());
    configure(&core, block).await;
    (core, temporary)
}

/// The service account as a provider block.
fn service_account(atlas: &LocalAtlas) -> Json {
    let credentials = atlas.control().credentials();
    json!({ "client_id": credentials.client_id, "client_secret": credentials.client_secret })
}

/// Issues one certificate.
async fn create(core: &Core) -> Outcome {
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config("atlas_user_certificate", &mut None, config)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Issues one certificate, which must work.
async fn created(core: &Core) {
    create(core).await.ok().unwrap_or_else(|refused| panic!("{refused}"));
}

/// Issues that many at once.
async fn created_at_once(core: &Core, count: usize) {
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..count {
        let core = core.clone();
        under_way.spawn(async move { created(&core).await });
    }
    under_way.join_all().await;
}
