//! age keys, and opening what was sealed with the age crate itself.

use std::io::Read as _;

use age::{Decryptor, armor::ArmoredReader, secrecy::ExposeSecret as _, x25519::Identity};

/// A recipient for a key in hardware.
pub const CLASSICAL: &str = "age1tag1qvhefc6r240xnvdlxyeqfwf044mwgedpfvhv2spjkgj32t5x3lrhvmy6uqz";

/// A secret key and its public half.
pub struct Pair {
    /// `age1...`
    pub recipient: String,
    /// `AGE-SECRET-KEY-1...`
    pub identity: String,
}

pub fn pair() -> Pair {
    let identity = Identity::generate();
    Pair {
        recipient: identity.to_public().to_string(),
        identity: identity.to_string().expose_secret().to_owned(),
    }
}

/// The text in an armored file, if the key opens it.
pub fn open(sealed: &str, pair: &Pair) -> Option<String> {
    let identity: Identity = pair.identity.parse().expect("an identity");
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed.as_bytes()))
        .expect("an armored age file");
    let mut text = String::new();
    let mut reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).ok()?;
    reader.read_to_string(&mut text).expect("whole text");
    Some(text)
}

/// Any text, sealed as the age command line tool with `-a` does.
pub fn seal(text: &str, pair: &Pair) -> String {
    let recipient: age::x25519::Recipient = pair.recipient.parse().expect("a recipient");
    age::encrypt_and_armor(&recipient, text.as_bytes()).expect("sealed")
}
