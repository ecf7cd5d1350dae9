//! Keys out of state: a text sealed to age recipients, and opened again with an age identity.
//!
//! Knows age's X25519 keys and armored files, as the `age` command line tools read and write them; nothing of who asks.
//! No error shows any part of what it was given: a recipient may be an identity pasted by mistake.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
};

use age::{
    DecryptError, Decryptor, Encryptor,
    armor::{ArmoredReader, ArmoredWriter, Format},
    x25519,
};
use aws_lc_rs::{
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    rand::SystemRandom,
};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use zeroize::Zeroizing;

/// Encrypts a text to all recipients, as an armored age file. The same input gives another text every time.
pub fn seal(text: &SecretString, recipients: &Recipients) -> Result<String, SealFailed> {
    let keys = recipients.0.values().map(|key| key as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(keys).map_err(|_| SealFailed)?;
    let sealed = (|| {
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(text.expose_secret().as_bytes())?;
        writer.finish()?.finish()
    })();
    sealed
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(SealFailed)
}

/// Decrypts an armored age file with the identity that fits.
pub fn unseal(armored: &str, identities: &Identities) -> Result<SecretString, UnsealError> {
    let armored = armored.trim();
    if !armored.starts_with(ARMOR) {
        return Err(not_armored(armored));
    }
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(armored.as_bytes()))?;
    if decryptor.is_scrypt() {
        return Err(UnsealError::Passphrase);
    }
    let mut reader = decryptor.decrypt(identities.0.iter().map(|key| key as &dyn age::Identity))?;
    // Room for all of it at once: a vector that grows leaves copies of the key behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(armored.len()));
    reader
        .read_to_end(&mut plain)
        .map_err(|_| UnsealError::Damaged)?;
    let text = std::str::from_utf8(&plain).map_err(|_| UnsealError::NotText)?;
    Ok(text.to_owned().into())
}

/// The public keys a text is sealed to: a set, so order, repetition and spelling mean nothing.
#[derive(Clone, Debug, Default)]
pub struct Recipients(BTreeMap<String, x25519::Recipient>);

impl Recipients {
    /// Reads age X25519 recipients (`age1...`). White space around one is passed over.
    ///
    /// # Errors
    /// The first text that is none, by its position.
    pub fn parse(texts: &[&str]) -> Result<Self, RecipientInvalid> {
        (0..)
            .zip(texts)
            .map(|(index, text)| {
                recipient(text).map_err(|reason| RecipientInvalid { index, reason })
            })
            .map(|key| key.map(|key| (key.to_string(), key)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there are none, and nothing can be sealed.
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

/// The secret keys that a sealed text is opened with.
#[derive(Clone)]
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// Reads age X25519 identities (`AGE-SECRET-KEY-1...`). Each text is one, or a whole identity file as `age-keygen`
    /// writes it, with its comment lines.
    ///
    /// # Errors
    /// The first text that is none, by its position.
    pub fn parse(texts: &[SecretString]) -> Result<Self, IdentityInvalid> {
        let mut all = Vec::new();
        for (index, text) in (0..).zip(texts) {
            let before = all.len();
            for line in text
                .expose_secret()
                .lines()
                .map(str::trim)
                .filter(|line| !is_comment(line))
            {
                all.push(identity(line).map_err(|reason| IdentityInvalid { index, reason })?);
            }
            if all.len() == before {
                return Err(IdentityInvalid {
                    index,
                    reason: NotAnIdentity::Empty,
                });
            }
        }
        Ok(Self(all))
    }
}

impl FromIterator<Identities> for Identities {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        Self(all.into_iter().flat_map(|some| some.0).collect())
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} identities", self.0.len())
    }
}

/// Which recipient is none, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct RecipientInvalid {
    /// The position, from zero.
    pub index: u32,
    /// What it is instead.
    pub reason: NotARecipient,
}

/// What stands where an age X25519 recipient should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotARecipient {
    /// Nothing.
    #[error("it is empty; a recipient looks like age1 and 58 further characters")]
    Empty,
    /// A secret key.
    #[error(
        "it is an age identity, the secret half; give the public key that age-keygen -y prints for it, and replace that identity, \
         because it may have been stored or shown"
    )]
    Identity,
    /// A key of an age plugin, such as a hardware token's.
    #[error(
        "it is a recipient of an age plugin; only X25519 recipients, which age-keygen makes, can be used"
    )]
    Plugin,
    /// A post-quantum key.
    #[error(
        "it is a post-quantum age recipient; only X25519 recipients, which age-keygen makes without further options, can be used"
    )]
    PostQuantum,
    /// An SSH public key.
    #[error("it is an SSH key; only X25519 recipients, which age-keygen makes, can be used")]
    Ssh,
    /// A point that gives no secrecy.
    #[error(
        "it is a key without secrecy, which no tool makes; anyone could open what is sealed to it"
    )]
    Weak,
    /// Anything else.
    #[error(
        "it is not an age recipient, or has a typing error; one looks like age1 and 58 further characters"
    )]
    Other,
}

/// Which identity is none, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct IdentityInvalid {
    /// The position, from zero.
    pub index: u32,
    /// What it is instead.
    pub reason: NotAnIdentity,
}

/// What stands where an age X25519 identity should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAnIdentity {
    /// Nothing, or comments only.
    #[error("it is empty; an identity begins with AGE-SECRET-KEY-1")]
    Empty,
    /// A public key.
    #[error(
        "it is an age recipient, the public half; give the identity, which begins with AGE-SECRET-KEY-1"
    )]
    Recipient,
    /// An identity of an age plugin.
    #[error(
        "it is an identity of an age plugin; only X25519 identities, which begin with AGE-SECRET-KEY-1, can be used"
    )]
    Plugin,
    /// A post-quantum identity.
    #[error(
        "it is a post-quantum age identity; only X25519 identities, which begin with AGE-SECRET-KEY-1, can be used"
    )]
    PostQuantum,
    /// An identity file under a passphrase.
    #[error(
        "it is an encrypted identity file; decrypt it first, or give another source of the identity"
    )]
    Encrypted,
    /// An SSH private key.
    #[error(
        "it is an SSH or another PEM key; only X25519 identities, which begin with AGE-SECRET-KEY-1, can be used"
    )]
    Pem,
    /// Anything else.
    #[error("it is not an age identity, or has a typing error; one begins with AGE-SECRET-KEY-1")]
    Other,
}

/// Sealing did not work: there were no recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the text could not be encrypted to the recipients")]
pub struct SealFailed;

/// Why a text could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnsealError {
    /// It holds PEM blocks that are not encrypted.
    #[error("the text is not sealed: it holds PEM blocks that anyone can read")]
    NotSealed,
    /// Something else than an armored age file.
    #[error("the text is not an armored age file, which begins with {ARMOR}")]
    NotArmored,
    /// A version of the format that is not known.
    #[error("the text is an age file of a version that is not known")]
    UnknownVersion,
    /// Sealed with a passphrase.
    #[error("the text is sealed with a passphrase, not to recipients")]
    Passphrase,
    /// No identity fits.
    #[error("none of the identities opens the text: it is sealed to other recipients")]
    NoIdentityFits,
    /// Cut, changed, or put together wrongly.
    #[error("the sealed text is damaged: a part of it is missing or was changed")]
    Damaged,
    /// The content is no text.
    #[error("the text opens, but what is in it is no text")]
    NotText,
}

impl UnsealError {
    /// Whether the identities are to blame and not the text.
    pub fn is_wrong_identity(self) -> bool {
        self == Self::NoIdentityFits
    }
}

impl From<DecryptError> for UnsealError {
    fn from(error: DecryptError) -> Self {
        match error {
            DecryptError::NoMatchingKeys => Self::NoIdentityFits,
            DecryptError::UnknownFormat => Self::UnknownVersion,
            _ => Self::Damaged,
        }
    }
}

fn recipient(text: &str) -> Result<x25519::Recipient, NotARecipient> {
    let text = text.trim();
    match text.parse() {
        Ok(_) if is_weak(text) => Err(NotARecipient::Weak),
        Ok(key) => Ok(key),
        Err(_) => Err(not_a_recipient(&text.to_ascii_lowercase())),
    }
}

/// Points of small order share no secret with anyone. age notices when it seals, and ends the process: too late.
fn is_weak(recipient: &str) -> bool {
    let Ok((_, point)) = bech32::decode(recipient) else {
        return true;
    };
    let ours = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new());
    let Ok(ours) = ours else { return false };
    agree_ephemeral(ours, UnparsedPublicKey::new(&X25519, point), (), |_| Ok(())).is_err()
}

fn not_a_recipient(text: &str) -> NotARecipient {
    if text.is_empty() {
        NotARecipient::Empty
    } else if text.contains("age-secret-key-") || text.contains("age-plugin-") {
        NotARecipient::Identity
    } else if text.starts_with("age1pq1") || text.starts_with("age1tagpq1") {
        NotARecipient::PostQuantum
    } else if text
        .strip_prefix("age1")
        .is_some_and(|rest| rest.contains('1'))
    {
        NotARecipient::Plugin
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
        NotARecipient::Ssh
    } else {
        NotARecipient::Other
    }
}

fn identity(text: &str) -> Result<x25519::Identity, NotAnIdentity> {
    text.parse().map_err(|_| {
        let text = Zeroizing::new(text.to_ascii_lowercase());
        if text.starts_with("age-secret-key-pq-") {
            NotAnIdentity::PostQuantum
        } else if text.starts_with("age-plugin-") {
            NotAnIdentity::Plugin
        } else if text.starts_with("age1") {
            NotAnIdentity::Recipient
        } else if text.starts_with("-----begin age encrypted") {
            NotAnIdentity::Encrypted
        } else if text.starts_with("-----begin ") {
            NotAnIdentity::Pem
        } else {
            NotAnIdentity::Other
        }
    })
}

fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

fn not_armored(text: &str) -> UnsealError {
    if text.contains("-----BEGIN ") {
        UnsealError::NotSealed
    } else {
        UnsealError::NotArmored
    }
}

const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

#[cfg(test)]
mod tests;
