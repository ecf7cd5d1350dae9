//! Authentication with access tokens and HTTP Digest.

use std::collections::HashSet;
use std::sync::Mutex;

use super::server::{Reply, Seen, Server};
use super::*;

fn service_account() -> Credentials {
    Credentials::ServiceAccount { client_id: "id".into(), client_secret: "hush".into() }
}

fn api_key() -> Credentials {
    Credentials::ApiKey { public_key: "abcdefgh".into(), private_key: "hush".into() }
}

fn is_token_request(seen: &Seen) -> bool {
    seen.target == "/api/oauth/token"
}

fn token(value: &str) -> Reply {
    Reply::new(
        200,
        format!(r#"{{"access_token":"{value}","expires_in":3600,"token_type":"Bearer"}}"#),
    )
}

fn challenge(nonce: &str, stale: bool) -> Reply {
    let text = format!(
        "Digest realm=\"MMS Public API\", domain=\"\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\", stale={stale}"
    );
    Reply::new(401, r#"{ "error" : 401, "errorCode" : "UNEXPECTED_ERROR" }"#)
        .with("WWW-Authenticate", text)
}

/// Reads a list of a new user, so that only the authorization is shared.
async fn read(client: &Client) -> Result<Arc<CertificateList>, Error> {
    client.certificates(&user(), &call()).await
}

#[tokio::test(start_paused = true)]
async fn one_token_authorizes_all_requests_and_is_revoked_once() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/api/oauth/token" => token("first"),
        "/api/oauth/revoke" => Reply::new(200, ""),
        _ => Reply::new(200, list(&[])),
    })
    .await;
    let client = client_with(&server, service_account());
    let ask = || {
        let client = client.clone();
        tokio::spawn(async move { read(&client).await })
    };
    let asked: Vec<_> = (0..20).map(|_| ask()).collect();
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    let seen = server.seen();
    let logins: Vec<_> = seen.iter().filter(|seen| is_token_request(seen)).collect();
    assert_eq!(logins.len(), 1);
    assert_eq!(logins[0].header("authorization"), Some("Basic aWQ6aHVzaA=="));
    assert_eq!(logins[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(logins[0].body, "grant_type=client_credentials");
    let bearers = seen.iter().filter(|s| s.header("authorization") == Some("Bearer first")).count();
    assert_eq!(bearers, 20);

    client.close(Duration::from_secs(5)).await;
    client.close(Duration::from_secs(5)).await;
    let mut after = server.seen().split_off(seen.len());
    let last = after.pop().unwrap();
    assert!(after.is_empty(), "a token is revoked once");
    assert_eq!(
        (last.target.as_str(), last.body.as_str()),
        ("/api/oauth/revoke", "token=first&token_type_hint=access_token")
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_revoked_without_a_token() {
    let server = Server::start(|_, _| Reply::new(200, "")).await;
    client_with(&server, service_account()).close(Duration::from_secs(5)).await;
    client_with(&server, api_key()).close(Duration::from_secs(5)).await;
    assert!(server.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_is_replaced_and_the_request_retried_once_even_if_it_issues() {
    let valid = Arc::new(Mutex::new("first"));
    let now_valid = Arc::clone(&valid);
    let server = Server::start(move |seen, before| {
        let valid = *now_valid.lock().unwrap();
        match seen.header("authorization") {
            _ if is_token_request(seen) => token(valid),
            Some(bearer) if bearer == format!("Bearer {valid}") => match seen.method.as_str() {
                "POST" => Reply::new(201, bundle(before as u64)),
                _ => Reply::new(200, list(&[])),
            },
            _ => Reply::new(401, "{ \"error\" : 401 }"),
        }
    })
    .await;
    let client = client_with(&server, service_account());
    read(&client).await.unwrap();
    *valid.lock().unwrap() = "second";
    client.issue(&user(), months(), &call()).await.unwrap();
    *valid.lock().unwrap() = "third";
    read(&client).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|seen| is_token_request(seen)).count(), 3);
    let posts = seen.iter().filter(|seen| seen.target.ends_with("/certs")).count();
    assert_eq!(posts, 2, "refused with the old token, accepted with the new one");
}

#[tokio::test(start_paused = true)]
async fn a_missing_role_is_not_retried_and_a_rejected_token_once() {
    for (code, requests) in [("USER_UNAUTHORIZED", 1), ("NOT_IN_GROUP", 1), ("UNEXPECTED_ERROR", 2)]
    {
        let server = Server::start(move |seen, _| {
            if is_token_request(seen) { token("t") } else { Reply::new(401, api_error(401, code)) }
        })
        .await;
        let client = client_with(&server, service_account());
        let error = client.issue(&user(), months(), &call()).await.unwrap_err();
        let IssueError::NotIssued(error) = error else { panic!("{error}") };
        assert_eq!((error.status(), error.code()), (Some(401), Some(code)));
        let posts = server.seen().iter().filter(|seen| !is_token_request(seen)).count();
        assert_eq!(posts, requests, "{code}");
        assert_eq!(error.attempts() as usize, requests, "{code}");
        assert_eq!(error.is_missing_role(), requests == 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_service_account_has_the_error_of_oauth() {
    let server = Server::start(|_, _| {
        Reply::new(401, r#"{"error":"invalid_client","error_description":"Invalid client secret"}"#)
    })
    .await;
    let client = client_with(&server, service_account());
    let error = client.issue(&user(), months(), &call()).await.unwrap_err();
    let IssueError::NotIssued(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind(), ErrorKind::Api(_)));
    assert_eq!(error.request().operation, Operation::Authenticate);
    let found = error.api_error().unwrap();
    assert_eq!(found.code.as_deref(), Some("invalid_client"));
    assert_eq!(found.detail.as_deref(), Some("Invalid client secret"));
    assert!(!format!("{error:?}").contains("hush"));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_access_token_is_an_error() {
    let server = Server::start(|_, _| Reply::new(401, "{\"error\":401}")).await;
    let error = read(&client(&server)).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(server.seen().len(), 1);
}

fn field<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    let (_, tail) = seen.header("authorization")?.split_once(&format!("{name}="))?;
    tail.split(',').next().map(|value| value.trim_matches('"'))
}

#[tokio::test(start_paused = true)]
async fn one_challenge_authorizes_all_requests_and_is_never_requested_with_post() {
    let server = Server::start(|seen, before| match seen.header("authorization") {
        None => challenge("nonce1", false),
        Some(_) if seen.method == "POST" => Reply::new(201, bundle(before as u64)),
        Some(_) => Reply::new(200, list(&[])),
    })
    .await;
    let client = client_with(&server, api_key());
    let ask = |issues: bool| {
        let client = client.clone();
        tokio::spawn(async move {
            if issues {
                client.issue(&user(), months(), &call()).await.unwrap();
            } else {
                read(&client).await.unwrap();
            }
        })
    };
    let asked: Vec<_> = (0..20).map(|number| ask(number % 2 == 0)).collect();
    for answer in asked {
        answer.await.unwrap();
    }
    let seen = server.seen();
    let bare: Vec<_> = seen.iter().filter(|s| s.header("authorization").is_none()).collect();
    assert_eq!((bare.len(), bare[0].method.as_str()), (1, "GET"));
    let counts: HashSet<_> = seen.iter().filter_map(|seen| field(seen, "nc")).collect();
    assert_eq!(counts.len(), 20, "each response to the challenge has its own count");
    for seen in seen.iter().filter(|seen| seen.header("authorization").is_some()) {
        assert_eq!(field(seen, "uri"), Some(seen.target.as_str()));
        assert_eq!(field(seen, "username"), Some("abcdefgh"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_nonce_is_replaced_and_the_request_retried_once() {
    let valid = Arc::new(Mutex::new("one"));
    let now_valid = Arc::clone(&valid);
    let server = Server::start(move |seen, before| {
        let valid = *now_valid.lock().unwrap();
        match field(seen, "nonce") {
            Some(nonce) if nonce == valid && seen.method == "POST" => {
                Reply::new(201, bundle(before as u64))
            }
            Some(nonce) if nonce == valid => Reply::new(200, list(&[])),
            nonce => challenge(valid, nonce.is_some()),
        }
    })
    .await;
    let client = client_with(&server, api_key());
    read(&client).await.unwrap();
    *valid.lock().unwrap() = "two";
    client.issue(&user(), months(), &call()).await.unwrap();
    assert_eq!(server.count("POST"), 2);
    read(&client).await.unwrap();
    let last = server.seen().pop().unwrap();
    assert_eq!((field(&last, "nonce"), field(&last, "nc")), (Some("two"), Some("00000002")));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_not_retried() {
    let server = Server::start(|_, before| challenge(&format!("nonce{before}"), false)).await;
    let client = client_with(&server, api_key());
    let error = client.issue(&user(), months(), &call()).await.unwrap_err();
    let IssueError::NotIssued(error) = error else { panic!("{error}") };
    assert_eq!(error.status(), Some(401));
    assert_eq!((server.count("GET"), server.count("POST")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_challenge_gets_requests_without_authorization() {
    let server = Server::start(|seen, _| match seen.method.as_str() {
        "POST" => Reply::new(201, bundle(1)),
        _ => Reply::new(200, list(&[])),
    })
    .await;
    let client = client_with(&server, api_key());
    client.issue(&user(), months(), &call()).await.unwrap();
    assert_eq!(server.count("POST"), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_cannot_be_sent_are_refused_without_being_shown() {
    let server = Server::start(|_, _| Reply::Cut).await;
    for (login, text) in [
        (
            Credentials::Token("hush\n".into()),
            "the access token contains characters that cannot be sent, such as a line break",
        ),
        (
            Credentials::ApiKey { public_key: "hush\n".into(), private_key: "x".into() },
            "the public key contains characters that cannot be sent, such as a line break",
        ),
    ] {
        let error = Client::new(config(&server, login), clock, Arc::default()).err().unwrap();
        assert_eq!(error.to_string(), text);
    }
    let broken = Config { ca_bundle_pem: Some("no pem".into()), ..config(&server, api_key()) };
    assert_eq!(Client::new(broken, clock, Arc::default()).err().unwrap(), ConfigError::CaBundle);
}
