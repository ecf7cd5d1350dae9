//! Recipients for keys in hardware.

use std::fs;

use crate::support::{
    age,
    atlas::atlas,
    fixture::{certificate, newest, only, posts},
    terraform::{workspace, write_main},
};

const CLASSICAL: &str = "age1tag1qvhefc6r240xnvdlxyeqfwf044mwgedpfvhv2spjkgj32t5x3lrhvmy6uqz";
const POST_QUANTUM: &str =
    include_str!("../../../src/sealing/testdata/tagpq_recipient.txt").trim_ascii();

#[test]
fn a_hardware_recipient_that_is_added_issues_with_reason_recipients_changed() {
    let atlas = atlas(&["app"]);
    let mine = age::pair();
    let list =
        |recipients: &[&str]| certificate(&format!("private_key_recipients = {recipients:?}"));
    let workspace = workspace(&atlas, &list(&[&mine.recipient]));
    workspace.apply(&[]).success();
    let mut previous = only(&workspace)["certificate_id"].clone();
    let mut sizes = vec![("age1", state_size(&workspace))];
    for (kind, recipients) in [
        ("age1 and age1tag1", vec![mine.recipient.as_str(), CLASSICAL]),
        ("age1tag1", vec![CLASSICAL]),
        ("age1tagpq1", vec![POST_QUANTUM]),
    ] {
        write_main(&workspace, &format!("provider \"atlas\" {{}}\n\n{}", list(&recipients)));
        workspace.apply(&[]).success();
        let object = only(&workspace);
        assert_eq!(object["issue_reason"], "recipients_changed", "{kind}");
        assert_eq!(object["replaces_certificate_id"], previous, "{kind}");
        assert!(object["combined_pem"].is_null());
        if recipients.contains(&mine.recipient.as_str()) {
            let sealed = object["sealed_pem"].as_str().expect("ciphertext");
            assert_eq!(age::open(sealed, &mine), Some(newest(&atlas).combined_pem()));
        }
        assert!(workspace.plans_nothing());
        previous = object["certificate_id"].clone();
        sizes.push((kind, state_size(&workspace)));
    }
    assert_eq!(posts(&atlas), 4);
    eprintln!("bytes of state with one sealed certificate and its predecessors: {sizes:?}");
}

#[test]
fn classical_and_post_quantum_recipients_together_are_refused_with_the_reason() {
    let atlas = atlas(&["app"]);
    let list = format!("private_key_recipients = [{CLASSICAL:?}, {POST_QUANTUM:?}]");
    let workspace = workspace(&atlas, &certificate(&list));
    let text = workspace.run(["validate", "-no-color"]).failure().text();
    assert!(text.contains("Invalid recipient") && text.contains("quantum computer"), "{text}");
    assert_eq!(posts(&atlas), 0);
}

fn state_size(workspace: &tf_harness::cli::Workspace) -> u64 {
    let state = workspace.path().join("terraform.tfstate");
    fs::metadata(state).expect("a state file").len()
}
