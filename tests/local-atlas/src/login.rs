//! The login port: TLS with a client certificate, as a database server of the project has it.

use std::fmt;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::name::Name;

use crate::hex;
use crate::transport::provider;
use crate::world::World;

/// Accepts logins until the runtime ends.
pub(crate) async fn listen(world: Arc<World>, acceptor: TlsAcceptor, listener: TcpListener) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(Arc::clone(&world), acceptor.clone(), stream));
        }
    }
}

/// Tells the client of one connection who it is, as often as it asks.
async fn serve(world: Arc<World>, acceptor: TlsAcceptor, stream: TcpStream) {
    // A client that is refused learns it from the TLS alert.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let shown = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
        .map(|it| it.to_vec());
    let shown = shown.unwrap_or_default();
    let service = service_fn(move |_: Request<Incoming>| {
        let answer = identify(&world, &shown);
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    // The client may go whenever it likes.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// TLS has proven who made the certificate; the subject decides who it logs in as.
fn identify(world: &World, certificate: &[u8]) -> Response<Full<Bytes>> {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return answer(
            StatusCode::FORBIDDEN,
            &json!({ "authenticated": false, "error": "unreadable certificate" }),
        );
    };
    let body = certificate.tbs_certificate();
    let subject = common_name(body.subject());
    let project = common_name(body.issuer());
    let serial = body
        .serial_number()
        .as_bytes()
        .iter()
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let known = json!({ "user": subject, "project": project, "serial": hex::whole_bytes(serial), "certificateId": serial.to_string() });
    let refused = |error: &str| {
        answer(
            StatusCode::FORBIDDEN,
            &with(&known, &json!({ "authenticated": false, "error": error })),
        )
    };
    if world.ledger.is_withdrawn(serial) {
        return refused("the certificate was withdrawn");
    }
    match world.directory.mapped(&project, &subject) {
        Some(user) => answer(
            StatusCode::OK,
            &with(&known, &json!({ "authenticated": true, "user": user })),
        ),
        None => refused("no managed X.509 user of this name exists"),
    }
}

fn with(known: &Value, more: &Value) -> Value {
    let members = [known, more]
        .into_iter()
        .filter_map(Value::as_object)
        .flatten();
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn answer(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn common_name(name: &Name) -> String {
    let common = name
        .iter()
        .find(|attribute| attribute.oid.to_string() == "2.5.4.3");
    common
        .map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned())
        .unwrap_or_default()
}

/// Lets in who shows an unexpired client certificate of one of the projects' authorities.
///
/// The stock verifier decides; only the roots (projects come and go) and the time are ours.
pub(crate) struct ProjectVerifier {
    world: Arc<World>,
    provider: Arc<CryptoProvider>,
}

impl ProjectVerifier {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            provider: provider(),
        }
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
        roots.add_parsable_certificates(self.world.authorities.certificates());
        let now = u64::try_from(self.world.clock.now().as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
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
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
