//! `adopt_pem_wo`: a key that was stored elsewhere comes back, and no request issues a certificate.

use std::time::Duration;

use local_atlas::Certificate;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, ResourceInstance},
    value::{is_unknown, unknown},
};

use crate::support::{
    age::{Pair, open, pair},
    atlas::PROJECT,
    fixture::{Fixture, certificate, changed, posts},
    in_process::{InProcess, config, in_process, titled, with},
    terraform::cli_has,
};

/// Our certificate, another one of the user, one of another user, and one of another project.
type Issued = [Certificate; 4];

/// A row of the table: its name, the PEM, and words of the refusal; no words for a match.
type Row = (&'static str, fn(&Issued) -> String, &'static str);

#[rustfmt::skip] // a row a line
const ROWS: [Row; 13] = [
    ("as issued", |[ours, ..]| ours.combined_pem(), ""),
    ("CRLF", |[ours, ..]| ours.combined_pem().replace('\n', "\r\n"), ""),
    ("key first", |[ours, ..]| format!("{}{}", ours.key_pem, ours.certificate_pem), ""),
    ("other serial", |[_, other, ..]| other.combined_pem(), "To adopt that one, import it"),
    ("other subject", |[_, _, user, _]| user.combined_pem(), "and state has certificate"),
    ("other project", |[.., project]| project.combined_pem(), "and state has certificate"),
    ("key missing", |[ours, ..]| ours.certificate_pem.clone(), "no private key"),
    ("certificate missing", |[ours, ..]| ours.key_pem.clone(), "no certificate"),
    ("other key", |[ours, other, ..]| format!("{}{}", ours.certificate_pem, other.key_pem), "does not belong"),
    ("chain of two", |[ours, other, ..]| format!("{}{}", ours.combined_pem(), other.certificate_pem), "more than one certificate"),
    ("chain, other first", |[ours, other, ..]| format!("{}{}", other.certificate_pem, ours.combined_pem()), "more than one certificate"),
    ("empty", |_| String::new(), "no certificate"),
    ("another text", |_| "hunter2".to_owned(), "no certificate"),
];

/// The attributes that an adoption may set.
const KEY_ATTRIBUTES: [&str; 7] = [
    "adopt_pem_wo_version",
    "combined_pem",
    "fingerprint_sha256",
    "has_private_key",
    "issuer",
    "private_key_recipients",
    "sealed_pem",
];

/// Every row, with a plain and a sealed key, and with the PEM known and unknown in the plan.
#[tokio::test]
async fn a_pem_is_adopted_only_if_it_matches_whatever_is_known_in_the_plan() {
    let (atlas, host) = in_process(&["app", "bob"]).await;
    let other_project = "0123456789abcdef01234567";
    atlas.control().add_user(other_project, "app", local_atlas::X509Type::Managed);
    let issue = |project, user| atlas.control().issue(project, user, 3);
    let issued = [(PROJECT, "app"), (PROJECT, "app"), (PROJECT, "bob"), (other_project, "app")]
        .map(|(project, user)| issue(project, user));
    let id = format!("{PROJECT}/app/{}", issued[0].id);
    let imported = host.import(&id).await.instance;
    let keys = pair();
    for (name, pem, problem) in ROWS {
        let pem = pem(&issued);
        for sealed in [None, Some(&keys)] {
            for hidden in [json!({}), json!({ "adopt_pem_wo": unknown() })] {
                let what = format!("{name}, sealed: {}, hidden: {hidden}", sealed.is_some());
                let config = with(&adoption(&pem, 1), recipients(sealed));
                let resource = host.command().await;
                let early = with(&config, hidden);
                let plan = resource.plan(imported.as_ref(), early).await.unwrap();
                assert_eq!(plan.action, Action::Update, "{what}: {}", plan.diagnostics);
                assert!(!is_unknown(&plan.planned["certificate_id"]), "{what}");
                let mut adopted = imported.clone();
                let outcome = resource.apply(&mut adopted, plan, config.clone()).await.unwrap();
                if problem.is_empty() {
                    outcome.ok().unwrap_or_else(|refused| panic!("{what}: {refused}"));
                    let (before, after) = (imported.as_ref().unwrap(), adopted.as_ref().unwrap());
                    assert_eq!(key_of(&after.state, sealed), pem, "{what}");
                    for name in ["issuer", "fingerprint_sha256"] {
                        assert!(after.state[name].is_string(), "{what}: {name}");
                    }
                    assert_eq!(after.state["has_private_key"], true, "{what}");
                    let mut changed = changed(&before.state, &after.state);
                    changed.retain(|name| !KEY_ATTRIBUTES.contains(&name.as_str()));
                    assert_eq!(changed, Vec::<String>::new(), "{what}: the certificate stays");
                    assert_eq!(host.plan(adopted.as_ref(), &config).await.action, Action::NoOp);
                } else {
                    let error = titled(&outcome.diagnostics, "Private key cannot be adopted");
                    assert!(error.contains(problem) && !error.contains("hunter2"), "{error:?}");
                    assert_eq!(adopted, imported, "{what}");
                }
            }
        }
    }
    assert_eq!(posts(&atlas), 0, "an adoption sends no certificate request");
}

#[tokio::test]
async fn an_expired_certificate_and_an_object_with_a_key_adopt_nothing() {
    let (atlas, host) = in_process(&["app"]).await;
    let issued = atlas.control().issue(PROJECT, "app", 1);
    let mut imported = host.import(&format!("{PROJECT}/app")).await.instance;
    atlas.control().advance(Duration::from_secs(40 * 86_400));
    host.refresh(&mut imported).await;
    let expired = with(&adoption(&issued.combined_pem(), 1), json!({ "auto_renew": false }));
    refused(&host, &mut imported, &expired, "expired on").await;
    assert_eq!(posts(&atlas), 0);

    let mut created = Some(host.created(&config("app")).await);
    let pem = created.as_ref().unwrap().state["combined_pem"].as_str().unwrap().to_owned();
    refused(&host, &mut created, &adoption(&pem, 1), "never overwritten").await;
    assert_eq!(posts(&atlas), 1);
}

async fn refused(
    host: &InProcess,
    instance: &mut Option<ResourceInstance>,
    config: &Json,
    words: &str,
) {
    let before = instance.clone();
    let outcome = host.apply(instance, config).await;
    let error = titled(&outcome.diagnostics, "Private key cannot be adopted");
    assert!(error.contains(words), "{error:?}");
    assert_eq!(*instance, before);
}

#[tokio::test]
async fn an_adopted_certificate_is_archived_renewed_and_destroyed_like_an_issued_one() {
    let (atlas, host) = in_process(&["app"]).await;
    let issued = atlas.control().issue(PROJECT, "app", 3);
    let mut instance = host.import(&format!("{PROJECT}/app")).await.instance;
    let archive = json!({ "pkcs12_password_wo": "changeit", "pkcs12_password_wo_version": 1 });
    let config = with(&adoption(&issued.combined_pem(), 1), archive);
    host.apply(&mut instance, &config).await.ok().unwrap();
    let first = instance.as_ref().unwrap().state["pkcs12_base64"].clone();
    assert!(first.is_string());
    let newer = with(&config, json!({ "pkcs12_password_wo_version": 2 }));
    host.apply(&mut instance, &newer).await.ok().unwrap();
    assert_ne!(instance.as_ref().unwrap().state["pkcs12_base64"], first);
    assert_eq!(posts(&atlas), 0);

    atlas.control().advance(Duration::from_secs(80 * 86_400));
    host.apply(&mut instance, &newer).await.ok().unwrap();
    let renewed = &instance.as_ref().unwrap().state;
    assert_eq!((&renewed["issue_reason"], posts(&atlas)), (&json!("renewal"), 1));
    assert_eq!(renewed["replaces_certificate_id"], issued.id.to_string());
    let destroyed = host.command().await.destroy(&mut instance).await.unwrap().ok().unwrap();
    let warning = titled(&destroyed.diagnostics, "Destroying does not revoke the certificate");
    assert!(warning.contains(&issued.id.to_string()), "{warning:?}");
    assert_eq!(instance, None);
}

#[test]
fn a_match_and_a_mismatch_are_decided_alike_by_the_cli() {
    if !cli_has("write-only arguments", 11, 11) {
        return;
    }
    let keys = pair();
    for (sealed, hidden) in [(None, false), (None, true), (Some(&keys), false), (Some(&keys), true)]
    {
        let mut t = Fixture::imported(&cli_adoption(sealed, hidden, 1));
        let before = t.object();
        let issued = t.newest();
        let other = t.atlas.control().issue(PROJECT, "app", 3);
        t.set_var("pem", &other.combined_pem());
        let shown = t.failed_apply(&[]);
        let found = shown.iter().find(|it| it.summary == "Private key cannot be adopted");
        assert!(found.is_some_and(|it| it.contains("import it")), "{shown:#?}");
        assert_eq!(t.object(), before);

        let pem = issued.combined_pem().replace('\n', "\r\n");
        t.set_var("pem", &pem);
        t.workspace.plan(&["-out=change"]).success();
        t.apply(&["change"]);
        let object = t.object();
        assert_eq!(key_of(&object, sealed), pem);
        assert_eq!(object["certificate_id"], before["certificate_id"]);
        if !hidden {
            assert!(t.plans_nothing());
        }
        assert_eq!(t.posts(), 0);
    }
}

#[tokio::test]
async fn a_guardrail_refuses_a_plain_key_and_a_plan_that_issues_skips_the_adoption() {
    let (atlas, host) = in_process(&["app"]).await;
    let issued = atlas.control().issue(PROJECT, "app", 3);
    let mut instance = host.import(&format!("{PROJECT}/app")).await.instance;
    let adoption = adoption(&issued.combined_pem(), 1);
    let guarded = host.command_with(json!({ "require_private_key_recipients": true })).await;
    let plan = guarded.plan(instance.as_ref(), adoption.clone()).await.unwrap();
    let title = "Private key recipients required by the provider configuration";
    assert_eq!(titled(&plan.diagnostics, title).path, "private_key_recipients");
    assert_eq!(posts(&atlas), 0);

    let issuing = with(&adoption, json!({ "months_until_expiration": 6 }));
    let outcome = host.apply(&mut instance, &issuing).await.ok().unwrap();
    titled(&outcome.diagnostics, "Nothing is adopted");
    let object = &instance.as_ref().unwrap().state;
    assert_ne!(object["certificate_id"], issued.id.to_string());
    assert!(object["combined_pem"].is_string());
    assert_eq!(host.plan(instance.as_ref(), &issuing).await.action, Action::NoOp);
    assert_eq!(posts(&atlas), 1);
}

fn adoption(pem: &str, version: u32) -> Json {
    with(&config("app"), json!({ "adopt_pem_wo": pem, "adopt_pem_wo_version": version }))
}

fn recipients(sealed: Option<&Pair>) -> Json {
    sealed.map_or(json!({}), |keys| json!({ "private_key_recipients": [keys.recipient] }))
}

/// The same for the CLI. A hidden PEM is unknown in the plan.
fn cli_adoption(sealed: Option<&Pair>, hidden: bool, version: u32) -> String {
    let recipients = sealed.map_or_else(String::new, |keys| {
        format!("private_key_recipients = [{:?}]", keys.recipient)
    });
    let (pem, source) = if hidden {
        (
            "terraform_data.pem.output",
            "resource \"terraform_data\" \"pem\" {\n  input = var.pem\n  triggers_replace = var.pem\n}\n",
        )
    } else {
        ("var.pem", "")
    };
    let adoption =
        format!("{recipients}\n  adopt_pem_wo = {pem}\n  adopt_pem_wo_version = {version}");
    format!("variable \"pem\" {{}}\n{source}{}", certificate(&adoption))
}

/// The key in state, decrypted if it is sealed.
#[track_caller]
fn key_of(object: &Json, sealed: Option<&Pair>) -> String {
    match sealed {
        None => object["combined_pem"].as_str().expect("a key").to_owned(),
        Some(keys) => {
            assert!(object["combined_pem"].is_null());
            open(object["sealed_pem"].as_str().expect("a sealed key"), keys).expect("opens")
        }
    }
}
