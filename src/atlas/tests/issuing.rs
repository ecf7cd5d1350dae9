//! Certificate requests: retries, accepted responses, and the reconciliation of ambiguous outcomes.

use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::server::{Reply, Server};
use super::*;

pub(super) async fn issue(
    client: &Client,
    user: &UserId,
    call: &CallOptions,
) -> Result<IssuedCertificate, IssueError> {
    client.issue(user, months(), call).await
}

/// Makes a reply from a whole body and where the key begins in it.
type Broken = fn(String, usize) -> Reply;

pub(super) fn ids(reconciliation: &Reconciliation) -> Vec<String> {
    match reconciliation {
        Reconciliation::Candidates(some) => some.iter().map(|c| c.certificate_id.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_requested_once_and_its_bytes_are_returned_unchanged() {
    let pem = bundle(7);
    let sent = pem.clone();
    let server = Server::start(move |_, _| Reply::new(201, sent.clone())).await;
    let user = user();
    let issued = issue(&client(&server), &user, &call()).await.unwrap();
    assert_eq!(issued.pem.expose_secret(), pem);
    assert_eq!(issued.server_time, Some("2026-08-10T03:00:00Z".parse().unwrap()));

    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let path = format!("/api/atlas/v1.0/groups/{}/databaseUsers/app/certs", user.project);
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("POST", path.as_str()));
    assert_eq!(seen[0].body, r#"{"monthsUntilExpiration":3}"#);
    for (name, value) in [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("content-length", "27"),
        ("authorization", "Bearer a-token"),
        ("user-agent", "an-agent/1.0"),
        ("accept-encoding", "gzip"),
    ] {
        assert_eq!(seen[0].header(name), Some(value), "{name}");
    }
    assert_eq!(seen[0].headers.iter().filter(|(name, _)| name == "content-length").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_refused_unprocessed_is_retried() {
    let maintenance = "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES";
    let server = Server::start(move |_, before| match before {
        0 | 1 => Reply::new(405, api_error(405, maintenance)),
        _ => Reply::new(201, bundle(7)),
    })
    .await;
    issue(&client(&server), &user(), &call()).await.unwrap();
    assert_eq!((server.count("POST"), server.count("GET")), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn an_ambiguous_request_is_not_retried_and_new_certificates_are_reported() {
    let whole = bundle(7);
    let key = whole.find("-----BEGIN PRIVATE").unwrap();
    let replies: [(&str, Broken); 8] = [
        ("cut before an answer", |_, _| Reply::Cut),
        ("500", |_, _| Reply::new(500, api_error(500, "UNEXPECTED_ERROR"))),
        ("502 without a body", |_, _| Reply::new(502, "")),
        ("503 with a wait", |_, _| Reply::new(503, "<html>").with("Retry-After", "0")),
        ("504", |_, _| Reply::new(504, "upstream")),
        ("408", |_, _| Reply::new(408, "")),
        ("empty", |_, _| Reply::new(201, " \n")),
        ("cut within the certificate", |whole, key| Reply::CutBody(whole, key / 2)),
    ];
    for (name, reply) in replies {
        for (listed, wanted) in [(&[][..], &[][..]), (&[8, 9], &["8", "9"])] {
            let whole = whole.clone();
            let server = Server::start(move |seen, _| match seen.method.as_str() {
                "POST" => reply(whole.clone(), key),
                _ => Reply::new(200, list(listed)),
            })
            .await;
            let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
            let IssueError::Ambiguous { reconciliation, cause } = error else {
                panic!("{name}: {error}")
            };
            match reconciliation {
                Reconciliation::NoneFound => assert!(wanted.is_empty(), "{name}"),
                other => assert_eq!(ids(&other), wanted, "{name}"),
            }
            assert_eq!((server.count("POST"), server.count("GET")), (1, 1), "{name}: {cause}");
            assert!(!format!("{cause:?} {cause}").contains("BEGIN"), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_ambiguous_request_whose_list_fails_too_has_both_errors() {
    let server = Server::start(|seen, _| match seen.method.as_str() {
        "POST" => Reply::Cut,
        _ => Reply::new(403, api_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST")),
    })
    .await;
    let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
    let IssueError::Ambiguous { cause, reconciliation: Reconciliation::ListFailed(why) } = error
    else {
        panic!("{error}")
    };
    assert!(matches!(cause.kind(), ErrorKind::ConnectionLost));
    assert_eq!(why.code(), Some("IP_ADDRESS_NOT_ON_ACCESS_LIST"));
}

#[tokio::test(start_paused = true)]
async fn a_response_cut_after_the_certificate_reports_it_and_one_cut_after_the_key_is_accepted() {
    let whole = bundle(7);
    let key = whole.find("-----BEGIN PRIVATE").unwrap();
    for (sent, is_whole) in [(key, false), (key + 60, false), (whole.len() - 1, true)] {
        let whole = whole.clone();
        let server = Server::start(move |_, _| Reply::CutBody(whole.clone(), sent)).await;
        match issue(&client(&server), &user(), &call()).await {
            Ok(issued) => {
                assert!(is_whole);
                assert!(crate::x509::Bundle::parse(&issued.pem).is_ok());
            }
            Err(IssueError::Ambiguous {
                reconciliation: Reconciliation::KeyLost(certificate),
                ..
            }) => {
                assert!(!is_whole);
                assert_eq!(certificate.certificate_id, "7");
            }
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!((server.count("POST"), server.count("GET")), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_created_response_is_kept_unless_it_cannot_be_a_certificate() {
    for body in ["{\"a\":1}", "-----BEGIN CERTIFICATE-----\n", "MIIE"] {
        let server = Server::start(move |seen, _| match seen.method.as_str() {
            "POST" => Reply::new(201, body),
            _ => Reply::new(200, list(&[5])),
        })
        .await;
        let issued = issue(&client(&server), &user(), &call()).await.unwrap();
        assert_eq!(issued.pem.expose_secret(), body);
        assert!(issued.certificate.is_err());
        assert_eq!(ids(&issued.reconciliation.unwrap()), ["5"]);
    }
    // A status that Atlas does not send, with a certificate and its key, which exist nowhere else.
    let pem = bundle(7);
    let sent = pem.clone();
    let server = Server::start(move |_, _| Reply::new(200, sent.clone())).await;
    let issued = issue(&client(&server), &user(), &call()).await.unwrap();
    assert_eq!(issued.pem.expose_secret(), pem);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_gateway_is_no_certificate_and_its_outcome_is_reconciled() {
    let certificate = bundle(7).split_once("-----BEGIN PRIVATE").unwrap().0.to_owned();
    for (status, body) in [
        (200, "<html>Sign in</html>".to_owned()),
        (201, "<!DOCTYPE html>".to_owned()),
        (200, "{}".to_owned()),
        (202, "accepted".to_owned()),
        (200, certificate),
        (204, String::new()),
        (201, api_error(500, "UNEXPECTED_ERROR")),
    ] {
        let server = Server::start(move |seen, _| match seen.method.as_str() {
            "POST" => Reply::new(status, body.clone()),
            _ => Reply::new(200, list(&[5])),
        })
        .await;
        let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
        let IssueError::Ambiguous { cause, reconciliation } = error else { panic!("{error}") };
        let text = format!(
            "issuing a certificate received HTTP {status} from something that is not the Atlas API"
        );
        assert_eq!(cause.to_string(), text);
        assert_eq!(ids(&reconciliation), ["5"]);
        assert_eq!(server.count("POST"), 1);
    }
}

/// A server that answers every POST with 503 and issues the certificate late. Its list is that of the moment.
async fn slow_server(issued_after: Duration) -> Server {
    let posts: std::sync::Mutex<Vec<Instant>> = std::sync::Mutex::default();
    Server::start(move |seen, _| {
        let mut posts = posts.lock().unwrap();
        if seen.method == "POST" {
            posts.push(Instant::now());
            return Reply::new(503, "");
        }
        let issued = posts.iter().filter(|post| post.elapsed() >= issued_after);
        let serials: Vec<u64> = (1..).take(issued.count()).collect();
        Reply::new(200, list(&serials))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn the_list_after_an_ambiguous_request_is_as_young_as_the_settle_delay_demands() {
    let server = slow_server(Duration::from_millis(2500)).await;
    let (client, user) = (client(&server), user());
    let ask = || {
        let (client, user) = (client.clone(), user.clone());
        tokio::spawn(async move { issue(&client, &user, &call()).await })
    };
    let first = ask();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let second = ask();
    let Err(IssueError::Ambiguous { reconciliation, .. }) = first.await.unwrap() else {
        panic!("the outcome is uncertain")
    };
    assert_eq!(ids(&reconciliation), ["1"]);
    // Another reader fills the cache before the second certificate exists.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let read = client.certificates(&user, &call()).await.unwrap();
    assert_eq!(read.certificates.len(), 1);
    let Err(IssueError::Ambiguous { reconciliation, .. }) = second.await.unwrap() else {
        panic!("the outcome is uncertain")
    };
    assert_eq!(ids(&reconciliation), ["1", "2"]);
    assert_eq!(server.count("POST"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_largest_retry_after_is_an_error_like_any_other() {
    for value in ["18446744073709551615", "99999999999999999999"] {
        let server =
            Server::start(move |_, _| Reply::new(429, "").with("Retry-After", value)).await;
        let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
        let IssueError::NotIssued(error) = error else { panic!("{error}") };
        let ErrorKind::RetryExceedsDeadline(wait, _) = error.kind() else { panic!("{error}") };
        assert!((86_400..86_406).contains(&wait.as_secs()), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_issues_nothing() {
    for (status, code) in [
        (400, "USER_NOT_MANAGED_X509"),
        (403, "ACCESS_FORBIDDEN"),
        (404, "GROUP_NOT_FOUND"),
        (409, "X"),
        (410, "VERSION_GONE"),
    ] {
        let server = Server::start(move |_, _| Reply::new(status, api_error(status, code))).await;
        let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
        let IssueError::NotIssued(error) = error else { panic!("{error}") };
        assert_eq!((error.status(), error.code()), (Some(status), Some(code)));
        assert_eq!(error.api_error().unwrap().detail.as_deref(), Some("a detail"));
        assert_eq!(error.is_project_not_found(), code == "GROUP_NOT_FOUND");
        assert_eq!(error.is_api_version_removed(), status == 410);
        assert_eq!((server.count("POST"), server.count("GET")), (1, 0));
        let text = format!("issuing a certificate was refused: HTTP {status} ({code})");
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_retried_and_nothing_is_issued() {
    let mut server = Server::start(|_, _| Reply::Cut).await;
    server.leave().await;
    let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
    let IssueError::NotIssued(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind(), ErrorKind::Connect(_)), "{error:?}");
    assert_eq!(error.attempts(), 3);
    assert!(
        error.source_message().unwrap().to_lowercase().contains("refused"),
        "{:?}",
        error.source_message()
    );
}

#[tokio::test(start_paused = true)]
async fn certificates_of_concurrent_requests_are_no_candidates() {
    // Eleven requests: the first is cut after 100 was issued, the others return 1 to 10, some of them after the list was
    // read.
    let late = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&late);
    let server = Server::start(move |seen, before| match (seen.method.as_str(), before) {
        ("POST", 0) => Reply::Cut,
        ("POST", before) => {
            let reply = Reply::new(201, bundle(before as u64));
            if before > 5 { Reply::When(Arc::clone(&held), Box::new(reply)) } else { reply }
        }
        _ => {
            held.add_permits(5);
            Reply::new(200, list(&[100, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
        }
    })
    .await;
    let (client, user) = (client(&server), user());
    let ask = || {
        let (client, user) = (client.clone(), user.clone());
        tokio::spawn(async move { issue(&client, &user, &call()).await })
    };
    let asked: Vec<_> = (0..11).map(|_| ask()).collect();
    let mut issued = 0;
    for answer in asked {
        match answer.await.unwrap() {
            Ok(_) => issued += 1,
            Err(IssueError::Ambiguous { reconciliation, .. }) => {
                assert_eq!(ids(&reconciliation), ["100"]);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((issued, server.count("POST")), (10, 11));
    drop(late);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_server_closed_is_replaced() {
    // The connection is closed after each response.
    let server = Server::start(|_, before| {
        Reply::new(201, bundle(before as u64 + 1)).with("Connection", "close")
    })
    .await;
    let (client, user) = (client(&server), user());
    for _ in 0..3 {
        issue(&client, &user, &call()).await.unwrap();
    }
    assert_eq!(server.count("POST"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_http2_refused_had_no_effect_and_a_reset_one_may_have_had() {
    for (reason, is_refused) in
        [(h2::Reason::REFUSED_STREAM, true), (h2::Reason::INTERNAL_ERROR, false)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let mut posts = 0;
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let answer = match request.method().as_str() {
                    "POST" => {
                        posts += 1;
                        if posts == 1 {
                            respond.send_reset(reason);
                            continue;
                        }
                        bundle(3)
                    }
                    _ => list(&[]),
                };
                let head =
                    ::http::Response::builder().header("date", "Mon, 10 Aug 2026 03:00:00 GMT");
                let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
                body.send_data(answer.into(), true).unwrap();
            }
            posts
        });
        let config = config_at(&url, Credentials::Token("t".into()));
        let client = Client::new(config, clock, Arc::default()).unwrap();
        let http = reqwest::Client::builder().http2_prior_knowledge().no_proxy();
        client.auth.http.client.set(http.tls_certs_only([]).build().unwrap()).unwrap();
        let result = issue(&client, &user(), &call()).await;
        drop(client);
        match result {
            Ok(_) => assert!(is_refused),
            Err(IssueError::Ambiguous { reconciliation, .. }) => {
                assert!(!is_refused);
                assert!(matches!(reconciliation, Reconciliation::NoneFound));
            }
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(serving.await.unwrap(), if is_refused { 2 } else { 1 });
    }
}
