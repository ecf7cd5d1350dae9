//! Bearer tokens: one for a process, however many calls share it, and none left behind.

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas};
use serde_json::json;

use super::{create, created_at_once, service_account, started};
use crate::support::atlas::atlas;

#[tokio::test]
async fn one_token_serves_all_calls_and_is_revoked_at_the_end() {
    let atlas = atlas(&["app"]);
    let (core, _temporary) = started(&atlas, service_account(&atlas)).await;
    created_at_once(&core, 20).await;
    assert_eq!(atlas.control().issued_count(), 20);
    assert_eq!(revoked(&atlas), [false]);
    core.provider().shutdown().await.expect("the process ends");
    assert_eq!(revoked(&atlas), [true]);
}

#[tokio::test]
async fn nothing_is_asked_of_atlas_before_it_is_needed() {
    let atlas = atlas(&["app"]);
    let (core, _temporary) = started(&atlas, service_account(&atlas)).await;
    let config = json!({ "project_id": "no project id", "username": "app" });
    let outcome = core.apply_config("atlas_user_certificate", &mut None, config).await.unwrap();
    assert!(outcome.diagnostics.at("project_id").is_some());
    core.provider().shutdown().await.expect("the process ends");
    assert_eq!(atlas.control().requests(), []);
}

#[tokio::test]
async fn a_refused_service_account_is_reported_with_the_oauth_error() {
    for (answer, summary, says) in [
        (
            Answer::oauth_error(401, "invalid_client", "Invalid client secret."),
            "Atlas credentials rejected",
            "invalid_client",
        ),
        (
            Answer::oauth_error(403, "access_denied", "Token limit reached."),
            "Service account rejected",
            "100 active access tokens",
        ),
        (
            Answer::api_error(429, "RATE_LIMITED", "Resource is limited."),
            "Too many access tokens requested",
            "RATE_LIMITED",
        ),
    ] {
        let atlas = atlas(&["app"]);
        let mut block = service_account(&atlas);
        block["max_retries"] = json!(0);
        let (core, _temporary) = started(&atlas, block).await;
        atlas.control().add_fault(Fault::on(Endpoint::IssueToken).always().refuse(answer));
        let outcome = create(&core).await;
        let error = outcome
            .diagnostics
            .find(summary)
            .unwrap_or_else(|| panic!("{summary}: {:?}", outcome.diagnostics));
        assert!(error.contains(says), "{error:?}");
        let secret = atlas.control().credentials().client_secret;
        assert!(!format!("{:?}", outcome.diagnostics).contains(&secret));
        assert_eq!(atlas.control().issued_count(), 0);
    }
}

fn revoked(atlas: &LocalAtlas) -> Vec<bool> {
    atlas.control().tokens().iter().map(|token| token.revoked).collect()
}
