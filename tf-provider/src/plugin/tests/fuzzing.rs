//! Access to the parsers of the environment, for the fuzz targets.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use super::{environment::Environment, handshake, listener::Endpoint, tls::Tls};

/// Parses these variables as at a start and returns the handshake line.
pub fn handshake(variables: &[(&str, OsString)]) -> String {
    let environment = Environment::from_variables("fuzz", PathBuf::from("/tmp"), |name| {
        let mut variables = variables.iter();
        variables.find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    });
    let _ = handshake::offers_version(environment.protocol_versions.as_deref());
    let client = environment.client_certificate.as_deref();
    let tls = client.and_then(|pem| Tls::pinned_to(pem).ok());
    let certificate = tls.as_ref().map(|tls| &*tls.certificate);
    let address = "/tmp/plugin/socket".to_owned();
    let endpoint = Endpoint { network: "unix", address, socket_dir: Arc::default() };
    handshake::line(&endpoint, certificate, environment.multiplexing)
}
