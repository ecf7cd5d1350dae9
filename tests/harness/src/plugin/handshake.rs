//! The handshake line.

use std::{net::SocketAddr, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustls_pki_types::CertificateDer;

/// The address on which a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// A handshake line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The line without its end.
    pub line: String,
    pub version: u32,
    pub address: Address,
    /// The plugin's certificate; `None` for plain text.
    pub server_certificate: Option<CertificateDer<'static>>,
}

impl Handshake {
    /// Reads the line, with its line feed, more strictly than go-plugin: a seventh field is for hosts that multiplex.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.strip_suffix('\n').filter(|line| !line.contains(['\r', ' ']))?;
        let fields: Vec<_> = line.split('|').collect();
        let ["1", version, network, address, "grpc", certificate] = fields[..] else {
            return None;
        };
        let server_certificate = match certificate.len() {
            0 => None,
            1..=50 => return None, // go-plugin ignores such a certificate
            _ => Some(STANDARD_NO_PAD.decode(certificate).ok()?.into()),
        };
        Some(Self {
            line: line.to_owned(),
            version: version.parse().ok()?,
            address: Address::parse(network, address)?,
            server_certificate,
        })
    }
}

impl Address {
    /// Reads network and address as the handshake line and `TF_REATTACH_PROVIDERS` spell them.
    pub fn parse(network: &str, address: &str) -> Option<Self> {
        match network {
            "unix" if address.starts_with('/') => Some(Self::Unix(address.into())),
            "tcp" => {
                let address: SocketAddr = address.parse().ok()?;
                address.ip().is_loopback().then_some(Self::Tcp(address))
            }
            _ => None,
        }
    }
}
