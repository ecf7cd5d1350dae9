//! Answers that cannot be read are kept, and sealed like any other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::{Endpoint, Fault, Rewrite};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use super::{EIGHTY_DAYS, certificate, newest, only, posts, provider_and, recipients};
use crate::support::{
    age::{self, Pair},
    atlas::atlas,
    terraform::{workspace, write_main},
    traces::{Secret, Traces},
};

#[test]
fn an_answer_that_cannot_be_read_is_stored_sealed_and_an_error_says_how_to_keep_it() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::DamagedCertificate));
    let mut workspace = workspace(&atlas, &certificate(&recipients(&[&mine])));
    let mut traces = Traces::start(&mut workspace);
    let output = workspace.apply(&[]).failure();
    traces.collect(&workspace, &output);
    let said = output.text();
    assert!(
        said.contains("Atlas' answer cannot be read") && said.contains("terraform untaint"),
        "{said}"
    );
    let object = only(&workspace);
    assert_eq!(
        (&object["combined_pem"], &object["certificate_id"]),
        (&Json::Null, &Json::Null)
    );
    let came =
        age::open(object["sealed_pem"].as_str().expect("ciphertext"), &mine).expect("sealed to us");
    let issued = newest(&atlas);
    assert!(came.contains(&issued.key_pem), "the key is in what came");
    assert_eq!(
        traces.places(&Secret::key(&issued.key_pem)),
        Vec::<&str>::new()
    );

    workspace
        .run(["untaint", "-no-color", "atlas_user_certificate.app"])
        .success();
    assert!(workspace.plans_nothing(), "what was kept is left alone");
    assert_eq!(posts(&atlas), 1);
}

#[test]
fn an_answer_to_a_renewal_that_cannot_be_read_is_kept_sealed_beside_the_old_key() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    let mut workspace = workspace(&atlas, &certificate(&recipients(&[&mine])));
    workspace.apply(&[]).success();
    let before = only(&workspace);
    atlas.control().advance(EIGHTY_DAYS);
    atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::NoCertificate));
    let mut traces = Traces::start(&mut workspace);
    let output = workspace.apply(&[]).failure();
    traces.collect(&workspace, &output);
    assert!(
        output.text().contains("private data of this resource"),
        "{}",
        output.text()
    );
    let after = only(&workspace);
    assert_eq!(after["sealed_pem"], before["sealed_pem"]);
    assert_eq!(
        traces.places(&Secret::key(&newest(&atlas).key_pem)),
        Vec::<&str>::new()
    );
    assert!(opened_private(&workspace, &mine).contains(&newest(&atlas).key_pem));
}

#[test]
fn recipients_added_later_seal_an_unread_answer_too() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    let workspace = workspace(&atlas, &certificate(""));
    workspace.apply(&[]).success();
    atlas.control().advance(EIGHTY_DAYS);
    atlas
        .control()
        .add_fault(Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::NoCertificate));
    workspace.apply(&[]).failure();
    let lost = newest(&atlas).key_pem;
    let configuration = certificate(&format!("auto_renew = false\n  {}", recipients(&[&mine])));
    write_main(&workspace, &provider_and(&configuration));
    workspace.apply(&[]).success();
    assert_eq!(posts(&atlas), 2);
    assert!(opened_private(&workspace, &mine).contains(&lost));
}

/// What the private data of the only resource holds, opened.
fn opened_private(workspace: &Workspace, pair: &Pair) -> String {
    let state = workspace.state();
    let private = state["resources"][0]["instances"][0]["private"]
        .as_str()
        .expect("private data")
        .to_owned();
    let private: Json =
        serde_json::from_slice(&STANDARD.decode(private).expect("base64")).expect("JSON");
    let text = private.to_string();
    let answer = private
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(_, value)| value.as_array()?.last()?.as_str());
    age::open(
        answer.unwrap_or_else(|| panic!("no answer in {text}")),
        pair,
    )
    .expect("sealed to us")
}
