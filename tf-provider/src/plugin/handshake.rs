//! The words exchanged before the first RPC: cookie, protocol version, and the line that says where we listen.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The protocol version we serve, whatever the host offers: it complains better than we could.
pub(super) const PROTOCOL_VERSION: u32 = 5;

/// Whether this value of `TF_PLUGIN_MAGIC_COOKIE` shows that a host started us.
pub(super) fn is_from_host(cookie: Option<&str>) -> bool {
    cookie == Some(COOKIE)
}

/// Whether this value of `PLUGIN_PROTOCOL_VERSIONS` names the version we serve.
pub(super) fn offers_our_version(versions: Option<&str>) -> bool {
    versions
        .unwrap_or_default()
        .split(',')
        .any(|version| version.trim().parse() == Ok(PROTOCOL_VERSION))
}

/// The one line on standard output that a host waits for.
#[derive(Debug)]
pub(super) struct Announcement<'a> {
    pub(super) network: &'a str,
    pub(super) address: &'a str,
    /// Our certificate as DER; without it the host connects in plain text.
    pub(super) certificate: Option<&'a [u8]>,
    /// The seventh field, which only hosts that asked understand. We never multiplex.
    pub(super) answers_multiplexing: bool,
}

impl fmt::Display for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            network, address, ..
        } = self;
        write!(
            f,
            "{CORE_VERSION}|{PROTOCOL_VERSION}|{network}|{address}|grpc|"
        )?;
        if let Some(der) = self.certificate {
            f.write_str(&STANDARD_NO_PAD.encode(der))?;
        }
        if self.answers_multiplexing {
            f.write_str("|false")?;
        }
        f.write_str("\n")
    }
}

const CORE_VERSION: u32 = 1;
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_host_by_the_exact_cookie_only() {
        assert!(is_from_host(Some(COOKIE)));
        for wrong in [None, Some(""), Some("1"), Some(&COOKIE[1..])] {
            assert!(!is_from_host(wrong), "{wrong:?}");
        }
        assert!(!is_from_host(Some(&COOKIE.to_uppercase())));
    }

    #[test]
    fn finds_its_version_in_any_order_and_among_junk() {
        for offered in ["5", "5,6", "6,5", "x,,5", " 5 "] {
            assert!(offers_our_version(Some(offered)), "{offered:?}");
        }
        for offered in [None, Some(""), Some("6"), Some("55"), Some("five")] {
            assert!(!offers_our_version(offered), "{offered:?}");
        }
    }

    #[test]
    fn announces_six_fields_and_a_seventh_only_on_request() {
        let plain = Announcement {
            network: "unix",
            address: "/tmp/plugin1/socket",
            certificate: None,
            answers_multiplexing: false,
        };
        assert_eq!(plain.to_string(), "1|5|unix|/tmp/plugin1/socket|grpc|\n");

        let secured = Announcement {
            network: "tcp",
            address: "127.0.0.1:10000",
            certificate: Some(&[0xfb, 0xff, 0xfe, 0x01]),
            answers_multiplexing: true,
        };
        assert_eq!(
            secured.to_string(),
            "1|5|tcp|127.0.0.1:10000|grpc|+//+AQ|false\n"
        );
    }
}
