//! Programs that open archives, each independent of the one that writes them or at least of the provider.
//!
//! All of them give the certificate and the key as DER.

use std::{path::Path, process::Command};

use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use picky::pkcs12::{Pfx, Pkcs12CryptoContext, Pkcs12ParsingParams, SafeBagKind, SafeContentsKind};

use super::{PASSWORD, der};

/// Certificate and key, as a Java-like key store has them.
pub(crate) fn opened_by_p12_keystore(archive: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let store =
        KeyStore::from_pkcs12(archive, PASSWORD, Pkcs12ImportPolicy::Strict).expect("it opens");
    let (name, chain) = store.private_key_chain().expect("an entry with a key");
    assert_eq!(name, "app");
    (
        chain.certs()[0].as_der().to_vec(),
        chain.key().as_der().to_vec(),
    )
}

pub(crate) fn opened_by_picky(archive: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let context = Pkcs12CryptoContext::new_with_password(PASSWORD).expect("a password");
    let pfx = Pfx::from_der(archive, &context, &Pkcs12ParsingParams::default()).expect("it opens");
    let bags = pfx
        .safe_contents()
        .iter()
        .flat_map(|contents| match contents.kind() {
            SafeContentsKind::SafeBags(bags) => bags,
            SafeContentsKind::EncryptedSafeBags { safe_bags, .. } => safe_bags,
            SafeContentsKind::Unknown => panic!("contents of an unknown kind"),
        });
    let (mut certificate, mut key) = (Vec::new(), Vec::new());
    for bag in bags {
        match bag.kind() {
            SafeBagKind::Certificate(found) => certificate = found.to_der().expect("DER"),
            SafeBagKind::EncryptedPrivateKey { key: found, .. } => {
                key = found.to_pkcs8().expect("DER");
            }
            other => panic!("an unexpected bag: {other:?}"),
        }
    }
    (certificate, key)
}

pub(crate) fn opened_by_openssl(file: &Path, profile: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let version = tool("openssl", &["version"])?;
    let mut arguments = vec![
        "pkcs12",
        "-nodes",
        "-passin",
        "env:P12_PASSWORD",
        "-in",
        file.to_str()?,
    ];
    if profile == "legacy" && version.starts_with("OpenSSL 3") {
        arguments.push("-legacy");
    }
    let output = Command::new("openssl")
        .args(arguments)
        .env("P12_PASSWORD", PASSWORD)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    let block = |label: &str| {
        let (begin, end) = (
            format!("-----BEGIN {label}-----"),
            format!("-----END {label}-----"),
        );
        let start = text.find(&begin).unwrap_or_else(|| panic!("no {label}"));
        der(text[start..].split(&end).next().expect("an end"))
    };
    Some((block("CERTIFICATE"), block("PRIVATE KEY")))
}

/// Only a copy of the entry makes keytool decrypt the key.
pub(crate) fn opened_by_keytool(file: &Path) -> Option<(Vec<u8>, Vec<u8>)> {
    tool("keytool", &["-help"])?;
    let copy = file.with_extension("copy");
    let output = Command::new("keytool")
        .args([
            "-importkeystore",
            "-noprompt",
            "-srcstoretype",
            "PKCS12",
            "-srcstorepass:env",
            "P12_PASSWORD",
        ])
        .args(["-deststorepass:env", "P12_PASSWORD", "-srckeystore"])
        .arg(file)
        .arg("-destkeystore")
        .arg(&copy)
        .env("P12_PASSWORD", PASSWORD)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let copied = std::fs::read(&copy).expect("a copy");
    std::fs::remove_file(&copy).expect("it is there");
    Some(opened_by_p12_keystore(&copied))
}

/// What a tool says; `None` where it is not installed, which is said.
fn tool(name: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(name).args(arguments).output() {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        _ => {
            eprintln!("skipped in part: {name} is not on PATH");
            None
        }
    }
}
