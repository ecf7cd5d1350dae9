//! TLS logins with issued certificates.

use std::time::Duration;

use jiff::SignedDuration;
use local_atlas::{LoginError, X509Type};

use crate::{PROJECT, USER, atlas, issue};

#[tokio::test]
async fn a_certificate_logs_in_as_its_user_while_it_is_valid() {
    let atlas = atlas();
    let pem = issue(&atlas).await;
    let identity = atlas.log_in(&pem).await.unwrap();
    let issued = atlas.control().certificates(PROJECT, USER).remove(0);
    assert_eq!((identity.user.as_str(), identity.project.as_str()), (USER, PROJECT));
    assert_eq!(
        (&identity.serial, identity.certificate_id),
        (&issued.serial, issued.id.to_string())
    );
    assert_eq!(pem, issued.combined_pem());
    atlas.control().advance(Duration::from_secs(86_400 * 93));
    assert!(atlas.log_in(&pem).await.unwrap_err().is_certificate_refused());
    atlas.control().set_clock_offset(SignedDuration::from_hours(-2));
    assert!(atlas.log_in(&pem).await.unwrap_err().is_certificate_refused(), "not valid yet");
}

#[tokio::test]
async fn an_old_certificate_logs_in_as_the_recreated_user() {
    let atlas = atlas();
    let pem = issue(&atlas).await;
    atlas.control().remove_user(PROJECT, USER);
    assert!(matches!(atlas.log_in(&pem).await, Err(LoginError::Denied { .. })));
    atlas.control().add_user(PROJECT, USER, X509Type::Customer);
    assert!(atlas.log_in(&pem).await.is_err());
    atlas.control().add_user(PROJECT, USER, X509Type::Managed);
    assert_eq!(atlas.log_in(&pem).await.unwrap().user, USER);
    let id = atlas.control().certificates(PROJECT, USER)[0].id;
    atlas.control().unlist_certificate(id);
    assert!(matches!(atlas.log_in(&pem).await, Err(LoginError::Denied { .. })));
}

#[tokio::test]
async fn foreign_authorities_and_foreign_keys_are_refused() {
    let (atlas, elsewhere) = (atlas(), atlas());
    let foreign = issue(&elsewhere).await;
    assert!(atlas.log_in(&foreign).await.unwrap_err().is_certificate_refused());
    let (first, second) = (issue(&atlas).await, issue(&atlas).await);
    let other_project = "0123456789abcdef01234567";
    atlas.control().add_user(other_project, USER, X509Type::Managed);
    let other = atlas.control().issue(other_project, USER, 3).combined_pem();
    assert_eq!(atlas.log_in(&other).await.unwrap().project, other_project);
    let at = |pem: &str| pem.find("-----BEGIN PRIVATE").unwrap();
    let mixed = format!("{}{}", &first[..at(&first)], &second[at(&second)..]);
    for pem in [mixed.as_str(), "nothing"] {
        assert!(matches!(atlas.log_in(pem).await, Err(LoginError::Pem(_))));
    }
}
