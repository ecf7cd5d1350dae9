//! Certificates other than the requested one: one that has its key is kept, because Atlas returns a key only once.

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, X509Type};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber, date_time_ymd};
use serde_json::json;

use super::output_sanitization::harmless;
use crate::support::{
    atlas::PROJECT,
    in_process::{config, in_process, titled, with},
};

const OTHER_PROJECT: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn another_certificate_with_its_key_is_kept_with_a_warning() {
    let (atlas, host) = in_process(&["app", "root"]).await;
    let control = atlas.control();
    control.add_user(OTHER_PROJECT, "app", X509Type::Managed);
    let other_user = control.issue(PROJECT, "root", 3);
    let other_project = control.issue(OTHER_PROJECT, "app", 3);
    for (pem, id, warning) in [
        (self_signed("app", &[7], 2026), 7, "Certificate has expired already"),
        (other_user.combined_pem(), other_user.id, "Certificate is for another name"),
        (
            other_project.combined_pem(),
            other_project.id,
            "Certificate is from another project's authority",
        ),
    ] {
        let mut instance = None;
        answer_posts(&atlas, 2, &pem);
        for months in [3, 4] {
            let config = with(&config("app"), json!({ "months_until_expiration": months }));
            let outcome = host.apply(&mut instance, &config).await.ok().unwrap();
            assert!(!titled(&outcome.diagnostics, warning).is_error);
            let state = &instance.as_ref().unwrap().state;
            assert_eq!(state["certificate_id"], id.to_string());
            assert_eq!(state["combined_pem"], pem);
        }
    }
}

#[tokio::test]
async fn a_subject_cannot_control_the_terminal() {
    let (atlas, host) = in_process(&["app"]).await;
    let evil = "root\u{1b}[31m\r\nError: faked\u{202e}\u{7}\u{2028}";
    let pem = self_signed(evil, &[7], 2040);
    answer_posts(&atlas, 1, &pem);
    let mut instance = None;
    let outcome = host.apply(&mut instance, &config("app")).await;
    assert_eq!(outcome.diagnostics.warnings().count(), 2, "{}", outcome.diagnostics);
    harmless(&outcome.diagnostics);
    assert_eq!(instance.unwrap().state["combined_pem"], pem, "it is kept");
}

#[tokio::test]
async fn serials_beyond_64_bits_keep_every_digit() {
    // 2^152 - 1
    let decimal = "5708990770823839524233143877797980545530986495";
    let (atlas, host) = in_process(&["app"]).await;
    answer_posts(&atlas, 1, &self_signed("app", &[&[0x00][..], &[0xff; 19]].concat(), 2040));
    let mut instance = None;
    host.apply(&mut instance, &config("app")).await.ok().unwrap();
    let object = &instance.as_ref().unwrap().state;
    assert_eq!(object["certificate_id"], decimal);
    assert_eq!(object["serial_number"], "ff".repeat(19));

    // Listed as a number of as many digits.
    let page = format!(
        "{{\"results\":[{{\"_id\":{decimal},\"createdAt\":\"2026-01-01T00:00:00Z\",\"notAfter\":\"2040-01-01T00:00:00Z\",\"subject\":\"CN=app\"}}]}}"
    );
    let listed = Answer::text(200, "application/json", &page);
    atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).always().refuse(listed));
    let refreshed = host.refresh(&mut instance).await;
    assert!(refreshed.changed.is_empty(), "{:?}", refreshed.changed);
    assert!(refreshed.diagnostics.is_empty(), "{}", refreshed.diagnostics);
}

/// Answers so many certificate requests with this PEM.
fn answer_posts(atlas: &LocalAtlas, times: u32, pem: &str) {
    let answer = Answer::text(201, "application/json", pem);
    let fault = Fault::on(Endpoint::IssueCertificate).times(times).refuse(answer);
    atlas.control().add_fault(fault);
}

/// A certificate with its key that no Atlas would issue.
fn self_signed(name: &str, serial: &[u8], until: i32) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial.to_vec()));
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    format!("{}{}", certificate.pem(), key.serialize_pem()).replace("\r\n", "\n")
}
