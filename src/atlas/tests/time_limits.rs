//! Time limits and cancellations of certificate requests.

use tokio::sync::Semaphore;

use super::{
    issuing::{ids, issue},
    server::{Reply, Server},
    *,
};

#[tokio::test(start_paused = true)]
async fn a_response_after_a_time_limit_makes_the_outcome_ambiguous_and_the_list_has_its_own_time() {
    let of_request = Duration::from_millis(300);
    let of_operation = Duration::from_secs(4);
    for (request_timeout, limit) in
        [(of_request, of_operation * 10), (of_operation * 10, of_operation)]
    {
        let never = Arc::new(Semaphore::new(0));
        let server = Server::start(move |seen, _| match seen.method.as_str() {
            "POST" => Reply::When(Arc::clone(&never), Box::new(Reply::Cut)),
            _ => Reply::new(200, list(&[5])),
        })
        .await;
        let login = Credentials::Token("t".into());
        let config = Config { request_timeout, ..config(&server, login) };
        let client = Client::new(config, clock, Arc::default()).unwrap();
        let call = CallOptions { deadline: Instant::now() + limit, ..call() };
        let error = issue(&client, &user(), &call).await.unwrap_err();
        let IssueError::Ambiguous { cause, reconciliation } = error else { panic!("{error}") };
        let is_deadline = matches!(cause.kind(), ErrorKind::Deadline);
        assert!(is_deadline == (limit == of_operation), "{cause}");
        assert!(is_deadline || matches!(cause.kind(), ErrorKind::TimedOut(_)), "{cause}");
        assert_eq!(ids(&reconciliation), ["5"]);
        assert_eq!(server.count("POST"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_sent_without_time_for_its_response() {
    let server = Server::start(|_, _| Reply::new(201, bundle(1))).await;
    let config = config(&server, Credentials::Token("t".into()));
    let client = Client::new(config, clock, Arc::default()).unwrap();
    let hurried = CallOptions { deadline: Instant::now() + Duration::from_secs(2), ..call() };
    let error = issue(&client, &user(), &hurried).await.unwrap_err();
    assert!(matches!(error, IssueError::NotIssued(error) if error.is_deadline_exceeded()));
    assert!(server.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_exceeds_the_deadline_is_an_error_at_once() {
    let server = Server::start(|_, _| {
        Reply::new(429, api_error(429, "RATE_LIMITED_TOKEN_BUCKET")).with("Retry-After", "55")
    })
    .await;
    let error = issue(&client(&server), &user(), &call()).await.unwrap_err();
    let IssueError::NotIssued(error) = error else { panic!("{error}") };
    let ErrorKind::RetryExceedsDeadline(wait, cause) = error.kind() else { panic!("{error}") };
    assert!(wait.as_secs() >= 55);
    assert_eq!((error.attempts(), cause.attempts()), (1, 1));
    assert_eq!(error.code(), Some("RATE_LIMITED_TOKEN_BUCKET"));
    assert_eq!(server.count("POST"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_about_a_wait_has_the_message_of_its_cause() {
    let mut server = Server::start(|_, _| Reply::Cut).await;
    server.leave().await;
    // Time for one attempt, and not for the 250 milliseconds or more before another.
    let hurried = CallOptions { deadline: Instant::now() + Duration::from_millis(3200), ..call() };
    let error = issue(&client(&server), &user(), &hurried).await.unwrap_err();
    let IssueError::NotIssued(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind(), ErrorKind::RetryExceedsDeadline(..)), "{error}");
    assert!(error.source_message().unwrap().to_lowercase().contains("refused"));
    assert_eq!(error.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_during_a_reconciliation_is_an_error_of_the_list() {
    let server = Server::start(|_, _| Reply::new(503, "")).await;
    let (client, user, call) = (client(&server), user(), call());
    let looking = tokio::spawn({
        let call = call.clone();
        async move { issue(&client, &user, &call).await }
    });
    server.arrived.acquire().await.unwrap().forget();
    call.cancel.cancel();
    let Err(IssueError::Ambiguous { cause, reconciliation }) = looking.await.unwrap() else {
        panic!("the outcome is ambiguous")
    };
    assert_eq!(cause.request().operation, Operation::IssueCertificate);
    let Reconciliation::ListFailed(error) = reconciliation else { panic!("the list was read") };
    assert!(error.is_cancelled());
    assert_eq!(error.request().operation, Operation::ListCertificates);
    assert_eq!(server.count("GET"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_ends_the_wait_before_a_retry_at_once() {
    let rate_limited: fn() -> Reply = || Reply::new(429, "").with("Retry-After", "20");
    let maintenance: fn() -> Reply = || {
        Reply::new(405, api_error(405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES"))
            .with("Retry-After", "20")
    };
    for reply in [rate_limited, maintenance] {
        let server = Server::start(move |_, _| reply()).await;
        let (client, call) = (client(&server), call());
        let waiting = tokio::spawn({
            let call = call.clone();
            async move { issue(&client, &user(), &call).await }
        });
        server.arrived.acquire().await.unwrap().forget();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let cancelled_at = Instant::now();
        call.cancel.cancel();
        let error = waiting.await.unwrap().unwrap_err();
        assert!(matches!(error, IssueError::NotIssued(error) if error.is_cancelled()));
        assert_eq!(cancelled_at.elapsed(), Duration::ZERO);
        assert_eq!(server.count("POST"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_canceled_call_sends_nothing() {
    let server = Server::start(|_, _| Reply::new(201, bundle(1))).await;
    let call = call();
    call.cancel.cancel();
    let error = issue(&client(&server), &user(), &call).await.unwrap_err();
    assert!(matches!(error, IssueError::NotIssued(error) if error.is_cancelled()));
    assert!(server.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_does_not_end_a_request_that_was_sent() {
    let release = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&release);
    let server = Server::start(move |_, _| {
        Reply::When(Arc::clone(&held), Box::new(Reply::new(201, bundle(9))))
    })
    .await;
    let (client, user, call) = (client(&server), user(), call());
    let issuing = tokio::spawn({
        let call = call.clone();
        async move { issue(&client, &user, &call).await }
    });
    server.arrived.acquire().await.unwrap().forget();
    call.cancel.cancel();
    tokio::task::yield_now().await;
    release.add_permits(1);
    assert!(issuing.await.unwrap().is_ok());
}
