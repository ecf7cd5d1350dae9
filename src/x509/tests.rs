use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256,
    RsaKeySize, SerialNumber,
};
use secrecy::{ExposeSecret, SecretString};

use super::*;

/// PEM of a certificate and of its private key.
pub(super) fn pem_pair(serial: &[u8], common_name: &str) -> (String, String) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = params(serial, common_name).self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn params(serial: &[u8], common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::OrganizationName, "MongoDB Inc");
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.not_before = rcgen::date_time_ymd(2026, 8, 10);
    params.not_after = rcgen::date_time_ymd(2026, 11, 10);
    params
}

fn parse(text: impl Into<String>) -> Result<Certificate, Error> {
    Bundle::parse(&SecretString::from(text.into())).map(|bundle| bundle.certificate)
}

#[test]
fn a_bundle_is_parsed_in_either_order_and_with_any_line_ends() {
    let (certificate, key) = pem_pair(&[0x1b, 0x6e, 0xba, 0x83, 0x48, 0x90, 0x4a, 0x92], "app");
    for text in [
        format!("{certificate}{key}"),
        format!("{key}{certificate}"),
        format!("some words\n{certificate}\n\n{key}\n"),
        format!("{certificate}{key}").replace('\n', "\r\n"),
    ] {
        let certificate = parse(text).unwrap();
        assert_eq!(certificate.certificate_id, "1976722359483124370");
        assert_eq!(certificate.serial_number, "1b6eba8348904a92");
        assert_eq!(certificate.subject_common_name.as_deref(), Some("app"));
    }
}

#[test]
fn a_text_other_than_one_certificate_and_its_key_is_refused_without_repeating_it() {
    let (certificate, key) = pem_pair(&[1], "app");
    let (other, other_key) = pem_pair(&[2], "app");
    let label = |label: &str| label.to_owned();
    let invalid_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    let invalid_certificate = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
    for (text, error) in [
        (String::new(), Error::NoCertificate),
        (certificate.clone(), Error::NoPrivateKey),
        (key.clone(), Error::NoCertificate),
        (format!("{certificate}{other}{key}"), Error::ManyCertificates),
        (format!("{certificate}{key}{other_key}"), Error::ManyPrivateKeys),
        (format!("{certificate}{other_key}"), Error::KeyMismatch),
        (
            format!("{certificate}{}", &key[..key.len() / 2]),
            Error::Unterminated(label("PRIVATE KEY")),
        ),
        (
            format!("{certificate}{}", key.replace("PRIVATE", "ENCRYPTED PRIVATE")),
            Error::EncryptedPrivateKey,
        ),
        (
            format!("{certificate}{}", key.replace("PRIVATE KEY", "PUBLIC KEY")),
            Error::OtherBlock(label("PUBLIC KEY")),
        ),
        (
            format!("{certificate}{}", key.replace("PRIVATE KEY", "secret")),
            Error::OtherBlock(label("unnamed")),
        ),
        (
            format!("{key}{}", invalid_certificate.replace("c2VjcmV0", "*secret*")),
            Error::NotBase64(label("CERTIFICATE")),
        ),
        (format!("{key}{invalid_certificate}"), Error::NotACertificate),
        (format!("{certificate}{invalid_key}"), Error::NotAPrivateKey),
    ] {
        let actual = parse(text).unwrap_err();
        assert_eq!(actual, error);
        assert!(!actual.to_string().contains("secret") && !actual.to_string().contains("c2Vj"));
    }
}

#[test]
fn the_only_certificate_is_found_among_other_blocks() {
    let (certificate, key) = pem_pair(&[7], "app");
    let parsed = parse_certificate(&format!("{key}{certificate}")).unwrap();
    assert_eq!(parsed.certificate_id, "7");
    assert_eq!(parse_certificate(&key), Err(Error::NoCertificate));
    assert_eq!(
        parse_certificate(&format!("{certificate}{certificate}")),
        Err(Error::ManyCertificates)
    );
}

#[test]
fn the_attributes_of_a_certificate_are_read() {
    let certificate = parse_certificate(&pem_pair(&[0x0a], "app-user").0).unwrap();
    assert_eq!(certificate.subject, "O=MongoDB Inc,CN=app-user");
    assert_eq!(certificate.issuer, certificate.subject);
    assert_eq!(certificate.subject_common_name.as_deref(), Some("app-user"));
    assert_eq!(certificate.not_before.to_string(), "2026-08-10T00:00:00Z");
    assert_eq!(certificate.not_after.to_string(), "2026-11-10T00:00:00Z");
    assert_eq!(certificate.fingerprint_sha256.len(), 64);
}

#[test]
fn a_certificate_without_well_defined_expiration_is_valid_until_the_latest_timestamp() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = params(&[1], "app");
    let no_expiration = rcgen::date_time_ymd(9999, 12, 31) + std::time::Duration::from_secs(86_399);
    params.not_after = no_expiration;
    let pem = params.self_signed(&key).unwrap().pem();
    let certificate = parse_certificate(&pem).unwrap();
    assert_eq!(certificate.not_after.to_string(), "9999-12-30T22:00:00Z");
    assert_eq!(parse(pem + &key.serialize_pem()), Ok(certificate));
}

#[test]
fn a_serial_number_of_more_than_20_octets_is_accepted() {
    let (certificate, key) = pem_pair(&[0x7f; 40], "app");
    let certificate = parse(certificate + &key).unwrap();
    assert_eq!(certificate.serial_number, "7f".repeat(40));
}

#[test]
fn keys_of_every_supported_type_are_matched_with_their_certificate() {
    for algorithm in [&PKCS_RSA_SHA256, &PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let generate = || match algorithm {
            _ if *algorithm == PKCS_RSA_SHA256 => {
                KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048)
            }
            _ => KeyPair::generate_for(algorithm),
        };
        let (ours, theirs) = (generate().unwrap(), generate().unwrap());
        let pem = params(&[1], "app").self_signed(&ours).unwrap().pem();
        assert!(parse(format!("{pem}{}", ours.serialize_pem())).is_ok());
        assert_eq!(parse(format!("{pem}{}", theirs.serialize_pem())), Err(Error::KeyMismatch));
        let foreign = pem_pair(&[2], "app").1;
        assert_eq!(parse(format!("{pem}{foreign}")), Err(Error::KeyMismatch));
    }
}

#[test]
fn an_rsa_key_with_a_missing_line_is_refused() {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = params(&[1], "app").self_signed(&key).unwrap().pem();
    let key = key.serialize_pem();
    let lines: Vec<_> = key.lines().collect();
    let missing = lines[lines.len() - 4]; // behind the modulus
    let damaged = key.replace(&format!("{missing}\n"), "");
    assert_eq!(parse(format!("{certificate}{key}")).map(|_| ()), Ok(()));
    assert_eq!(parse(format!("{certificate}{damaged}")), Err(Error::NotAPrivateKey));
}

#[test]
fn split_returns_the_bytes_of_each_part_with_line_feeds() {
    let (certificate, key) = (CERTIFICATE, KEY);
    for text in [
        format!("{certificate}{key}"),
        format!("{key}{certificate}"),
        format!("\u{feff}{key}\n\n{certificate}"),
        format!("{certificate}{key}").replace('\n', "\r\n"),
    ] {
        let parts = split(&text).unwrap();
        assert_eq!(parts.certificate_pem, certificate);
        assert_eq!(parts.private_key_pem.expose_secret(), key);
    }
}

const CERTIFICATE: &str =
    "-----BEGIN CERTIFICATE-----\nY2VydGlm\naWNhdGU=\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\na2V5\n-----END RSA PRIVATE KEY-----\n";
