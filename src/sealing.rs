//! Text encrypted to age recipients ("sealed"), and its decryption with age identities.
//!
//! Files are armored as the `age` command line tools write them. Errors contain no part of the input, because a
//! recipient may be an identity that was pasted by mistake.

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead as _, BufReader, Read as _, Write as _},
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

/// Encrypts a text to all recipients. Returns an armored age file, which differs at each call.
pub fn seal(text: &SecretString, recipients: &Recipients) -> Result<String, SealError> {
    let keys = recipients.0.values().map(|key| &**key as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(keys).map_err(|_| SealError)?;
    let encrypt = || {
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(text.expose_secret().as_bytes())?;
        writer.finish()?.finish()
    };
    let sealed = encrypt().map_err(|_: std::io::Error| SealError)?;
    String::from_utf8(sealed).map_err(|_| SealError)
}

/// Encryption failed: there is no recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the text could not be encrypted to the recipients")]
pub struct SealError;

/// The public keys that a text is encrypted to: a set, so order, repetition and letter case are irrelevant.
#[derive(Clone, Default)]
pub struct Recipients(BTreeMap<String, Arc<dyn age::Recipient + Send + Sync>>);

impl Recipients {
    /// Parses age recipients: `age1...` (X25519), and `age1tag1...` and `age1tagpq1...` for keys in hardware. White
    /// space around a recipient is ignored.
    ///
    /// # Errors
    /// The first recipient that cannot be used, by its position.
    pub fn parse(texts: &[&str]) -> Result<Self, InvalidRecipient> {
        let mut keys: BTreeMap<String, _> = BTreeMap::new();
        for (index, text) in (0..).zip(texts) {
            let (name, key) = parse_recipient(text.trim())
                .map_err(|reason| InvalidRecipient { index, reason })?;
            if keys.keys().any(|other| is_post_quantum(other) != is_post_quantum(&name)) {
                let reason = RecipientError::MixedKinds;
                return Err(InvalidRecipient { index, reason });
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

impl Eq for Recipients {}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The canonical text of a recipient, and its key.
fn parse_recipient(
    text: &str,
) -> Result<(String, Arc<dyn age::Recipient + Send + Sync>), RecipientError> {
    let lower = text.to_ascii_lowercase();
    let (canonical, key): (_, Arc<dyn age::Recipient + Send + Sync>) =
        if let Ok(key) = text.parse::<x25519::Recipient>() {
            let canonical = key.to_string();
            if has_small_order(&canonical) {
                return Err(RecipientError::Invalid);
            }
            (canonical, Arc::new(key))
        } else if let Ok(key) = text.parse::<tag::Recipient>() {
            (key.to_string(), Arc::new(key))
        } else if let Ok(key) = text.parse::<tagpq::Recipient>() {
            (key.to_string(), Arc::new(key))
        } else {
            return Err(classify_recipient(&lower));
        };
    // FIPS 203 forbids encodings of ML-KEM keys that are not reduced; their canonical text differs.
    if canonical == lower { Ok((canonical, key)) } else { Err(RecipientError::Invalid) }
}

/// Whether an X25519 recipient is a point of small order, with which every key exchange has the same result. age detects
/// this when it encrypts, by a panic.
fn has_small_order(recipient: &str) -> bool {
    let Ok((_, point)) = bech32::decode(recipient) else {
        return true;
    };
    let Ok(ours) = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()) else {
        return false;
    };
    agree_ephemeral(ours, UnparsedPublicKey::new(&X25519, point), (), |_| Ok(())).is_err()
}

fn is_post_quantum(recipient: &str) -> bool {
    recipient.starts_with("age1tagpq1")
}

fn classify_recipient(lower: &str) -> RecipientError {
    let is_plugin = |rest: &str| rest.contains('1') && !rest.starts_with("tag");
    if lower.contains("age-secret-key-") || lower.contains("age-plugin-") {
        RecipientError::Identity
    } else if lower.strip_prefix("age1").is_some_and(is_plugin)
        || ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| lower.starts_with(prefix))
    {
        RecipientError::Unsupported
    } else {
        RecipientError::Invalid
    }
}

/// A recipient that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct InvalidRecipient {
    /// The position, from zero.
    pub index: u32,
    /// The reason.
    pub reason: RecipientError,
}

/// The reason why a recipient cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecipientError {
    /// An age identity.
    #[error(
        "it is an age identity, the secret half; give the public key that age-keygen -y prints for it, and replace that identity, \
         because it may have been stored or shown"
    )]
    Identity,
    /// A key that the age crate cannot encrypt to.
    #[error(
        "keys of this kind are not supported, such as SSH keys, age1pq1 and recipients of age plugins; use a recipient that begins with \
         age1 and that age-keygen printed, or with age1tag1 or age1tagpq1 for a key in hardware"
    )]
    Unsupported,
    /// A post-quantum recipient beside a classical one.
    #[error(
        "post-quantum recipients (age1tagpq1) and classical ones (age1, age1tag1) cannot be combined: age refuses such a list, because \
         the text would be only as safe as its weakest recipient and a quantum computer could open it; use recipients of one kind"
    )]
    MixedKinds,
    /// Anything else.
    #[error(
        "it is not an age recipient, or has a typing error; a recipient begins with age1, or with age1tag1 or age1tagpq1 for a key in \
         hardware"
    )]
    Invalid,
}

/// Decrypts an armored age file with the identity that matches one of its recipients.
pub fn unseal(armored: &str, identities: &Identities) -> Result<SecretString, UnsealError> {
    let armored = armored.trim();
    if !armored.starts_with(ARMOR) {
        return Err(if armored.contains("-----BEGIN ") {
            UnsealError::NotSealed
        } else {
            UnsealError::NotArmored
        });
    }
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(armored.as_bytes()))
        .map_err(|_| UnsealError::Damaged)?;
    if decryptor.is_scrypt() {
        return Err(UnsealError::Passphrase);
    }
    let keys = identities.0.iter().map(|key| key as &dyn age::Identity);
    let mut reader = decryptor.decrypt(keys).map_err(|error| match error {
        DecryptError::NoMatchingKeys if is_for_hardware_only(armored) => UnsealError::HardwareOnly,
        DecryptError::NoMatchingKeys => UnsealError::NoMatchingIdentity,
        _ => UnsealError::Damaged,
    })?;
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(|_| UnsealError::Damaged)?;
    Ok(text.into())
}

const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

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
    /// PEM blocks in plain text.
    #[error("the text is not sealed: it contains PEM blocks in plain text")]
    NotSealed,
    /// Anything else than an armored age file.
    #[error("the text is not an armored age file, which begins with {ARMOR}")]
    NotArmored,
    /// Encrypted with a passphrase.
    #[error("the text is encrypted with a passphrase, not to recipients")]
    Passphrase,
    /// No identity belongs to a recipient.
    #[error("none of the identities opens the text: it is encrypted to other recipients")]
    NoMatchingIdentity,
    /// All recipients are keys in hardware.
    #[error(
        "the text is encrypted to keys in hardware only, which this provider cannot use; decrypt it where the device is, with age 1.3 or \
         later and the age plugin of the device, such as age-plugin-yubikey, age-plugin-tpm or age-plugin-se: age --decrypt -i IDENTITY_FILE"
    )]
    HardwareOnly,
    /// Truncated, changed, of an unknown version, or not text.
    #[error("the sealed text is damaged: a part of it is missing or was changed")]
    Damaged,
}

impl UnsealError {
    /// Whether the text is intact and other identities could decrypt it.
    pub fn is_wrong_identity(self) -> bool {
        matches!(self, Self::NoMatchingIdentity | Self::HardwareOnly)
    }
}

/// Secret keys for decryption.
#[derive(Clone)]
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// Parses age X25519 identities (`AGE-SECRET-KEY-1...`). Each text is one identity, or an identity file of
    /// `age-keygen` with its comment lines.
    ///
    /// # Errors
    /// The first text that cannot be used, by its position.
    pub fn parse(texts: &[SecretString]) -> Result<Self, InvalidIdentity> {
        let mut all = Vec::new();
        for (index, text) in (0..).zip(texts) {
            let lines = text.expose_secret().lines().map(str::trim);
            let keys: Result<Vec<x25519::Identity>, _> = lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(|line| line.parse().map_err(|_| classify_identity(line)))
                .collect();
            match keys {
                Ok(keys) if !keys.is_empty() => all.extend(keys),
                other => {
                    let reason = other.err().unwrap_or(IdentityError::Invalid);
                    return Err(InvalidIdentity { index, reason });
                }
            }
        }
        Ok(Self(all))
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

fn classify_identity(line: &str) -> IdentityError {
    let is = |prefix: &str| {
        line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if is("age1") {
        IdentityError::Recipient
    } else if is("AGE-PLUGIN-") || is("AGE-SECRET-KEY-PQ-") || (is("-----BEGIN ") && !is(ARMOR)) {
        IdentityError::Unsupported
    } else if is(ARMOR) {
        IdentityError::Encrypted
    } else {
        IdentityError::Invalid
    }
}

/// An identity that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct InvalidIdentity {
    /// The position, from zero.
    pub index: u32,
    /// The reason.
    pub reason: IdentityError,
}

/// The reason why an identity cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// A public key.
    #[error(
        "it is an age recipient, the public half; give the identity, which begins with AGE-SECRET-KEY-1"
    )]
    Recipient,
    /// A key that the age crate cannot decrypt with.
    #[error(
        "keys of this kind are not supported, such as SSH keys and identities of age plugins for keys in hardware; use an identity that \
         begins with AGE-SECRET-KEY-1, or decrypt the text with the age tool"
    )]
    Unsupported,
    /// An identity file with a passphrase.
    #[error(
        "it is an encrypted identity file; decrypt it first, or take the identity from another source"
    )]
    Encrypted,
    /// Anything else.
    #[error(
        "it is not an age identity, or has a typing error; an identity begins with AGE-SECRET-KEY-1"
    )]
    Invalid,
}

#[cfg(test)]
mod tests;
