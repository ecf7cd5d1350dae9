//! Recipients for keys in hardware.

use serde_json::json;

use crate::support::{
    age::{self, CLASSICAL},
    atlas::PROJECT,
    fixture::{TYPE, posts},
    in_process::{config, in_process, with},
};

const POST_QUANTUM: &str =
    include_str!("../../../src/sealing/testdata/tagpq_recipient.txt").trim_ascii();

#[tokio::test]
async fn a_hardware_recipient_that_is_added_issues_with_reason_recipients_changed() {
    let (atlas, host) = in_process(&["app"]).await;
    let mine = age::pair();
    let sealed_to =
        |recipients: &[&str]| with(&config("app"), json!({ "private_key_recipients": recipients }));
    let mut instance = Some(host.created(&sealed_to(&[&mine.recipient])).await);
    for recipients in [vec![&*mine.recipient, CLASSICAL], vec![CLASSICAL], vec![POST_QUANTUM]] {
        let previous = instance.as_ref().unwrap().state["certificate_id"].clone();
        host.apply(&mut instance, &sealed_to(&recipients)).await.ok().unwrap();
        let object = &instance.as_ref().unwrap().state;
        assert_eq!(object["issue_reason"], "recipients_changed", "{recipients:?}");
        assert_eq!(object["replaces_certificate_id"], previous, "{recipients:?}");
        assert!(object["combined_pem"].is_null());
        let sealed = object["sealed_pem"].as_str().expect("ciphertext");
        if recipients.contains(&mine.recipient.as_str()) {
            let newest = atlas.control().certificates(PROJECT, "app").pop().unwrap();
            assert_eq!(age::open(sealed, &mine), Some(newest.combined_pem()));
        }
    }
    assert_eq!(posts(&atlas), 4);
    let both = host.resource(TYPE);
    let found = both.validate(sealed_to(&[CLASSICAL, POST_QUANTUM])).await.unwrap();
    let error = found.errors().next().expect("an error");
    assert!(error.contains("quantum computer"), "{error:?}");
}
