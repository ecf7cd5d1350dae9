//! Database users through the API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{PROJECT, USER, atlas, json, request};

fn users_path() -> String {
    format!("/api/atlas/v1.0/groups/{PROJECT}/databaseUsers")
}

#[tokio::test]
async fn a_user_is_shown_as_recorded_with_either_spelling_of_its_database() {
    let atlas = atlas();
    for database in ["$external", "%24external"] {
        let path = format!("{}/{database}/{USER}", users_path());
        let (status, user) = json(request(&atlas, Method::GET, &path).send().await.unwrap()).await;
        assert_eq!(
            (status, &user["x509Type"], &user["databaseName"]),
            (200, &"MANAGED".into(), &"$external".into())
        );
        assert!(
            user["links"][0]["href"]
                .as_str()
                .unwrap()
                .ends_with("/databaseUsers/$external/app-user")
        );
    }
    let path = format!("{}/$external/nobody", users_path());
    let (status, error) = json(request(&atlas, Method::GET, &path).send().await.unwrap()).await;
    assert_eq!(
        (status, error["errorCode"].as_str()),
        (404, Some("USERNAME_NOT_FOUND"))
    );
}

#[tokio::test]
async fn users_are_created_updated_and_deleted_as_strictly_as_at_atlas() {
    let atlas = atlas();
    let create = async |body: Value| {
        let request =
            request(&atlas, Method::POST, &users_path()).header("content-type", "application/json");
        json(request.body(body.to_string()).send().await.unwrap()).await
    };
    let good = json!({ "databaseName": "$external", "groupId": PROJECT, "roles": [], "username": "new", "x509Type": "MANAGED" });
    assert_eq!(create(good.clone()).await.0, 201);
    for (member, value, status, code) in [
        ("username", json!("new"), 409, "USER_ALREADY_EXISTS"),
        ("username", Value::Null, 400, "MISSING_ATTRIBUTE"),
        (
            "username",
            json!("CN=a,OU=b"),
            400,
            "ATLAS_MANAGED_X509_NAME_INVALID",
        ),
        (
            "databaseName",
            json!("admin"),
            400,
            "DATABASE_NAME_INVALID_EXTERNAL",
        ),
        (
            "deleteAfterDate",
            json!("2030-01-01T00:00:00Z"),
            400,
            "ATLAS_X509_USER_CANNOT_BE_TEMPORARY",
        ),
        (
            "ldapAuthType",
            json!("USER"),
            400,
            "ATLAS_X509_USER_CANNOT_USE_LDAP",
        ),
        (
            "password",
            json!("secret"),
            400,
            "ATLAS_X509_USER_CANNOT_USE_SCRAM",
        ),
        ("x509Type", json!("SOME"), 400, "INVALID_ENUM_VALUE"),
        ("links", json!([]), 400, "INVALID_ATTRIBUTE"),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let (found, error) = create(body).await;
        assert_eq!((found, error["errorCode"].as_str()), (status, Some(code)));
    }
    atlas
        .control()
        .configure(|settings| settings.user_limit = 2);
    let mut third = good.clone();
    third["username"] = json!("third");
    assert_eq!(
        create(third).await.1["errorCode"],
        "GROUP_USERS_LIMIT_EXCEEDED"
    );

    let path = format!("{}/$external/new", users_path());
    let change = async |body: Value| {
        let request =
            request(&atlas, Method::PATCH, &path).header("content-type", "application/json");
        json(request.body(body.to_string()).send().await.unwrap()).await
    };
    assert_eq!(
        change(json!({ "x509Type": "CUSTOMER" })).await.1["errorCode"],
        "AUTH_TYPE_CANNOT_BE_CHANGED"
    );
    assert_eq!(
        change(json!({ "username": "x" })).await.1["errorCode"],
        "DATABASE_USERNAME_CANNOT_BE_CHANGED"
    );
    assert_eq!(
        change(json!({ "description": "d" })).await.1["description"],
        "d"
    );
    assert_eq!(
        request(&atlas, Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(
        request(&atlas, Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn the_customer_ca_shows_in_the_security_settings() {
    let atlas = atlas();
    atlas.control().set_customer_ca(PROJECT, Some("a CA"));
    let path = format!("/api/atlas/v1.0/groups/{PROJECT}/userSecurity");
    let (status, body) = json(request(&atlas, Method::GET, &path).send().await.unwrap()).await;
    assert_eq!(
        (status, &body["customerX509"]["cas"]),
        (200, &"a CA".into())
    );
}
