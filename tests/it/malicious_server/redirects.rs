//! Credentials are sent to the configured address, and to no other.

use local_atlas::{Answer, Endpoint, Fault};
use serde_json::{Value as Json, json};

use super::Scene;
use crate::support::{
    atlas::atlas,
    in_process::{InProcess, config, service_account, titled},
};

#[tokio::test]
async fn no_credential_follows_a_redirect() {
    let (home, elsewhere) = (atlas(&["app"]), atlas(&["app"]));
    let keys = home.control().credentials();
    let target = format!("{}/api/atlas/v1.0/groups", elsewhere.base_url());
    for login in [
        service_account(&home),
        json!({ "public_key": keys.public_key, "private_key": keys.private_key, "access_token": null }),
        json!({}),
    ] {
        let host = InProcess::new(&home, login).await;
        for status in [301, 302, 303, 307, 308] {
            let fault = Fault::on_any().always().before_login();
            let fault = fault.refuse(Answer::redirect(status, &target));
            let fault = home.control().add_fault(fault);
            let outcome = host.apply(&mut None, &config("app")).await;
            let error = titled(&outcome.diagnostics, "Unexpected redirect");
            assert!(error.contains(&target), "{error:?}");
            home.control().remove_fault(fault.id());
        }
    }
    assert!(elsewhere.control().requests().is_empty(), "a redirect was followed");
    assert_eq!(home.control().issued_count(), 0);
}

#[tokio::test]
async fn no_credential_follows_a_link_of_a_list() {
    let (scene, elsewhere) = (Scene::new(5).await, atlas(&[]));
    let href = format!("{}/api/atlas/v1.0/x", elsewhere.base_url());
    let next: Json = json!({ "rel": "next", "href": href });
    let page = json!({ "links": [next], "results": [], "totalCount": 5000 }).to_string();
    let answer = Answer::text(200, "application/json", &page);
    scene.fault(Endpoint::ListCertificates, |fault| fault.refuse(answer));
    scene.refresh().await;
    assert!(elsewhere.control().requests().is_empty());
}
