//! TLS logins with issued certificates.

use std::time::Duration;

use local_atlas::{LoginError, X509Type};

use crate::client::{PROJECT, USER, atlas, issue};

const OTHER_PROJECT: &str = "0123456789abcdef01234567";

#[tokio::test]
async fn a_certificate_logs_in_as_its_user() {
    let atlas = atlas();
    let pem = issue(&atlas).await;
    let who = atlas.log_in(&pem).await.unwrap();
    let issued = &atlas.control().certificates(PROJECT, USER)[0];
    assert_eq!((who.user.as_str(), who.project.as_str()), (USER, PROJECT));
    assert_eq!(
        (who.serial, who.certificate_id),
        (issued.serial.clone(), issued.id.to_string())
    );
    assert_eq!(pem, issued.combined_pem());
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_tls() {
    let atlas = atlas();
    let pem = issue(&atlas).await;
    atlas.control().advance(Duration::from_secs(86_400 * 93));
    assert!(
        atlas
            .log_in(&pem)
            .await
            .unwrap_err()
            .is_certificate_refused()
    );
    atlas
        .control()
        .set_clock_offset(jiff::SignedDuration::from_hours(-2));
    assert!(
        atlas
            .log_in(&pem)
            .await
            .unwrap_err()
            .is_certificate_refused(),
        "not valid yet"
    );
    atlas.control().set_clock_offset(jiff::SignedDuration::ZERO);
    assert!(atlas.log_in(&pem).await.is_ok());
}

#[tokio::test]
async fn an_old_certificate_logs_in_again_as_the_recreated_user() {
    let atlas = atlas();
    let pem = issue(&atlas).await;
    atlas.control().remove_user(PROJECT, USER);
    let denied = atlas.log_in(&pem).await.unwrap_err();
    assert!(matches!(denied, LoginError::Denied { .. }), "{denied:?}");
    atlas.control().add_user(PROJECT, USER, X509Type::Customer);
    assert!(atlas.log_in(&pem).await.is_err());
    atlas.control().add_user(PROJECT, USER, X509Type::Managed);
    assert_eq!(atlas.log_in(&pem).await.unwrap().user, USER);
    let id = atlas.control().certificates(PROJECT, USER)[0].id;
    atlas.control().withdraw_certificate(id);
    assert!(atlas.log_in(&pem).await.is_err());
}

#[tokio::test]
async fn foreign_authorities_and_foreign_keys_do_not_log_in() {
    let atlas = atlas();
    let elsewhere = crate::client::atlas();
    let foreign = issue(&elsewhere).await;
    assert!(atlas.log_in(&foreign).await.is_err(), "no authority yet");
    let first = issue(&atlas).await;
    let second = issue(&atlas).await;
    // From the same pool, so that it is the same authority key only by accident: names differ.
    atlas
        .control()
        .add_user(OTHER_PROJECT, USER, X509Type::Managed);
    let other = atlas.control().issue(OTHER_PROJECT, USER, 3).combined_pem();
    assert_eq!(atlas.log_in(&other).await.unwrap().project, OTHER_PROJECT);
    let (certificate, _) = first.split_at(first.find("-----BEGIN PRIVATE").unwrap());
    let (_, key) = second.split_at(second.find("-----BEGIN PRIVATE").unwrap());
    let mixed = format!("{certificate}{key}");
    assert!(matches!(
        atlas.log_in(&mixed).await,
        Err(LoginError::Pem(_))
    ));
    assert!(matches!(
        atlas.log_in("nothing").await,
        Err(LoginError::Pem(_))
    ));
}
