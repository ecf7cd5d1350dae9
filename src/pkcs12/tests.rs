use std::{path::Path, process::Command};

use p12_keystore::{Pkcs12Archive, Pkcs12ImportPolicy};
use picky::pkcs12::{
    Pbes1Cipher, Pbes1Encryption, Pbes2Cipher, Pbes2Encryption, Pfx, Pkcs12CryptoContext,
    Pkcs12EncryptionKind, Pkcs12HashAlgorithm, Pkcs12MacAlgorithm, Pkcs12MacAlgorithmHmac,
    Pkcs12ParsingParams, SafeBag, SafeBagKind, SafeContentsKind,
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

use super::*;

const PROFILES: [Profile; 2] = [Profile::Modern, Profile::Legacy];
const PASSWORDS: [&str; 2] = ["changeit", "p \"'\\$&<>/"];

struct Material {
    certificate: Vec<u8>,
    key: Vec<u8>,
    bundle: Bundle,
}

fn material(common_name: &str) -> Material {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let certificate = params.self_signed(&key).unwrap();
    Material {
        certificate: certificate.der().to_vec(),
        key: key.serialize_der(),
        bundle: Bundle::parse(&format!("{}{}", certificate.pem(), key.serialize_pem()).into())
            .unwrap(),
    }
}

fn archived(material: &Material, password: &str, profile: Profile) -> Vec<u8> {
    let text = archive(&material.bundle, &password.into(), profile).unwrap();
    STANDARD.decode(text.expose_secret()).unwrap()
}

#[test]
fn an_independent_reader_finds_the_very_key_and_certificate_in_both_profiles() {
    let material = material("app-user");
    for profile in PROFILES {
        for password in PASSWORDS {
            let der = archived(&material, password, profile);
            let context = Pkcs12CryptoContext::new_with_password(password).unwrap();
            let pfx = Pfx::from_der(&der, &context, &Pkcs12ParsingParams::default()).unwrap();
            let bags = all_bags(&pfx);
            let mut found = (None, None);
            for bag in &bags {
                match bag.kind() {
                    SafeBagKind::Certificate(certificate) => {
                        found.0 = Some(certificate.to_der().unwrap());
                    }
                    SafeBagKind::EncryptedPrivateKey { key, encryption } => {
                        assert_eq!(encryption.kind(), &encryption_of(profile));
                        found.1 = Some(key.to_pkcs8().unwrap());
                    }
                    other => panic!("an unexpected bag: {other:?}"),
                }
            }
            assert_eq!(found.0.as_ref(), Some(&material.certificate));
            let key = found.1.expect("a key that is encrypted");
            assert!(contains(&key, &scalar(&material.key)), "the key is another one");
            assert_eq!(pfx.mac_data().expect("a MAC").algorithm(), &mac_of(profile));
            let wrong = Pkcs12CryptoContext::new_with_password("wrong").unwrap();
            assert!(Pfx::from_der(&der, &wrong, &Pkcs12ParsingParams::default()).is_err());
        }
    }
}

#[test]
fn the_entry_is_named_after_the_user_and_key_and_certificate_belong_together() {
    for (common_name, alias) in
        [("app-user", "app-user"), ("Jürgen", "Jürgen"), ("a😀b", "a\u{fffd}b")]
    {
        let material = material(common_name);
        for profile in PROFILES {
            let der = archived(&material, "changeit", profile);
            let store =
                KeyStore::from_pkcs12(&der, "changeit", Pkcs12ImportPolicy::Strict).unwrap();
            let (name, chain) = store.private_key_chain().unwrap();
            assert_eq!((name, store.entries_len()), (alias, 1));
            assert_eq!(chain.certs()[0].as_der(), material.certificate);
            assert_eq!(chain.key().as_der(), material.key);
            assert_eq!(Pkcs12Archive::from_pkcs12(&der, "changeit").unwrap().certs.len(), 1);
        }
    }
}

#[test]
fn a_password_that_is_empty_or_not_printable_ascii_is_refused_without_repeating_it() {
    let bundle = material("app").bundle;
    for (password, expected) in [
        ("", Error("the password is empty")),
        ("hunter\u{7f}2", Error(NOT_PRINTABLE)),
        ("hunter\n2", Error(NOT_PRINTABLE)),
        ("hunterü2", Error(NOT_PRINTABLE)),
        ("hunter😀2", Error(NOT_PRINTABLE)),
    ] {
        let error = archive(&bundle, &password.into(), Profile::Modern).unwrap_err();
        assert_eq!(error, expected);
        assert!(!format!("{error} {error:?}").contains("hunter"));
    }
}

#[test]
fn a_private_key_that_is_not_pkcs8_is_refused() {
    let mut bundle = material("app").bundle;
    bundle.private_key_der = vec![0x30, 0x03, 0x02, 0x01, 0x00].into();
    let error = archive(&bundle, &"changeit".into(), Profile::Modern).unwrap_err();
    assert_eq!(error, Error(NOT_PKCS8));
}

#[test]
fn a_profile_is_parsed_by_its_exact_name() {
    for (name, profile) in
        [("modern", Some(Profile::Modern)), ("legacy", Some(Profile::Legacy)), ("Modern", None)]
    {
        assert_eq!(Profile::parse(name), profile);
    }
}

#[test]
fn salts_are_never_reused() {
    let material = material("app");
    let once = archived(&material, "changeit", Profile::Modern);
    assert_ne!(once, archived(&material, "changeit", Profile::Modern));
}

#[test]
fn openssl_opens_both_profiles() {
    if !runs("openssl", "version") {
        return eprintln!("skipped: openssl is not on PATH");
    }
    let folder = tempfile::tempdir().unwrap();
    let material = material("app-user");
    for profile in PROFILES {
        for password in PASSWORDS {
            let file = folder.path().join("archive.p12");
            std::fs::write(&file, archived(&material, password, profile)).unwrap();
            let opened = openssl(&file, password, profile);
            assert!(opened.contains("friendlyName: app-user"), "{profile:?}");
            let again = Bundle::parse(&openssl_blocks(&opened)).unwrap();
            assert_eq!(again.certificate, material.bundle.certificate);
        }
    }
}

#[test]
fn java_opens_both_profiles() {
    if !runs("keytool", "-help") {
        return eprintln!("skipped: keytool is not on PATH");
    }
    let folder = tempfile::tempdir().unwrap();
    let material = material("App-User");
    for profile in PROFILES {
        for password in PASSWORDS {
            let (file, copy) = (folder.path().join("archive.p12"), folder.path().join("copy.p12"));
            std::fs::write(&file, archived(&material, password, profile)).unwrap();
            let _ = std::fs::remove_file(&copy);
            // Only a copy of the entry makes keytool decrypt the key.
            let output = Command::new("keytool")
                .args([
                    "-importkeystore",
                    "-noprompt",
                    "-srcstoretype",
                    "PKCS12",
                    "-srcalias",
                    "app-user",
                ])
                .args([
                    "-srcstorepass:env",
                    "P12_PASSWORD",
                    "-deststorepass",
                    "changeit",
                    "-srckeystore",
                ])
                .arg(&file)
                .arg("-destkeystore")
                .arg(&copy)
                .env("P12_PASSWORD", password)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            let copied = std::fs::read(&copy).unwrap();
            let store =
                KeyStore::from_pkcs12(&copied, "changeit", Pkcs12ImportPolicy::Strict).unwrap();
            let (_, chain) = store.private_key_chain().unwrap();
            assert_eq!(chain.certs()[0].as_der(), material.certificate);
            assert!(contains(chain.key().as_der(), &scalar(&material.key)));
        }
    }
}

fn openssl(file: &Path, password: &str, profile: Profile) -> String {
    let mut command = Command::new("openssl");
    command.args(["pkcs12", "-nodes", "-passin", "env:P12_PASSWORD", "-in"]).arg(file);
    if profile == Profile::Legacy && is_openssl_3() {
        command.arg("-legacy");
    }
    let output = command.env("P12_PASSWORD", password).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{profile:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What openssl writes, without the attributes between the blocks.
fn openssl_blocks(text: &str) -> SecretString {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        inside |= line.starts_with("-----BEGIN ");
        let keep = inside;
        inside &= !line.starts_with("-----END ");
        keep
    });
    lines.collect::<Vec<_>>().join("\n").into()
}

fn is_openssl_3() -> bool {
    let version = Command::new("openssl").arg("version").output().unwrap().stdout;
    version.starts_with(b"OpenSSL 3")
}

fn runs(tool: &str, argument: &str) -> bool {
    Command::new(tool).arg(argument).output().is_ok_and(|output| output.status.success())
}

fn all_bags(pfx: &Pfx) -> Vec<&SafeBag> {
    pfx.safe_contents()
        .iter()
        .flat_map(|contents| match contents.kind() {
            SafeContentsKind::SafeBags(bags) => bags,
            SafeContentsKind::EncryptedSafeBags { safe_bags, .. } => safe_bags,
            SafeContentsKind::Unknown => panic!("contents of an unknown kind"),
        })
        .collect()
}

fn encryption_of(profile: Profile) -> Pkcs12EncryptionKind {
    match profile {
        Profile::Modern => Pkcs12EncryptionKind::Pbes2(
            Pbes2Encryption::new(Pbes2Cipher::Aes256Cbc, Pkcs12HashAlgorithm::Sha256)
                .with_kdf_iterations(ITERATIONS),
        ),
        Profile::Legacy => Pkcs12EncryptionKind::Pbes1(
            Pbes1Encryption::new(Pbes1Cipher::ShaAnd3Key3DesCbc).with_kdf_iterations(ITERATIONS),
        ),
    }
}

fn mac_of(profile: Profile) -> Pkcs12MacAlgorithm {
    let hash = match profile {
        Profile::Modern => Pkcs12HashAlgorithm::Sha256,
        Profile::Legacy => Pkcs12HashAlgorithm::Sha1,
    };
    Pkcs12MacAlgorithm::Hmac(Pkcs12MacAlgorithmHmac::new(hash).with_iterations(ITERATIONS))
}

/// The secret number of a P-256 key, whatever else its encoding says.
fn scalar(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8.windows(2).position(|two| two == [0x04, 0x20]).unwrap() + 2;
    pkcs8[at..at + 32].to_vec()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
