//! Credentials go where the configuration says, and nowhere else.

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_harness::core::Core;

use super::{Scene, TYPE, certificate};
use crate::support::{
    atlas::atlas,
    plugin::{ScratchDir, configure, started},
};

#[tokio::test]
async fn no_credential_ever_follows_a_redirect() {
    let (home, elsewhere) = (atlas(&[super::USER]), atlas(&[super::USER]));
    let keys = home.control().credentials();
    let logins = [
        json!({ "client_id": keys.client_id, "client_secret": keys.client_secret }),
        json!({ "public_key": keys.public_key, "private_key": keys.private_key }),
        json!({ "access_token": keys.access_token }),
    ];
    for login in logins {
        let temporary = ScratchDir::new();
        let core = logged_in(&home, &temporary, &login).await;
        for status in [301, 302, 303, 307, 308] {
            let target = format!("{}/api/atlas/v1.0/groups", elsewhere.base_url());
            let redirect = || Answer::redirect(status, &target);
            let fault = Fault::on_any().always().before_login().refuse(redirect());
            let fault = home.control().add_fault(fault);
            let outcome = core.apply_config(TYPE, &mut None, certificate()).await.unwrap();
            let error = outcome.diagnostics.find("Unexpected redirect");
            assert!(
                error.is_some_and(|error| error.detail.contains(&target)),
                "{}",
                outcome.diagnostics
            );
            home.control().remove_fault(fault.id());
        }
    }
    assert!(elsewhere.control().requests().is_empty(), "somebody followed");
    assert_eq!(home.control().issued_count(), 0);
}

#[tokio::test]
async fn no_credential_follows_what_a_list_links_to() {
    let (scene, instance) = Scene::with_certificate().await;
    let elsewhere = atlas(&[]);
    let next =
        json!({ "rel": "next", "href": format!("{}/api/atlas/v1.0/x", elsewhere.base_url()) });
    let page = json!({ "links": [next], "results": [], "totalCount": 5000 }).to_string();
    let answer = Answer::text(200, "application/json", &page);
    scene.atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).always().refuse(answer));
    scene.refresh(instance.as_ref()).await;
    assert!(elsewhere.control().requests().is_empty());
}

async fn logged_in(atlas: &LocalAtlas, temporary: &ScratchDir, login: &Json) -> Core {
    let options = temporary.options().env("MONGODB_ATLAS_BASE_URL", atlas.base_url());
    let core = started(options).await;
    configure(&core, login.clone()).await;
    core
}
