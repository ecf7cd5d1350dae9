//! TLS logins with issued certificates.

use std::time::Duration;

use jiff::SignedDuration;
use local_atlas::{LocalAtlas, LoginError, X509Type};

use crate::{PROJECT, USER, atlas, issue};

async fn refuses(atlas: &LocalAtlas, pem: &str) -> bool {
    matches!(atlas.log_in(pem).await, Err(LoginError::Connection(_)))
}

async fn denies(atlas: &LocalAtlas, pem: &str) -> bool {
    matches!(atlas.log_in(pem).await, Err(LoginError::Denied { .. }))
}

#[tokio::test]
async fn a_certificate_logs_in_as_its_user_while_both_are_valid() {
    let atlas = atlas();
    let control = atlas.control();
    let pem = issue(&atlas).await;
    let identity = atlas.log_in(&pem).await.unwrap();
    let issued = control.certificates(PROJECT, USER).remove(0);
    assert_eq!(
        [&identity.user, &identity.project, &identity.serial],
        [USER, PROJECT, &issued.serial]
    );
    assert_eq!(identity.certificate_id, issued.id.to_string());
    assert_eq!(pem, issued.combined_pem());

    control.remove_user(PROJECT, USER);
    assert!(denies(&atlas, &pem).await);
    control.add_user(PROJECT, USER, X509Type::Customer);
    assert!(denies(&atlas, &pem).await);
    control.add_user(PROJECT, USER, X509Type::Managed);
    assert_eq!(atlas.log_in(&pem).await.unwrap().user, USER, "the user was created again");

    control.advance(Duration::from_secs(86_400 * 93));
    assert!(refuses(&atlas, &pem).await, "expired");
    control.set_clock_offset(SignedDuration::from_hours(-2));
    assert!(refuses(&atlas, &pem).await, "not valid yet");
    control.set_clock_offset(SignedDuration::ZERO);
    control.unlist_certificate(issued.id);
    assert!(denies(&atlas, &pem).await);
}

#[tokio::test]
async fn foreign_authorities_and_foreign_keys_are_refused() {
    let (atlas, elsewhere) = (atlas(), atlas());
    assert!(refuses(&atlas, &issue(&elsewhere).await).await);
    let other_project = "0123456789abcdef01234567";
    atlas.control().add_user(other_project, USER, X509Type::Managed);
    let other = atlas.control().issue(other_project, USER, 3);
    assert_eq!(atlas.log_in(&other.combined_pem()).await.unwrap().project, other_project);
    issue(&atlas).await;
    let own = atlas.control().certificates(PROJECT, USER).remove(0);
    for pem in [own.certificate_pem + &other.key_pem, "nothing".to_owned()] {
        assert!(matches!(atlas.log_in(&pem).await, Err(LoginError::Pem(_))));
    }
}
