//! Certificates, keys and ciphertext in text form.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use terraform_provider_atlas::{
    pkcs12, sealing,
    x509::{self, Certificate},
};

use crate::assert_harmless;

/// A text that may be a bundle.
///
/// # Panics
/// If two readers of the same text disagree, or an error controls a terminal.
pub fn pem(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let secret = SecretString::from(text.as_ref());
    match x509::split(&text) {
        Ok(parts) => {
            let joined =
                format!("{}{}", parts.certificate_pem, parts.private_key_pem.expose_secret());
            let again = x509::split(&joined).expect("the parts of a bundle are a bundle");
            assert_eq!(again.certificate_pem, parts.certificate_pem);
        }
        Err(error) => assert_harmless(&error.to_string()),
    }
    match x509::Bundle::parse(&secret) {
        Ok(x509::Bundle { certificate, .. }) => {
            x509::split(&text).expect("a bundle has two parts");
            check(&certificate);
        }
        Err(error) => assert_harmless(&error.to_string()),
    }
    if let Ok(certificate) = x509::parse_certificate(&text) {
        check(&certificate);
    }
    if let Err(error) = pkcs12::check_password(&secret) {
        assert_harmless(&error.to_string());
    }
}

/// The DER of a certificate, followed by that of a key.
pub fn der(data: &[u8]) {
    let block = |label: &str, der: &[u8]| {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> = base64
            .as_bytes()
            .chunks(64)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let cut = data.first().map_or(0, |first| usize::from(*first) * 8).min(data.len());
    let (certificate, key) = data.split_at(cut);
    pem(block("CERTIFICATE", data.get(1..).unwrap_or_default()).as_bytes());
    pem(format!(
        "{}{}",
        block("CERTIFICATE", certificate.get(1..).unwrap_or_default()),
        block("PRIVATE KEY", key)
    )
    .as_bytes());
}

/// Ciphertext, a recipient or an identity.
pub fn age(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = sealing::Recipients::parse(&[&text]) {
        assert_harmless(&error.to_string());
    }
    match sealing::Identities::parse(&SecretString::from(text.as_ref())) {
        Ok(identities) => {
            let _ = sealing::unseal(&text, &identities);
        }
        Err(error) => assert_harmless(&error.to_string()),
    }
    if let Ok(identities) = sealing::Identities::parse(&SecretString::from(IDENTITY))
        && let Err(error) = sealing::unseal(&text, &identities)
    {
        assert_harmless(&error.to_string());
    }
}

fn check(certificate: &Certificate) {
    assert!(certificate.certificate_id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'));
    assert!(certificate.fingerprint_sha256.len() == 64);
    let _ = x509::subject_matches("app", certificate);
}

/// Made for this file; it opens nothing.
const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
