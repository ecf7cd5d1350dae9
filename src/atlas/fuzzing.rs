//! Doors to what reads answers, for the fuzz targets alone.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use secrecy::ExposeSecret;

use super::auth::digest::Challenge;
use super::request::Operation;
use super::response;

/// What an answer of this status is made into by everything that reads one, as text for people.
pub fn answer(status: u16, body: &[u8]) -> String {
    let kept = response::issued(body);
    let _ = response::token(body);
    let mut told = String::new();
    if let Ok(page) = response::page(body, 500) {
        for certificate in page.certificates {
            told += &format!("{} {}\n", certificate.certificate_id, certificate.subject);
        }
    }
    if let Ok(user) = response::user(body) {
        told += &format!("{:?}\n", user.x509_type);
    }
    let headers = HeaderMap::new();
    for operation in [Operation::IssueCertificate, Operation::LogIn] {
        let kind = response::refusal(operation, status, &headers, body);
        told += &format!("{kind}\n");
    }
    told += &response::error_code(body).unwrap_or_default();
    assert!(
        body.is_empty() || !kept.expose_secret().is_empty(),
        "an answer was lost"
    );
    told
}

/// The answer to a challenge in this header.
pub fn digest(challenge: &[u8]) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_bytes(challenge).ok()?);
    let challenge = Challenge::from_headers(&headers)?;
    let count = challenge.next_count();
    let answer = challenge.answer("user", "password", "GET", "/api/atlas/v1.0/groups", count);
    HeaderValue::from_str(&answer).ok()?;
    Some(answer)
}

/// The wait that this header asks for.
pub fn retry_after(value: &[u8]) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_bytes(value).ok()?);
    response::retry_after(&headers, Timestamp::UNIX_EPOCH)
}
