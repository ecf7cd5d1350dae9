//! Faults, each seen from the client's side and from the server's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use local_atlas::{
    Answer, Endpoint, Fault, Keys, LocalAtlas, Moment, Options, RetryAfter, Rewrite,
};
use reqwest::Method;

use crate::client::{
    PROJECT, USER, atlas, atlas_with, certs_path, client, issue, json, list, post, request,
    try_post,
};

fn on_issue() -> Fault {
    Fault::on(Endpoint::IssueCertificate)
}

/// Adds a fault, sends one POST, and checks how many certificates there are then.
async fn post_with(
    fault: Fault,
    issued: usize,
) -> (LocalAtlas, reqwest::Result<reqwest::Response>) {
    let atlas = atlas();
    atlas.control().add_fault(fault);
    let response = try_post(&atlas, USER, "{}").await;
    assert_eq!(atlas.control().issued_count(), issued);
    atlas.control().assert_all_faults_used();
    (atlas, response)
}

#[tokio::test]
async fn cuts_before_and_after_issuing() {
    let (_atlas, response) = post_with(on_issue().cut(Moment::Before), 0).await;
    assert!(response.unwrap_err().is_request());
    let (atlas, response) = post_with(on_issue().cut(Moment::After), 1).await;
    assert!(response.unwrap_err().is_request());
    let requests = atlas.control().requests();
    assert_eq!(requests[0].status, None);
    assert_eq!(
        requests[0].issued,
        Some(atlas.control().all_certificates()[0].id)
    );
    issue(&atlas).await;
}

#[tokio::test]
async fn cuts_in_the_middle_of_a_body() {
    let (_atlas, response) = post_with(on_issue().cut_body(100), 1).await;
    let mut response = response.unwrap();
    assert_eq!(response.status(), 201);
    let sent = response.chunk().await.unwrap().unwrap();
    assert_eq!(sent.len(), 100);
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn refuses_or_answers_otherwise_after_having_issued() {
    let (_atlas, response) = post_with(on_issue().refuse(Answer::server_error(503)), 0).await;
    assert_eq!(
        json(response.unwrap()).await.1["errorCode"],
        "SERVICE_UNAVAILABLE"
    );
    let (_atlas, response) =
        post_with(on_issue().act_then_answer(Answer::server_error(500)), 1).await;
    assert_eq!(response.unwrap().status(), 500);
    let (_atlas, response) = post_with(
        on_issue().refuse(Answer::rate_limited(Some(RetryAfter::Seconds(0)))),
        0,
    )
    .await;
    let response = response.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "0")
    );
    let (_atlas, response) = post_with(on_issue().refuse(Answer::rate_limited(None)), 0).await;
    assert!(!response.unwrap().headers().contains_key("retry-after"));
    let (_atlas, response) = post_with(
        on_issue().refuse(Answer::rate_limited(Some(RetryAfter::Date(30)))),
        0,
    )
    .await;
    assert!(
        response.unwrap().headers()["retry-after"]
            .to_str()
            .unwrap()
            .ends_with(" GMT")
    );
    let (_atlas, response) = post_with(on_issue().refuse(Answer::maintenance()), 0).await;
    assert_eq!(
        json(response.unwrap()).await,
        (405, Answer::maintenance().body.parse().unwrap())
    );
    let (_atlas, response) = post_with(
        on_issue()
            .refuse(Answer::version_gone())
            .header("Sunset", "Thu, 1 Jul 2027 00:00:00 GMT"),
        0,
    )
    .await;
    let response = response.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers().contains_key("sunset")
        ),
        (410, true)
    );
    let (_atlas, response) = post_with(on_issue().refuse(Answer::unauthorized(true)), 0).await;
    assert!(
        response.unwrap().headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .ends_with("stale=true")
    );
    let (_atlas, response) = post_with(on_issue().refuse(Answer::html(502)), 0).await;
    assert!(
        response
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
    let (_atlas, response) = post_with(
        on_issue().refuse(Answer::redirect(307, "https://elsewhere.invalid/")),
        0,
    )
    .await;
    assert_eq!(
        response.unwrap().headers()["location"],
        "https://elsewhere.invalid/"
    );
}

#[tokio::test]
async fn rewrites_what_was_issued() {
    let (atlas, response) = post_with(on_issue().rewrite(Rewrite::ForeignKey), 1).await;
    let text = response.unwrap().text().await.unwrap();
    let issued = &atlas.control().all_certificates()[0];
    assert!(text.starts_with(&issued.certificate_pem) && !text.contains(&issued.key_pem));
    let (_atlas, response) = post_with(on_issue().rewrite(Rewrite::Empty), 1).await;
    let response = response.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.bytes().await.unwrap().len()
        ),
        (201, 0)
    );
    let (atlas, response) = post_with(on_issue().rewrite(Rewrite::Gzip), 1).await;
    assert_eq!(
        response.unwrap().text().await.unwrap(),
        atlas.control().all_certificates()[0].combined_pem()
    );
    let (_atlas, response) =
        post_with(on_issue().rewrite(Rewrite::GzipBomb { mebibytes: 8 }), 1).await;
    assert_eq!(response.unwrap().bytes().await.unwrap().len(), 8 << 20);
    let (_atlas, response) = post_with(on_issue().endless(), 1).await;
    let mut response = response.unwrap();
    for _ in 0..100 {
        assert!(response.chunk().await.unwrap().is_some());
    }
    let (atlas, response) = post_with(on_issue().drip(1000, Duration::from_millis(1)), 1).await;
    assert_eq!(
        response.unwrap().text().await.unwrap(),
        atlas.control().all_certificates()[0].combined_pem()
    );
}

#[tokio::test]
async fn pauses_before_and_after_issuing_and_goes_on_without_its_client() {
    let atlas = atlas();
    let before = atlas.control().add_fault(on_issue().pause(Moment::Before));
    let client_side = tokio::spawn(
        request(&atlas, Method::POST, &certs_path(USER))
            .header("content-type", "application/json")
            .body("{}")
            .send(),
    );
    before.reached().await;
    assert_eq!(atlas.control().issued_count(), 0);
    before.release();
    assert_eq!(client_side.await.unwrap().unwrap().status(), 201);

    let after = atlas
        .control()
        .add_fault(on_issue().pause(Moment::After).cut(Moment::After));
    let client_side = tokio::spawn(
        request(&atlas, Method::POST, &certs_path(USER))
            .header("content-type", "application/json")
            .body("{}")
            .send(),
    );
    after.reached().await;
    assert_eq!(atlas.control().issued_count(), 2);
    after.release();
    assert!(client_side.await.unwrap().is_err());

    let left = atlas.control().add_fault(on_issue().pause(Moment::Before));
    let client_side = tokio::spawn(
        request(&atlas, Method::POST, &certs_path(USER))
            .header("content-type", "application/json")
            .body("{}")
            .send(),
    );
    left.reached().await;
    client_side.abort();
    left.release();
    while atlas.control().requests()[2].status.is_none() {
        list(&atlas, USER, "").await;
    }
    assert_eq!(
        atlas.control().issued_count(),
        3,
        "its client was gone before it acted"
    );
}

#[tokio::test]
async fn hits_the_third_post_of_one_user_and_nothing_else() {
    let atlas = atlas();
    atlas
        .control()
        .add_user(PROJECT, "other", local_atlas::X509Type::Managed);
    atlas.control().add_fault(
        on_issue()
            .project(PROJECT)
            .user(USER)
            .nth(3)
            .named("third")
            .refuse(Answer::server_error(500)),
    );
    let mut statuses = Vec::new();
    for user in [USER, "other", USER, "other", USER, USER] {
        statuses.push(post(&atlas, user, "{}").await.status().as_u16());
    }
    assert_eq!(statuses, [201, 201, 201, 201, 500, 201]);
    assert_eq!(
        atlas.control().requests()[4].fault.as_deref(),
        Some("third")
    );
    atlas
        .control()
        .add_fault(on_issue().times(2).refuse(Answer::server_error(500)));
    post(&atlas, USER, "{}").await;
    assert_eq!(atlas.control().unused_faults().len(), 1);
}

#[tokio::test]
async fn only_requests_with_a_valid_login_count_unless_told_otherwise() {
    let atlas = atlas();
    let later = atlas
        .control()
        .add_fault(on_issue().refuse(Answer::server_error(500)));
    let bare = async || {
        client(&atlas)
            .post(format!("{}{}", atlas.base_url(), certs_path(USER)))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(bare().await, 401);
    assert_eq!(later.hits(), 0);
    atlas.control().clear_faults();
    atlas
        .control()
        .add_fault(on_issue().before_login().refuse(Answer::server_error(502)));
    assert_eq!(bare().await, 502);
}

#[tokio::test]
async fn connections_are_dropped_and_refused_on_demand() {
    let atlas = atlas();
    atlas.control().cut_next_connections(1);
    assert!(try_post(&atlas, USER, "{}").await.is_err());
    issue(&atlas).await;
    atlas.control().stop_listening().await;
    assert!(try_post(&atlas, USER, "{}").await.unwrap_err().is_connect());
    atlas.control().resume_listening().await;
    issue(&atlas).await;
    assert_eq!(atlas.control().issued_count(), 2);
}

#[tokio::test]
async fn https_offers_http_2_and_needs_its_authority() {
    let atlas = atlas_with(Options {
        https: true,
        ..Options::default()
    });
    let response = post(&atlas, USER, "{}").await;
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (201, reqwest::Version::HTTP_2)
    );
    assert_eq!(atlas.control().requests()[0].protocol, "HTTP/2.0");
    atlas.control().add_fault(on_issue().cut(Moment::After));
    assert!(try_post(&atlas, USER, "{}").await.is_err());
    let other = crate::client::atlas();
    let stranger = client(&other).post(format!("{}{}", atlas.base_url(), certs_path(USER)));
    assert!(stranger.send().await.unwrap_err().is_connect());
    assert_eq!(Options::default().keys, Keys::Pool);
}

#[test]
fn serves_and_pauses_for_blocking_code_too() {
    let atlas = atlas();
    let pause = atlas.control().add_fault(on_issue().pause(Moment::After));
    let (address, path) = (atlas.address(), certs_path(USER));
    let token = atlas.control().credentials().access_token;
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        );
        let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    pause.reached_blocking();
    assert_eq!(atlas.control().issued_count(), 1);
    assert!(!client.is_finished());
    pause.release();
    assert!(
        client
            .join()
            .unwrap()
            .starts_with("HTTP/1.1 201 Created\r\n")
    );
}
