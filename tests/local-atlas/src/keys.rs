//! The source of RSA-4096 keys: a checked-in pool, or newly generated ones.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use ::pem::{EncodeConfig, LineEnding, Pem};
use rcgen::{Error, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};

/// Where private keys come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// The keys under `keys/`, in turn: fast, and public.
    #[default]
    Pool,
    /// A new RSA-4096 key each time, which takes about a second.
    Generated,
}

/// Receives a progress message when the generation of a key starts and ends, on a worker thread.
pub type KeyListener = Arc<dyn Fn(&str) + Send + Sync>;

/// Hands out keys.
#[derive(Default)]
pub(crate) struct KeySource {
    keys: Keys,
    handed_out: AtomicUsize,
    listener: Option<KeyListener>,
}

/// An RSA key pair with its PEM as the user receives it.
#[derive(Clone)]
pub(crate) struct RsaKey {
    pub(crate) pem: String,
    pub(crate) pair: Arc<KeyPair>,
}

impl KeySource {
    pub(crate) fn new(keys: Keys, listener: Option<KeyListener>) -> Self {
        Self { keys, handed_out: AtomicUsize::new(0), listener }
    }

    /// The next key. Blocks while a key is generated.
    pub(crate) fn next_key(&self, purpose: &str) -> Result<RsaKey, Error> {
        match self.keys {
            Keys::Pool => pooled(self.handed_out.fetch_add(1, Ordering::Relaxed) % POOL.len()),
            Keys::Generated => self.generate(purpose),
        }
    }

    fn generate(&self, purpose: &str) -> Result<RsaKey, Error> {
        let report = |text: &str| self.listener.iter().for_each(|listener| listener(text));
        let start = Instant::now();
        report(&format!("generating an RSA-4096 key for {purpose}"));
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096)?;
        let seconds = start.elapsed().as_secs_f64();
        report(&format!("generated the key for {purpose} in {seconds:.1} s"));
        Ok(RsaKey { pem: pem("PRIVATE KEY", pair.serialized_der()), pair: Arc::new(pair) })
    }
}

/// PEM as Atlas writes it: 64 columns, LF only, one LF at the end.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    ::pem::encode_config(&Pem::new(label, der), config)
}

/// A pool key that does not belong to the certificate with this key.
pub(crate) fn foreign_to(key_pem: &str) -> &'static str {
    POOL.iter().find(|candidate| **candidate != key_pem).copied().unwrap_or(POOL[0])
}

pub(crate) fn parse(pem: &str) -> Result<KeyPair, Error> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
    let der = der.map_err(|_| Error::CouldNotParseKeyPair)?;
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256)
}

/// The key of the pool at this place. Each is parsed once in a process.
fn pooled(place: usize) -> Result<RsaKey, Error> {
    static PARSED: [OnceLock<RsaKey>; POOL.len()] = [const { OnceLock::new() }; POOL.len()];
    if let Some(key) = PARSED[place].get() {
        return Ok(key.clone());
    }
    let pem = POOL[place];
    let key = RsaKey { pem: pem.to_owned(), pair: Arc::new(parse(pem)?) };
    Ok(PARSED[place].get_or_init(|| key).clone())
}

macro_rules! pool {
    ($($number:literal)*) => {
        [$(include_str!(concat!("../keys/test-key-", $number, ".pem"))),*]
    };
}

const POOL: [&str; 16] = pool!(
    "01" "02" "03" "04" "05" "06" "07" "08" "09" "10" "11" "12" "13" "14" "15" "16"
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_generated_key_is_rsa_4096_in_pkcs8_and_is_reported() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let listener: KeyListener = Arc::new(move |text| sender.send(text.to_owned()).unwrap());
        let key = KeySource::new(Keys::Generated, Some(listener)).next_key("app-user").unwrap();
        assert_eq!(parse(&key.pem).unwrap().public_key_raw(), key.pair.public_key_raw());
        assert_eq!(key.pem.lines().count(), 52);
        assert_eq!(receiver.recv().unwrap(), "generating an RSA-4096 key for app-user");
        assert!(receiver.recv().unwrap().starts_with("generated the key for app-user in "));
    }
}
