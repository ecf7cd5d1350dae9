//! What Atlas says is shown to the user, and nothing of it steers a terminal or passes for a word of Terraform.

use local_atlas::{Answer, Endpoint, Fault, Rewrite};
use serde_json::{Value as Json, json};
use tf_harness::diagnostic::Diagnostics;

use super::{Scene, certificate, words};

/// Colour, a title, a way back to the line's start, a hidden link, text that runs backwards, and a line of Terraform's own.
const EVIL: &str = "\u{1b}[31mred\u{7}\u{1b}]0;title\u{7}\r\u{8}\u{9b}2J\u{202e}txet\u{200b}\u{2028}\u{85}\nError: faked\n\u{1b}]8;;http://x\u{1b}\\";

#[tokio::test]
async fn no_refusal_steers_the_terminal_or_fakes_a_line() {
    let (scene, instance) = Scene::with_certificate().await;
    let field = json!({ "field": EVIL, "description": EVIL });
    let body = json!({
        "detail": EVIL, "error": 400, "errorCode": EVIL, "parameters": [EVIL], "reason": EVIL,
        "badRequestDetail": { "fields": [field] },
    });
    let answers = [
        Answer::api_error(400, EVIL, EVIL),
        Answer::api_error(409, "SOME_CONFLICT", EVIL),
        Answer::text(400, "application/json", &body.to_string()),
        Answer::text(502, "text/html", EVIL),
        Answer::text(404, "text/plain", EVIL),
        Answer::oauth_error(401, EVIL, EVIL),
        Answer::redirect(302, "https://example.com/\u{9b}2J\u{202e}"),
    ];
    for answer in answers {
        for endpoint in [Endpoint::IssueCertificate, Endpoint::ListCertificates] {
            let fault = Fault::on(endpoint).always().refuse(answer.clone());
            scene.atlas.control().add_fault(fault);
        }
        harmless(&scene.create().await.diagnostics);
        let refreshed = scene.refresh(instance.as_ref()).await;
        assert!(refreshed.diagnostics.has_errors());
        harmless(&refreshed.diagnostics);
        scene.atlas.control().clear_faults();
    }
}

#[tokio::test]
async fn no_refused_login_steers_the_terminal_or_fakes_a_line() {
    let answers = [
        Answer::oauth_error(401, EVIL, EVIL),
        Answer::oauth_error(400, "invalid_client", EVIL),
        Answer::text(403, "text/html", EVIL),
        Answer::text(200, "application/json", EVIL),
    ];
    for answer in answers {
        let scene = Scene::set().await;
        scene.atlas.control().add_fault(Fault::on(Endpoint::IssueToken).always().refuse(answer));
        let outcome = scene.create().await;
        assert!(outcome.diagnostics.has_errors());
        harmless(&outcome.diagnostics);
        assert_eq!(scene.atlas.control().issued_count(), 0);
    }
}

#[tokio::test]
async fn no_header_steers_the_terminal_or_fakes_a_line() {
    let scene = Scene::set().await;
    // All that a header can carry.
    let evil = "soon \u{9b}2J \u{202e}txet\t\u{ad}";
    let fault = Fault::on_any()
        .always()
        .header("deprecation", evil)
        .header("sunset", evil)
        .header("date", evil);
    scene
        .atlas
        .control()
        .add_fault(fault.header("x-java-method", evil).header("retry-after", evil));
    let outcome = scene.create().await;
    assert!(outcome.diagnostics.find("soon").is_some(), "{}", outcome.diagnostics);
    harmless(&outcome.diagnostics);
}

#[tokio::test]
async fn text_in_lists_and_users_cannot_steer_the_terminal() {
    let (scene, instance) = Scene::with_certificate().await;
    let listed = json!({ "links": [], "totalCount": 1, "results": [
        { "_id": EVIL, "createdAt": EVIL, "groupId": EVIL, "notAfter": EVIL, "subject": EVIL },
    ] });
    let user = json!({ "username": EVIL, "databaseName": EVIL, "x509Type": EVIL });
    let rewrite = |body: &Json| Rewrite::Body {
        content_type: "application/json".to_owned(),
        body: body.to_string(),
    };
    scene
        .atlas
        .control()
        .add_fault(Fault::on(Endpoint::ListCertificates).rewrite(rewrite(&listed)));
    let refreshed = scene.refresh(instance.as_ref()).await;
    assert!(refreshed.diagnostics.has_errors());
    harmless(&refreshed.diagnostics);

    let scene = Scene::set().await;
    scene.atlas.control().add_fault(Fault::on(Endpoint::ReadUser).rewrite(rewrite(&user)));
    let planned = scene.core.plan_config(super::TYPE, None, certificate()).await.unwrap();
    assert!(!planned.diagnostics.is_empty(), "the user's type is strange");
    harmless(&planned.diagnostics);
}

/// Line breaks of our own are all that is left of control characters, and no line begins as Terraform's errors do.
#[track_caller]
pub(super) fn harmless(diagnostics: &Diagnostics) {
    let words = words(diagnostics);
    let evil = |character: char| {
        character.is_control() && character != '\n'
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{ad}')
    };
    assert!(!words.contains(evil), "{words:?}");
    let faked = words.lines().any(|line| line.trim_start().starts_with("Error: faked"));
    assert!(!faked, "{words}");
}
