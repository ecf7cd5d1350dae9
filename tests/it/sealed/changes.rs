//! When a key is sealed in place, when a new certificate is issued, and when nothing happens.

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, ResourceInstance},
    value::unknown,
};

use crate::support::{
    age::{self, Pair},
    atlas::PROJECT,
    fixture::{changed, days, posts},
    in_process::{config, in_process, titled, with},
};

#[tokio::test]
async fn a_key_in_state_is_sealed_in_place_with_a_warning_about_earlier_versions() {
    let (atlas, host) = in_process(&["app"]).await;
    let mine = age::pair();
    let mut instance = Some(host.created(&config("app")).await);
    let before = instance.as_ref().unwrap().state.clone();
    let outcome = host.apply(&mut instance, &sealed_to(&[&mine])).await.ok().unwrap();
    titled(&outcome.diagnostics, "Earlier state versions still hold the key");
    let after = &instance.as_ref().unwrap().state;
    let mut names = changed(&before, after);
    names.sort_unstable();
    assert_eq!(names, ["combined_pem", "private_key_recipients", "sealed_pem"]);
    assert_eq!((&after["combined_pem"], open(after, &mine)), (&Json::Null, Some(newest(&atlas))));
    assert_eq!(host.plan(instance.as_ref(), &sealed_to(&[&mine])).await.action, Action::NoOp);
    assert_eq!(posts(&atlas), 1);
}

#[tokio::test]
async fn the_same_recipients_in_another_order_or_twice_change_nothing() {
    let (atlas, host) = in_process(&["app"]).await;
    let (mine, other) = (age::pair(), age::pair());
    let instance = host.created(&sealed_to(&[&mine, &other])).await;
    let upper = Pair { recipient: mine.recipient.to_uppercase(), identity: String::new() };
    for again in [&[&other, &mine][..], &[&mine, &other, &mine], &[&other, &upper]] {
        let plan = host.plan(Some(&instance), &sealed_to(again)).await;
        assert_eq!(plan.action, Action::NoOp);
    }
    for pair in [&mine, &other] {
        assert_eq!(open(&instance.state, pair), Some(newest(&atlas)), "each of them opens it");
    }
    assert_eq!(posts(&atlas), 1);
}

#[tokio::test]
async fn other_recipients_or_none_issue_when_only_ciphertext_is_left() {
    let (atlas, host) = in_process(&["app"]).await;
    let (mine, other) = (age::pair(), age::pair());
    let mut instance = Some(host.created(&sealed_to(&[&mine])).await);
    for (config, number) in [(sealed_to(&[&other]), 2), (config("app"), 3)] {
        let previous = instance.as_ref().unwrap().state["certificate_id"].clone();
        let outcome = host.apply(&mut instance, &config).await.ok().unwrap();
        assert_eq!(outcome.plan.planned["issue_reason"], "recipients_changed");
        let object = &instance.as_ref().unwrap().state;
        assert_eq!(object["replaces_certificate_id"], previous);
        if number == 2 {
            assert_eq!((open(object, &mine), open(object, &other)), (None, Some(newest(&atlas))));
        } else {
            assert_eq!(object["sealed_pem"], Json::Null);
            assert_eq!(object["combined_pem"], newest(&atlas));
        }
        let superseded = object["superseded_certificates"].as_array().map(Vec::len);
        assert_eq!((posts(&atlas), superseded), (number, Some(number - 1)));
        assert_eq!(host.plan(instance.as_ref(), &config).await.action, Action::NoOp);
    }
}

#[tokio::test]
async fn recipients_that_are_unknown_in_the_plan_are_settled_in_the_apply() {
    let (atlas, host) = in_process(&["app"]).await;
    let (mine, other) = (age::pair(), age::pair());
    let hidden = with(&config("app"), json!({ "private_key_recipients": unknown() }));
    let mut instance: Option<ResourceInstance> = None;
    // A create; the same recipients again, so that the planned update is none; and other ones.
    for (pair, planned, action, number) in [
        (&mine, Action::Create, Action::Create, 1),
        (&mine, Action::Update, Action::NoOp, 1),
        (&other, Action::Update, Action::Update, 2),
    ] {
        let resource = host.command().await;
        let plan = resource.plan(instance.as_ref(), hidden.clone()).await.unwrap();
        assert_eq!(plan.action, planned);
        let outcome = resource.apply(&mut instance, plan, sealed_to(&[pair])).await.unwrap();
        assert_eq!((outcome.ok().unwrap().action, posts(&atlas)), (action, number));
        let object = &instance.as_ref().unwrap().state;
        assert_eq!(object["combined_pem"], Json::Null);
        assert_eq!(open(object, pair), Some(newest(&atlas)));
    }
    assert_eq!(instance.as_ref().unwrap().state["issue_reason"], "recipients_changed");
}

#[tokio::test]
async fn recipients_given_to_an_imported_certificate_wait_for_the_next_issue() {
    let (atlas, host) = in_process(&["app"]).await;
    let mine = age::pair();
    atlas.control().issue(PROJECT, "app", 3);
    let mut instance = host.import(&format!("{PROJECT}/app")).await.instance;
    let outcome = host.apply(&mut instance, &sealed_to(&[&mine])).await.ok().unwrap();
    assert!(outcome.diagnostics.is_empty(), "there never was a key: {}", outcome.diagnostics);
    let object = &instance.as_ref().unwrap().state;
    assert_eq!((&object["combined_pem"], &object["sealed_pem"]), (&Json::Null, &Json::Null));
    assert_eq!((&object["issue_reason"], posts(&atlas)), (&json!("imported"), 0));
    assert_eq!(host.plan(instance.as_ref(), &sealed_to(&[&mine])).await.action, Action::NoOp);

    atlas.control().advance(days(80));
    host.apply(&mut instance, &sealed_to(&[&mine])).await.ok().unwrap();
    let object = &instance.as_ref().unwrap().state;
    assert_eq!(
        (&object["issue_reason"], &object["combined_pem"]),
        (&json!("renewal"), &Json::Null)
    );
    assert_eq!(open(object, &mine), Some(newest(&atlas)));
}

fn sealed_to(pairs: &[&Pair]) -> Json {
    let recipients: Vec<_> = pairs.iter().map(|pair| pair.recipient.as_str()).collect();
    with(&config("app"), json!({ "private_key_recipients": recipients }))
}

/// The sealed text, if this key opens it.
fn open(object: &Json, pair: &Pair) -> Option<String> {
    age::open(object["sealed_pem"].as_str().expect("ciphertext"), pair)
}

/// The bundle that Atlas returned last.
fn newest(atlas: &LocalAtlas) -> String {
    atlas.control().certificates(PROJECT, "app").pop().expect("a certificate").combined_pem()
}
