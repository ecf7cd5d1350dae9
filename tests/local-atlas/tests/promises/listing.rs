//! Lists.

use local_atlas::DeletedUsers;
use reqwest::Method;

use crate::client::{PROJECT, USER, atlas, certs_path, issue, list, request, v2_headers};

#[tokio::test]
async fn items_have_the_five_members_in_ascending_order_and_pages_link_on() {
    let atlas = atlas();
    for minutes in [0, 1, 2] {
        atlas
            .control()
            .set_clock_offset(jiff::SignedDuration::from_mins(minutes));
        atlas.control().issue(PROJECT, USER, 3);
    }
    let (status, page) = list(&atlas, USER, "includeCount=true&itemsPerPage=2&pageNum=1").await;
    assert_eq!((status, &page["totalCount"]), (200, &3.into()));
    let first = page["results"][0].as_object().unwrap();
    let members: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["_id", "createdAt", "groupId", "notAfter", "subject"]
    );
    assert_eq!(
        (&first["groupId"], &first["subject"]),
        (&PROJECT.into(), &"CN=app-user".into())
    );
    assert!(first["_id"].is_number() && first["createdAt"].as_str().unwrap().ends_with('Z'));
    let issued: Vec<String> = atlas
        .control()
        .certificates(PROJECT, USER)
        .iter()
        .map(|it| it.id.to_string())
        .collect();
    assert_eq!(page["results"][1]["_id"].to_string(), issued[1]);

    let next = page["links"][1]["href"].as_str().unwrap();
    assert_eq!(page["links"][1]["rel"], "next");
    let path = next.strip_prefix(&atlas.base_url()).unwrap();
    let second: serde_json::Value = serde_json::from_str(
        &request(&atlas, Method::GET, path)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
    )
    .unwrap();
    assert_eq!(second["results"].as_array().unwrap().len(), 1);
    assert_eq!(second["results"][0]["_id"].to_string(), issued[2]);
    assert_eq!(
        list(&atlas, USER, "itemsPerPage=501").await.1["errorCode"],
        "INVALID_QUERY_PARAMETER"
    );
}

#[tokio::test]
async fn a_deleted_user_has_no_list_an_empty_one_or_its_leftovers() {
    let atlas = atlas();
    issue(&atlas).await;
    atlas.control().remove_user(PROJECT, USER);
    let (status, error) = list(&atlas, USER, "").await;
    assert_eq!(
        (status, error["errorCode"].as_str()),
        (404, Some("USERNAME_NOT_FOUND"))
    );
    atlas
        .control()
        .configure(|settings| settings.deleted_users = DeletedUsers::EmptyList);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 0);
    atlas
        .control()
        .configure(|settings| settings.deleted_users = DeletedUsers::Leftovers);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1);
    atlas
        .control()
        .configure(|settings| settings.deleted_users = DeletedUsers::NotFound);
    atlas
        .control()
        .add_user(PROJECT, USER, local_atlas::X509Type::Managed);
    assert_eq!(
        list(&atlas, USER, "").await.1["totalCount"],
        1,
        "certificates outlive their user"
    );
}

#[tokio::test]
async fn envelope_and_pretty_change_the_form_only() {
    let atlas = atlas();
    let (status, page) = list(&atlas, USER, "envelope=true").await;
    assert_eq!(
        (
            status,
            &page["status"],
            page["results"].as_array().unwrap().len()
        ),
        (200, &200.into(), 0)
    );
    let path = format!("{}?pretty=true", certs_path(USER));
    let text = request(&atlas, Method::GET, &path)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.contains("\"results\" : [ ]"), "{text}");

    let path = format!("{}?envelope=true", certs_path(USER));
    let post = request(&atlas, Method::POST, &path)
        .header("content-type", "application/json")
        .body("{}");
    let body: serde_json::Value =
        serde_json::from_str(&post.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(body["status"], 201);
    assert!(
        body["content"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );

    let path = format!("{}?pretty=true", certs_path(USER).replace("v1.0", "v2"));
    let post = request(&atlas, Method::POST, &path)
        .headers(v2_headers())
        .body("{}");
    assert!(
        post.send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
}
