//! The line with which a plugin says where it listens.

use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls_pki_types::CertificateDer;
use thiserror::Error;

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A loopback port.
    Tcp(SocketAddr),
}

/// What the handshake line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The line itself, without its end.
    pub line: String,
    /// The application protocol version.
    pub version: u32,
    /// Where the plugin listens.
    pub address: Address,
    /// The plugin's certificate; none for plain text.
    pub server_certificate: Option<CertificateDer<'static>>,
    /// The seventh field, where there is one.
    pub multiplex: Option<bool>,
}

/// What is wrong with a handshake line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unrecognized remote plugin message ({problem}): {line:?}")]
pub struct HandshakeError {
    /// The line.
    pub line: String,
    /// What is wrong.
    pub problem: &'static str,
}

impl Handshake {
    /// Reads the line, its line feed included, more strictly than go-plugin does.
    pub fn parse(line: &str) -> Result<Self, HandshakeError> {
        let fail = |problem| HandshakeError {
            line: line.to_owned(),
            problem,
        };
        let text = line.strip_suffix('\n').ok_or(fail("no line feed"))?;
        if text.contains(['\r', ' ']) {
            return Err(fail("white space"));
        }
        let fields: Vec<_> = text.split('|').collect();
        let (fields, multiplex) = match fields.as_slice() {
            [fields @ .., "true"] if fields.len() == 6 => (fields, Some(true)),
            [fields @ .., "false"] if fields.len() == 6 => (fields, Some(false)),
            fields => (fields, None),
        };
        let [core, version, network, address, protocol, certificate] = *fields else {
            return Err(fail("not six fields"));
        };
        if core != "1" {
            return Err(fail("core protocol version is not 1"));
        }
        if protocol != "grpc" {
            return Err(fail("protocol is not grpc"));
        }
        let version = version
            .parse()
            .map_err(|_| fail("version is not a number"))?;
        let address = Address::parse(network, address).ok_or(fail("bad address"))?;
        let server_certificate = match certificate {
            "" => None,
            text if text.len() <= 50 => {
                return Err(fail("go-plugin ignores so short a certificate"));
            }
            text => {
                let der = STANDARD_NO_PAD.decode(text);
                let der = der.map_err(|_| fail("certificate is not base64 without padding"))?;
                Some(CertificateDer::from(der))
            }
        };
        let line = text.to_owned();
        Ok(Self {
            line,
            version,
            address,
            server_certificate,
            multiplex,
        })
    }
}

impl Address {
    /// Reads network and address as the handshake line and reattach configuration spell them.
    pub fn parse(network: &str, address: &str) -> Option<Self> {
        match network {
            "unix" if address.starts_with('/') => Some(Self::Unix(address.into())),
            "tcp" => address
                .parse()
                .ok()
                .filter(|a: &SocketAddr| a.ip().is_loopback())
                .map(Self::Tcp),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn encoded() -> String {
        STANDARD_NO_PAD.encode([7; 100])
    }

    #[test]
    fn a_line_says_where_and_with_which_certificate() {
        let read =
            Handshake::parse(&format!("1|5|unix|/tmp/plugin1|grpc|{}\n", encoded())).unwrap();
        assert_eq!(
            (read.version, read.address),
            (5, Address::Unix("/tmp/plugin1".into()))
        );
        assert_eq!(read.server_certificate.unwrap().as_ref(), [7; 100]);
        let plain = Handshake::parse("1|5|tcp|127.0.0.1:10000|grpc|\n").unwrap();
        assert_eq!(plain.server_certificate, None);
        let seventh = Handshake::parse("1|5|tcp|127.0.0.1:10000|grpc||false\n").unwrap();
        assert_eq!(seventh.multiplex, Some(false));
    }

    #[test]
    fn a_line_that_a_host_could_not_use_is_refused() {
        for line in [
            "1|5|unix|/tmp/x|grpc|",
            "1|5|unix|/tmp/x|grpc|\r\n",
            "1|5|unix|/tmp/x|grpc\n",
            "1|5|unix|/tmp/x|grpc||maybe\n",
            "2|5|unix|/tmp/x|grpc|\n",
            "1|five|unix|/tmp/x|grpc|\n",
            "1|5|unix|/tmp/x|netrpc|\n",
            "1|5|unix|x|grpc|\n",
            "1|5|tcp|10.0.0.1:80|grpc|\n",
            "1|5|unix|/tmp/x|grpc|abc\n",
            &format!("1|5|unix|/tmp/x|grpc|{}==\n", encoded()),
            "hello\n",
        ] {
            assert!(Handshake::parse(line).is_err(), "{line:?}");
        }
    }
}
