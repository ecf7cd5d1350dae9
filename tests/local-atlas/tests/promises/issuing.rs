//! The checks before a certificate is issued, and their order.

use local_atlas::{AccessList, Login, Rate, Role, X509Type};
use reqwest::Method;

use crate::client::{
    PROJECT, USER, V2, atlas, certs_path, issue, json, list, post, request, v2_headers,
};

#[tokio::test]
async fn answers_pem_under_a_json_type_on_both_versions() {
    let atlas = atlas();
    let response = post(&atlas, USER, r#"{"monthsUntilExpiration":1}"#).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(!response.headers().contains_key("ratelimit-limit"));
    let pem = response.text().await.unwrap();
    assert!(
        pem.starts_with("-----BEGIN CERTIFICATE-----\n")
            && pem.ends_with("\n-----END PRIVATE KEY-----\n")
    );
    assert!((5069..=5077).contains(&pem.len()), "{}", pem.len());

    let path = certs_path(USER).replace("v1.0", "v2");
    let response = request(&atlas, Method::POST, &path)
        .headers(v2_headers())
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(
        response.headers()["content-type"],
        "application/vnd.atlas.2023-01-01+json;charset=utf-8"
    );
    assert_eq!(response.headers()["ratelimit-limit"], "1200");
    assert_eq!(response.headers()["ratelimit-remaining"], "1198");
    assert_eq!(response.headers()["server"], "mdbws");
    let months: Vec<u32> = atlas
        .control()
        .certificates(PROJECT, USER)
        .iter()
        .map(|it| it.months)
        .collect();
    assert_eq!(months, [1, 3]);
}

#[tokio::test]
async fn v2_needs_its_version_date() {
    let atlas = atlas();
    let path = certs_path(USER).replace("v1.0", "v2");
    let plain = request(&atlas, Method::GET, &path).send().await.unwrap();
    assert_eq!(plain.status(), 406);
    let body = request(&atlas, Method::POST, &path)
        .header("accept", V2)
        .header("content-type", "application/json")
        .body("{}");
    assert_eq!(body.send().await.unwrap().status(), 415);
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
        (
            r#"{"monthsUntilExpiration":3000000000}"#,
            "INVALID_JSON_ATTRIBUTE",
        ),
        (
            r#"{"monthsUntilExpiration":0}"#,
            "ATTRIBUTE_NEGATIVE_OR_ZERO",
        ),
        (
            r#"{"monthsUntilExpiration":-1}"#,
            "ATTRIBUTE_NEGATIVE_OR_ZERO",
        ),
        (
            r#"{"monthsUntilExpiration":25}"#,
            "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS",
        ),
        (
            r#"{"monthsUntilExpiration":3,"subject":"CN=x"}"#,
            "INVALID_ATTRIBUTE",
        ),
    ] {
        let (status, error) = json(post(&atlas, USER, body).await).await;
        assert_eq!(
            (status, error["errorCode"].as_str()),
            (400, Some(code)),
            "{body}"
        );
        assert_eq!(
            (&error["error"], &error["reason"]),
            (&400.into(), &"Bad Request".into())
        );
    }
    let (_, error) = json(post(&atlas, USER, r#"{"months":3}"#).await).await;
    assert_eq!(error["badRequestDetail"]["fields"][0]["field"], "months");
    assert_eq!(error["parameters"][0], "months");
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn checks_come_in_order() {
    let atlas = atlas();
    let control = atlas.control();
    let bad = r#"{"monthsUntilExpiration":25}"#;
    control.configure(|settings| {
        settings.access_list = AccessList::Only(vec!["192.0.2.1".parse().unwrap()]);
        settings.certificate_limit = Some(0);
    });
    control.set_customer_ca(PROJECT, Some("a CA"));
    control.remove_project(PROJECT);
    let refusal = async || {
        let (status, error) = json(post(&atlas, USER, bad).await).await;
        (
            status,
            error["errorCode"].as_str().unwrap().to_owned(),
            error["parameters"].clone(),
        )
    };
    let code = async || {
        let (status, code, _) = refusal().await;
        (status, code)
    };

    let (status, code_, parameters) = refusal().await;
    assert_eq!(
        (status, code_.as_str(), &parameters[0]),
        (403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", &"127.0.0.1".into())
    );
    control.configure(|settings| settings.access_list = AccessList::Open);
    assert_eq!(code().await, (404, "GROUP_NOT_FOUND".to_owned()));
    control.add_project(PROJECT);
    control.set_role(Login::AccessToken, Role::None);
    assert_eq!(code().await, (401, "NOT_IN_GROUP".to_owned()));
    control.set_project_role(Login::AccessToken, PROJECT, Role::ReadOnly);
    assert_eq!(code().await, (401, "USER_UNAUTHORIZED".to_owned()));
    control.set_project_role(Login::AccessToken, PROJECT, Role::Owner);
    assert_eq!(code().await, (404, "USERNAME_NOT_FOUND".to_owned()));
    control.add_user(PROJECT, USER, X509Type::None);
    let (_, code_, parameters) = refusal().await;
    assert_eq!(
        (code_.as_str(), parameters),
        ("USER_NOT_MANAGED_X509", serde_json::Value::Null)
    );
    control.add_user(PROJECT, USER, X509Type::Managed);
    control.set_customer_ca(PROJECT, Some("a CA"));
    assert_eq!(
        code().await,
        (400, "CANNOT_GENERATE_CERT_IF_ADVANCED_X509".to_owned())
    );
    control.set_customer_ca(PROJECT, None);
    assert_eq!(
        code().await,
        (400, "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS".to_owned())
    );
    let (_, error) = json(post(&atlas, USER, "{}").await).await;
    assert_eq!(error["errorCode"], "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED");
    control.configure(|settings| settings.certificate_limit = Some(1));
    issue(&atlas).await;
    assert_eq!(post(&atlas, USER, "{}").await.status(), 400);
}

#[tokio::test]
async fn names_are_decoded_segment_by_segment_and_distinguished_names_refused() {
    let atlas = atlas();
    for name in ["a/b", "a b+c", "Zoë", "rob.carlan", "user@example.com"] {
        atlas.control().add_user(PROJECT, name, X509Type::Managed);
        let encoded: String = url_encoded(name);
        assert_eq!(post(&atlas, &encoded, "{}").await.status(), 201, "{name}");
        let (_, page) = list(&atlas, &encoded, "").await;
        let subject = page["results"][0]["subject"].as_str().unwrap();
        assert_eq!(subject.replace('\\', ""), format!("CN={name}"));
    }
    atlas
        .control()
        .add_user(PROJECT, "CN=a,OU=b", X509Type::Managed);
    let (status, error) = json(post(&atlas, "CN%3Da%2COU%3Db", "{}").await).await;
    assert_eq!(
        (status, error["errorCode"].as_str()),
        (400, Some("ATLAS_MANAGED_X509_NAME_INVALID"))
    );
    let (status, error) = json(post(&atlas, "a%zz", "{}").await).await;
    assert_eq!(
        (status, error["errorCode"].as_str()),
        (400, Some("PATH_PARAM_PARSE_ERROR"))
    );
    let path = certs_path(USER).replace(PROJECT, "not-an-id");
    let (status, error) = json(request(&atlas, Method::GET, &path).send().await.unwrap()).await;
    assert_eq!(
        (status, error["errorCode"].as_str()),
        (404, Some("INVALID_GROUP_ID"))
    );
}

#[tokio::test]
async fn an_empty_bucket_says_when_to_come_back() {
    let atlas = atlas();
    atlas
        .control()
        .configure(|settings| settings.certificate_rate = Some(Rate::per_minute(1, 1)));
    issue(&atlas).await;
    let response = post(&atlas, USER, "{}").await;
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    let (_, error) = json(response).await;
    assert_eq!(error["errorCode"], "RATE_LIMITED_TOKEN_BUCKET");
    assert_eq!(error["parameters"][1], wait);
    atlas.control().advance(std::time::Duration::from_secs(60));
    issue(&atlas).await;
    let silent = Rate {
        retry_after: false,
        ..Rate::per_minute(0, 0)
    };
    atlas
        .control()
        .configure(|settings| settings.certificate_rate = Some(silent));
    assert!(
        !post(&atlas, USER, "{}")
            .await
            .headers()
            .contains_key("retry-after")
    );
}

fn url_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
