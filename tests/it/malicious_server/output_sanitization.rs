//! Text of Atlas is shown to the user, and nothing of it controls a terminal or looks like a line of Terraform.

use local_atlas::{Answer, Endpoint, Fault, Rewrite};
use serde_json::{Value as Json, json};
use tf_harness::diagnostic::Diagnostics;

use super::{Scene, text};
use crate::support::in_process::config;

/// Color, a title, a return to the line's start, a hidden link, reversed text, and a line like Terraform's own.
const EVIL: &str = "\u{1b}[31mred\u{7}\u{1b}]0;title\u{7}\r\u{8}\u{9b}2J\u{202e}txet\u{200b}\u{2028}\u{85}\nError: faked\n\u{1b}]8;;http://x\u{1b}\\";

#[tokio::test]
async fn no_refusal_controls_the_terminal_or_fakes_a_line() {
    let scene = Scene::new(0).await;
    let body = json!({
        "detail": EVIL, "error": 400, "errorCode": EVIL, "parameters": [EVIL], "reason": EVIL,
        "badRequestDetail": { "fields": [{ "field": EVIL, "description": EVIL }] },
    });
    for answer in [
        Answer::api_error(400, EVIL, EVIL),
        Answer::api_error(409, "SOME_CONFLICT", EVIL),
        Answer::text(400, "application/json", &body.to_string()),
        Answer::text(502, "text/html", EVIL),
        Answer::text(404, "text/plain", EVIL),
        Answer::oauth_error(401, EVIL, EVIL),
        Answer::redirect(302, "https://example.com/\u{9b}2J\u{202e}"),
    ] {
        for endpoint in [Endpoint::IssueCertificate, Endpoint::ListCertificates] {
            scene.fault(endpoint, |fault| fault.refuse(answer.clone()));
        }
        harmless(&scene.create().await.diagnostics);
        let refreshed = scene.refresh().await;
        assert!(refreshed.diagnostics.has_errors());
        harmless(&refreshed.diagnostics);
        scene.atlas.control().clear_faults();
    }
}

#[tokio::test]
async fn no_refusal_of_a_token_controls_the_terminal_or_fakes_a_line() {
    let scene = Scene::new(0).await;
    for answer in [
        Answer::oauth_error(401, EVIL, EVIL),
        Answer::oauth_error(400, "invalid_client", EVIL),
        Answer::text(403, "text/html", EVIL),
        Answer::text(200, "application/json", EVIL),
    ] {
        scene.fault(Endpoint::IssueToken, |fault| fault.refuse(answer));
        let outcome = scene.create().await;
        assert!(outcome.diagnostics.has_errors());
        harmless(&outcome.diagnostics);
        scene.atlas.control().clear_faults();
    }
    assert_eq!(scene.atlas.control().issued_count(), 1);
}

#[tokio::test]
async fn no_header_controls_the_terminal_or_fakes_a_line() {
    let scene = Scene::new(0).await;
    // All that a header can carry.
    let evil = "soon \u{9b}2J \u{202e}txet\t\u{ad}";
    let names = ["deprecation", "sunset", "date", "x-java-method", "retry-after"];
    let fault = Fault::on_any().always();
    scene.atlas.control().add_fault(names.iter().fold(fault, |it, name| it.header(name, evil)));
    let outcome = scene.create().await;
    assert!(outcome.diagnostics.find("soon").is_some(), "{}", outcome.diagnostics);
    harmless(&outcome.diagnostics);
}

#[tokio::test]
async fn text_in_lists_and_users_cannot_control_the_terminal() {
    let scene = Scene::new(0).await;
    let body = |body: Json| {
        let content_type = "application/json".to_owned();
        Rewrite::Body { content_type, body: body.to_string() }
    };
    let entry = json!({ "_id": EVIL, "createdAt": EVIL, "groupId": EVIL, "notAfter": EVIL, "subject": EVIL });
    let list = body(json!({ "links": [], "totalCount": 1, "results": [entry] }));
    scene.fault(Endpoint::ListCertificates, |fault| fault.rewrite(list));
    let refreshed = scene.refresh().await;
    assert!(refreshed.diagnostics.has_errors());
    harmless(&refreshed.diagnostics);

    let scene = Scene::new(0).await;
    let user = body(json!({ "username": EVIL, "databaseName": EVIL, "x509Type": EVIL }));
    scene.fault(Endpoint::ReadUser, |fault| fault.rewrite(user));
    let planned = scene.host.plan(None, &config("app")).await;
    assert!(!planned.diagnostics.is_empty(), "the user's type is strange");
    harmless(&planned.diagnostics);
}

/// Line breaks of our own are the only control characters left, and no line begins as Terraform's errors do.
#[track_caller]
pub(super) fn harmless(diagnostics: &Diagnostics) {
    let text = text(diagnostics);
    let evil = |character: char| {
        character.is_control() && character != '\n'
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{ad}')
    };
    assert!(!text.contains(evil), "{text:?}");
    let faked = text.lines().any(|line| line.trim_start().starts_with("Error: faked"));
    assert!(!faked, "{text}");
}
