//! A door to what reads the environment, for the fuzz targets alone.

use std::ffi::OsString;
use std::path::PathBuf;

use super::environment::Environment;
use super::handshake::{self, Announcement};
use super::tls::Tls;

/// Reads these variables as at a start, and gives the line that would answer them.
pub fn handshake(variables: &[(&str, OsString)]) -> String {
    let environment = Environment::from_variables("fuzz", PathBuf::from("/tmp"), |name| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    });
    let _ = handshake::is_from_host(environment.cookie.as_deref());
    let _ = handshake::offers_our_version(environment.protocol_versions.as_deref());
    let tls = environment
        .client_certificate
        .as_deref()
        .map(Tls::pinned_to);
    let certificate = tls.and_then(Result::ok).map(|tls| tls.certificate);
    let announcement = Announcement {
        network: "unix",
        address: "/tmp/plugin/socket",
        certificate: certificate.as_deref(),
        answers_multiplexing: environment.asks_for_multiplexing,
    };
    announcement.to_string()
}
