//! The server's own TLS identity, and the port for TLS logins, which works as a database server of the project.

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    CertificateError, ConfigBuilder, DigitallySignedStruct, DistinguishedName, Error,
    RootCertStore, ServerConfig, SignatureScheme, WantsVerifier,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use serde_json::json;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use x509_cert::{Certificate, der::Decode as _, name::Name};

use crate::{authority::hex_serial, keys::pem, state::State};

/// The certificate of both TLS listeners, for loopback, from an authority created at start.
pub(crate) struct Identity {
    /// The authority's certificate, for clients.
    pub(crate) ca_pem: String,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

/// The TLS identity could not be created.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// No certificate.
    #[error("the certificate of the server could not be created")]
    Certificate(#[from] rcgen::Error),
    /// No configuration.
    #[error("TLS could not be configured")]
    Configuration(#[from] Error),
}

impl Identity {
    pub(crate) fn create() -> Result<Self, IdentityError> {
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
            certificate: server.signed_by(&key, &ca)?.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    /// TLS for the API: no client certificate, HTTP/2 if the client offers it.
    pub(crate) fn api_config(&self) -> Result<ServerConfig, IdentityError> {
        let builder = Self::builder()?.with_no_client_auth();
        let mut config = builder.with_single_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// TLS for logins: `verifier` decides on the client's certificate.
    pub(crate) fn login_config(
        &self,
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Result<ServerConfig, IdentityError> {
        let builder = Self::builder()?.with_client_cert_verifier(verifier);
        Ok(builder.with_single_cert(vec![self.certificate.clone()], self.key())?)
    }

    fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, IdentityError> {
        let builder = ServerConfig::builder_with_provider(provider());
        Ok(builder.with_safe_default_protocol_versions()?)
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

/// The cryptography of all TLS in this crate, whatever the process default is.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Accepts TLS logins until the runtime stops.
pub(crate) async fn listen(
    state: Arc<State>,
    acceptor: TlsAcceptor,
    socket: std::net::TcpListener,
) {
    let Ok(socket) = TcpListener::from_std(socket) else {
        return;
    };
    loop {
        if let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(serve(Arc::clone(&state), acceptor.clone(), stream));
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
    let certificate = certificates.and_then(<[_]>::first).map(|it| it.to_vec());
    let certificate = certificate.unwrap_or_default();
    let service = service_fn(move |_: Request<Incoming>| {
        let response = identify(&state, &certificate);
        async move { Ok::<_, Infallible>(response) }
    });
    // The client may disconnect at any time.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// TLS has verified the certificate; its subject decides the user.
fn identify(state: &State, certificate: &[u8]) -> Response<Full<Bytes>> {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        let body = json!({ "authenticated": false, "error": "the certificate is unreadable" });
        return respond(StatusCode::FORBIDDEN, &body);
    };
    let body = certificate.tbs_certificate();
    let (user, project) = (common_name(body.subject()), common_name(body.issuer()));
    let serial = body.serial_number().as_bytes().iter();
    let serial = serial.fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let data = state.lock();
    let known = data.projects.get(&project).and_then(|project| project.user_of(&user));
    let mut body = json!({
        "authenticated": true, "user": known, "project": project,
        "serial": hex_serial(serial), "certificateId": serial.to_string(),
    });
    let error = if data.certificates.is_unlisted(serial) {
        "the certificate was revoked"
    } else if known.is_none() {
        "no managed X.509 user of this name exists"
    } else {
        return respond(StatusCode::OK, &body);
    };
    (body["authenticated"], body["user"], body["error"]) =
        (json!(false), json!(user), json!(error));
    respond(StatusCode::FORBIDDEN, &body)
}

fn respond(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn common_name(name: &Name) -> String {
    let common = name.iter().find(|attribute| attribute.oid.to_string() == "2.5.4.3");
    let value = common.map(|attribute| attribute.value.value()).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

/// Accepts an unexpired client certificate of one of the projects' authorities.
///
/// The standard verifier decides; only its roots (projects come and go) and the time are set here.
pub(crate) struct ProjectVerifier {
    state: Arc<State>,
    provider: Arc<CryptoProvider>,
}

impl ProjectVerifier {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self { state, provider: provider() }
    }
}

impl fmt::Debug for ProjectVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProjectVerifier")
    }
}

impl ClientCertVerifier for ProjectVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.state.authorities.certificates());
        let now = u64::try_from(self.state.clock.now().as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
