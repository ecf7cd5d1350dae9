//! A configuration with mistakes: every one is told at its place in the file, all in one run, before anybody is asked.

use local_atlas::X509Type;
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas},
    fixture::{Fixture, certificate, resource},
    terraform::{bare_workspace, cli_has, workspace},
};

/// Whether the printed text points at the line of `main.tf` that begins with this.
#[track_caller]
fn points_at(printed: &str, workspace: &Workspace, line: &str) {
    let main = std::fs::read_to_string(workspace.path().join("main.tf")).unwrap();
    let (number, full) =
        (1..).zip(main.lines()).find(|(_, full)| full.trim().starts_with(line)).expect(line);
    let words = full.split_whitespace().collect::<Vec<_>>().join(" ");
    let place = format!("on main.tf line {number}, in ");
    let snippet = format!("{number}: {words}");
    assert!(
        printed.contains(&place) && printed.contains(&snippet),
        "{place}... {snippet} is not in: {printed}"
    );
}

#[test]
fn every_bad_argument_of_a_resource_is_named_with_file_and_line_at_once() {
    let lines = r#"
  username                = "../admin\u0007"
  months_until_expiration = 2.5
  renew_before_days       = -1
  private_key_recipients  = ["age1nonsense"]
  pkcs12_profile          = "ancient"
  timeouts {
    create = "soon"
    read   = "-5m"
  }"#;
    let block = format!(
        "resource \"atlas_user_certificate\" \"bad\" {{\n  project_id = \"32B6E34B\"{lines}\n}}\n"
    );
    let t = Fixture::new(&block);
    let printed = t.workspace.plan(&[]).failure().text();
    for line in [
        "project_id =",
        "username ",
        "months_until_expiration",
        "renew_before_days",
        "private_key_recipients",
        "pkcs12_profile",
        "create =",
        "read ",
    ] {
        points_at(&printed, &t.workspace, line);
    }
    for words in [
        "Error: Invalid project id",
        "A project id has 24 digits from 0 to 9 and a to f",
        "Error: Invalid username",
        "A whole number of months from 1 to 24 is needed, not 2.5.",
        "A whole number of days from 0 to 336 is needed, not -1.",
        "Error: Invalid recipient",
        "\"modern\" and \"legacy\"",
    ] {
        assert!(printed.contains(words), "{words} is not in: {printed}");
    }
    assert_eq!(t.atlas.control().requests().len(), 0, "nobody was asked");
}

#[test]
fn every_bad_argument_of_the_provider_block_is_named_with_file_and_line_at_once() {
    let atlas = atlas(&["app"]);
    let workspace = bare_workspace(
        r#"
provider "atlas" {
  client_id       = "mdb_sa_id_1"
  private_key     = "half"
  base_url        = "http://atlas.example.com"
  api_version     = "v9"
  max_retries     = -1
  request_timeout = 5
  ca_bundle_pem   = "no PEM"
}

resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app"
}
"#,
    );
    let printed = workspace.plan(&[]).failure().text();
    for line in [
        "client_id",
        "private_key",
        "base_url",
        "api_version",
        "max_retries",
        "request_timeout",
        "ca_bundle_pem",
    ] {
        points_at(&printed, &workspace, line);
    }
    for words in [
        "client_id is set but client_secret is missing",
        "private_key is set but public_key is missing",
        "30 to 86400",
        "\"v1.0\" or \"v2\"",
    ] {
        assert!(printed.contains(words), "{words} is not in: {printed}");
    }
    assert_eq!(atlas.control().requests().len(), 0, "nobody was asked");
}

#[test]
fn computed_and_null_arguments_are_refused() {
    let t = Fixture::new(
        "resource \"atlas_user_certificate\" \"bad\" {\n  project_id   = null\n  username     = \"app\"\n  combined_pem = \"mine\"\n}\n",
    );
    let printed = t.workspace.plan(&[]).failure().text();
    points_at(&printed, &t.workspace, "project_id");
    points_at(&printed, &t.workspace, "combined_pem");
    assert_eq!(t.atlas.control().requests().len(), 0);
}

#[test]
fn arguments_that_contradict_each_other_are_named() {
    let t = Fixture::new(&resource(
        "app",
        "username = \"app\"\n  months_until_expiration = 1\n  renew_before_days = 15",
    ));
    let printed = t.workspace.plan(&[]).failure().text();
    points_at(&printed, &t.workspace, "renew_before_days");
    assert!(
        printed.contains("Error: Renewal window too long") && printed.contains("14 days"),
        "{printed}"
    );
    assert_eq!(t.atlas.control().requests().len(), 0);
}

#[test]
fn a_password_without_its_version_is_refused_where_it_can_be_kept_out_of_state() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let lines = "username = \"app\"\n  pkcs12_password_wo = \"correct horse\"";
    let t = Fixture::new(&resource("app", lines));
    let printed = t.workspace.plan(&[]).failure().text();
    points_at(&printed, &t.workspace, "pkcs12_password_wo =");
    assert!(
        printed.contains("pkcs12_password_wo_version") && !printed.contains("correct horse\"."),
        "{printed}"
    );
    assert_eq!(t.atlas.control().requests().len(), 0);
}

#[test]
fn a_configuration_without_any_login_says_how_to_give_one() {
    let workspace = bare_workspace(&certificate(""));
    let printed = workspace.plan(&[]).failure().text();
    for words in [
        "Error: No Atlas credentials",
        "client_id",
        "MONGODB_ATLAS_CLIENT_ID",
        "MONGODB_ATLAS_ACCESS_TOKEN",
    ] {
        assert!(printed.contains(words), "{words} is not in: {printed}");
    }
}

#[test]
fn commands_that_call_nothing_need_no_credentials() {
    let mut t = Fixture::applied(&certificate(""));
    for variable in ["MONGODB_ATLAS_CLIENT_ID", "MONGODB_ATLAS_CLIENT_SECRET"] {
        t.workspace.set_env(variable, "");
    }
    let printed = t.workspace.plan(&[]).failure().text();
    assert!(printed.contains("Error: No Atlas credentials"), "{printed}");
    t.workspace.plan(&["-refresh=false"]).success();
    t.workspace.destroy(&["-refresh=false"]).success();
    assert!(t.is_empty());
}

#[test]
fn a_user_who_cannot_have_a_certificate_is_warned_of_at_plan_and_named_at_apply() {
    let atlas = atlas(&[]);
    atlas.control().add_user(PROJECT, "customer", X509Type::Customer);
    let workspace = workspace(&atlas, &resource("app", "username = \"customer\""));
    let printed = workspace.plan(&[]).success().text();
    points_at(&printed, &workspace, "username");
    assert!(printed.contains("Warning: Database user is not Atlas-managed X.509"), "{printed}");
    let printed = workspace.apply(&[]).failure().text();
    assert!(
        printed.contains("No certificate was issued") && printed.contains("\"customer\""),
        "{printed}"
    );
    assert!(workspace.instances("atlas_user_certificate").is_empty());
}
