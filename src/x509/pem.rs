//! PEM blocks in a text, found without copying what they hold.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Error;

/// Takes a bundle of one certificate and one private key apart, whichever comes first.
///
/// The parts have line feeds as line ends and one at the end, so what Atlas sent comes back byte
/// for byte. Blocks of other kinds are refused by name.
pub fn split(pem: &str) -> Result<Parts, Error> {
    let (certificate, key) = pair(pem)?;
    certificate.der()?;
    key.der()?;
    Ok(Parts {
        certificate_pem: certificate.pem(),
        private_key_pem: key.pem().into(),
    })
}

/// The two halves of a bundle.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The certificate alone.
    pub certificate_pem: String,
    /// The private key alone.
    pub private_key_pem: SecretString,
}

/// The one certificate and the one private key of a text that holds nothing else.
pub(super) fn pair(pem: &str) -> Result<(Block<'_>, Block<'_>), Error> {
    let (mut certificate, mut key) = (None, None);
    for block in blocks(pem) {
        let block = block?;
        match block.kind() {
            Kind::Certificate if certificate.is_some() => return Err(Error::ManyCertificates),
            Kind::Certificate => certificate = Some(block),
            Kind::PrivateKey if key.is_some() => return Err(Error::ManyPrivateKeys),
            Kind::PrivateKey => key = Some(block),
            Kind::EncryptedPrivateKey => return Err(Error::EncryptedPrivateKey),
            Kind::Other => {
                return Err(Error::OtherBlock {
                    label: block.shown_label(),
                });
            }
        }
    }
    let certificate = certificate.ok_or(Error::NoCertificate)?;
    Ok((certificate, key.ok_or(Error::NoPrivateKey)?))
}

/// Every block of the text in order; text around them is passed over.
pub(super) fn blocks(pem: &str) -> impl Iterator<Item = Result<Block<'_>, Error>> {
    let mut lines = pem.lines();
    std::iter::from_fn(move || {
        let label = lines
            .by_ref()
            .find_map(|line| marker(line, "-----BEGIN "))?;
        let mut body = Vec::new();
        for line in lines.by_ref() {
            if marker(line, "-----END ") == Some(label) {
                return Some(Ok(Block { label, body }));
            }
            if line.contains("-----") {
                break;
            }
            body.push(line.trim());
        }
        Some(Err(Error::Unterminated {
            label: shown(label),
        }))
    })
}

/// What a block claims to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    PrivateKey,
    EncryptedPrivateKey,
    Other,
}

/// One block, still as text.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    body: Vec<&'a str>,
}

impl Block<'_> {
    pub(super) fn kind(&self) -> Kind {
        match self.label {
            "CERTIFICATE" => Kind::Certificate,
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Kind::PrivateKey,
            "ENCRYPTED PRIVATE KEY" => Kind::EncryptedPrivateKey,
            _ => Kind::Other,
        }
    }

    /// The decoded body; wiped when dropped, because it may be a key.
    pub(super) fn der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let length = self.body.iter().map(|line| line.len()).sum();
        let mut joined = Zeroizing::new(String::with_capacity(length));
        self.body.iter().for_each(|line| joined.push_str(line));
        // Room for all of it at once: a vector that grows leaves copies of the key behind.
        let mut der = Zeroizing::new(Vec::with_capacity(length));
        match STANDARD.decode_vec(joined.as_bytes(), &mut der) {
            Ok(()) => Ok(der),
            Err(_) => Err(Error::NotBase64 {
                label: self.shown_label(),
            }),
        }
    }

    fn pem(&self) -> String {
        let body: usize = self.body.iter().map(|line| line.len() + 1).sum();
        let mut text = String::with_capacity(body + 2 * self.label.len() + 40);
        let _ = writeln!(text, "-----BEGIN {}-----", self.label);
        for line in self.body.iter().filter(|line| !line.is_empty()) {
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "-----END {}-----", self.label);
        text
    }
}

/// A label fit for an error: whoever writes a secret where a label belongs must not see it again.
pub(super) fn shown(label: &str) -> String {
    let plain = label
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ');
    if plain && label.len() <= 40 {
        label.to_owned()
    } else {
        "unnamed".to_owned()
    }
}

fn marker<'a>(line: &'a str, opening: &str) -> Option<&'a str> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    line.strip_prefix(opening)?.strip_suffix("-----")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::super::tests::pair as material;
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn gives_back_the_very_bytes_of_each_part() {
        let (certificate, key) = material(&[1], "app");
        for text in [
            format!("{certificate}{key}"),
            format!("{key}{certificate}"),
            format!("\u{feff}{key}{certificate}"),
            format!("{certificate}{key}").replace('\n', "\r\n"),
        ] {
            let parts = split(&text).unwrap();
            assert_eq!(parts.certificate_pem, certificate.replace("\r\n", "\n"));
            assert_eq!(
                parts.private_key_pem.expose_secret(),
                key.replace("\r\n", "\n")
            );
        }
    }

    #[test]
    fn never_shows_what_stands_in_place_of_a_label() {
        let text = "-----BEGIN hunter2-----\n-----END hunter2-----\n";
        assert_eq!(
            split(text).unwrap_err(),
            Error::OtherBlock {
                label: "unnamed".into()
            }
        );
    }
}
