//! Which login is used, and what is said about one that cannot be.

use local_atlas::{Endpoint, Fault};
use serde_json::json;

use super::{create, created};
use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::diagnostics,
    plugin::{ScratchDir, configure, started},
    terraform::workspace,
};

#[tokio::test]
async fn the_block_wins_whole_over_the_environment_and_other_settings_are_looked_up_one_by_one() {
    let atlas = atlas(&["app"]);
    let credentials = atlas.control().credentials();
    let temporary = ScratchDir::new();
    let environment = [
        ("MONGODB_ATLAS_ACCESS_TOKEN", "wrong"),
        ("MONGODB_ATLAS_CLIENT_ID", "mdb_sa_id_wrong"),
        ("MONGODB_ATLAS_CLIENT_SECRET", "wrong"),
        ("MONGODB_ATLAS_BASE_URL", &atlas.base_url()),
    ];
    let core = started(temporary.options().envs(environment)).await;
    let block =
        json!({ "public_key": credentials.public_key, "private_key": credentials.private_key });
    let shown = core.configure(block).await.expect("a sound answer");
    assert!(shown.is_empty(), "{shown:?}");
    created(&core).await;

    configure(&core, json!({})).await;
    let outcome = create(&core).await;
    assert!(
        outcome.diagnostics.find("Atlas credentials rejected").is_some(),
        "{:?}",
        outcome.diagnostics
    );
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
        let shown = diagnostics(&output);
        let endings: Vec<_> = shown
            .iter()
            .filter(|shown| shown.summary == "Atlas API version is deprecated")
            .collect();
        assert_eq!(endings.len(), 1, "{shown:#?}");
        assert!(!endings[0].is_error && endings[0].contains("1 Jul 2027"), "{endings:#?}");
    }
    assert_eq!(atlas.control().request_count(Endpoint::IssueCertificate), 3);
}

#[tokio::test]
async fn an_unusable_provider_argument_is_named_at_configure() {
    let temporary = ScratchDir::new();
    let core = started(temporary.options()).await;
    for (block, path, summary) in [
        (json!({}), "", ""),
        (json!({ "client_id": "mdb_sa_id_1" }), "client_id", "Incomplete credentials"),
        (
            json!({ "public_key": "mdb_sa_id_0123456789abcdef01234567", "private_key": "s" }),
            "public_key",
            "Service account given as an API key",
        ),
        (
            json!({ "access_token": "t", "public_key": "abcdefgh", "private_key": "s" }),
            "",
            "More than one set of credentials",
        ),
        (
            json!({ "access_token": "t", "base_url": "http://10.0.0.1:8080" }),
            "base_url",
            "Invalid base_url",
        ),
    ] {
        let diagnostics = core.configure(block).await.expect("a sound answer");
        if summary.is_empty() {
            assert!(diagnostics.is_empty(), "{diagnostics:?}");
            continue;
        }
        let found = diagnostics.find(summary);
        let found = found.unwrap_or_else(|| panic!("no {summary:?} in {diagnostics:?}"));
        assert_eq!(found.path, path, "{summary}");
    }
}
