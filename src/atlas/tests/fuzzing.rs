//! Parsers of responses, for the fuzz targets only.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::{
    auth::{digest::Challenge, oauth::Token},
    error::Operation,
    response,
};

/// Parses a response of this status in all ways, and returns the text that people can see.
///
/// # Panics
/// A response to a certificate request is lost.
pub fn answer(status: u16, body: &[u8]) -> String {
    let kept = response::issued(body);
    assert!(body.is_empty() || !kept.expose_secret().is_empty(), "a response was lost");
    let _ = (response::users(body), Token::parse(body, Instant::now()).ok());
    let listed = response::certificates(body).into_iter().flat_map(|page| page.items);
    let ids = listed.map(|certificate| certificate.certificate_id);
    let x509_types = response::user(body).into_iter().map(|user| user.x509_type);
    let errors = [Operation::IssueCertificate, Operation::Authenticate]
        .map(|operation| response::error(operation, status, &HeaderMap::new(), body).to_string());
    let codes = response::api_error(status, body).into_iter().filter_map(|error| error.code);
    let shown: Vec<_> = ids.chain(x509_types).chain(errors).chain(codes).collect();
    shown.join("\n")
}

/// The response to a challenge in this header.
pub fn digest(challenge: &[u8]) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_bytes(challenge).ok()?);
    let challenge = Challenge::from_headers(&headers)?;
    let header = challenge.respond("user", &"password".into(), "GET", "/")?;
    HeaderValue::from_str(&header).ok()?;
    Some(header)
}

/// The wait in this header.
pub fn retry_after(value: &[u8]) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_bytes(value).ok()?);
    response::retry_after(&headers, Timestamp::UNIX_EPOCH)
}
