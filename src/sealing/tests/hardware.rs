//! Recipients for keys in hardware. The test identities decrypt by HPKE (RFC 9180) on aws-lc, so they share no code with the
//! age crate; the stored files were encrypted by age 1.3.2, the tool in Go, to the same recipients.

use age_core::{
    format::{FileKey, Stanza},
    primitives::{bech32_decode, bech32_encode},
};
use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    digest::{SHA3_256, digest},
    hmac::{HMAC_SHA256, Key, sign},
    kem::{Ciphertext, DecapsulationKey, ML_KEM_768},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use super::*;

const CLASSICAL: &str = "age1tag1qvhefc6r240xnvdlxyeqfwf044mwgedpfvhv2spjkgj32t5x3lrhvmy6uqz";
const CLASSICAL_KEY: &str = "5920564ce38fcd092b3b376928bedfa2f2be5fd209e3b6cbbefa931a3144b66f";
const POST_QUANTUM: &str = include_str!("../testdata/tagpq_recipient.txt").trim_ascii();
const POST_QUANTUM_KEY: &str = "cb9b0b7065f9ac46f7bb064b0908188898b1516ae41f20ac7ab687db48570660";
const DECAPSULATION_KEY: &str = include_str!("../testdata/tagpq_decapsulation_key.txt");
const SEALED_BY_AGE_TAG: &str = include_str!("../testdata/tag.age");
const SEALED_BY_AGE_TAGPQ: &str = include_str!("../testdata/tagpq.age");

#[test]
fn text_for_a_key_in_hardware_is_decrypted_by_that_key_only() {
    let classical = TestIdentity::new(CLASSICAL_KEY, None);
    let post_quantum = TestIdentity::new(POST_QUANTUM_KEY, Some(DECAPSULATION_KEY));
    for (recipient, sealed_by_age, identity, other) in [
        (CLASSICAL, SEALED_BY_AGE_TAG, &classical, &post_quantum),
        (POST_QUANTUM, SEALED_BY_AGE_TAGPQ, &post_quantum, &classical),
    ] {
        let sealed = sealed_to(&[recipient]);
        assert_eq!(identity.decrypt(sealed_by_age).as_deref(), Some(PLAIN));
        assert_eq!(identity.decrypt(&sealed).as_deref(), Some(PLAIN));
        assert_eq!(other.decrypt(&sealed), None);
        assert_eq!(open(&sealed, SECRET), Err(UnsealError::WrongIdentity(HARDWARE_ONLY)));
        assert_eq!(open(sealed_by_age, SECRET), Err(UnsealError::WrongIdentity(HARDWARE_ONLY)));
    }
}

#[test]
fn text_for_hardware_and_software_is_decrypted_by_either() {
    let sealed = sealed_to(&[CLASSICAL, PUBLIC]);
    let identity = TestIdentity::new(CLASSICAL_KEY, None);
    assert_eq!(identity.decrypt(&sealed).as_deref(), Some(PLAIN));
    assert_eq!(open(&sealed, SECRET).unwrap(), PLAIN);
    let (_, other) = pair();
    let error = open(&sealed, other.expose_secret());
    assert_eq!(error, Err(UnsealError::WrongIdentity(OTHER_RECIPIENTS)));
}

#[test]
fn post_quantum_and_classical_recipients_in_one_list_are_refused() {
    for list in
        [&[POST_QUANTUM, PUBLIC][..], &[PUBLIC, POST_QUANTUM], &[CLASSICAL, PUBLIC, POST_QUANTUM]]
    {
        assert_eq!(Recipients::parse(list), Err(InvalidKey(MIXED_KINDS)));
    }
    assert!(Recipients::parse(&[POST_QUANTUM, POST_QUANTUM]).is_ok());
}

#[test]
fn hardware_recipients_are_a_set_of_keys_too() {
    for recipient in [CLASSICAL, POST_QUANTUM] {
        let one = Recipients::parse(&[recipient]).unwrap();
        let upper = recipient.to_uppercase();
        assert_eq!(Recipients::parse(&[&upper, recipient]).unwrap(), one);
    }
}

#[test]
fn a_damaged_hardware_recipient_is_invalid() {
    let mut key =
        bech32_decode(POST_QUANTUM, |_| (), |_| Ok(()), |_, bytes| Ok(bytes.collect::<Vec<_>>()))
            .unwrap();
    key[..2].copy_from_slice(&[0xff, 0xff]); // a coefficient that is not reduced
    let not_reduced = bech32_encode(bech32::Hrp::parse("age1tagpq").unwrap(), &key);
    for text in [
        &CLASSICAL[..40],
        &CLASSICAL.replace("qvhe", "qvhh"),
        &not_reduced,
        "age1tag1qwerty",
        "age1tagpq1qwerty",
    ] {
        assert_eq!(Recipients::parse(&[text]), Err(InvalidKey(NOT_A_RECIPIENT)), "{text}");
    }
}

proptest! {
    #[test]
    fn every_recipient_that_is_accepted_can_be_encrypted_to(point in any::<[u8; 32]>(), sign in 2..=3u8) {
        let compressed = [&[sign], &point[..]].concat();
        for (hrp, key) in [("age", &point[..]), ("age1tag", &compressed)] {
            let text = bech32::encode::<bech32::Bech32>(bech32::Hrp::parse(hrp).unwrap(), key).unwrap();
            if let Ok(recipients) = Recipients::parse(&[&text]) {
                prop_assert!(seal(&PLAIN.into(), &recipients).is_some());
            }
        }
    }
}

/// A private key that an age plugin would keep in hardware.
struct TestIdentity {
    key: PrivateKey,
    decapsulation_key: Option<DecapsulationKey>,
}

impl TestIdentity {
    fn new(p256: &str, ml_kem: Option<&str>) -> Self {
        let bytes = |text: &str| STANDARD.decode(text.lines().collect::<String>()).unwrap();
        Self {
            key: PrivateKey::from_private_key(&ECDH_P256, &hex::decode(p256).unwrap()).unwrap(),
            decapsulation_key: ml_kem
                .map(|text| DecapsulationKey::new(&ML_KEM_768, &bytes(text)).unwrap()),
        }
    }

    fn decrypt(&self, armored: &str) -> Option<String> {
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(armored.as_bytes())).unwrap();
        let mut reader = decryptor.decrypt(std::iter::once(self as &dyn age::Identity)).ok()?;
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        Some(text)
    }

    /// The key encapsulation of the stanza `tag`: its number, and the shared secret.
    fn decapsulate(&self, tag: &str, encapsulated: &[u8]) -> Option<(u16, Vec<u8>)> {
        let (for_ml_kem, for_p256) = encapsulated.split_at(encapsulated.len().checked_sub(65)?); // a shorter one is random
        let peer = UnparsedPublicKey::new(&ECDH_P256, for_p256);
        let point = agree(&self.key, peer, (), |secret| Ok(secret.to_vec())).ok()?;
        let public_key = self.key.compute_public_key().ok()?;
        match (tag, &self.decapsulation_key) {
            ("p256tag", None) => {
                let hpke = Hpke(b"KEM\x00\x10".to_vec());
                let context = [for_p256, public_key.as_ref()].concat();
                let secret = hpke.extract(b"", "eae_prk", &point);
                Some((0x10, hpke.expand(&secret, "shared_secret", &context, 32)))
            }
            ("mlkem768p256tag", Some(key)) => {
                let shared = key.decapsulate(Ciphertext::from(for_ml_kem)).ok()?;
                let parts =
                    [shared.as_ref(), &point, for_p256, public_key.as_ref(), b"MLKEM768-P256"];
                Some((0x50, digest(&SHA3_256, &parts.concat()).as_ref().to_vec()))
            }
            _ => None,
        }
    }
}

impl age::Identity for TestIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let encapsulated = STANDARD_NO_PAD.decode(stanza.args.get(1)?).ok()?;
        let (kem, secret) = self.decapsulate(&stanza.tag, &encapsulated)?;
        let hpke =
            Hpke([&b"HPKE\x00"[..], &[u8::try_from(kem).ok()?], b"\x00\x01\x00\x03"].concat());
        let info = format!("age-encryption.org/{}", stanza.tag);
        let context = [
            &[0][..],
            &hpke.extract(b"", "psk_id_hash", b""),
            &hpke.extract(b"", "info_hash", info.as_bytes()),
        ]
        .concat();
        let secret = hpke.extract(&secret, "secret", b"");
        let key = hpke.expand(&secret, "key", &context, 32);
        let nonce = hpke.expand(&secret, "base_nonce", &context, 12);
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?);
        let mut body = stanza.body.clone();
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let plain = key.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        Some(Ok(FileKey::init_with_mut(|file_key| {
            file_key.copy_from_slice(plain);
        })))
    }
}

/// The labeled HKDF-SHA256 of RFC 9180 section 4 with its `suite_id`.
struct Hpke(Vec<u8>);

impl Hpke {
    fn extract(&self, salt: &[u8], label: &str, input: &[u8]) -> Vec<u8> {
        hmac(salt, &[b"HPKE-v1", &self.0, label.as_bytes(), input])
    }

    fn expand(&self, secret: &[u8], label: &str, info: &[u8], length: u8) -> Vec<u8> {
        let mut key =
            hmac(secret, &[&[0, length], b"HPKE-v1", &self.0, label.as_bytes(), info, &[1]]);
        key.truncate(length.into());
        key
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), &parts.concat()).as_ref().to_vec()
}
