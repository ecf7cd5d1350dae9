//! HTTP Digest against a server that challenges as Atlas does.

use std::collections::BTreeMap;

use local_atlas::{Authorization, LocalAtlas};
use serde_json::json;

use super::{api_key, create, created, created_at_once, started};
use crate::support::atlas::atlas;

#[tokio::test]
async fn one_challenge_is_answered_with_rising_counts_and_never_fetched_by_a_request_that_issues() {
    let atlas = atlas(&["app"]);
    let (core, _temporary) = started(&atlas, api_key(&atlas)).await;
    for _ in 0..3 {
        created(&core).await;
    }
    created_at_once(&core, 10).await;
    let answers = answers(&atlas);
    let counts = answers.values().next().expect("a nonce was used");
    assert_eq!(answers.len(), 1, "{answers:?}");
    let rising: Vec<u32> = (1..=u32::try_from(counts.len()).unwrap()).collect();
    assert_eq!(sorted(counts), rising);
    assert_eq!(
        counts[..3],
        rising[..3],
        "one after the other, they rise in order"
    );
    let bare: Vec<_> = atlas
        .control()
        .requests()
        .into_iter()
        .filter(|request| request.authorization == Authorization::None)
        .collect();
    assert_eq!(bare.len(), 1);
    assert_eq!(
        (bare[0].method.as_str(), bare[0].status),
        ("GET", Some(401))
    );
    assert_eq!(atlas.control().issued_count(), 13);
}

#[tokio::test]
async fn an_old_nonce_costs_one_repeat_and_no_certificate() {
    let atlas = atlas(&["app"]);
    let (core, _temporary) = started(&atlas, api_key(&atlas)).await;
    created(&core).await;
    atlas.control().clear_requests();
    atlas.control().expire_nonces();
    created(&core).await;
    assert_eq!(atlas.control().issued_count(), 2);
    let refused: Vec<_> = atlas
        .control()
        .requests()
        .into_iter()
        .filter(|request| request.status == Some(401))
        .collect();
    assert_eq!(refused.len(), 1);
    assert!(matches!(
        refused[0].authorization,
        Authorization::Digest { .. }
    ));
    let answers = answers(&atlas);
    assert_eq!(
        answers.len(),
        2,
        "the old nonce and the new one: {answers:?}"
    );
}

#[tokio::test]
async fn nonces_that_end_under_many_calls_at_once_are_replaced_for_each() {
    let atlas = atlas(&["app"]);
    let (core, _temporary) = started(&atlas, api_key(&atlas)).await;
    created(&core).await;
    atlas.control().expire_nonces();
    created_at_once(&core, 20).await;
    assert_eq!(atlas.control().issued_count(), 21);
}

#[tokio::test]
async fn a_wrong_key_is_found_out_without_a_loop() {
    let atlas = atlas(&["app"]);
    let mut wrong = api_key(&atlas);
    wrong["private_key"] = json!("00000000-0000-0000-0000-000000000000");
    let (core, _temporary) = started(&atlas, wrong).await;
    let outcome = create(&core).await;
    let error = outcome
        .diagnostics
        .find("Atlas login refused")
        .unwrap_or_else(|| panic!("{:?}", outcome.diagnostics));
    assert!(
        error.says("MONGODB_ATLAS_") && error.says("No certificate was issued"),
        "{error:?}"
    );
    assert!(!format!("{:?}", outcome.diagnostics).contains("00000000-0000"));
    // A bare request and its answer, for the look at the user in each plan and for the certificate.
    assert!(
        atlas.control().requests().len() <= 6,
        "{}",
        atlas.control().requests().len()
    );
    assert_eq!(atlas.control().issued_count(), 0);
}

/// The counts sent on each nonce, in the order of their arrival.
fn answers(atlas: &LocalAtlas) -> BTreeMap<String, Vec<u32>> {
    let mut answers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for request in atlas.control().requests() {
        if let Authorization::Digest { nonce, count } = request.authorization {
            answers
                .entry(nonce)
                .or_default()
                .push(u32::from_str_radix(&count, 16).unwrap());
        }
    }
    answers
}

fn sorted(counts: &[u32]) -> Vec<u32> {
    let mut counts = counts.to_vec();
    counts.sort_unstable();
    counts
}
