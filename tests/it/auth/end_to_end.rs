//! Each login on each API version, through the real CLI.

use std::thread;

use local_atlas::{ApiVersion, Authorization, Credentials, Endpoint};

use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::bare_workspace,
};

#[test]
fn a_service_account_logs_in_on_both_versions() {
    works_on_both_versions(
        |credentials| {
            format!(
                "client_id = {:?}\n  client_secret = {:?}",
                credentials.client_id, credentials.client_secret
            )
        },
        |authorization| matches!(authorization, Authorization::Bearer),
    );
}

#[test]
fn an_api_key_logs_in_on_both_versions() {
    works_on_both_versions(
        |credentials| {
            format!(
                "public_key = {:?}\n  private_key = {:?}",
                credentials.public_key, credentials.private_key
            )
        },
        |authorization| matches!(authorization, Authorization::Digest { .. }),
    );
}

#[test]
fn a_ready_made_token_logs_in_on_both_versions() {
    works_on_both_versions(
        |credentials| format!("access_token = {:?}", credentials.access_token),
        |authorization| matches!(authorization, Authorization::Bearer),
    );
}

fn works_on_both_versions(login: fn(&Credentials) -> String, is_used: fn(&Authorization) -> bool) {
    thread::scope(|scope| {
        scope.spawn(|| works(None, ApiVersion::V1, "application/json", login, is_used));
        scope.spawn(|| {
            works(
                Some("v2"),
                ApiVersion::V2,
                "application/vnd.atlas.2023-01-01+json",
                login,
                is_used,
            );
        });
    });
}

/// A whole life: issued, found to be fine, re-issued, forgotten.
fn works(
    api_version: Option<&str>,
    version: ApiVersion,
    media_type: &str,
    login: fn(&Credentials) -> String,
    is_used: fn(&Authorization) -> bool,
) {
    let atlas = atlas(&["app"]);
    let login = login(&atlas.control().credentials());
    let api_version = api_version.map(|name| format!("api_version = {name:?}")).unwrap_or_default();
    let mut workspace = bare_workspace(&format!(
        r#"
variable "months" {{
  type    = number
  default = 3
}}

provider "atlas" {{
  base_url = "{}"
  {login}
  {api_version}
}}

resource "atlas_user_certificate" "app" {{
  project_id              = "{PROJECT}"
  username                = "app"
  months_until_expiration = var.months
}}
"#,
        atlas.base_url()
    ));
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    workspace.set_env("TF_VAR_months", "6");
    workspace.apply(&[]).success();
    workspace.destroy(&[]).success();

    let control = atlas.control();
    assert_eq!(control.issued_count(), 2);
    assert!(control.tokens().iter().all(|token| token.revoked), "{:?}", control.tokens());
    let api: Vec<_> =
        control.requests().into_iter().filter(|request| request.version.is_some()).collect();
    for request in &api {
        assert_eq!(request.version, Some(version), "{}", request.target);
        assert_eq!(request.headers["accept"], media_type, "{}", request.target);
        if request.endpoint == Some(Endpoint::IssueCertificate) {
            assert_eq!(request.headers["content-type"], media_type);
        }
        if request.status != Some(401) {
            assert!(is_used(&request.authorization), "{request:?}");
        }
    }
    let posts = control.requests_to(Endpoint::IssueCertificate);
    let bodies: Vec<_> = posts.iter().map(|post| post.body.as_str()).collect();
    assert_eq!(bodies, [r#"{"monthsUntilExpiration":3}"#, r#"{"monthsUntilExpiration":6}"#]);
}
