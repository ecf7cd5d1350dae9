//! Every title of a diagnostic occurs in a test. Titles that no other test provokes are provoked here.

use std::collections::BTreeMap;

use serde_json::json;
use tf_harness::{core::ResourceInstance, value::unknown};

use crate::support::{
    atlas::PROJECT,
    fixture::TYPE,
    in_process::{config, in_process, titled, with},
    sources::{Part, sources, tests},
};

/// Texts that look like a title: a log message, and the summaries of the functions.
const NOT_TITLES: [&str; 4] = [
    "RPC completed",
    "Prepares a connection string for authentication with a client certificate",
    "Reads an X.509 certificate",
    "Splits a certificate and its private key",
];

#[test]
fn every_title_occurs_in_a_test() {
    let tests = tests();
    let mut titles = BTreeMap::new();
    for (path, text) in sources(Part::Product) {
        let folders = ["src/provider/", "tf-provider/src/protocol/", "tf-provider/src/terraform/"];
        if folders.iter().any(|folder| path.starts_with(folder)) {
            titles.extend(titles_in(&text).into_iter().map(|title| (title, path.clone())));
        }
    }
    assert!(titles.len() > 100, "titles are found: {titles:?}");
    titles.retain(|title, _| !NOT_TITLES.contains(&title.as_str()));
    titles.retain(|title, _| !tests.contains(&format!("{title}\"")));
    assert!(titles.is_empty(), "no test has the titles {titles:#?}");
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
async fn every_invalid_argument_has_its_title_and_its_path() {
    let (atlas, host) = in_process(&["app"]).await;
    let key_as_account =
        json!({ "public_key": "mdb_sa_id_0123456789abcdef01234567", "private_key": "s" });
    let two_sets = json!({ "access_token": "t", "public_key": "abcdefgh", "private_key": "s" });
    let two_urls = json!({ "base_url": "https://example.com", "is_mongodbgov_cloud": true });
    for (block, path, title) in [
        (json!({ "access_token": "Bearer x" }), "access_token", "Invalid credentials"),
        (json!({ "client_id": "mdb_sa_id_1" }), "client_id", "Incomplete credentials"),
        (key_as_account, "public_key", "Service account given as an API key"),
        (two_sets, "", "More than one set of credentials"),
        (json!({ "base_url": "http://10.0.0.1:8080" }), "base_url", "Invalid base_url"),
        (two_urls, "base_url", "Conflict between base_url and is_mongodbgov_cloud"),
        (json!({ "api_version": "v3" }), "api_version", "Invalid api_version"),
        (json!({ "max_retries": -1 }), "max_retries", "Invalid max_retries"),
        (json!({ "request_timeout": 5 }), "request_timeout", "Invalid request_timeout"),
        (json!({ "ca_bundle_pem": "x" }), "ca_bundle_pem", "Invalid ca_bundle_pem"),
        (
            json!({ "allowed_project_ids": [] }),
            "allowed_project_ids",
            "Invalid allowed_project_ids",
        ),
        (
            json!({ "max_months_until_expiration": 25 }),
            "max_months_until_expiration",
            "Invalid max_months_until_expiration",
        ),
    ] {
        let diagnostics = host.configure(block).await.unwrap();
        assert_eq!(titled(&diagnostics, title).path, path, "{title}");
    }
    for (change, path, title) in [
        (
            json!({ "months_until_expiration": 25 }),
            "months_until_expiration",
            "Invalid months_until_expiration",
        ),
        (json!({ "private_key_recipients": [] }), "private_key_recipients", "No recipients"),
        (
            json!({ "pkcs12_password_wo": "secret" }),
            "pkcs12_password_wo",
            "Missing pkcs12_password_wo_version",
        ),
        (
            json!({ "pkcs12_password_wo_version": 1 }),
            "pkcs12_password_wo_version",
            "Missing pkcs12_password_wo",
        ),
    ] {
        let config = with(&config("app"), change);
        let diagnostics = host.resource(TYPE).validate(config).await.unwrap();
        assert_eq!(titled(&diagnostics, title).path, path, "{title}");
    }
    assert_eq!(atlas.control().requests(), []);
}

#[tokio::test]
async fn an_import_or_a_lookup_with_an_unknown_provider_configuration_names_the_argument() {
    let (_atlas, host) = in_process(&["app"]).await;
    let resource = host.command_with(json!({ "access_token": unknown() })).await;
    let imported = resource.import(&format!("{PROJECT}/app"), None).await.unwrap();
    let found = host.read_data("atlas_user_certificates", config("app")).await.unwrap();
    for diagnostics in [imported.diagnostics, found.diagnostics] {
        let error = titled(&diagnostics, "Provider configuration not known yet");
        assert!(error.contains("\"access_token\"") && error.contains("-target"), "{error:?}");
    }
}

#[tokio::test]
async fn an_object_without_its_user_is_an_error_and_stays() {
    let (_atlas, host) = in_process(&["app"]).await;
    let instance = host.created(&config("app")).await;
    let state = with(&instance.state, json!({ "username": null }));
    let mut incomplete = Some(ResourceInstance { state, identity: None, ..instance });
    let before = incomplete.clone();
    let refreshed = host.refresh(&mut incomplete).await;
    titled(&refreshed.diagnostics, "Stored object is incomplete");
    assert_eq!(incomplete, before);
}
