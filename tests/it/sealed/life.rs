//! A whole run, and every byte that it leaves behind.

use local_atlas::Certificate;
use serde_json::Value as Json;

use crate::support::{
    age,
    fixture::{Fixture, certificate},
    leak_scanner::{LeakScanner, Secret},
    terraform::cli_has,
};

#[test]
fn a_sealed_certificate_leaves_no_secret_anywhere_in_its_whole_life() {
    let (mine, other) = (age::pair(), age::pair());
    let run = SealedRun::complete(
        &format!("[{:?}]", mine.recipient),
        &format!("[{:?}]", other.recipient),
        &[&mine.identity, &other.identity],
    );
    assert_eq!(run.certificates.len(), 3);
    for certificate in &run.certificates {
        assert_eq!(run.traces.occurrences(&Secret::key(&certificate.key_pem)), Vec::<&str>::new());
    }
    assert_eq!(run.traces.occurrences(&archive_marker()), Vec::<&str>::new());
    assert_eq!(run.traces.occurrences(&Secret::text(PASSWORD)), Vec::<&str>::new());
    for pair in [&mine, &other] {
        let identity = pair.identity.strip_prefix("AGE-SECRET-KEY-1").unwrap();
        assert_eq!(run.traces.occurrences(&Secret::text(identity)), Vec::<&str>::new());
    }
}

#[test]
fn the_same_search_finds_the_secrets_of_a_certificate_that_is_not_sealed() {
    let run = SealedRun::complete("null", "null", &[]);
    assert_eq!(run.certificates.len(), 3, "the last one for another trigger");
    for certificate in &run.certificates {
        let places = run.traces.occurrences(&Secret::key(&certificate.key_pem));
        assert!(places.contains(&"terraform.tfstate"), "{places:?}");
        let in_a_plan = places.iter().any(|place| place.ends_with(".tfplan:tfplan"));
        assert!(in_a_plan, "{places:?}");
        let shown = ["trace.log", "the printed text"].iter().any(|place| places.contains(place));
        assert!(!shown, "state and plans hold the key, and nothing else does: {places:?}");
    }
    if has_write_only() {
        let places = run.traces.occurrences(&archive_marker());
        assert!(places.contains(&"terraform.tfstate"), "{places:?}");
        let places = run.traces.occurrences(&Secret::text(PASSWORD));
        assert!(
            places.iter().any(|place| place.contains(".tfplan:tfconfig/")),
            "it is written there: {places:?}"
        );
        assert!(
            places.iter().all(|place| place.contains(".tfplan:tfconfig/")),
            "and nowhere else: {places:?}"
        );
    }
}

/// Create, look, renew, issue for a change and destroy; everything left behind on the way, and what was issued.
struct SealedRun {
    t: Fixture,
    traces: LeakScanner,
    certificates: Vec<Certificate>,
}

impl SealedRun {
    /// The whole run with these recipients, and with the others from the third certificate on.
    fn complete(recipients: &str, others: &str, identities: &[&str]) -> Self {
        let mut t = Fixture::new("");
        let traces = LeakScanner::start(&mut t.workspace);
        t.workspace.set_env("TF_VAR_password", PASSWORD);
        t.workspace.set_env("TF_VAR_identity", &identities.join(","));
        let mut run = Self { t, traces, certificates: Vec::new() };
        let sealed = recipients != "null";
        // A sealed certificate has no archive. One that is not sealed has its password in the configuration, where it is found.
        let password = if sealed { String::new() } else { format!("{PASSWORD:?}") };
        run.write(recipients, "one", &password);
        run.step("create", &[]);
        run.step("nothing", &[]);
        run.t.advance_days(80);
        run.step("renewal", &[]);
        assert_eq!(run.t.object()["issue_reason"], "renewal");
        if sealed {
            assert_eq!(run.t.object()["pkcs12_base64"], Json::Null);
        }
        run.write(others, if sealed { "one" } else { "two" }, &password);
        run.step("change", &[]);
        let reason = if sealed { "recipients_changed" } else { "trigger_changed" };
        assert_eq!(run.t.object()["issue_reason"], reason);
        if sealed && has_write_only() {
            run.write(others, "one", "var.password");
            let output = run.t.workspace.plan(&[]).failure();
            assert!(
                output.text().contains("PKCS#12 archive and sealed key together"),
                "{}",
                output.text()
            );
            run.traces.collect(&run.t.workspace, &output);
            run.write(others, "one", "");
        }
        run.step("destroy", &["-destroy"]);
        let places = run.traces.all_occurrences();
        for place in
            ["terraform.tfstate", "trace.log", "renewal.tfplan:tfplan", "renewal.tfplan:tfstate"]
        {
            assert!(places.contains(&place), "{place} is not among {places:?}");
        }
        run.certificates = run.t.atlas.control().all_certificates();
        run
    }

    fn write(&self, recipients: &str, trigger: &str, password: &str) {
        let mut blocks = vec![];
        let mut archive = String::new();
        if has_write_only() {
            if !password.is_empty() {
                archive =
                    format!("pkcs12_password_wo = {password}\n  pkcs12_password_wo_version = 1");
            }
            blocks.extend(["password", "identity"].map(|name| {
                format!("variable {name:?} {{\n  type = string\n  ephemeral = true\n}}\n")
            }));
            if recipients != "null" {
                blocks.push(UNSEALED.to_owned());
            }
        }
        blocks.push(certificate(&format!(
            "private_key_recipients = {recipients}\n  rotate_when_changed = {{ at = {trigger:?} }}\n  {archive}"
        )));
        self.t.set_config(&blocks.concat());
    }

    /// Plans into a file of this name, and applies it.
    fn step(&mut self, name: &str, arguments: &[&str]) {
        let file = format!("{name}.tfplan");
        let output =
            self.t.workspace.plan(&[&[&*format!("-out={file}")], arguments].concat()).success();
        let lines = output.stdout.lines().count();
        assert!(name != "renewal" || lines < 60, "{lines} lines");
        self.traces.collect(&self.t.workspace, &output);
        let output = self.t.workspace.run(["apply", "-no-color", "-input=false", &file]).success();
        self.traces.collect(&self.t.workspace, &output);
    }
}

fn has_write_only() -> bool {
    cli_has("the part with ephemeral variables and write-only arguments", 11, 11)
}

/// What every PKCS#12 archive has in it: the object identifier of an encrypted key.
fn archive_marker() -> Secret {
    Secret::bytes(&[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02])
}

const PASSWORD: &str = "correct horse 7Rz battery!";

const UNSEALED: &str = "ephemeral \"atlas_unsealed_certificate\" \"app\" {\n  \
    sealed_pem = atlas_user_certificate.app.sealed_pem\n  age_identities = split(\",\", var.identity)\n}\n";
