mod hardware;

use std::process::Command;

use age::secrecy::ExposeSecret as _;
use proptest::prelude::*;

use super::*;

/// A pair of keys, and the text below sealed to it by the age command line tool 1.2.1.
const SECRET: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
const PUBLIC: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const PLAIN: &str = "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n";

const SEALED_BY_AGE: &str = "\
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB2ZUNHWGhTMldJVFA4eFk3
QVU2aWN6SE5OaGhReHZ0RVdrUWt6TUNwTmxjCnljbUs0NmFJWDNIYXZKc053WTh3
cU5lcFpqNHViNmZYakI2UGZBekJpbTQKLS0tIFBScmFvM1MxVUI3MGVEM1ArV3I4
a0U4Vy91VDNtVzNJZ0Z1VCsydDRRdHMKJcI2FUDKMDUJKWGLqw0UyW4t3przEdKt
rxEjMlmKNauX0X9r6YDIOwxLfSKoEJwCiYPMUn++QN5QasRuN7Gfi6ofJQC60D22
8BV+Pn7fhH86pXkptA7kaJBPlu4zrg==
-----END AGE ENCRYPTED FILE-----
";

fn pair() -> (String, SecretString) {
    let identity = x25519::Identity::generate();
    let text = identity.to_string().expose_secret().to_owned();
    (identity.to_public().to_string(), text.into())
}

fn sealed_to(recipients: &[&str]) -> String {
    seal(&PLAIN.into(), &Recipients::parse(recipients).unwrap()).unwrap()
}

fn open(sealed: &str, identity: &str) -> Result<String, UnsealError> {
    let identities = Identities::parse(&identity.into()).unwrap();
    unseal(sealed, &identities).map(|text| text.expose_secret().to_owned())
}

#[test]
fn sealed_text_is_decrypted_by_every_recipient_and_by_no_other_key() {
    let (mine, my_key) = pair();
    let (_, other_key) = pair();
    let sealed = sealed_to(&[&mine, PUBLIC]);
    assert!(sealed.starts_with(ARMOR) && !sealed.contains("hunter2"));
    assert_eq!(open(&sealed, my_key.expose_secret()).unwrap(), PLAIN);
    assert_eq!(open(&sealed, SECRET).unwrap(), PLAIN);
    assert_eq!(
        open(&sealed, other_key.expose_secret()),
        Err(UnsealError::WrongIdentity(OTHER_RECIPIENTS))
    );
    let both = [other_key, my_key].iter().map(|key| Identities::parse(key).unwrap()).collect();
    assert_eq!(unseal(&sealed, &both).unwrap().expose_secret(), PLAIN);
}

#[test]
fn recipients_are_a_set_of_keys() {
    let (other, _) = pair();
    let set = |texts: &[&str]| Recipients::parse(texts).unwrap();
    assert_eq!(set(&[PUBLIC, &other]), set(&[&other, PUBLIC, &other]));
    assert_eq!(set(&[&format!(" {PUBLIC}\n")]), set(&[&PUBLIC.to_uppercase()]));
    assert_ne!(set(&[PUBLIC]), set(&[PUBLIC, &other]));
    assert_ne!(set(&[PUBLIC]), set(&[&other]));
    assert!(set(&[]).is_empty());
    assert_eq!(seal(&PLAIN.into(), &set(&[])), None);
}

#[test]
fn an_invalid_recipient_is_refused_with_its_reason_and_not_repeated() {
    for (text, reason) in [
        ("", "begins with age1"),
        (" \n", "begins with age1"),
        (SECRET, "the secret half"),
        (&SECRET.to_lowercase(), "the secret half"),
        ("AGE-SECRET-KEY-PQ-1QQQQ", "the secret half"),
        ("AGE-PLUGIN-YUBIKEY-1QQQQ", "the secret half"),
        ("age1yubikey1qwerty", "not supported"),
        ("age1pq1qwerty", "not supported"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", "not supported"),
        ("ecdsa-sha2-nistp256 AAAA", "not supported"),
        (&PUBLIC.replace('7', "8"), "begins with age1"),
        (&PUBLIC[..40], "begins with age1"),
        ("hunter2", "begins with age1"),
    ] {
        let error = Recipients::parse(&[PUBLIC, text]).unwrap_err();
        assert!(error.0.contains(reason), "{text}: {error:?}");
        let shown = format!("{error} {error:?}");
        assert!(text.trim().is_empty() || !shown.contains(text.trim()), "{shown}");
    }
}

#[test]
fn recipients_of_small_order_are_refused() {
    let hrp = bech32::Hrp::parse("age").unwrap();
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    for point in [[0; 32], one, minus_one] {
        let text = bech32::encode::<bech32::Bech32>(hrp, &point).unwrap();
        assert_eq!(Recipients::parse(&[&text]), Err(InvalidKey(NOT_A_RECIPIENT)));
    }
}

#[test]
fn identity_files_are_parsed_and_invalid_identities_refused_with_their_reason() {
    let file = format!("# created: 2026-01-01T00:00:00Z\n# public key: {PUBLIC}\n{SECRET}\n");
    assert_eq!(open(&sealed_to(&[PUBLIC]), &file).unwrap(), PLAIN);
    for (text, reason) in [
        ("", "typing error"),
        ("# only words\n", "typing error"),
        (PUBLIC, "the public half"),
        ("AGE-PLUGIN-YUBIKEY-1QQQQ", "not supported"),
        ("AGE-SECRET-KEY-PQ-1QQQQ", "not supported"),
        (&sealed_to(&[PUBLIC]), "encrypted identity file"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2", "not supported"),
        (&SECRET[..60], "typing error"),
        ("hunter2", "typing error"),
    ] {
        let error = Identities::parse(&text.into()).unwrap_err();
        assert!(error.0.contains(reason), "{text}: {error:?}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2") && !shown.contains(&SECRET[20..40]), "{shown}");
    }
    let shown = format!("{:?}", Identities::parse(&SECRET.into()).unwrap());
    assert_eq!(shown, "1 identities");
}

#[test]
fn a_text_that_cannot_be_decrypted_is_refused_with_its_reason() {
    let sealed = sealed_to(&[PUBLIC]);
    let lines: Vec<_> = sealed.lines().collect();
    let without = |line: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != line).map(|(_, text)| *text);
        kept.collect::<Vec<_>>().join("\n")
    };
    for (text, reason) in [
        ("", "not an armored age file"),
        ("hunter2", "not an armored age file"),
        ("age-encryption.org/v1\n-> X25519 ", "not an armored age file"),
        (PLAIN, "is not sealed"),
        (&without(1), "damaged"),
        (&without(lines.len() - 2), "damaged"),
        (&without(lines.len() - 1), "damaged"),
        (&format!("{sealed}more"), "damaged"),
        (ARMOR, "damaged"),
    ] {
        let error = open(text, SECRET).unwrap_err();
        let UnsealError::Unusable(problem) = error else { panic!("{text}: {error}") };
        assert!(problem.contains(reason) && !problem.contains("hunter2"), "{text}: {error}");
    }
    let passphrase = {
        let encryptor = Encryptor::with_user_passphrase("hunter2".to_owned().into());
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).unwrap();
        let mut writer = encryptor.wrap_output(armor).unwrap();
        writer.write_all(PLAIN.as_bytes()).unwrap();
        String::from_utf8(writer.finish().unwrap().finish().unwrap()).unwrap()
    };
    let error = open(&passphrase, SECRET).unwrap_err();
    assert!(error.to_string().contains("encrypted with a passphrase"), "{error}");
}

#[test]
fn line_ends_and_surrounding_white_space_are_ignored() {
    let sealed = sealed_to(&[PUBLIC]);
    assert_eq!(open(&sealed.replace('\n', "\r\n"), SECRET).unwrap(), PLAIN);
    assert_eq!(open(&format!("\n  {sealed}\n\n"), SECRET).unwrap(), PLAIN);
}

#[test]
fn text_encrypted_by_the_age_tool_is_decrypted() {
    assert_eq!(open(SEALED_BY_AGE, SECRET).unwrap(), PLAIN);
}

#[test]
fn the_age_tools_open_what_we_seal_and_we_open_what_they_seal() {
    let Some(tool) = ["age", "rage"].into_iter().find(|tool| runs(tool)) else {
        return eprintln!("skipped: neither age nor rage is on PATH");
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("key"), SECRET).unwrap();
    std::fs::write(at("sealed"), sealed_to(&[PUBLIC])).unwrap();
    let opened =
        Command::new(tool).arg("-d").arg("-i").arg(at("key")).arg(at("sealed")).output().unwrap();
    assert_eq!(String::from_utf8(opened.stdout).unwrap(), PLAIN);
    std::fs::write(at("plain"), PLAIN).unwrap();
    let sealed = Command::new(tool).args(["-a", "-r", PUBLIC]).arg(at("plain")).output().unwrap();
    assert_eq!(open(&String::from_utf8(sealed.stdout).unwrap(), SECRET).unwrap(), PLAIN);
}

fn runs(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

proptest! {
    #[test]
    fn no_text_makes_decryption_panic(text in "\\PC{0,200}", at in 0usize..400, byte in 32u8..127) {
        let _ = open(&text, SECRET);
        let _ = open(&format!("{ARMOR}\n{text}"), SECRET);
        let mut sealed = sealed_to(&[PUBLIC]).into_bytes();
        let at = at % sealed.len();
        let changed = std::mem::replace(&mut sealed[at], byte) != byte;
        let opened = open(&String::from_utf8(sealed).unwrap(), SECRET);
        // The last character of base64 has bits that say nothing; nothing else may change unseen.
        prop_assert!(!changed || opened.is_err() || opened.as_deref() == Ok(PLAIN));
    }

    #[test]
    fn no_text_makes_parsing_keys_panic(text in "(age1|AGE-SECRET-KEY-1|)\\PC{0,80}") {
        let _ = Recipients::parse(&[&text]);
        let _ = Identities::parse(&text.into());
    }
}
