//! Responses that cannot be parsed are kept, and sealed like any other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_atlas::{Endpoint, Fault, Rewrite};
use serde_json::Value as Json;

use super::recipients;
use crate::support::{
    age::{self, Pair},
    fixture::{Fixture, certificate, expect_warning},
    leak_scanner::{LeakScanner, Secret},
};

#[test]
fn a_response_that_cannot_be_parsed_is_stored_sealed_and_an_error_explains_how_to_keep_it() {
    let mine = age::pair();
    let mut t = Fixture::new(&certificate(&recipients(&[&mine])));
    let traces = fails(&mut t, Rewrite::DamagedCertificate, "terraform untaint");
    let object = t.object();
    assert_eq!((&object["combined_pem"], &object["certificate_id"]), (&Json::Null, &Json::Null));
    let sealed = object["sealed_pem"].as_str().expect("ciphertext");
    let response = age::open(sealed, &mine).expect("sealed to us");
    let key = t.newest().key_pem;
    assert!(response.contains(&key), "the key is in the response");
    assert_eq!(traces.occurrences(&Secret::key(&key)), Vec::<&str>::new());

    t.workspace.run(["untaint", "-no-color", "atlas_user_certificate.app"]).success();
    assert!(t.plans_nothing(), "the kept response stays");
    let more = format!("months_until_expiration = 6\n  {}", recipients(&[&mine]));
    t.set_config(&certificate(&more));
    expect_warning(&t.plan(&[]), "Nothing is issued while a response is unparsed");
    assert_eq!(t.posts(), 1);
}

#[test]
fn an_unparsed_response_to_a_renewal_is_kept_sealed_beside_the_old_key() {
    let mine = age::pair();
    let mut t = Fixture::applied(&certificate(&recipients(&[&mine])));
    let before = t.object();
    t.advance_days(80);
    let traces = fails(&mut t, Rewrite::NoCertificate, "private data of this resource");
    assert_eq!(t.object()["sealed_pem"], before["sealed_pem"]);
    let key = t.newest().key_pem;
    assert_eq!(traces.occurrences(&Secret::key(&key)), Vec::<&str>::new());
    assert!(opened_private(&t, &mine).contains(&key));
}

#[test]
fn recipients_added_later_seal_an_unparsed_response_too() {
    let mine = age::pair();
    let mut t = Fixture::applied(&certificate(""));
    t.advance_days(80);
    fails(&mut t, Rewrite::NoCertificate, "private data of this resource");
    let key = t.newest().key_pem;
    t.set_config(&certificate(&format!("auto_renew = false\n  {}", recipients(&[&mine]))));
    t.workspace.apply(&[]).success();
    assert_eq!(t.posts(), 2);
    assert!(opened_private(&t, &mine).contains(&key));
}

/// An apply that gets such a response. The error contains the words.
#[track_caller]
fn fails(t: &mut Fixture, rewrite: Rewrite, words: &str) -> LeakScanner {
    t.fault(Fault::on(Endpoint::IssueCertificate).rewrite(rewrite));
    let mut traces = LeakScanner::start(&mut t.workspace);
    let output = t.workspace.apply(&[]).failure();
    traces.collect(&t.workspace, &output);
    for words in ["Cannot parse the issued certificate", words] {
        assert!(output.text().contains(words), "{}", output.text());
    }
    traces
}

/// The response in the private data of the only resource, opened.
fn opened_private(t: &Fixture, pair: &Pair) -> String {
    let state = t.workspace.state();
    let private = state["resources"][0]["instances"][0]["private"].as_str().expect("private data");
    let private = STANDARD.decode(private).expect("base64");
    let private: Json = serde_json::from_slice(&private).expect("JSON");
    let values = private.as_object().expect("an object").values();
    let response = values.into_iter().find_map(|value| value.as_array()?.last()?.as_str());
    age::open(response.expect("a response"), pair).expect("sealed to us")
}
