//! Parsers of responses, for the fuzz targets only.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use secrecy::ExposeSecret;

use super::{auth::digest::Challenge, error::Operation, response};

/// Parses a response of this status in all ways, and returns the text that people can see.
pub fn answer(status: u16, body: &[u8]) -> String {
    let kept = response::issued(body);
    let _ = response::token(body);
    let mut shown = String::new();
    if let Ok(page) = response::certificates(body) {
        for certificate in page.items {
            shown += &format!("{}\n", certificate.certificate_id);
        }
    }
    let _ = response::users(body);
    if let Ok(user) = response::user(body) {
        shown += &format!("{}\n", user.x509_type);
    }
    let headers = HeaderMap::new();
    for operation in [Operation::IssueCertificate, Operation::Authenticate] {
        let kind = response::error(operation, status, &headers, body);
        shown += &format!("{kind}\n");
    }
    shown += &response::api_error(status, body).and_then(|error| error.code).unwrap_or_default();
    assert!(body.is_empty() || !kept.expose_secret().is_empty(), "a response was lost");
    shown
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
