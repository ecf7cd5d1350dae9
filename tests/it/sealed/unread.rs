//! Answers that cannot be read are kept, and sealed like any other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::{Endpoint, Fault, Rewrite};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use super::recipients;
use crate::support::{
    age::{self, Pair},
    fixture::{Fixture, certificate, expect_warning},
    leak_scanner::{LeakScanner, Secret},
};

#[test]
fn an_answer_that_cannot_be_read_is_stored_sealed_and_an_error_says_how_to_keep_it() {
    let mut t = Fixture::new("");
    let mine = age::pair();
    t.atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::DamagedCertificate));
    t.set_config(&certificate(&recipients(&[&mine])));
    let mut traces = LeakScanner::start(&mut t.workspace);
    let output = t.workspace.apply(&[]).failure();
    traces.collect(&t.workspace, &output);
    let said = output.text();
    assert!(
        said.contains("Cannot parse the issued certificate") && said.contains("terraform untaint"),
        "{said}"
    );
    let object = t.object();
    assert_eq!((&object["combined_pem"], &object["certificate_id"]), (&Json::Null, &Json::Null));
    let came =
        age::open(object["sealed_pem"].as_str().expect("ciphertext"), &mine).expect("sealed to us");
    let issued = t.newest();
    assert!(came.contains(&issued.key_pem), "the key is in the response");
    assert_eq!(traces.occurrences(&Secret::key(&issued.key_pem)), Vec::<&str>::new());

    t.workspace.run(["untaint", "-no-color", "atlas_user_certificate.app"]).success();
    assert!(t.plans_nothing(), "the kept response stays");
    let more = format!("months_until_expiration = 6\n  {}", recipients(&[&mine]));
    t.set_config(&certificate(&more));
    expect_warning(&t.plan(&[]), "Nothing is issued while a response is unparsed");
    assert_eq!(t.posts(), 1);
}

#[test]
fn an_answer_to_a_renewal_that_cannot_be_read_is_kept_sealed_beside_the_old_key() {
    let mine = age::pair();
    let mut t = Fixture::applied(&certificate(&recipients(&[&mine])));
    let before = t.object();
    t.advance_days(80);
    t.atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::NoCertificate));
    let mut traces = LeakScanner::start(&mut t.workspace);
    let output = t.workspace.apply(&[]).failure();
    traces.collect(&t.workspace, &output);
    assert!(output.text().contains("private data of this resource"), "{}", output.text());
    let after = t.object();
    assert_eq!(after["sealed_pem"], before["sealed_pem"]);
    assert_eq!(traces.occurrences(&Secret::key(&t.newest().key_pem)), Vec::<&str>::new());
    assert!(opened_private(&t.workspace, &mine).contains(&t.newest().key_pem));
}

#[test]
fn recipients_added_later_seal_an_unread_answer_too() {
    let mine = age::pair();
    let t = Fixture::applied(&certificate(""));
    t.advance_days(80);
    t.atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::NoCertificate));
    t.workspace.apply(&[]).failure();
    let lost = t.newest().key_pem;
    let configuration = certificate(&format!("auto_renew = false\n  {}", recipients(&[&mine])));
    t.set_config(&configuration);
    t.workspace.apply(&[]).success();
    assert_eq!(t.posts(), 2);
    assert!(opened_private(&t.workspace, &mine).contains(&lost));
}

/// What the private data of the only resource holds, opened.
fn opened_private(workspace: &Workspace, pair: &Pair) -> String {
    let state = workspace.state();
    let private =
        state["resources"][0]["instances"][0]["private"].as_str().expect("private data").to_owned();
    let private: Json =
        serde_json::from_slice(&STANDARD.decode(private).expect("base64")).expect("JSON");
    let text = private.to_string();
    let answer = private
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(_, value)| value.as_array()?.last()?.as_str());
    age::open(answer.unwrap_or_else(|| panic!("no answer in {text}")), pair).expect("sealed to us")
}
