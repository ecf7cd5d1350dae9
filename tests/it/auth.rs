//! Credentials: three kinds, two API versions, which of them are used, and what becomes of tokens.

use std::thread;

use local_atlas::{ApiVersion, Authorization, Credentials, Endpoint, Fault, LocalAtlas};
use serde_json::{Value as Json, json};
use tf_harness::core::{Core, Outcome};

use crate::support::{
    atlas::atlas,
    fixture::{Fixture, TYPE, certificate, resource},
    in_process::{config, service_account, titled, with},
    plugin::{ScratchDir, configure, started},
    terraform::bare_workspace,
};

#[test]
fn a_service_account_logs_in_on_both_versions() {
    let arguments = |keys: &Credentials| {
        format!("client_id = {:?}\n  client_secret = {:?}", keys.client_id, keys.client_secret)
    };
    works_on_both_versions(arguments, |used| matches!(used, Authorization::Bearer));
}

#[test]
fn an_api_key_logs_in_on_both_versions() {
    let arguments = |keys: &Credentials| {
        format!("public_key = {:?}\n  private_key = {:?}", keys.public_key, keys.private_key)
    };
    works_on_both_versions(arguments, |used| matches!(used, Authorization::Digest { .. }));
}

#[test]
fn an_access_token_logs_in_on_both_versions() {
    let arguments = |keys: &Credentials| format!("access_token = {:?}", keys.access_token);
    works_on_both_versions(arguments, |used| matches!(used, Authorization::Bearer));
}

fn works_on_both_versions(login: fn(&Credentials) -> String, is_used: fn(&Authorization) -> bool) {
    thread::scope(|scope| {
        scope.spawn(|| works("", ApiVersion::V1, "application/json", login, is_used));
        let v2 = "api_version = \"v2\"";
        let media_type = "application/vnd.atlas.2023-01-01+json";
        scope.spawn(|| works(v2, ApiVersion::V2, media_type, login, is_used));
    });
}

/// A certificate is issued, refreshed, issued again and destroyed.
fn works(
    api_version: &str,
    version: ApiVersion,
    media_type: &str,
    login: fn(&Credentials) -> String,
    is_used: fn(&Authorization) -> bool,
) {
    let atlas = atlas(&["app"]);
    let login = login(&atlas.control().credentials());
    let block = format!("base_url = {:?}\n  {login}\n  {api_version}", atlas.base_url());
    let app = certificate("months_until_expiration = var.months");
    let mut workspace = bare_workspace(&format!(
        "variable \"months\" {{\n  default = 3\n}}\nprovider \"atlas\" {{\n  {block}\n}}\n{app}"
    ));
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    workspace.set_env("TF_VAR_months", "6");
    workspace.apply(&[]).success();
    workspace.destroy(&[]).success();

    let control = atlas.control();
    assert_eq!(control.issued_count(), 2);
    assert!(control.tokens().iter().all(|token| token.revoked), "{:?}", control.tokens());
    for request in control.requests().iter().filter(|request| request.version.is_some()) {
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

#[tokio::test]
async fn the_block_has_precedence_as_a_whole_and_other_settings_are_looked_up_one_by_one() {
    let (atlas, scratch) = (atlas(&["app"]), ScratchDir::new());
    let credentials = atlas.control().credentials();
    let core = started(scratch.options().envs([
        ("MONGODB_ATLAS_ACCESS_TOKEN", "wrong"),
        ("MONGODB_ATLAS_CLIENT_ID", "mdb_sa_id_wrong"),
        ("MONGODB_ATLAS_CLIENT_SECRET", "wrong"),
        ("MONGODB_ATLAS_BASE_URL", &atlas.base_url()),
    ]))
    .await;
    let block =
        json!({ "public_key": credentials.public_key, "private_key": credentials.private_key });
    let shown = core.configure(block).await.expect("a response");
    assert!(shown.is_empty(), "{shown:?}");
    create(&core).await.ok().unwrap();
    configure(&core, json!({})).await;
    titled(&create(&core).await.diagnostics, "Atlas credentials rejected");
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn the_removal_of_an_api_version_is_announced_once_in_a_run() {
    let users = ["app", "job", "web"];
    let each = format!("for_each = toset({users:?})\n  username = each.key");
    let t = Fixture::of(&users, &resource("each", &each));
    let ending = Fault::on_any().always().header("deprecation", "Mon, 5 Aug 2024 00:00:00 GMT");
    t.fault(ending.header("sunset", "Thu, 1 Jul 2027 00:00:00 GMT"));
    for shown in [t.apply(&[]), t.plan(&[])] {
        let mut endings = shown.iter().filter(|it| it.summary == "Atlas API version is deprecated");
        let (Some(only), None) = (endings.next(), endings.next()) else { panic!("{shown:#?}") };
        assert!(!only.is_error && only.contains("1 Jul 2027"), "{only:#?}");
    }
    assert_eq!(t.posts(), 3);
}

#[tokio::test]
async fn no_request_is_sent_before_it_is_needed() {
    let (atlas, core, _scratch) = with_service_account(json!({})).await;
    let config = with(&config("app"), json!({ "project_id": "no project id" }));
    let outcome = core.resource(TYPE).apply_config(&mut None, config).await.unwrap();
    assert!(outcome.diagnostics.at("project_id").is_some());
    core.provider.shutdown().await.expect("the process ends");
    assert_eq!(atlas.control().requests(), []);
}

/// As with `-debug`: nothing of an earlier configuration is used or left behind.
#[tokio::test]
async fn every_configuration_of_a_process_revokes_its_token() {
    let (atlas, core, _scratch) = with_service_account(json!({})).await;
    create(&core).await.ok().unwrap();
    for _ in 0..2 {
        configure(&core, block(&atlas)).await;
        create(&core).await.ok().unwrap();
    }
    core.provider.shutdown().await.expect("the process ends");
    let tokens = atlas.control().tokens();
    assert_eq!(tokens.len(), 3);
    assert!(tokens.iter().all(|token| token.revoked), "{tokens:?}");
}

#[tokio::test]
async fn a_configure_that_fails_leaves_no_credentials_behind() {
    let (atlas, scratch) = (atlas(&["app"]), ScratchDir::new());
    let options = scratch.options().envs([("MONGODB_ATLAS_BASE_URL", "no URL")]);
    let core = started(options).await;
    configure(&core, block(&atlas)).await;
    create(&core).await.ok().unwrap();
    let without_url = with(&block(&atlas), json!({ "base_url": null }));
    let problems = core.configure(without_url).await.expect("a response");
    let problem = titled(&problems, "Invalid environment variable");
    assert!(problem.contains("MONGODB_ATLAS_BASE_URL"), "{problems:?}");
    titled(&create(&core).await.diagnostics, "Provider not configured");
    assert_eq!(atlas.control().issued_count(), 1);
}

/// A process that is configured once with the service account and these arguments.
async fn with_service_account(arguments: Json) -> (LocalAtlas, Core, ScratchDir) {
    let (atlas, scratch) = (atlas(&["app"]), ScratchDir::new());
    let core = started(scratch.options()).await;
    configure(&core, with(&block(&atlas), arguments)).await;
    (atlas, core, scratch)
}

fn block(atlas: &LocalAtlas) -> Json {
    with(&service_account(atlas), json!({ "base_url": atlas.base_url() }))
}

async fn create(core: &Core) -> Outcome {
    let created = core.resource(TYPE).apply_config(&mut None, config("app")).await;
    created.unwrap_or_else(|error| panic!("{error}"))
}
