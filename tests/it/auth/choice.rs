//! Which login is used, and what is said about one that cannot be.

use local_atlas::{Endpoint, Fault};
use serde_json::{Value as Json, json};
use tf_host::{
    core::{Core, Settings},
    diagnostic::Diagnostics,
    provider::Provider,
};

use super::{create, created};
use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::Temporary,
    terraform::{bare_workspace, workspace},
    told::told,
};

#[tokio::test]
async fn half_a_login_names_the_missing_half() {
    for (block, environment, at, says) in [
        (
            json!({ "client_id": "mdb_sa_id_1" }),
            &[][..],
            "client_id",
            "client_secret is missing",
        ),
        (
            json!({ "client_secret": "s" }),
            &[],
            "client_secret",
            "client_id is missing",
        ),
        (
            json!({ "public_key": "abcdefgh" }),
            &[],
            "public_key",
            "private_key is missing",
        ),
        (
            json!({ "private_key": "s" }),
            &[],
            "private_key",
            "public_key is missing",
        ),
        (
            json!({}),
            &[("MONGODB_ATLAS_CLIENT_ID", "mdb_sa_id_1")],
            "",
            "MONGODB_ATLAS_CLIENT_SECRET",
        ),
        (
            json!({}),
            &[("MCLI_PRIVATE_API_KEY", "s")],
            "",
            "MONGODB_ATLAS_PUBLIC_API_KEY",
        ),
    ] {
        let told = configured(block, environment).await;
        let error = told
            .find("Incomplete credentials")
            .unwrap_or_else(|| panic!("{told:?}"));
        assert_eq!(error.path_text(), at);
        assert!(error.says(says), "{error:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_login_is_refused_with_what_to_write_instead() {
    let told = configured(
        json!({ "public_key": "mdb_sa_id_0123456789abcdef01234567", "private_key": "mdb_sa_sk_x" }),
        &[],
    )
    .await;
    let error = told
        .find("Service account given as an API key")
        .unwrap_or_else(|| panic!("{told:?}"));
    assert!(
        error.path_text() == "public_key" && error.says("client_id"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_missing_login_is_no_problem_before_one_is_needed() {
    let told = configured(json!({}), &[]).await;
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn of_several_logins_one_is_used_and_the_others_are_named() {
    let block = json!({ "access_token": "t", "client_id": "mdb_sa_id_1", "client_secret": "s", "public_key": "abcdefgh", "private_key": "s" });
    let told = configured(block, &[]).await;
    assert!(!told.has_errors(), "{told:?}");
    let warning = told
        .find("More than one set of credentials")
        .unwrap_or_else(|| panic!("{told:?}"));
    for words in ["The access token is used", "service account", "API key"] {
        assert!(warning.says(words), "{words}: {warning:?}");
    }
}

#[tokio::test]
async fn the_block_wins_whole_over_the_environment_and_other_settings_are_looked_up_one_by_one() {
    let atlas = atlas(&["app"]);
    let credentials = atlas.control().credentials();
    let temporary = Temporary::new();
    let environment = [
        ("MONGODB_ATLAS_ACCESS_TOKEN", "wrong"),
        ("MONGODB_ATLAS_CLIENT_ID", "mdb_sa_id_wrong"),
        ("MONGODB_ATLAS_CLIENT_SECRET", "wrong"),
        ("MONGODB_ATLAS_BASE_URL", &atlas.base_url()),
    ];
    let provider = Provider::spawn(temporary.options().envs(environment))
        .await
        .expect("the provider starts");
    let core = Core::new(provider, Settings::default())
        .await
        .expect("a sound schema");
    let block =
        json!({ "public_key": credentials.public_key, "private_key": credentials.private_key });
    let told = core.configure(block).await.expect("a sound answer");
    assert!(told.is_empty(), "{told:?}");
    created(&core).await;

    core.configure(json!({}))
        .await
        .expect("a sound answer")
        .ok()
        .expect("a login");
    let outcome = create(&core).await;
    assert!(
        outcome.diagnostics.find("Atlas login refused").is_some(),
        "{:?}",
        outcome.diagnostics
    );
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn a_login_that_is_unknown_in_the_plan_is_awaited() {
    let atlas = atlas(&["app"]);
    let credentials = atlas.control().credentials();
    let mut workspace = bare_workspace(&format!(
        r#"
variable "secret" {{
  type      = string
  sensitive = true
}}

resource "terraform_data" "secret" {{
  input = var.secret
}}

provider "atlas" {{
  base_url      = "{}"
  client_id     = "{}"
  client_secret = terraform_data.secret.output
}}

resource "atlas_user_certificate" "app" {{
  project_id = "{PROJECT}"
  username   = "app"
}}
"#,
        atlas.base_url(),
        credentials.client_id
    ));
    workspace.set_env("TF_VAR_secret", &credentials.client_secret);
    workspace.plan(&[]).success();
    assert_eq!(atlas.control().requests(), []);
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn the_end_of_an_api_version_is_announced_once_in_a_run() {
    let atlas = atlas(&["app", "job", "web"]);
    let workspace = workspace(
        &atlas,
        &format!(
            r#"
resource "atlas_user_certificate" "each" {{
  for_each   = toset(["app", "job", "web"])
  project_id = "{PROJECT}"
  username   = each.key
}}
"#
        ),
    );
    let ending = Fault::on_any()
        .always()
        .header("deprecation", "Mon, 5 Aug 2024 00:00:00 GMT")
        .header("sunset", "Thu, 1 Jul 2027 00:00:00 GMT");
    atlas.control().add_fault(ending);
    for command in [&["apply", "-auto-approve", "-json"][..], &["plan", "-json"]] {
        let output = workspace.run(command).success();
        let told = told(&output);
        let endings: Vec<_> = told
            .iter()
            .filter(|told| told.says("api_version"))
            .collect();
        assert_eq!(endings.len(), 1, "{told:#?}");
        assert!(
            !endings[0].is_error && endings[0].says("1 Jul 2027"),
            "{endings:#?}"
        );
    }
    assert_eq!(
        atlas
            .control()
            .requests_to(Endpoint::IssueCertificate)
            .len(),
        3
    );
}

/// What Configure says to this block in this environment.
async fn configured(block: Json, environment: &[(&str, &str)]) -> Diagnostics {
    let temporary = Temporary::new();
    let provider = Provider::spawn(temporary.options().envs(environment.iter().copied()))
        .await
        .expect("the provider starts");
    let core = Core::new(provider, Settings::default())
        .await
        .expect("a sound schema");
    core.configure(block).await.expect("a sound answer")
}
