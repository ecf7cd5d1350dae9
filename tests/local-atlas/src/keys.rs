//! Where RSA-4096 keys come from: a checked-in pool, or freshly made.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use crate::pem;

/// Where private keys come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Keys {
    /// The keys under `keys/`, in turn: free, and known to everybody.
    #[default]
    Pool,
    /// A new RSA-4096 key each time, which takes about a second.
    Generated,
}

/// Tells that a key is being made, so that a waiting person can be told.
#[derive(Clone, Debug)]
pub enum KeyEvent {
    /// A key is being made for this purpose.
    Started(String),
    /// It is ready.
    Finished(String, Duration),
}

/// Receives [`KeyEvent`]s; called on a worker thread.
pub type KeyListener = Arc<dyn Fn(KeyEvent) + Send + Sync>;

/// Hands out keys.
pub(crate) struct KeySource {
    keys: Keys,
    drawn: AtomicUsize,
    listener: Option<KeyListener>,
}

/// An RSA key pair with its PEM as it is handed to the user.
pub(crate) struct RsaKey {
    pub(crate) pem: String,
    pair: KeyPair,
}

impl KeySource {
    pub(crate) fn new(keys: Keys, listener: Option<KeyListener>) -> Self {
        Self {
            keys,
            drawn: AtomicUsize::new(0),
            listener,
        }
    }

    /// The next key. Blocks for the time it takes to make one.
    pub(crate) fn draw(&self, purpose: &str) -> Result<Arc<RsaKey>, KeyError> {
        match self.keys {
            Keys::Pool => pooled(self.drawn.fetch_add(1, Ordering::Relaxed)),
            Keys::Generated => self.generate(purpose),
        }
    }

    fn generate(&self, purpose: &str) -> Result<Arc<RsaKey>, KeyError> {
        let tell = |event: KeyEvent| {
            if let Some(listener) = &self.listener {
                listener(event);
            }
        };
        let start = Instant::now();
        tell(KeyEvent::Started(purpose.to_owned()));
        let pair = KeyPair::generate(KeySize::Rsa4096).map_err(|_| KeyError)?;
        let der = pair.as_der().map_err(|_| KeyError)?;
        let key = RsaKey {
            pem: pem::encode("PRIVATE KEY", der.as_ref()),
            pair,
        };
        tell(KeyEvent::Finished(purpose.to_owned(), start.elapsed()));
        Ok(Arc::new(key))
    }
}

impl RsaKey {
    fn parse(text: &str) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError)?;
        let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| KeyError)?;
        Ok(Self {
            pem: text.to_owned(),
            pair,
        })
    }

    /// The public half as the `RSAPublicKey` of RFC 8017.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// A PKCS#1 v1.5 signature with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| KeyError)?;
        Ok(signature)
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaKey")
    }
}

/// A key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[error("the RSA key could not be made, read or used")]
pub(crate) struct KeyError;

/// A pool key that does not belong to the certificate with this key.
pub(crate) fn foreign_to(key_pem: &str) -> &'static str {
    POOL.iter()
        .find(|candidate| **candidate != key_pem)
        .copied()
        .unwrap_or(POOL[0])
}

fn pooled(turn: usize) -> Result<Arc<RsaKey>, KeyError> {
    static PARSED: [OnceLock<Arc<RsaKey>>; POOL.len()] = [const { OnceLock::new() }; POOL.len()];
    let slot = turn % POOL.len();
    if let Some(key) = PARSED[slot].get() {
        return Ok(Arc::clone(key));
    }
    let key = Arc::new(RsaKey::parse(POOL[slot])?);
    Ok(Arc::clone(PARSED[slot].get_or_init(|| key)))
}

const POOL: [&str; 16] = [
    include_str!("../keys/test-key-01.pem"),
    include_str!("../keys/test-key-02.pem"),
    include_str!("../keys/test-key-03.pem"),
    include_str!("../keys/test-key-04.pem"),
    include_str!("../keys/test-key-05.pem"),
    include_str!("../keys/test-key-06.pem"),
    include_str!("../keys/test-key-07.pem"),
    include_str!("../keys/test-key-08.pem"),
    include_str!("../keys/test-key-09.pem"),
    include_str!("../keys/test-key-10.pem"),
    include_str!("../keys/test-key-11.pem"),
    include_str!("../keys/test-key-12.pem"),
    include_str!("../keys/test-key-13.pem"),
    include_str!("../keys/test-key-14.pem"),
    include_str!("../keys/test-key-15.pem"),
    include_str!("../keys/test-key-16.pem"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_key_of_the_pool_signs_and_none_is_there_twice() {
        let source = KeySource::new(Keys::Pool, None);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..POOL.len() {
            let key = source.draw("test").unwrap();
            assert_eq!(key.sign(b"message").unwrap().len(), 512);
            assert!(seen.insert(key.pem.clone()));
            assert_ne!(foreign_to(&key.pem), key.pem);
        }
    }

    #[test]
    fn a_generated_key_is_rsa_4096_in_pkcs8_and_announces_itself() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let listener: KeyListener = Arc::new(move |event| sender.send(event).unwrap());
        let key = KeySource::new(Keys::Generated, Some(listener))
            .draw("app-user")
            .unwrap();
        assert_eq!(
            RsaKey::parse(&key.pem).unwrap().public_key(),
            key.public_key()
        );
        assert_eq!(key.pem.lines().count(), 52);
        assert!(matches!(receiver.recv().unwrap(), KeyEvent::Started(name) if name == "app-user"));
        assert!(matches!(receiver.recv().unwrap(), KeyEvent::Finished(_, _)));
    }
}
