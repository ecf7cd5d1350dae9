//! The server's own TLS identity, and the port for TLS logins, which works as a database server of the project.

use std::{convert::Infallible, sync::Arc, time::Duration};

use anyhow::Result;
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::WebPkiClientVerifier,
    time_provider::TimeProvider,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use x509_cert::{Certificate, der::Decode as _, name::Name};

use crate::{
    authority::hex_serial, clock::Clock, faulty_body::FaultyBody, keys::pem,
    response::json_response, state::State,
};

/// The certificate of both TLS listeners, for loopback, from an authority created at start.
pub(crate) struct Identity {
    /// The authority's certificate, for clients.
    pub(crate) ca_pem: String,
    ca: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    pub(crate) fn create() -> Result<Self> {
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "local Atlas TLS authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
        // The last one for requests through a proxy, which loopback addresses never have.
        let names = ["localhost", "127.0.0.1", "::1", "atlas.example"].map(str::to_owned);
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "local Atlas");
        let key = KeyPair::generate()?;
        Ok(Self {
            ca_pem: pem("CERTIFICATE", ca.der()),
            ca: ca.der().clone(),
            certificate: server.signed_by(&key, &ca)?.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    /// TLS for the API: no client certificate, HTTP/2 if the client offers it.
    pub(crate) fn api_config(&self) -> Result<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_single_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// TLS for a login: a client certificate of one of the projects' authorities, valid by the server's clock.
    fn login_config(&self, state: &State) -> Result<ServerConfig> {
        let mut roots = RootCertStore::empty();
        // The verifier requires a root even while there is no project.
        roots.add(self.ca.clone())?;
        roots.add_parsable_certificates(state.authorities.certificates());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        let clock = Arc::clone(&state.clock);
        let builder = ServerConfig::builder_with_details(provider(), clock);
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = builder.with_client_cert_verifier(verifier);
        Ok(builder.with_single_cert(vec![self.certificate.clone()], self.key())?)
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// The cryptography of all TLS in this crate, whatever the process default is.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Accepts TLS logins until the runtime stops.
pub(crate) async fn listen(state: Arc<State>, identity: Identity, socket: std::net::TcpListener) {
    let Ok(socket) = TcpListener::from_std(socket) else {
        return;
    };
    loop {
        let Ok((stream, _)) = socket.accept().await else { continue };
        // For each connection, because projects come and go.
        if let Ok(config) = identity.login_config(&state) {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            tokio::spawn(serve(Arc::clone(&state), acceptor, stream));
        }
    }
}

/// Answers every request of one connection with the identity of its client.
async fn serve(state: Arc<State>, acceptor: TlsAcceptor, stream: TcpStream) {
    // A refused client receives the TLS alert.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let certificate = certificates.and_then(<[_]>::first).map(|it| Certificate::from_der(it));
    let Some(Ok(certificate)) = certificate else {
        return;
    };
    let service = service_fn(move |_: Request<Incoming>| {
        let response = identify(&state, &certificate);
        async move { Ok::<_, Infallible>(response) }
    });
    // The client may disconnect at any time.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// TLS has verified the certificate; its subject decides the user.
fn identify(state: &State, certificate: &Certificate) -> Response<FaultyBody> {
    let body = certificate.tbs_certificate();
    let (user, project) = (common_name(body.subject()), common_name(body.issuer()));
    let serial = body.serial_number().as_bytes().iter();
    let serial = serial.fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let data = state.lock();
    let known = data.projects.get(&project).and_then(|project| project.user_of(&user));
    let mut certificates = data.certificates.iter();
    let error = if certificates.any(|it| it.id == serial && it.unlisted) {
        Some("the certificate was revoked")
    } else {
        known.is_none().then_some("no managed X.509 user of this name exists")
    };
    let mut body = json!({
        "authenticated": error.is_none(), "user": known.unwrap_or(user), "project": project,
        "serial": hex_serial(serial), "certificateId": serial.to_string(),
    });
    let mut status = StatusCode::OK;
    if let Some(error) = error {
        (status, body["error"]) = (StatusCode::FORBIDDEN, error.into());
    }
    json_response(status, body.to_string())
}

fn common_name(name: &Name) -> String {
    let common = name.iter().find(|attribute| attribute.oid.to_string() == "2.5.4.3");
    let value = common.map(|attribute| attribute.value.value()).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}
