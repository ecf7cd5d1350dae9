//! Certificates other than the requested one: one that has its key is kept, because Atlas returns a key only once.

use local_atlas::{Answer, Endpoint, Fault, X509Type};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber, date_time_ymd};
use serde_json::{Value as Json, json};

use super::{Scene, TYPE, USER, output_sanitization::harmless};
use crate::support::atlas::PROJECT;

const OTHER_PROJECT: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn a_certificate_for_somebody_else_is_kept_with_a_warning() {
    let scene = Scene::set().await;
    let control = scene.atlas.control();
    control.add_user(PROJECT, "root", X509Type::Managed);
    control.add_user(OTHER_PROJECT, USER, X509Type::Managed);
    let another_user = control.issue(PROJECT, "root", 3);
    let another_project = control.issue(OTHER_PROJECT, USER, 3);
    for (stranger, warning) in [
        (another_user, "Certificate is for another name"),
        (another_project, "Certificate is from another project's authority"),
    ] {
        let (mut instance, answer) = (None, issued(&stranger.combined_pem()));
        control.add_fault(Fault::on(Endpoint::IssueCertificate).times(2).refuse(answer));
        for months in [3, 4] {
            let outcome = scene.apply(&mut instance, certificate(months)).await;
            assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics);
            assert!(
                outcome.diagnostics.warnings().any(|told| told.summary == warning),
                "{}",
                outcome.diagnostics
            );
            let state = state(instance.as_ref());
            assert_eq!(state["certificate_id"], stranger.id.to_string());
            assert_eq!(state["combined_pem"], stranger.combined_pem());
        }
    }
}

#[tokio::test]
async fn a_subject_cannot_steer_the_terminal() {
    let evil = "root\u{1b}[31m\r\nError: faked\u{202e}\u{7}\u{2028}";
    let pem = self_made(evil, &[7]);
    let (scene, mut instance) = (Scene::set().await, None);
    scene.atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(issued(&pem)));
    let outcome = scene.apply(&mut instance, certificate(3)).await;
    assert_eq!(outcome.diagnostics.warnings().count(), 2, "{}", outcome.diagnostics);
    harmless(&outcome.diagnostics);
    assert_eq!(state(instance.as_ref())["combined_pem"], pem, "it is kept");
}

#[tokio::test]
async fn serials_beyond_64_bits_keep_every_digit() {
    // 2^152 - 1
    let (serial, decimal) = (
        [
            0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ],
        "5708990770823839524233143877797980545530986495",
    );
    let pem = self_made(USER, &serial);
    let (scene, mut instance) = (Scene::set().await, None);
    scene.atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(issued(&pem)));
    let outcome = scene.apply(&mut instance, certificate(3)).await;
    assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics);
    let object = state(instance.as_ref());
    assert_eq!(
        (&object["certificate_id"], &object["serial_number"]),
        (&json!(decimal), &json!("ff".repeat(19)))
    );

    // Listed as a number of as many digits.
    let page = format!(
        "{{\"results\":[{{\"_id\":{decimal},\"createdAt\":\"2026-01-01T00:00:00Z\",\"notAfter\":\"2040-01-01T00:00:00Z\",\"subject\":\"CN=app\"}}]}}"
    );
    let listed = Answer::text(200, "application/json", &page);
    scene.atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).always().refuse(listed));
    let refreshed = scene.core.refresh(TYPE, &mut instance).await.unwrap();
    assert!(
        refreshed.changed.is_empty() && refreshed.diagnostics.is_empty(),
        "{}",
        refreshed.diagnostics
    );
}

fn issued(pem: &str) -> Answer {
    Answer::text(201, "application/json", pem)
}

fn certificate(months: u8) -> Json {
    json!({ "project_id": PROJECT, "username": USER, "months_until_expiration": months })
}

fn state(instance: Option<&tf_harness::core::ResourceInstance>) -> Json {
    instance.expect("an object").state.clone()
}

/// A certificate with its key that no Atlas would make.
fn self_made(name: &str, serial: &[u8]) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial.to_vec()));
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    format!("{}{}", certificate.pem(), key.serialize_pem()).replace("\r\n", "\n")
}
