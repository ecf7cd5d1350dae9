//! Faults, each observed by the client and on the server.

use std::time::Duration;

use local_atlas::{
    Answer, Certificate, Endpoint, Fault, LocalAtlas, Options, RetryAfter, Rewrite, When, X509Type,
};
use reqwest::{Response, Result};
use serde_json::json;

use crate::{PROJECT, USER, atlas, atlas_with, certs_path, client, issue, issue_with, list, post};

fn on_issue() -> Fault {
    Fault::on(Endpoint::IssueCertificate)
}

/// Adds a fault, sends one POST, and compares the number of certificates afterwards.
async fn post_with(fault: Fault, issued: usize) -> (LocalAtlas, Result<Response>) {
    let atlas = atlas();
    atlas.control().add_fault(fault);
    let response = post(&atlas, USER, "{}").send().await;
    assert_eq!(atlas.control().issued_count(), issued);
    atlas.control().assert_all_faults_used();
    (atlas, response)
}

#[tokio::test]
async fn connections_are_cut_before_and_after_issuing_and_in_the_body() {
    let (_atlas, response) = post_with(on_issue().cut(When::Before), 0).await;
    assert!(response.unwrap_err().is_request());
    let (atlas, response) = post_with(on_issue().cut(When::After), 1).await;
    assert!(response.unwrap_err().is_request());
    let request = atlas.control().requests().remove(0);
    let issued = atlas.control().all_certificates()[0].id;
    assert_eq!((request.status, request.issued), (None, Some(issued)));
    issue(&atlas).await;
    let (_atlas, response) = post_with(on_issue().cut_body(100), 1).await;
    let mut response = response.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.chunk().await.unwrap().unwrap().len(), 100);
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn answers_replace_the_response_before_and_after_issuing() {
    let limited = |retry_after| Answer::rate_limited(Some(retry_after));
    let version_gone = Answer::version_gone().header("Sunset", "soon");
    for (answer, status, header, text) in [
        (Answer::server_error(503), 503, "", "SERVICE_UNAVAILABLE"),
        (Answer::rate_limited(None), 429, "", "RATE_LIMITED"),
        (limited(RetryAfter::Seconds(0)), 429, "retry-after: 0", ""),
        (limited(RetryAfter::Date(30)), 429, "retry-after: ", ""),
        (Answer::maintenance(), 405, "", "WRITES_NOT_ALLOWED"),
        (version_gone, 410, "sunset: soon", "VERSION_GONE"),
        (Answer::unauthorized(true), 401, "www-authenticate: D", "401"),
        (Answer::html(200), 200, "content-type: text/html", "<title>Sign"),
        (Answer::html(502), 502, "", "<title>Bad Gateway"),
        (Answer::redirect(307, "https://a/"), 307, "location: https", ""),
    ] {
        for (fault, issued) in
            [(on_issue().refuse(answer.clone()), 0), (on_issue().act_then_answer(answer), 1)]
        {
            let (_atlas, response) = post_with(fault, issued).await;
            let response = response.unwrap();
            assert_eq!(response.status(), status);
            let (name, value) = header.split_once(": ").unwrap_or(("content-length", ""));
            let found = response.headers()[name].to_str().unwrap();
            assert!(found.starts_with(value), "{name}: {found}");
            assert!(response.text().await.unwrap().contains(text), "{text}");
        }
    }
}

#[tokio::test]
async fn bodies_are_rewritten() {
    type Expected = fn(Certificate) -> String;
    let rewrites: [(Rewrite, Expected); 5] = [
        (Rewrite::KeyFirst, |it| it.key_pem + &it.certificate_pem),
        (Rewrite::NoKey, |it| it.certificate_pem),
        (Rewrite::JsonString, |it| json!(it.combined_pem()).to_string()),
        (Rewrite::Gzip, |it| it.combined_pem()),
        (Rewrite::GzipBomb { mebibytes: 8 }, |_| "\0".repeat(8 << 20)),
    ];
    let rewritten = async |rewrite| {
        let (atlas, response) = post_with(on_issue().rewrite(rewrite), 1).await;
        let body = response.unwrap().text().await.unwrap();
        (body, atlas.control().all_certificates().remove(0))
    };
    for (rewrite, expected) in rewrites {
        let (body, issued) = rewritten(rewrite).await;
        assert!(body == expected(issued));
    }
    let (body, issued) = rewritten(Rewrite::ForeignKey).await;
    assert!(body.starts_with(&issued.certificate_pem) && !body.contains(&issued.key_pem));
    let (body, issued) = rewritten(Rewrite::DamagedCertificate).await;
    assert_eq!(body.len(), issued.combined_pem().len() - 65);
    let (_atlas, response) = post_with(on_issue().endless(), 1).await;
    let mut response = response.unwrap();
    for _ in 0..100 {
        assert!(response.chunk().await.unwrap().is_some());
    }
    let (atlas, response) = post_with(on_issue().drip(1000, Duration::from_millis(1)), 1).await;
    let issued = atlas.control().all_certificates().remove(0);
    assert_eq!(response.unwrap().text().await.unwrap(), issued.combined_pem());
}

#[tokio::test]
async fn a_held_request_acts_before_or_after_its_release_and_without_its_client() {
    let atlas = atlas();
    let send = || tokio::spawn(post(&atlas, USER, "{}").send());
    let before = atlas.control().add_fault(on_issue().pause(When::Before));
    let response = send();
    before.reached().await;
    assert_eq!(atlas.control().issued_count(), 0);
    before.release();
    assert_eq!(response.await.unwrap().unwrap().status(), 201);

    let after = atlas.control().add_fault(on_issue().pause(When::After).cut(When::After));
    let response = send();
    after.reached().await;
    assert_eq!((atlas.control().issued_count(), response.is_finished()), (2, false));
    after.release();
    assert!(response.await.unwrap().is_err());

    let abandoned = atlas.control().add_fault(on_issue().pause(When::Before));
    let response = send();
    abandoned.reached().await;
    response.abort();
    abandoned.release();
    while atlas.control().requests()[2].status.is_none() {
        list(&atlas, USER, "").await;
    }
    assert_eq!(atlas.control().issued_count(), 3);
}

#[tokio::test]
async fn a_fault_applies_to_the_matching_requests_only() {
    let atlas = atlas();
    let control = atlas.control();
    control.add_user(PROJECT, "other", X509Type::Managed);
    let third = on_issue().project(PROJECT).user(USER).nth(3).named("third");
    control.add_fault(third.refuse(Answer::server_error(500)));
    let mut statuses = Vec::new();
    for user in [USER, "other", USER, "other", USER, USER] {
        statuses.push(issue_with(&atlas, user, "{}").await.0);
    }
    assert_eq!(statuses, [201, 201, 201, 201, 500, 201]);
    assert_eq!(control.requests()[4].fault.as_deref(), Some("third"));

    let one_user = Fault::on(Endpoint::ListCertificates).user("other").always();
    control.add_fault(one_user.refuse(Answer::api_error(403, "ACCESS_FORBIDDEN", "Not for it.")));
    assert_eq!((list(&atlas, "other", "").await.0, list(&atlas, USER, "").await.0), (403, 200));

    let authenticated = control.add_fault(on_issue().times(2).refuse(Answer::server_error(500)));
    let bare = || client(&atlas).post(format!("{}{}", atlas.base_url(), certs_path(USER))).send();
    assert_eq!((bare().await.unwrap().status().as_u16(), authenticated.hits()), (401, 0));
    issue_with(&atlas, USER, "{}").await;
    control.clear_faults();
    control.add_fault(on_issue().before_login().refuse(Answer::server_error(502)));
    assert_eq!(bare().await.unwrap().status(), 502);
}

#[tokio::test]
async fn a_port_speaks_http_2_over_tls_and_can_be_closed_and_opened_again() {
    let atlas = atlas_with(Options { https: true, ..Options::default() });
    let response = post(&atlas, USER, "{}").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (201, reqwest::Version::HTTP_2));
    assert_eq!(atlas.control().requests()[0].protocol, "HTTP/2.0");
    atlas.control().add_fault(on_issue().cut(When::After));
    assert!(post(&atlas, USER, "{}").send().await.is_err());
    let untrusting = client(&crate::atlas()).get(atlas.base_url()).send().await;
    assert!(untrusting.unwrap_err().is_connect());
    atlas.control().stop_listening().await;
    assert!(post(&atlas, USER, "{}").send().await.unwrap_err().is_connect());
    atlas.control().resume_listening().await;
    issue(&atlas).await;
}
