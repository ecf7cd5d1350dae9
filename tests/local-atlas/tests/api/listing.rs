//! Lists of certificates and of database users.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local_atlas::{DeletedUsers, Endpoint, MissingProject, X509Type};
use serde_json::{Value, json};

use crate::{PROJECT, USER, assert_members, atlas, certs_path, get, issue, list, post, request};

fn results(page: &Value) -> &[Value] {
    page["results"].as_array().unwrap()
}

#[tokio::test]
async fn items_have_five_members_and_pages_link_to_the_next() {
    let atlas = atlas();
    let control = atlas.control();
    let issue = |minutes| {
        control.set_clock_offset(SignedDuration::from_mins(minutes));
        control.issue(PROJECT, USER, 3).id
    };
    let ids = [0, 1, 2].map(issue);
    let (_, page) = list(&atlas, USER, "includeCount=true&itemsPerPage=2&pageNum=1").await;
    let first = &results(&page)[0];
    let expected = json!({ "/groupId": PROJECT, "/subject": "CN=app-user", "/_id": ids[0] });
    assert_members(first, &expected);
    let members = first.as_object().unwrap().keys().collect::<Vec<_>>();
    assert_eq!(members, ["_id", "createdAt", "groupId", "notAfter", "subject"]);
    assert!(first["createdAt"].as_str().unwrap().ends_with('Z'));
    let expected = json!({ "/totalCount": 3, "/results/1/_id": ids[1], "/links/1/rel": "next" });
    assert_members(&page, &expected);
    let next = page["links"][1]["href"].as_str().unwrap().strip_prefix(&atlas.base_url()).unwrap();
    let (_, second) = get(&atlas, next).await;
    assert_members(&second, &json!({ "/results/0/_id": ids[2], "/links/1/rel": "previous" }));
    for query in ["itemsPerPage=501", "itemsPerPage=0", "pageNum=0", "pretty=1", "page=1"] {
        let (_, error) = list(&atlas, USER, query).await;
        assert_eq!(error["errorCode"], "INVALID_QUERY_PARAMETER", "{query}");
    }
    control.configure(|settings| settings.largest_page = 2);
    for (number, items) in [(1, 2), (2, 1)] {
        let (_, page) = list(&atlas, USER, &format!("itemsPerPage=500&pageNum={number}")).await;
        assert_eq!((results(&page).len(), &page["totalCount"]), (items, &3.into()));
    }
}

#[test]
fn a_clock_that_was_set_never_shows_an_earlier_time() {
    let atlas = atlas();
    let at = "2100-01-31T10:00:00Z".parse::<Timestamp>().unwrap();
    for _ in 0..100 {
        atlas.control().set_clock(at);
        assert!(atlas.control().now() >= at);
    }
}

#[tokio::test]
async fn dates_and_lists_follow_the_servers_clock() {
    let atlas = atlas();
    let control = atlas.control();
    let count = async || list(&atlas, USER, "").await.1["totalCount"].as_u64().unwrap();
    control.set_clock("2027-01-31T10:00:00Z".parse::<Timestamp>().unwrap());
    issue(&atlas).await;
    let first = control.certificates(PROJECT, USER).remove(0);
    assert_eq!(first.created_at.to_string()[..16], *"2027-01-31T09:00");
    assert_eq!(first.not_after.to_string()[..16], *"2027-04-30T10:00");
    let response = request(&atlas, reqwest::Method::GET, &certs_path(USER)).send().await.unwrap();
    assert!(response.headers()["date"].to_str().unwrap().starts_with("Sun, 31 Jan 2027 10:00:"));

    control.advance(Duration::from_secs(86_400 * 60));
    control.configure(|settings| settings.list_lag_seconds = 90);
    let pem = issue(&atlas).await;
    assert!(atlas.log_in(&pem).await.is_ok());
    assert_eq!(count().await, 1, "the list lags");
    control.advance(Duration::from_secs(90));
    assert_eq!(count().await, 2);
    control.advance(Duration::from_secs(86_400 * 40));
    let second = control.certificates(PROJECT, USER).remove(1);
    assert_members(&list(&atlas, USER, "").await.1, &json!({ "/results/0/_id": second.id }));
    assert!(control.unlist_certificate(second.id) && !control.unlist_certificate(1));
    assert_eq!((count().await, control.issued_count()), (0, 2));
}

#[tokio::test]
async fn a_hidden_project_and_a_deleted_user_are_missing_until_they_are_back() {
    let atlas = atlas();
    let control = atlas.control();
    let pem = issue(&atlas).await;
    for (as_missing, code) in [
        (MissingProject::GroupNotFound, "GROUP_NOT_FOUND"),
        (MissingProject::InvalidGroupId, "INVALID_GROUP_ID"),
    ] {
        control.hide_project(PROJECT, as_missing);
        assert_eq!(list(&atlas, USER, "").await.1["errorCode"], code);
        assert!(atlas.log_in(&pem).await.is_ok());
    }
    control.show_project(PROJECT);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1);

    assert!(control.remove_user(PROJECT, USER));
    for (setting, status, count) in [
        (DeletedUsers::EmptyList, 200, 0.into()),
        (DeletedUsers::Leftovers, 200, 1.into()),
        (DeletedUsers::NotFound, 404, Value::Null),
    ] {
        control.configure(|settings| settings.deleted_users = setting);
        let (found, page) = list(&atlas, USER, "").await;
        assert_eq!((found, &page["totalCount"]), (status, &count));
    }
    control.add_user(PROJECT, USER, X509Type::Managed);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1, "certificates outlive their user");
}

#[tokio::test]
async fn envelope_and_pretty_change_only_the_form() {
    let atlas = atlas();
    let (_, page) = list(&atlas, USER, "envelope=true").await;
    assert_members(&page, &json!({ "/status": 200, "/totalCount": 0 }));
    let (status, error) = list(&atlas, "absent", "envelope=true").await;
    assert_eq!((status, &error["content"]["errorCode"]), (404, &"USERNAME_NOT_FOUND".into()));
    let path = format!("{}?pretty=true", certs_path(USER));
    let pretty = request(&atlas, reqwest::Method::GET, &path).send().await.unwrap();
    assert!(pretty.text().await.unwrap().contains("\n  \"totalCount\": 0\n"));
    for (query, begins_with) in
        [("envelope=true", "{\"content\":\"-----BEGIN"), ("pretty=true", "-----BEGIN")]
    {
        let response = post(&atlas, &format!("{USER}/certs?{query}#"), "{}").send().await.unwrap();
        assert!(response.text().await.unwrap().starts_with(begins_with), "{query}");
    }
}

#[tokio::test]
async fn database_users_of_all_databases_are_listed_in_pages_on_both_versions() {
    let atlas = atlas();
    let control = atlas.control();
    for number in 0..150 {
        control.add_user(PROJECT, &format!("user-{number:03}"), X509Type::Managed);
    }
    control.add_user(PROJECT, "CN=own,O=Example", X509Type::Customer);
    control.add_user_in(PROJECT, "admin", USER, X509Type::None);
    let path = |version| format!("/api/atlas/{version}/groups/{PROJECT}/databaseUsers");
    for path in [path("v1.0"), path("v2")] {
        let (_, first) = get(&atlas, &path).await;
        let (_, second) = get(&atlas, &format!("{path}?pageNum=2")).await;
        assert_members(&first, &json!({ "/totalCount": 153, "/links/1/rel": "next" }));
        assert_eq!((results(&first).len(), results(&second).len()), (100, 53));
        let mut users = [results(&first), results(&second)].concat();
        let count =
            |member: &str, value: &str| users.iter().filter(|it| it[member] == value).count();
        assert_eq!(count("databaseName", "$external"), 152);
        assert_eq!(["MANAGED", "CUSTOMER", "NONE"].map(|it| count("x509Type", it)), [151, 1, 1]);
        users.dedup();
        assert_eq!(users.len(), 153);
    }
    assert_eq!(control.request_count(Endpoint::ListUsers), 4);
    for database in ["$external", "%24external"] {
        let (_, user) = get(&atlas, &format!("{}/{database}/{USER}", path("v1.0"))).await;
        assert_members(&user, &json!({ "/x509Type": "MANAGED", "/databaseName": "$external" }));
        let link = user["links"][0]["href"].as_str().unwrap();
        assert!(link.ends_with("/databaseUsers/$external/app-user"));
    }
    let (_, error) = get(&atlas, &format!("{}/admin/absent", path("v2"))).await;
    assert_eq!(error["errorCode"], "USERNAME_NOT_FOUND");
}
