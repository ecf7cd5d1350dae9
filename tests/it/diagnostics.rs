//! Every title of a diagnostic occurs in a test. Titles that no other test provokes are provoked here.

use std::collections::BTreeMap;

use local_atlas::{Answer, Endpoint, Fault, RetryAfter, When};
use serde_json::json;
use tf_harness::{diagnostic::Diagnostics, value::unknown};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{ScratchDir, configured, started},
    sources::{Part, sources, tests},
};

/// Texts that look like a title and are none.
const NOT_TITLES: &[&str] = &[
    "DH PARAMETERS",
    "RPC completed",
    "Prepares a connection string for authentication with a client certificate",
    "Reads an X.509 certificate",
    "Splits a certificate and its private key",
];

/// Titles that no test provokes yet. The list may only become shorter.
const UNTESTED: &str = include_str!("untested_titles.txt");

#[test]
fn every_title_occurs_in_a_test_unless_it_is_listed_as_untested() {
    let tests = tests();
    let mut titles = BTreeMap::new();
    for (path, text) in sources(Part::Product) {
        if path.starts_with("src/provider/")
            || path.starts_with("tf-provider/src/protocol/")
            || path.starts_with("tf-provider/src/terraform/")
        {
            titles.extend(titles_in(&text).into_iter().map(|title| (title, path.clone())));
        }
    }
    assert!(titles.len() > 100, "titles are found: {titles:?}");
    titles.retain(|title, _| {
        !NOT_TITLES.contains(&title.as_str()) && !tests.contains(&format!("{title}\""))
    });
    let untested: Vec<_> = titles.into_keys().collect();
    assert_eq!(untested, UNTESTED.lines().collect::<Vec<_>>());
}

/// Literals that begin with an upper-case letter, contain a space, and are no sentence; and those that begin a diagnostic.
fn titles_in(text: &str) -> Vec<String> {
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut titles = Vec::new();
    let mut parts = code.split('"');
    let mut before = parts.next().unwrap_or_default();
    while let (Some(literal), Some(after)) = (parts.next(), parts.next()) {
        let begins_diagnostic = ["Diagnostic::error(", "Diagnostic::warning("]
            .iter()
            .any(|call| before.trim_end().ends_with(call));
        let is_title = literal.starts_with(|c: char| c.is_ascii_uppercase())
            && literal.contains(' ')
            && literal.len() < 80
            && !literal.contains(['{', '\\', '\n', '`'])
            && !literal.ends_with(['.', ':', ',', ' ', '(']);
        if begins_diagnostic || is_title {
            titles.push(literal.to_owned());
        }
        before = after;
    }
    titles
}

#[tokio::test]
async fn every_invalid_provider_argument_has_its_title() {
    let temporary = ScratchDir::new();
    let core = started(temporary.options()).await;
    for (argument, value, title) in [
        ("access_token", json!("Bearer x"), "Invalid credentials"),
        ("api_version", json!("v3"), "Invalid api_version"),
        ("max_retries", json!(-1), "Invalid max_retries"),
        ("request_timeout", json!(5), "Invalid request_timeout"),
        ("ca_bundle_pem", json!("x"), "Invalid ca_bundle_pem"),
        ("allowed_project_ids", json!([]), "Invalid allowed_project_ids"),
        ("max_months_until_expiration", json!(25), "Invalid max_months_until_expiration"),
    ] {
        let diagnostics = core.configure(json!({ argument: value })).await.unwrap();
        let error = find(&diagnostics, title);
        assert!(error.is_error && error.path == argument, "{diagnostics:?}");
    }
    let block = json!({ "base_url": "https://example.com", "is_mongodbgov_cloud": true });
    let diagnostics = core.configure(block).await.unwrap();
    find(&diagnostics, "Conflict between base_url and is_mongodbgov_cloud");
}

#[tokio::test]
async fn an_import_with_an_unknown_provider_configuration_names_the_argument() {
    let temporary = ScratchDir::new();
    let core = started(temporary.options()).await;
    core.configure(json!({ "access_token": unknown() })).await.unwrap().ok().unwrap();
    let imported =
        core.resource("atlas_user_certificate").import(&format!("{PROJECT}/app")).await.unwrap();
    let error = find(&imported.diagnostics, "Provider configuration not known yet");
    assert!(error.contains("\"access_token\""), "{error:?}");
}

#[tokio::test]
async fn a_stop_during_a_wait_before_a_certificate_request_issues_nothing() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    let limited = Answer::rate_limited(Some(RetryAfter::Seconds(60)));
    let fault =
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).always().refuse(limited));
    let host = core.clone();
    let config = json!({ "project_id": PROJECT, "username": "app" });
    let applying = tokio::spawn(async move {
        host.apply_config("atlas_user_certificate", &mut None, config).await
    });
    fault.reached().await;
    core.stop().await.unwrap();
    let outcome = applying.await.unwrap().unwrap();
    find(&outcome.diagnostics, "Canceled before the certificate was requested");
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn a_stop_during_a_refresh_leaves_the_state_unchanged() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    let mut instance = None;
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config("atlas_user_certificate", &mut instance, config).await.unwrap().ok().unwrap();
    let paused =
        atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).pause(When::Before));
    let (host, mut refreshed) = (core.clone(), instance.clone());
    let refreshing = tokio::spawn(async move {
        let result = host.refresh("atlas_user_certificate", &mut refreshed).await.unwrap();
        (result.diagnostics, refreshed)
    });
    paused.reached().await;
    core.stop().await.unwrap();
    let (diagnostics, refreshed) = refreshing.await.unwrap();
    find(&diagnostics, "Operation canceled");
    assert_eq!(refreshed, instance);
    paused.release();
}

#[tokio::test]
async fn rejected_credentials_name_the_arguments_of_their_kind() {
    let atlas = atlas(&["app"]);
    let credentials = atlas.control().credentials();
    for (block, names, others) in [
        (
            json!({ "client_id": credentials.client_id, "client_secret": "wrong" }),
            "client_id and client_secret",
            "public_key",
        ),
        (
            json!({ "public_key": credentials.public_key, "private_key": "wrong" }),
            "public_key and private_key",
            "client_id",
        ),
        (json!({ "access_token": "wrong" }), "access_token", "client_id"),
    ] {
        let temporary = ScratchDir::new();
        let core = started(temporary.options()).await;
        let mut block = block.clone();
        block["base_url"] = json!(atlas.base_url());
        core.configure(block).await.unwrap().ok().unwrap();
        let imported = core
            .resource("atlas_user_certificate")
            .import(&format!("{PROJECT}/app"))
            .await
            .unwrap();
        let error = find(&imported.diagnostics, "Atlas credentials rejected");
        assert!(error.contains(names) && !error.contains(others), "{error:?}");
        assert!(!error.detail.contains("wrong"), "{error:?}");
    }
    assert_eq!(atlas.control().issued_count(), 0);
}

#[track_caller]
fn find<'a>(diagnostics: &'a Diagnostics, title: &str) -> &'a tf_harness::diagnostic::Diagnostic {
    let found = diagnostics.0.iter().find(|diagnostic| diagnostic.summary == title);
    found.unwrap_or_else(|| panic!("{title:?} is not among {diagnostics:?}"))
}
