//! One process that is configured several times, as with `-debug`: nothing of an earlier configuration is used or left behind.

use local_atlas::Endpoint;
use serde_json::json;

use super::{create, created, service_account, started};
use crate::support::{
    atlas::atlas,
    plugin::{self, ScratchDir, configure},
};

#[tokio::test]
async fn every_configuration_revokes_its_token() {
    let atlas = atlas(&["app"]);
    let mut block = service_account(&atlas);
    let (core, _temporary) = started(&atlas, block.clone()).await;
    block["base_url"] = json!(atlas.base_url());
    created(&core).await;
    for _ in 0..2 {
        configure(&core, block.clone()).await;
        created(&core).await;
    }
    core.provider().shutdown().await.expect("the process ends");
    let tokens = atlas.control().tokens();
    assert_eq!(tokens.len(), 3);
    assert!(tokens.iter().all(|token| token.revoked), "{tokens:?}");
}

#[tokio::test]
async fn a_configure_that_fails_leaves_no_credentials_behind() {
    let atlas = atlas(&["app"]);
    let temporary = ScratchDir::new();
    let options = temporary.options().envs([("MONGODB_ATLAS_BASE_URL", "no URL")]);
    let core = plugin::started(options).await;
    let mut block = service_account(&atlas);
    block["base_url"] = json!(atlas.base_url());
    configure(&core, block.clone()).await;
    created(&core).await;
    block["base_url"] = json!(null);
    let problems = core.configure(block).await.expect("a response");
    let problem = problems.find("Invalid environment variable");
    assert!(
        problem.is_some_and(|problem| problem.contains("MONGODB_ATLAS_BASE_URL")),
        "{problems:?}"
    );
    let outcome = create(&core).await;
    assert!(
        outcome.diagnostics.find("Provider not configured").is_some(),
        "{:?}",
        outcome.diagnostics
    );
    assert_eq!(atlas.control().request_count(Endpoint::IssueCertificate), 1);
}
