//! Text encrypted to age recipients ("sealed"), and its decryption with age identities.
//!
//! Files are armored as the `age` command line tools write them. Errors contain no part of the input, because a
//! recipient may be an identity that was pasted by mistake.

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    str::FromStr,
    sync::Arc,
};

use age::{
    DecryptError, Decryptor, Encryptor,
    armor::{ArmoredReader, ArmoredWriter, Format},
    tag, tagpq, x25519,
};
use aws_lc_rs::{
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    rand::SystemRandom,
};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

/// Encrypts a text to all recipients, as an armored age file that differs at each call; `None` without recipients.
pub fn seal(text: &SecretString, recipients: &Recipients) -> Option<String> {
    let keys = recipients.0.values().map(|key| &**key as &dyn age::Recipient);
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).ok()?;
    let mut writer = Encryptor::with_recipients(keys).ok()?.wrap_output(armor).ok()?;
    writer.write_all(text.expose_secret().as_bytes()).ok()?;
    let sealed = writer.finish().ok()?.finish().ok()?;
    String::from_utf8(sealed).ok()
}

/// The public keys that a text is encrypted to: a set, so order, repetition and letter case are irrelevant.
#[derive(Clone, Default)]
pub struct Recipients(BTreeMap<String, Key>);

type Key = Arc<dyn age::Recipient + Send + Sync>;

impl Recipients {
    /// Parses age recipients: `age1...` (X25519), and `age1tag1...` and `age1tagpq1...` for keys in hardware. White
    /// space around a recipient is ignored.
    ///
    /// # Errors
    /// The reason why one of them cannot be used.
    pub fn parse(texts: &[&str]) -> Result<Self, InvalidKey> {
        let is_post_quantum = |name: &str| name.starts_with("age1tagpq1");
        let mut keys: BTreeMap<String, _> = BTreeMap::new();
        for text in texts {
            let (name, key) = parse_recipient(text.trim()).map_err(InvalidKey)?;
            if keys.keys().any(|other| is_post_quantum(other) != is_post_quantum(&name)) {
                return Err(InvalidKey(MIXED_KINDS));
            }
            keys.insert(name, key);
        }
        Ok(Self(keys))
    }

    /// Whether there is no recipient.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Recipients {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The canonical text of a recipient, and its key; or the reason why it cannot be used.
fn parse_recipient(text: &str) -> Result<(String, Key), &'static str> {
    let lower = text.to_ascii_lowercase();
    parse_key::<x25519::Recipient>(text)
        .filter(|(canonical, _)| !has_small_order(canonical))
        .or_else(|| parse_key::<tag::Recipient>(text))
        .or_else(|| parse_key::<tagpq::Recipient>(text))
        // FIPS 203 forbids encodings of ML-KEM keys that are not reduced; their canonical text differs.
        .filter(|(canonical, _)| *canonical == lower)
        .ok_or_else(|| unusable_recipient(&lower))
}

fn parse_key<K>(text: &str) -> Option<(String, Key)>
where
    K: FromStr + ToString + age::Recipient + Send + Sync + 'static,
{
    let key: K = text.parse().ok()?;
    Some((key.to_string(), Arc::new(key)))
}

/// Whether an X25519 recipient is a point of small order: key exchanges with it have one result, and age panics.
fn has_small_order(recipient: &str) -> bool {
    let point = bech32::decode(recipient).map(|(_, point)| point).unwrap_or_default();
    let theirs = UnparsedPublicKey::new(&X25519, point);
    let ours = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new());
    ours.is_ok_and(|ours| agree_ephemeral(ours, theirs, (), |_| Ok(())).is_err())
}

/// The reason why a text, in lower case, is not a recipient of a supported kind.
fn unusable_recipient(lower: &str) -> &'static str {
    let is_plugin = |rest: &str| rest.contains('1') && !rest.starts_with("tag");
    if lower.contains("age-secret-key-") || lower.contains("age-plugin-") {
        "it is an age identity, the secret half; give the public key that age-keygen -y prints for it, and replace that identity, \
         because it may have been stored or shown"
    } else if lower.strip_prefix("age1").is_some_and(is_plugin)
        || ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| lower.starts_with(prefix))
    {
        "keys of this kind are not supported, such as SSH keys, age1pq1 and recipients of age plugins; use a recipient that begins with \
         age1 and that age-keygen printed, or with age1tag1 or age1tagpq1 for a key in hardware"
    } else {
        NOT_A_RECIPIENT
    }
}

const NOT_A_RECIPIENT: &str = "it is not an age recipient, or has a typing error; a recipient begins with age1, or with age1tag1 or \
     age1tagpq1 for a key in hardware";
const MIXED_KINDS: &str = "post-quantum recipients (age1tagpq1) and classical ones (age1, age1tag1) cannot be combined: age refuses such \
     a list, because the text would be only as safe as its weakest recipient and a quantum computer could open it; use recipients of one \
     kind";

/// The reason why a recipient or an identity cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidKey(pub &'static str);

/// Decrypts an armored age file with the identity that matches one of its recipients.
pub fn unseal(armored: &str, identities: &Identities) -> Result<SecretString, UnsealError> {
    let armored = armored.trim();
    let damaged =
        UnsealError::Unusable("the sealed text is damaged: a part of it is missing or was changed");
    if !armored.starts_with(ARMOR) {
        return Err(UnsealError::Unusable(if armored.contains("-----BEGIN ") {
            "the text is not sealed: it contains PEM blocks in plain text"
        } else {
            "the text is not an armored age file, which begins with -----BEGIN AGE ENCRYPTED FILE-----"
        }));
    }
    let decryptor =
        Decryptor::new_buffered(ArmoredReader::new(armored.as_bytes())).map_err(|_| damaged)?;
    if decryptor.is_scrypt() {
        let problem = "the text is encrypted with a passphrase, not to recipients";
        return Err(UnsealError::Unusable(problem));
    }
    let keys = identities.0.iter().map(|key| key as &dyn age::Identity);
    let mut reader = decryptor.decrypt(keys).map_err(|error| match error {
        DecryptError::NoMatchingKeys if is_for_hardware_only(armored) => {
            UnsealError::WrongIdentity(HARDWARE_ONLY)
        }
        DecryptError::NoMatchingKeys => UnsealError::WrongIdentity(OTHER_RECIPIENTS),
        _ => damaged,
    })?;
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(|_| damaged)?;
    Ok(text.into())
}

pub(crate) const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// Whether every known recipient stanza in the header is for a key in hardware.
fn is_for_hardware_only(armored: &str) -> bool {
    let lines = BufReader::new(ArmoredReader::new(armored.as_bytes())).split(b'\n');
    let header: Vec<_> =
        lines.map_while(Result::ok).take_while(|line| !line.starts_with(b"---")).collect();
    let has = |stanza: &[u8]| header.iter().any(|line| line.starts_with(stanza));
    (has(b"-> p256tag ") || has(b"-> mlkem768p256tag ")) && !has(b"-> X25519 ")
}

/// The reason why a text cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnsealError {
    /// It is intact, and another identity could decrypt it.
    #[error("{0}")]
    WrongIdentity(&'static str),
    /// It is not an age file for recipients, or damaged.
    #[error("{0}")]
    Unusable(&'static str),
}

const OTHER_RECIPIENTS: &str =
    "none of the identities opens the text: it is encrypted to other recipients";
const HARDWARE_ONLY: &str = "the text is encrypted to keys in hardware only, which this provider cannot use; decrypt it where the device \
     is, with age 1.3 or later and the age plugin of the device, such as age-plugin-yubikey, age-plugin-tpm or age-plugin-se: \
     age --decrypt -i IDENTITY_FILE";

/// Secret keys for decryption.
#[derive(Clone)]
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// Parses an age X25519 identity (`AGE-SECRET-KEY-1...`), or an identity file of `age-keygen` with its comments.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidKey> {
        let lines = text.expose_secret().lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let parse = |line: &str| line.parse().map_err(|_| InvalidKey(unusable_identity(line)));
        let identities: Vec<_> = lines.map(parse).collect::<Result<_, _>>()?;
        if identities.is_empty() { Err(InvalidKey(NOT_AN_IDENTITY)) } else { Ok(Self(identities)) }
    }
}

impl FromIterator<Identities> for Identities {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        Self(all.into_iter().flat_map(|identities| identities.0).collect())
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} identities", self.0.len())
    }
}

/// The reason why a line is not an identity of a supported kind.
fn unusable_identity(line: &str) -> &'static str {
    let is = |prefix: &str| {
        line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if is("age1") {
        "it is an age recipient, the public half; give the identity, which begins with AGE-SECRET-KEY-1"
    } else if is(ARMOR) {
        "it is an encrypted identity file; decrypt it first, or take the identity from another source"
    } else if is("AGE-PLUGIN-") || is("AGE-SECRET-KEY-PQ-") || is("-----BEGIN ") {
        "keys of this kind are not supported, such as SSH keys and identities of age plugins for keys in hardware; use an identity that \
         begins with AGE-SECRET-KEY-1, or decrypt the text with the age tool"
    } else {
        NOT_AN_IDENTITY
    }
}

const NOT_AN_IDENTITY: &str =
    "it is not an age identity, or has a typing error; an identity begins with AGE-SECRET-KEY-1";

#[cfg(test)]
mod tests;
