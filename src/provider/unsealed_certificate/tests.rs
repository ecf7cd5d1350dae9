#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tf_provider::{CancellationToken, Severity};

use super::*;
use crate::sealing::{Recipients, seal};

struct Key {
    public: String,
    secret: String,
}

fn key() -> Key {
    let identity = age::x25519::Identity::generate();
    Key {
        public: identity.to_public().to_string(),
        secret: identity.to_string().expose_secret().to_owned(),
    }
}

fn sealed(text: &str, key: &Key) -> String {
    seal(&text.into(), &Recipients::parse(&[&key.public]).unwrap()).unwrap()
}

fn config(sealed: impl Into<Value>, identities: impl Into<Value>) -> Value {
    let mut config = UnsealedCertificate.schema().block.empty();
    config.set(SEALED, sealed);
    config.set(IDENTITIES, identities);
    config
}

async fn opened(config: Value) -> OpenResponse {
    UnsealedCertificate.open(OpenRequest { config, cancel: CancellationToken::new() }).await
}

fn only(diagnostics: Diagnostics) -> (Severity, String, String) {
    let [only]: [Diagnostic; 1] = diagnostics.into_iter().collect::<Vec<_>>().try_into().unwrap();
    let path = only.path.map(|path| path.to_string()).unwrap_or_default();
    (only.severity, path, format!("{} {}", only.summary, only.detail))
}

#[tokio::test]
async fn opens_with_the_identity_that_fits_and_takes_the_pair_apart() {
    let (mine, other) = (key(), key());
    let made = rcgen::generate_simple_self_signed(vec![]).unwrap();
    let certificate = made.cert.pem().replace("\r\n", "\n");
    let private_key = made.signing_key.serialize_pem().replace("\r\n", "\n");
    let combined = format!("{certificate}{private_key}");
    let given = config(sealed(&combined, &mine), vec![other.secret, mine.secret]);
    let response = opened(given.clone()).await;
    assert!(response.diagnostics.is_empty());
    let mut wanted = given;
    wanted.set("combined_pem", combined);
    wanted.set("certificate_pem", certificate);
    wanted.set("private_key_pem", private_key);
    assert_eq!(response.result, wanted);
    assert!(response.result.is_wholly_known());
}

#[tokio::test]
async fn what_is_no_pair_is_given_whole_with_a_warning() {
    let mine = key();
    let response = opened(config(sealed("hunter2", &mine), vec![mine.secret])).await;
    assert_eq!(response.result.get("combined_pem").as_str(), Some("hunter2"));
    assert!(response.result.get("private_key_pem").is_null());
    let (severity, path, text) = only(response.diagnostics);
    assert_eq!((severity, path.as_str()), (Severity::Warning, SEALED));
    assert!(text.starts_with("Unsealed text is not a certificate and its key"), "{text}");
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn failures_blame_the_argument_and_show_none_of_it() {
    let (mine, other) = (key(), key());
    let text = sealed("hunter2", &mine);
    let cut = text.lines().take(4).collect::<Vec<_>>().join("\n");
    for (sealed, identity, blamed) in [
        (text.as_str(), &other.secret, IDENTITIES),
        (&cut, &mine.secret, SEALED),
        ("hunter2", &mine.secret, SEALED),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n", &mine.secret, SEALED),
    ] {
        let response = opened(config(sealed, vec![identity.clone()])).await;
        let (severity, path, text) = only(response.diagnostics);
        assert_eq!((severity, path.as_str()), (Severity::Error, blamed));
        assert!(!text.contains("hunter2") && !text.contains(&identity[20..40]), "{text}");
    }
}

#[test]
fn identities_are_checked_as_far_as_they_are_known() {
    let mine = key();
    let check =
        |identities: Value| UnsealedCertificate.validate(&config(Value::Unknown, identities));
    let list = |elements: Vec<Value>| Value::List(elements);
    assert!(check(Value::Unknown).is_empty());
    assert!(check(list(vec![Value::Unknown, mine.secret.as_str().into()])).is_empty());
    for (identities, path, words) in [
        (list(vec![]), "age_identities", "No age identity"),
        (
            list(vec![Value::Unknown, mine.public.as_str().into()]),
            "age_identities[1]",
            "public half",
        ),
        (list(vec![Value::Null]), "age_identities[0]", "null"),
        (list(vec![mine.secret[..70].into()]), "age_identities[0]", "typing error"),
    ] {
        let (severity, at, text) = only(check(identities));
        assert_eq!((severity, at.as_str()), (Severity::Error, path));
        assert!(text.contains(words) && !text.contains(&mine.secret[20..40]), "{text}");
    }
}

#[tokio::test]
async fn a_pair_that_cannot_be_archived_is_an_error_at_the_password() {
    let made = rcgen::generate_simple_self_signed(vec![]).unwrap();
    let pem = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    let mut bundle = Bundle::parse(&pem.into()).unwrap();
    bundle.private_key_der = vec![0x30, 0x03, 0x02, 0x01, 0x00].into();
    let archive = build_archive(bundle, "changeit".into(), Profile::Modern).await;
    let error = not_archived(&archive.unwrap_err());
    assert_eq!(error.summary, "PKCS#12 archive cannot be built");
    assert_eq!(error.path.map(|path| path.to_string()).as_deref(), Some(PASSWORD));
}

#[test]
fn a_password_or_a_profile_that_cannot_be_used_is_an_error_at_its_argument() {
    let mine = key();
    for (name, value, title) in [
        (PASSWORD, "Zürich-2026-Zürich", "Invalid password"),
        (PASSWORD, "", "Invalid password"),
        (PROFILE, "old", "Invalid pkcs12_profile"),
    ] {
        let mut config = config("x", vec![mine.secret.as_str()]);
        config.set(name, value);
        let (severity, path, text) = only(UnsealedCertificate.validate(&config));
        assert_eq!((severity, path.as_str()), (Severity::Error, name));
        assert!(text.starts_with(title) && !text.contains("Zürich"), "{text}");
    }
}
