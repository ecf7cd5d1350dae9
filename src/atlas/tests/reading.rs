//! Reading users and lists: pages, the cache, and retries.

use tokio::sync::Semaphore;

use super::server::{Reply, Server};
use super::*;

#[tokio::test(start_paused = true)]
async fn many_resources_of_one_user_share_one_list() {
    let release = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&release);
    let server = Server::start(move |_, _| {
        Reply::When(Arc::clone(&held), Box::new(Reply::new(200, list(&[1, 2]))))
    })
    .await;
    let (client, user) = (client(&server), user());
    let ask = || {
        let (client, user) = (client.clone(), user.clone());
        tokio::spawn(async move { client.certificates(&user, &call()).await })
    };
    let asked: Vec<_> = (0..100).map(|_| ask()).collect();
    server.arrived.acquire().await.unwrap().forget();
    release.add_permits(1);
    for answer in asked {
        let listing = answer.await.unwrap().unwrap();
        assert_eq!(listing.certificates.len(), 2);
        assert_eq!(listing.server_time, "2026-08-10T03:00:00Z".parse().unwrap());
    }
    assert_eq!(server.count("GET"), 1);
    let spelled = UserId { username: Username::parse("CN=app").unwrap(), ..user };
    client.certificates(&spelled, &call()).await.unwrap();
    assert_eq!(server.count("GET"), 1, "two spellings of one user");
}

#[tokio::test(start_paused = true)]
async fn an_issued_certificate_invalidates_the_cached_list() {
    let server = Server::start(|seen, before| match seen.method.as_str() {
        "POST" => Reply::new(201, bundle(2)),
        _ if before == 0 => Reply::new(200, list(&[1])),
        _ => Reply::new(200, list(&[1, 2])),
    })
    .await;
    let (client, user) = (client(&server), user());
    let read = async || client.certificates(&user, &call()).await;
    assert_eq!(read().await.unwrap().certificates.len(), 1);
    assert_eq!(read().await.unwrap().certificates.len(), 1);
    client.issue(&user, months(), &call()).await.unwrap();
    assert_eq!(read().await.unwrap().certificates.len(), 2);
    assert_eq!(server.count("GET"), 2);
}

/// The number of the page that a request asks for.
fn page_number(seen: &super::server::Seen) -> usize {
    seen.target.rsplit_once("pageNum=").unwrap().1.parse().unwrap()
}

async fn read(server: &Server) -> Result<Arc<CertificateList>, Error> {
    client(server).certificates(&user(), &call()).await
}

fn inconsistency(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidBody(what) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_and_each_certificate_is_listed_once() {
    let server = Server::start(|seen, _| {
        let serials: Vec<u64> = match page_number(seen) {
            1 => (0..500).collect(),
            2 => (499..999).collect(),
            3 => vec![999],
            other => panic!("page {other}"),
        };
        Reply::new(200, page(&serials, 1000, false))
    })
    .await;
    assert_eq!(read(&server).await.unwrap().certificates.len(), 1000);
    assert_eq!(server.count("GET"), 3);
    let first = &server.seen()[0].target;
    assert!(first.ends_with("/certs?includeCount=true&itemsPerPage=500&pageNum=1"));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_a_proxy_that_drops_the_query_is_an_error() {
    let first: Vec<u64> = (0..100).collect();
    let server = Server::start(move |_, _| Reply::new(200, page(&first, 250, true))).await;
    let error = read(&server).await.unwrap_err();
    assert_eq!(inconsistency(&error), "a page of the list contains only items of previous pages");
    assert_eq!(server.count("GET"), 4, "it is read once more");
}

#[tokio::test(start_paused = true)]
async fn a_list_with_fewer_items_than_its_total_count_is_an_error() {
    let server = Server::start(|seen, _| {
        let serials: &[u64] = if page_number(seen) == 1 { &[1, 2] } else { &[] };
        Reply::new(200, page(serials, 3, false))
    })
    .await;
    let error = read(&server).await.unwrap_err();
    assert_eq!(inconsistency(&error), "the list contains fewer items than its total count");
    assert_eq!(server.count("GET"), 4, "two pages, twice");
}

#[tokio::test(start_paused = true)]
async fn a_list_in_smaller_pages_than_requested_is_read_to_its_total_count() {
    let server = Server::start(|seen, _| {
        let first = 2 * page_number(seen) as u64;
        let serials: Vec<u64> = (first..first + 2).filter(|serial| *serial < 7).collect();
        Reply::new(200, page(&serials, 5, false))
    })
    .await;
    assert_eq!(read(&server).await.unwrap().certificates.len(), 5);
    assert_eq!(server.count("GET"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_changes_between_two_pages_is_read_once_more() {
    // Certificate 0 expires after the first page, which moves certificate 500 to the first page.
    let server = Server::start(|seen, before| {
        let all: Vec<u64> = (u64::from(before > 0)..1001).collect();
        let from = (page_number(seen) - 1) * 500;
        let to = all.len().min(from + 500);
        Reply::new(200, page(&all[from..to], all.len(), false))
    })
    .await;
    let list = read(&server).await.unwrap();
    assert_eq!(list.certificates.len(), 1000);
    assert!(list.certificates.iter().any(|certificate| certificate.certificate_id == "500"));

    let server = Server::start(|_, before| {
        let serials: Vec<u64> = (0..500).map(|serial| serial + before as u64 * 500).collect();
        Reply::new(200, page(&serials, 1000 + before, false))
    })
    .await;
    let error = read(&server).await.unwrap_err();
    assert_eq!(inconsistency(&error), "the list changed while it was read");
    assert_eq!(server.count("GET"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_once_more_if_a_certificate_expires_and_another_is_issued_between_two_pages()
{
    // Certificate 0 expires and 1001 is issued after the first page; the total count stays.
    let expired = r#""_id":0,"createdAt":"2026-08-10T02:00:00Z","groupId":"x","notAfter":"2026-08-10T03:00:01Z""#;
    let server = Server::start(move |seen, before| {
        let shift = u64::from(before > 0);
        let all: Vec<u64> = (shift..1001 + shift).collect();
        let from = (page_number(seen) - 1) * 500;
        let to = all.len().min(from + 500);
        let body = page(&all[from..to], all.len(), false);
        let item = r#""_id":0,"createdAt":"2026-08-10T02:00:00Z","groupId":"x","notAfter":"2026-11-10T03:00:00Z""#;
        let date = format!("Mon, 10 Aug 2026 03:00:0{before} GMT");
        Reply::new(200, body.replace(item, expired)).with("Date", date)
    })
    .await;
    let list = read(&server).await.unwrap();
    assert!(list.certificates.iter().any(|certificate| certificate.certificate_id == "500"));
    assert_eq!(list.certificates.len(), 1001);
}

#[tokio::test(start_paused = true)]
async fn a_list_without_an_end_is_an_error() {
    let server = Server::start(|seen, _| {
        let first = page_number(seen) as u64 * 500;
        let serials: Vec<u64> = (first..first + 500).collect();
        Reply::new(200, page(&serials, 1_000_000, true))
    })
    .await;
    let error = read(&server).await.unwrap_err();
    assert_eq!(inconsistency(&error), "the list has more than 50,000 items");
}

#[tokio::test(start_paused = true)]
async fn the_users_of_a_project_are_read_from_all_pages() {
    let server = Server::start(|seen, _| {
        let number = page_number(seen);
        let count = if number == 1 { 500 } else { 1 };
        let user = |index| {
            format!(r#"{{"username":"user{number}-{index}","databaseName":"$external","x509Type":"MANAGED"}}"#)
        };
        let users: Vec<_> = (0..count).map(user).collect();
        Reply::new(200, format!(r#"{{"results":[{}],"totalCount":501}}"#, users.join(",")))
    })
    .await;
    let UserId { project, .. } = user();
    let users = client(&server).users(&project, &call()).await.unwrap();
    assert_eq!(users.len(), 501);
    let last = &users[500];
    assert_eq!((last.username.as_str(), last.x509_type.as_str()), ("user2-0", "MANAGED"));
    let path =
        format!("/groups/{project}/databaseUsers?includeCount=true&itemsPerPage=500&pageNum=1");
    assert!(server.seen()[0].target.ends_with(&path));

    let server = Server::start(|_, _| Reply::new(404, api_error(404, "GROUP_NOT_FOUND"))).await;
    let error = client(&server).users(&project, &call()).await.unwrap_err();
    assert!(error.is_project_not_found());
    assert_eq!(error.request().operation, Operation::ListUsers);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_retried_after_every_transient_failure() {
    let replies: [fn() -> Reply; 6] = [
        || Reply::Cut,
        || Reply::CutBody(list(&[1]), 10),
        || Reply::new(500, ""),
        || Reply::new(502, "<html>"),
        || Reply::new(503, api_error(503, "SERVICE_UNAVAILABLE")),
        || Reply::new(504, ""),
    ];
    for reply in replies {
        let server = Server::start(move |_, before| match before {
            0 | 1 => reply(),
            _ => Reply::new(200, list(&[1])),
        })
        .await;
        client(&server).certificates(&user(), &call()).await.unwrap();
        assert_eq!(server.count("GET"), 3);

        let server = Server::start(move |_, _| reply()).await;
        let error = client(&server).certificates(&user(), &call()).await.unwrap_err();
        assert_eq!(server.count("GET"), 3, "{error}");
        assert_eq!(error.attempts(), 3, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_read_if_a_response_has_no_date() {
    for (date, wanted) in [
        ("Mon, 10 Aug 2026 03:00:05 GMT", "2026-08-10T03:00:05Z"),
        ("soon", "2026-08-10T04:00:00Z"),
    ] {
        let server =
            Server::start(move |_, _| Reply::new(200, list(&[1])).with("Date", date)).await;
        let listing = client(&server).certificates(&user(), &call()).await.unwrap();
        assert_eq!(listing.server_time, wanted.parse().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_has_the_api_version_of_its_request() {
    for (api_version, newest) in [(ApiVersion::V1_0, false), (ApiVersion::V2, true)] {
        let server = Server::start(|_, _| Reply::new(410, api_error(410, "VERSION_GONE"))).await;
        let config = Config { api_version, ..config(&server, Credentials::Token("t".into())) };
        let client = Client::new(config, clock, Arc::default()).unwrap();
        let read = client.certificates(&user(), &call()).await;
        let error = read.unwrap_err();
        assert!(error.is_api_version_removed());
        assert_eq!(error.uses_latest_api_version(), newest);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_is_not_cached() {
    let server = Server::start(|_, before| match before {
        0 => Reply::new(404, api_error(404, "USERNAME_NOT_FOUND")),
        _ => {
            Reply::new(200, r#"{"username":"app","x509Type":"MANAGED","databaseName":"$external"}"#)
        }
    })
    .await;
    let (client, user) = (client(&server), user());
    let error = client.user(&user, &call()).await.unwrap_err();
    assert!(error.is_user_not_found() && !error.is_project_not_found());
    let found = client.user(&user, &call()).await.unwrap();
    assert_eq!(found.x509_type, "MANAGED");
    client.user(&user, &call()).await.unwrap();
    assert_eq!(server.count("GET"), 2);
    assert!(server.seen()[0].target.ends_with("/databaseUsers/$external/app"));
}

#[tokio::test(start_paused = true)]
async fn responses_that_are_not_from_atlas_are_errors() {
    for (reply, text) in [
        (
            Reply::new(407, "<html>\n<p>secret page"),
            "reading the database user received HTTP 407 from something that is not the Atlas API",
        ),
        (
            Reply::new(302, "").with("Location", "https://evil.example/"),
            "reading the database user was answered with a redirect (HTTP 302), which is not followed",
        ),
        (
            Reply::new(200, "<html>"),
            "reading the database user received an invalid response: it is not a database user",
        ),
        (
            Reply::new(200, " ".repeat(2 << 20)),
            "reading the database user received an invalid response: it is larger than any valid one",
        ),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let server = Server::start(move |_, _| reply.lock().unwrap().take().unwrap()).await;
        let error = client(&server).user(&user(), &call()).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(server.count("GET"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_ends_a_read() {
    let never = Arc::new(Semaphore::new(0));
    let server =
        Server::start(move |_, _| Reply::When(Arc::clone(&never), Box::new(Reply::Cut))).await;
    let (client, call) = (client(&server), call());
    let reading = tokio::spawn({
        let call = call.clone();
        async move { client.user(&user(), &call).await }
    });
    server.arrived.acquire().await.unwrap().forget();
    call.cancel.cancel();
    assert!(reading.await.unwrap().unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_deprecation_notice_is_returned_once() {
    let server = Server::start(|_, _| {
        Reply::new(200, list(&[])).with("Deprecation", "Mon, 5 Aug 2024 00:00:00 GMT")
    })
    .await;
    let client = client(&server);
    for _ in 0..3 {
        client.certificates(&user(), &call()).await.unwrap();
    }
    let notice = client.take_deprecation_notice().unwrap();
    assert_eq!(notice.operation, Operation::ListCertificates);
    assert_eq!(notice.deprecation.as_deref(), Some("Mon, 5 Aug 2024 00:00:00 GMT"));
    assert!(client.take_deprecation_notice().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_without_retries_makes_one_attempt() {
    for reply in
        [|| Reply::new(429, "").with("Retry-After", "1"), || Reply::new(503, ""), || Reply::Cut]
    {
        let server = Server::start(move |_, _| reply()).await;
        let call = CallOptions { is_retried: false, ..call() };
        let result = client(&server).user(&user(), &call).await;
        let error = result.unwrap_err();
        assert_eq!((server.count("GET"), error.attempts()), (1, 1), "{error}");
        assert_eq!(error.is_unreachable(), error.status().is_none(), "{error}");
    }
}
