//! Lists of certificates and of database users.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local_atlas::{DeletedUsers, Endpoint, Fault, MissingProject, Rewrite, X509Type};
use serde_json::Value;

use crate::{PROJECT, USER, atlas, certs_path, get, issue, list, post, request};

#[tokio::test]
async fn items_have_five_members_and_pages_link_to_the_next() {
    let atlas = atlas();
    let control = atlas.control();
    for minutes in [0, 1, 2] {
        control.set_clock_offset(SignedDuration::from_mins(minutes));
        control.issue(PROJECT, USER, 3);
    }
    let (status, page) = list(&atlas, USER, "includeCount=true&itemsPerPage=2&pageNum=1").await;
    assert_eq!((status, &page["totalCount"]), (200, &3.into()));
    let first = page["results"][0].as_object().unwrap();
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        ["_id", "createdAt", "groupId", "notAfter", "subject"]
    );
    assert_eq!((&first["groupId"], &first["subject"]), (&PROJECT.into(), &"CN=app-user".into()));
    assert!(first["_id"].is_number() && first["createdAt"].as_str().unwrap().ends_with('Z'));
    let ids: Vec<String> =
        control.certificates(PROJECT, USER).iter().map(|it| it.id.to_string()).collect();
    assert_eq!(page["results"][1]["_id"].to_string(), ids[1]);
    assert_eq!(page["links"][1]["rel"], "next");
    let next = page["links"][1]["href"].as_str().unwrap().strip_prefix(&atlas.base_url()).unwrap();
    let (_, second) = get(&atlas, next).await;
    assert_eq!(second["results"][0]["_id"].to_string(), ids[2]);
    assert_eq!(second["links"][1]["rel"], "previous");
    for query in ["itemsPerPage=501", "itemsPerPage=0", "pageNum=0", "pretty=1", "page=1"] {
        assert_eq!(
            list(&atlas, USER, query).await.1["errorCode"],
            "INVALID_QUERY_PARAMETER",
            "{query}"
        );
    }
}

#[tokio::test]
async fn dates_and_lists_follow_the_servers_clock() {
    let atlas = atlas();
    let control = atlas.control();
    control.set_clock("2027-01-31T10:00:00Z".parse::<Timestamp>().unwrap());
    issue(&atlas).await;
    let first = control.certificates(PROJECT, USER).remove(0);
    assert_eq!(first.created_at.to_string()[..16], *"2027-01-31T09:00");
    assert_eq!(first.not_after.to_string()[..16], *"2027-04-30T10:00");
    control.set_date_skew(SignedDuration::from_hours(24));
    let response = request(&atlas, reqwest::Method::GET, &certs_path(USER)).send().await.unwrap();
    assert!(response.headers()["date"].to_str().unwrap().starts_with("Mon, 01 Feb 2027 10:00:"));

    control.advance(Duration::from_secs(86_400 * 60));
    issue(&atlas).await;
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 2);
    control.advance(Duration::from_secs(86_400 * 40));
    let second = control.certificates(PROJECT, USER).remove(1);
    assert_eq!(
        list(&atlas, USER, "").await.1["results"][0]["_id"].to_string(),
        second.id.to_string()
    );
    assert!(control.unlist_certificate(second.id) && !control.unlist_certificate(1));
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 0);
    assert_eq!(control.issued_count(), 2);
}

#[tokio::test]
async fn a_deleted_user_has_no_list_or_an_empty_one_or_the_remaining_certificates() {
    let atlas = atlas();
    issue(&atlas).await;
    assert!(atlas.control().remove_user(PROJECT, USER));
    for (setting, status, count) in [
        (DeletedUsers::NotFound, 404, Value::Null),
        (DeletedUsers::EmptyList, 200, 0.into()),
        (DeletedUsers::Leftovers, 200, 1.into()),
    ] {
        atlas.control().configure(|settings| settings.deleted_users = setting);
        let (found, page) = list(&atlas, USER, "").await;
        assert_eq!((found, &page["totalCount"]), (status, &count));
    }
    atlas.control().configure(|settings| settings.deleted_users = DeletedUsers::NotFound);
    atlas.control().add_user(PROJECT, USER, X509Type::Managed);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1, "certificates outlive their user");
}

#[tokio::test]
async fn envelope_and_pretty_change_only_the_form() {
    let atlas = atlas();
    let (_, page) = list(&atlas, USER, "envelope=true").await;
    assert_eq!((&page["status"], &page["totalCount"]), (&200.into(), &0.into()));
    let (status, error) = list(&atlas, "nobody", "envelope=true").await;
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
    for version in ["v1.0", "v2"] {
        let path = format!("/api/atlas/{version}/groups/{PROJECT}/databaseUsers");
        let (status, first) = get(&atlas, &path).await;
        let (_, second) = get(&atlas, &format!("{path}?pageNum=2")).await;
        assert_eq!(
            (status, &first["totalCount"], &first["links"][1]["rel"]),
            (200, &153.into(), &"next".into())
        );
        let results = |page: &Value| page["results"].as_array().unwrap().clone();
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
    let one = format!("/api/atlas/v1.0/groups/{PROJECT}/databaseUsers");
    for database in ["$external", "%24external"] {
        let (_, user) = get(&atlas, &format!("{one}/{database}/{USER}")).await;
        assert_eq!(
            (&user["x509Type"], &user["databaseName"]),
            (&"MANAGED".into(), &"$external".into())
        );
        assert!(
            user["links"][0]["href"]
                .as_str()
                .unwrap()
                .ends_with("/databaseUsers/$external/app-user")
        );
    }
    assert_eq!(
        get(&atlas, &format!("{one}/admin/nobody")).await.1["errorCode"],
        "USERNAME_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_hidden_project_is_missing_until_it_is_shown_again() {
    let atlas = atlas();
    let pem = issue(&atlas).await;
    for (as_missing, code) in [
        (MissingProject::GroupNotFound, "GROUP_NOT_FOUND"),
        (MissingProject::InvalidGroupId, "INVALID_GROUP_ID"),
    ] {
        atlas.control().hide_project(PROJECT, as_missing);
        assert_eq!(list(&atlas, USER, "").await.1["errorCode"], code);
        assert!(atlas.log_in(&pem).await.is_ok());
    }
    atlas.control().show_project(PROJECT);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1);
}

#[tokio::test]
async fn a_lagging_list_and_a_changed_total_count_can_be_scripted() {
    let atlas = atlas();
    atlas.control().configure(|settings| settings.list_lag_seconds = 90);
    let pem = issue(&atlas).await;
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 0);
    assert!(atlas.log_in(&pem).await.is_ok());
    atlas.control().advance(Duration::from_secs(90));
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1);

    atlas
        .control()
        .configure(|settings| (settings.largest_page, settings.list_lag_seconds) = (2, 0));
    atlas.control().issue(PROJECT, USER, 3);
    atlas.control().issue(PROJECT, USER, 3);
    let second = Fault::on(Endpoint::ListCertificates).nth(2);
    atlas.control().add_fault(second.rewrite(Rewrite::TotalCount { total: 7 }));
    for (page, items, total) in [(1, 2, 3), (2, 1, 7)] {
        let (_, page) = list(&atlas, USER, &format!("itemsPerPage=500&pageNum={page}")).await;
        assert_eq!(
            (page["results"].as_array().unwrap().len(), &page["totalCount"]),
            (items, &total.into())
        );
    }
}
