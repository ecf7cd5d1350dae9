//! Certificates over time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use crate::client::{PROJECT, USER, atlas, certs_path, issue, list, request};

#[tokio::test]
async fn dates_follow_the_servers_clock() {
    let atlas = atlas();
    let at: Timestamp = "2027-01-31T10:00:00Z".parse().unwrap();
    atlas.control().set_clock(at);
    issue(&atlas).await;
    let issued = &atlas.control().certificates(PROJECT, USER)[0];
    assert_eq!(issued.created_at.to_string()[..16], *"2027-01-31T09:00");
    assert_eq!(issued.not_after.to_string()[..16], *"2027-04-30T10:00");
    assert_eq!(
        issued.issued_at().duration_since(issued.created_at),
        SignedDuration::from_hours(1)
    );
    assert!(issued.id > 1 << 53);

    atlas
        .control()
        .set_date_skew(SignedDuration::from_hours(24));
    let response = request(&atlas, Method::GET, &certs_path(USER))
        .send()
        .await
        .unwrap();
    assert!(
        response.headers()["date"]
            .to_str()
            .unwrap()
            .starts_with("Mon, 01 Feb 2027 10:00:")
    );
}

#[tokio::test]
async fn an_expired_or_withdrawn_certificate_leaves_the_list_but_not_the_record() {
    let atlas = atlas();
    issue(&atlas).await;
    atlas.control().advance(Duration::from_secs(86_400 * 60));
    issue(&atlas).await;
    let (_, page) = list(&atlas, USER, "").await;
    assert_eq!(page["totalCount"], 2);
    atlas.control().advance(Duration::from_secs(86_400 * 40));
    let (_, page) = list(&atlas, USER, "").await;
    let left = &atlas.control().certificates(PROJECT, USER)[1];
    assert_eq!(page["results"].as_array().unwrap().len(), 1);
    assert_eq!(page["results"][0]["_id"].to_string(), left.id.to_string());
    assert!(atlas.control().withdraw_certificate(left.id));
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 0);
    assert_eq!(atlas.control().issued_count(), 2);
}

#[tokio::test]
async fn parallel_requests_each_get_a_certificate_of_their_own() {
    let atlas = atlas();
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let request = request(&atlas, Method::POST, &certs_path(USER));
            tokio::spawn(
                request
                    .header("content-type", "application/json")
                    .body("{}")
                    .send(),
            )
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 201);
    }
    let mut ids: Vec<u64> = atlas
        .control()
        .certificates(PROJECT, USER)
        .iter()
        .map(|it| it.id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}
