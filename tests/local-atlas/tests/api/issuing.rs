//! Issuing: the response, and the checks before it.

use local_atlas::{AccessList, Login, MissingProject, Rate, Role, X509Type};
use reqwest::Method;
use serde_json::json;

use crate::{
    PROJECT, USER, V2, assert_members, atlas, certs_path, issue, issue_with, json, list, post,
    request,
};

#[tokio::test]
async fn both_versions_answer_pem_under_a_json_type() {
    let atlas = atlas();
    let response = post(&atlas, USER, r#"{"monthsUntilExpiration":1}"#).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(!response.headers().contains_key("ratelimit-limit"));
    let pem = response.text().await.unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(pem.ends_with("\n-----END PRIVATE KEY-----\n"));
    assert!((5069..=5077).contains(&pem.len()), "{}", pem.len());

    let v2 = async |accept: &str, content_type: &str| {
        let request = request(&atlas, Method::POST, &certs_path(USER).replace("v1.0", "v2"));
        let request = request.header("accept", accept).header("content-type", content_type);
        request.body("{}").send().await.unwrap()
    };
    assert_eq!(v2("*/*", V2).await.status(), 406);
    assert_eq!(v2(V2, "application/json").await.status(), 415);
    let response = v2(V2, V2).await;
    for (name, value) in [
        ("content-type", "application/vnd.atlas.2023-01-01+json;charset=utf-8"),
        ("ratelimit-limit", "1200"),
        ("ratelimit-remaining", "1198"),
        ("server", "mdbws"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    let months = atlas.control().all_certificates().iter().map(|it| it.months).collect::<Vec<_>>();
    assert_eq!(months, [1, 3]);
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let atlas = atlas();
    for (body, code) in [
        ("", "INVALID_JSON"),
        ("[3]", "INVALID_JSON"),
        ("{\"monthsUntilExpiration\":", "MALFORMED_JSON"),
        (r#"{"monthsUntilExpiration":"3"}"#, "INVALID_JSON_ATTRIBUTE"),
        (r#"{"monthsUntilExpiration":3.5}"#, "INVALID_JSON_ATTRIBUTE"),
        (r#"{"monthsUntilExpiration":3000000000}"#, "INVALID_JSON_ATTRIBUTE"),
        (r#"{"monthsUntilExpiration":0}"#, "ATTRIBUTE_NEGATIVE_OR_ZERO"),
        (r#"{"monthsUntilExpiration":25}"#, "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS"),
        (r#"{"monthsUntilExpiration":3,"subject":"CN=x"}"#, "INVALID_ATTRIBUTE"),
    ] {
        assert_eq!(issue_with(&atlas, USER, body).await, (400, code.to_owned()), "{body}");
    }
    let (_, error) = json(post(&atlas, USER, r#"{"months":3}"#).send().await.unwrap()).await;
    let expected = json!({
        "/error": 400,
        "/reason": "Bad Request",
        "/badRequestDetail/fields/0/field": "months",
        "/parameters/0": "months",
        "/detail": "Invalid attribute months specified.",
    });
    assert_members(&error, &expected);
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn checks_come_in_the_order_of_the_reference() {
    let atlas = atlas();
    let control = atlas.control();
    control.configure(|settings| settings.certificate_limit = Some(0));
    control.set_role(Login::AccessToken, Role::None);
    let add = |x509_type| control.add_user(PROJECT, USER, x509_type);
    add(X509Type::None);
    control.set_customer_ca(PROJECT, true);
    control.hide_project(PROJECT, MissingProject::InvalidGroupId);
    let other = AccessList::Only(vec!["192.0.2.1".parse().unwrap()]);
    let access = |list: AccessList| control.configure(|settings| settings.access_list = list);
    let role = |role| control.set_role(Login::AccessToken, role);
    let steps: [(&dyn Fn(), u16, &str); 10] = [
        (&|| access(other.clone()), 403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"),
        (&|| access(AccessList::Missing), 403, "ORG_REQUIRES_ACCESS_LIST"),
        (&|| access(AccessList::Open), 404, "INVALID_GROUP_ID"),
        (&|| control.hide_project(PROJECT, MissingProject::default()), 404, "GROUP_NOT_FOUND"),
        (&|| control.show_project(PROJECT), 401, "NOT_IN_GROUP"),
        (&|| role(Role::ReadOnly), 401, "USER_UNAUTHORIZED"),
        (&|| role(Role::Owner), 400, "USER_NOT_MANAGED_X509"),
        (&|| _ = control.remove_user(PROJECT, USER), 404, "USERNAME_NOT_FOUND"),
        (&|| add(X509Type::Managed), 400, "CANNOT_GENERATE_CERT_IF_ADVANCED_X509"),
        (&|| control.set_customer_ca(PROJECT, false), 400, "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS"),
    ];
    for (step, status, code) in steps {
        step();
        let refused = issue_with(&atlas, USER, r#"{"monthsUntilExpiration":25}"#).await;
        assert_eq!(refused, (status, code.to_owned()));
    }
    let limit = (400, "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED".to_owned());
    assert_eq!(issue_with(&atlas, USER, "{}").await, limit);
    control.configure(|settings| settings.certificate_limit = Some(1));
    issue(&atlas).await;
    assert_eq!(issue_with(&atlas, USER, "{}").await, limit);
}

#[tokio::test]
async fn names_are_decoded_by_segment_and_distinguished_names_are_refused() {
    let atlas = atlas();
    for (name, encoded, subject) in [
        ("a/b", "a%2Fb", "CN=a/b"),
        (" #a b,+ ", "%20%23a%20b%2C%2B%20", "CN=\\ #a b\\,\\+\\ "),
        ("#a", "%23a", "CN=\\#a"),
        ("Zoë", "Zo%C3%AB", "CN=Zoë"),
        ("user@example.com", "user@example.com", "CN=user@example.com"),
        ("cn=plain", "cn%3Dplain", "CN=plain"),
    ] {
        atlas.control().add_user(PROJECT, name, X509Type::Managed);
        assert_eq!(issue_with(&atlas, encoded, "{}").await.0, 201, "{name}");
        assert_eq!(list(&atlas, encoded, "").await.1["results"][0]["subject"], subject);
    }
    for name in ["CN=a,OU=b", "CN="] {
        atlas.control().add_user(PROJECT, name, X509Type::Managed);
    }
    for (name, status, code) in [
        ("CN%3Da%2COU%3Db", 400, "ATLAS_MANAGED_X509_NAME_INVALID"),
        ("CN%3D", 400, "ATLAS_MANAGED_X509_NAME_INVALID"),
        ("a%zz", 400, "PATH_PARAM_PARSE_ERROR"),
        ("%FF", 400, "PATH_PARAM_PARSE_ERROR"),
        ("", 404, "RESOURCE_NOT_FOUND"),
        ("a/b/c", 404, "RESOURCE_NOT_FOUND"),
        ("$external/a", 404, "RESOURCE_NOT_FOUND"),
    ] {
        assert_eq!(issue_with(&atlas, name, "{}").await, (status, code.to_owned()), "{name}");
    }
    let delete = request(&atlas, Method::DELETE, &certs_path(USER)).send().await.unwrap();
    assert_eq!(json(delete).await.1["errorCode"], "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn an_empty_bucket_states_when_to_retry() {
    let atlas = atlas();
    atlas.control().configure(|settings| settings.certificate_rate = Some(Rate::per_minute(1, 1)));
    issue(&atlas).await;
    let response = post(&atlas, USER, "{}").send().await.unwrap();
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let (status, error) = json(response).await;
    assert_eq!((status, &error["errorCode"]), (429, &"RATE_LIMITED_TOKEN_BUCKET".into()));
    assert_eq!(error["parameters"][1], wait);
    atlas.control().advance(std::time::Duration::from_secs(60));
    issue(&atlas).await;
    let silent = Rate { retry_after: false, ..Rate::per_minute(0, 0) };
    atlas.control().configure(|settings| settings.certificate_rate = Some(silent));
    let response = post(&atlas, USER, "{}").send().await.unwrap();
    assert!(!response.headers().contains_key("retry-after"));
}
