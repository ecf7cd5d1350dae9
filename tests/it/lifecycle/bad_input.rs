//! A configuration with mistakes: each is reported at its place in the file, all in one run, before any request.

use local_atlas::X509Type;
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::PROJECT,
    fixture::{Fixture, certificate, resource},
    terraform::{bare_workspace, cli_has},
};

/// Checks that the printed text points at the lines of `main.tf` that begin so (separated by `|`), and contains the words.
#[track_caller]
fn reports(workspace: &Workspace, lines: &str, words: &[&str]) {
    let printed = workspace.plan(&[]).failure().text();
    points_at(&printed, workspace, lines);
    for words in words {
        assert!(printed.contains(words), "{words} is not in: {printed}");
    }
}

#[track_caller]
fn points_at(printed: &str, workspace: &Workspace, lines: &str) {
    let main = std::fs::read_to_string(workspace.path().join("main.tf")).unwrap();
    for line in lines.split_terminator('|') {
        let mut numbered = (1..).zip(main.lines());
        let (number, full) = numbered.find(|(_, it)| it.trim().starts_with(line)).expect(line);
        let words = full.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [format!("on main.tf line {number}, in "), format!("{number}: {words}")] {
            assert!(printed.contains(&text), "{text} is not in: {printed}");
        }
    }
}

#[test]
fn every_bad_argument_of_a_resource_is_named_with_file_and_line_at_once() {
    let t = Fixture::new(
        r#"resource "atlas_user_certificate" "bad" {
  project_id              = "32B6E34B"
  username                = "../admin\u0007"
  months_until_expiration = 2.5
  renew_before_days       = -1
  private_key_recipients  = ["age1nonsense"]
  pkcs12_profile          = "ancient"
  timeouts {
    create = "soon"
    read   = "-5m"
  }
}
"#,
    );
    reports(
        &t.workspace,
        "project_id |username |months_until_expiration|renew_before_days|private_key_recipients|pkcs12_profile|create =|read ",
        &[
            "Error: Invalid project id",
            "A project id has 24 digits from 0 to 9 and a to f",
            "Error: Invalid username",
            "A whole number of months from 1 to 24 is needed, not 2.5.",
            "A whole number of days from 0 to 336 is needed, not -1.",
            "Error: Invalid recipient",
            "\"modern\" and \"legacy\"",
        ],
    );
    assert_eq!(t.atlas.control().requests(), []);
}

#[test]
fn every_bad_argument_of_the_provider_block_is_named_with_file_and_line_at_once() {
    let workspace = bare_workspace(&format!(
        r#"provider "atlas" {{
  client_id       = "mdb_sa_id_1"
  private_key     = "half"
  base_url        = "http://atlas.example.com"
  api_version     = "v9"
  max_retries     = -1
  request_timeout = 5
  ca_bundle_pem   = "no PEM"
}}
{}"#,
        certificate("")
    ));
    reports(
        &workspace,
        "client_id|private_key|base_url|api_version|max_retries|request_timeout|ca_bundle_pem",
        &[
            "client_id is set but client_secret is missing",
            "private_key is set but public_key is missing",
            "30 to 86400",
            "\"v1.0\" or \"v2\"",
        ],
    );
}

#[test]
fn computed_null_and_contradictory_arguments_are_refused() {
    for (arguments, lines, words) in [
        (
            "project_id   = null\n  username     = \"app\"\n  combined_pem = \"mine\"".to_owned(),
            "project_id|combined_pem",
            &[][..],
        ),
        (
            format!(
                "project_id = {PROJECT:?}\n  username = \"app\"\n  months_until_expiration = 1\n  renew_before_days = 15"
            ),
            "renew_before_days",
            &["Error: Renewal window too long", "14 days"],
        ),
    ] {
        let block = format!("resource \"atlas_user_certificate\" \"bad\" {{\n  {arguments}\n}}\n");
        let t = Fixture::new(&block);
        reports(&t.workspace, lines, words);
        assert_eq!(t.atlas.control().requests(), []);
    }
}

#[test]
fn a_password_without_its_version_is_refused_where_it_can_be_kept_out_of_state() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let t = Fixture::new(&certificate("pkcs12_password_wo = \"correct horse\""));
    reports(&t.workspace, "pkcs12_password_wo =", &["Error: Missing pkcs12_password_wo_version"]);
    assert_eq!(t.atlas.control().requests(), []);
}

#[test]
fn a_configuration_without_credentials_explains_how_to_give_them() {
    let names = ["client_id", "MONGODB_ATLAS_CLIENT_ID", "MONGODB_ATLAS_ACCESS_TOKEN"];
    let words = [&["Error: No Atlas credentials"][..], &names].concat();
    reports(&bare_workspace(&certificate("")), "", &words);
}

#[test]
fn commands_that_call_nothing_need_no_credentials() {
    let mut t = Fixture::applied(&certificate(""));
    t.clear_credentials();
    reports(&t.workspace, "", &["Error: No Atlas credentials"]);
    t.workspace.plan(&["-refresh=false"]).success();
    t.workspace.destroy(&["-refresh=false"]).success();
    assert!(t.is_empty());
}

#[test]
fn a_user_who_cannot_have_a_certificate_is_a_warning_in_the_plan_and_an_error_in_the_apply() {
    let t = Fixture::of(&[], &resource("app", "username = \"customer\""));
    t.atlas.control().add_user(PROJECT, "customer", X509Type::Customer);
    let printed = t.workspace.plan(&[]).success().text();
    points_at(&printed, &t.workspace, "username");
    assert!(printed.contains("Warning: Database user is not Atlas-managed X.509"), "{printed}");
    let printed = t.workspace.apply(&[]).failure().text();
    for words in ["No certificate was issued", "\"customer\""] {
        assert!(printed.contains(words), "{printed}");
    }
    assert!(t.is_empty());
}
