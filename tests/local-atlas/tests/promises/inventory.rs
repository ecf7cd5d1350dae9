//! Lists of database users, hidden projects, and lists that contradict themselves.

use std::time::Duration;

use local_atlas::{Answer, Endpoint, Fault, MissingProject, Options, Rewrite, X509Type};
use reqwest::Method;
use serde_json::Value;

use crate::client::{
    PROJECT, USER, atlas, atlas_with, client, issue, json, list, post, request, v2_headers,
};

#[tokio::test]
async fn database_users_of_all_databases_are_listed_in_pages_on_both_versions() {
    let atlas = atlas();
    let control = atlas.control();
    for number in 0..150 {
        let name = format!("user-{number:03}");
        control.add_user(PROJECT, &name, X509Type::Managed);
    }
    control.add_user(PROJECT, "CN=own,O=Example", X509Type::Customer);
    control.add_user_in(PROJECT, "admin", USER, X509Type::None);
    let page = async |version: &str, query: &str| {
        let path = format!("/api/atlas/{version}/groups/{PROJECT}/databaseUsers?{query}");
        let request = request(&atlas, Method::GET, &path).headers(v2_headers());
        json(request.send().await.unwrap()).await
    };
    for version in ["v1.0", "v2"] {
        let (status, first) = page(version, "").await;
        let (_, second) = page(version, "pageNum=2").await;
        assert_eq!((status, &first["totalCount"]), (200, &153.into()));
        let results = |page: &Value| page["results"].as_array().unwrap().clone();
        assert_eq!((results(&first).len(), results(&second).len()), (100, 53));
        assert_eq!(first["links"][1]["rel"], "next");
        let mut users = [results(&first), results(&second)].concat();
        let external = users.iter().filter(|it| it["databaseName"] == "$external");
        assert_eq!(external.count(), 152);
        let types = |kind: &str| users.iter().filter(|it| it["x509Type"] == kind).count();
        assert_eq!(
            (types("MANAGED"), types("CUSTOMER"), types("NONE")),
            (151, 1, 1)
        );
        users.dedup();
        assert_eq!(users.len(), 153);
    }
    assert_eq!(page("v2", "itemsPerPage=501").await.0, 400);
    assert_eq!(control.request_count(Endpoint::ListUsers), 5);
    assert_eq!(control.request_count(Endpoint::ListCertificates), 0);
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
        let (status, error) = list(&atlas, USER, "").await;
        assert_eq!((status, &error["errorCode"]), (404, &code.into()));
        assert_eq!(post(&atlas, USER, "{}").await.status(), 404);
        assert!(atlas.log_in(&pem).await.is_ok());
    }
    atlas.control().show_project(PROJECT);
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1);
}

#[tokio::test]
async fn a_new_certificate_is_unlisted_while_the_list_lags() {
    let atlas = atlas();
    atlas
        .control()
        .configure(|settings| settings.list_lag_seconds = 90);
    let pem = issue(&atlas).await;
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 0);
    assert!(atlas.log_in(&pem).await.is_ok());
    atlas.control().advance(Duration::from_secs(90));
    assert_eq!(list(&atlas, USER, "").await.1["totalCount"], 1);
}

#[tokio::test]
async fn small_pages_and_a_changed_total_count_contradict_each_other() {
    let atlas = atlas();
    atlas
        .control()
        .configure(|settings| settings.largest_page = 2);
    for _ in 0..3 {
        atlas.control().issue(PROJECT, USER, 3);
    }
    let second = Fault::on(Endpoint::ListCertificates).nth(2);
    let changed = Rewrite::TotalCount { total: 7 };
    atlas.control().add_fault(second.rewrite(changed));
    let (_, first) = list(&atlas, USER, "itemsPerPage=500&pageNum=1").await;
    let (_, second) = list(&atlas, USER, "itemsPerPage=500&pageNum=2").await;
    let shape = |page: &Value| {
        let total = page["totalCount"].as_u64().unwrap();
        (page["results"].as_array().unwrap().len(), total)
    };
    assert_eq!((shape(&first), shape(&second)), ((2, 3), (1, 7)));
}

#[tokio::test]
async fn one_user_may_be_refused_and_a_gateway_may_answer_for_atlas() {
    let atlas = atlas();
    atlas
        .control()
        .add_user(PROJECT, "other", X509Type::Managed);
    let refusal = Answer::api_error(403, "ACCESS_FORBIDDEN", "Not for this user.");
    let one = Fault::on(Endpoint::ListCertificates).user("other").always();
    atlas.control().add_fault(one.refuse(refusal));
    assert_eq!(list(&atlas, "other", "").await.0, 403);
    assert_eq!(list(&atlas, USER, "").await.0, 200);

    let page = Fault::on(Endpoint::IssueCertificate);
    atlas.control().add_fault(page.refuse(Answer::html(200)));
    let response = post(&atlas, USER, "{}").await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert!(
        response
            .text()
            .await
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn connections_are_counted_even_when_the_client_does_not_trust_the_server() {
    let atlas = atlas_with(Options {
        https: true,
        ..Options::default()
    });
    let other = crate::client::atlas();
    let refused = client(&other).get(atlas.base_url()).send().await;
    assert!(refused.unwrap_err().is_connect());
    assert_eq!(atlas.control().connection_count(), 1);
    assert_eq!(atlas.control().requests().len(), 0);
}
