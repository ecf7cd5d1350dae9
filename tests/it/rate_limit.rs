//! Atlas's rate limit: waited out as Atlas asks, whatever the CLI's parallelism.

use std::collections::BTreeMap;

use crate::support::{
    atlas::{PROJECT, atlas, login},
    plugin::{ScratchDir, configure, started},
    terraform::bare_workspace,
};
use jiff::Timestamp;
use local_atlas::{Endpoint, Fault, Rate, RetryAfter};
use serde_json::json;

#[test]
fn sixty_creates_against_a_bucket_of_twenty_wait_as_atlas_asks_and_issue_sixty() {
    let users: Vec<_> = (0..60).map(|number| format!("user-{number}")).collect();
    let atlas = atlas(&users.iter().map(String::as_str).collect::<Vec<_>>());
    atlas
        .control()
        .configure(|settings| settings.certificate_rate = Some(Rate::per_second(20, 10)));
    // No repeats of our own: every wait is one that Atlas asked for.
    let mut workspace = bare_workspace(&format!(
        r#"
provider "atlas" {{
  max_retries = 0
}}

resource "atlas_user_certificate" "app" {{
  count      = 60
  project_id = "{PROJECT}"
  username   = "user-${{count.index}}"
}}
"#
    ));
    for (name, value) in login(&atlas) {
        workspace.set_env(name, &value);
    }
    workspace.apply(&["-parallelism=60"]).success();

    let control = atlas.control();
    assert_eq!(control.issued_count(), 60);
    assert_eq!(workspace.instances("atlas_user_certificate").len(), 60);
    let mut refused_at: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut refusals = 0;
    for post in control.requests_to(Endpoint::IssueCertificate) {
        if let Some(refused_at) = refused_at.remove(&post.user) {
            let waited = post.received_at.duration_since(refused_at).as_millis();
            assert!(waited >= 1000, "{} came back after {waited} ms", post.user);
        }
        match post.status {
            Some(201) => {}
            Some(429) => {
                refusals += 1;
                refused_at.insert(post.user, post.received_at);
            }
            other => panic!("{other:?} for {}", post.user),
        }
    }
    assert!(refusals > 0, "the bucket was never empty");
}

#[tokio::test]
async fn the_wait_is_the_number_that_atlas_names_and_is_told_once() {
    for retry_after in [RetryAfter::Date(6)] {
        let atlas = atlas(&["app"]);
        let answer = local_atlas::Answer::rate_limited(Some(retry_after));
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(answer));
        let temporary = ScratchDir::new();
        let options = temporary.options().envs(login(&atlas)).log("INFO");
        let core = started(options).await;
        configure(&core, json!({ "max_retries": 0 })).await;
        let config = json!({ "project_id": PROJECT, "username": "app" });
        core.apply_config("atlas_user_certificate", &mut None, config)
            .await
            .unwrap()
            .ok()
            .expect("a certificate");

        let posts = atlas.control().requests_to(Endpoint::IssueCertificate);
        let waited = posts[1].received_at.duration_since(posts[0].received_at).as_secs();
        assert!((5..60).contains(&waited), "{waited}");
        let lines = core.provider().log_lines();
        let told: Vec<_> = lines
            .iter()
            .filter(|line| line.contains("Atlas limits the rate of requests"))
            .collect();
        assert_eq!(told.len(), 1, "{lines:#?}");
        assert!(told[0].contains("info") && told[0].contains("waiting"), "{told:#?}");
    }
}
