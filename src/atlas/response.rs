//! Parses responses: status, headers and body become a typed value or the kind of an error. Pure.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    error::{ApiError, ErrorKind, Operation},
    params::is_certificate_id,
    request::PAGE_SIZE,
    sanitize::{first_line, printable, redacted},
};

/// A user's unexpired certificates at one moment.
#[derive(Clone, Debug)]
pub(crate) struct CertificateList {
    pub(crate) certificates: Vec<ListedCertificate>,
    /// The moment, by the server's clock.
    pub(crate) server_time: Timestamp,
    /// The same moment by the local monotonic clock.
    pub(super) fetched_at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ListedCertificate {
    /// The serial number in decimal.
    pub(crate) certificate_id: String,
    /// One hour before the certificate was issued.
    pub(crate) created_at: Timestamp,
    pub(crate) not_after: Timestamp,
    /// The subject as RFC 2253 text, as the API returned it: not safe to print.
    pub(crate) subject: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DatabaseUser {
    /// The name, as the API returned it: not safe to print.
    pub(crate) username: String,
    /// The authentication database: `$external` for a user with a certificate.
    pub(crate) auth_database: String,
    /// The authority of the user's certificates: `MANAGED` is Atlas, `CUSTOMER` another one; `NONE` if there is none.
    pub(crate) x509_type: String,
}

/// The announcement that an endpoint will be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeprecationNotice {
    /// The operation that received it.
    pub(crate) operation: Operation,
    /// The `Deprecation` header: since when the endpoint is deprecated.
    pub(crate) deprecation: Option<String>,
    /// The `Sunset` header: when the endpoint will be removed.
    pub(crate) sunset: Option<String>,
}

pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) has_next: bool,
    /// The number of items on all pages, if the response contains it.
    pub(super) total: Option<u64>,
}

impl CertificateList {
    /// The unexpired certificate that was issued last; of several issued together, the one with the highest ID.
    pub(crate) fn newest(&self) -> Option<&ListedCertificate> {
        self.certificates
            .iter()
            .filter(|certificate| certificate.is_valid_at(self.server_time))
            .max_by_key(|certificate| (certificate.created_at, certificate.serial_order()))
    }
}

impl ListedCertificate {
    /// Whether the certificate has not expired at that time, which can be later than the list.
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_after > now
    }

    /// Orders IDs, which are decimal numbers without leading zeros, by their value.
    pub(crate) fn serial_order(&self) -> (usize, &str) {
        (self.certificate_id.len(), &self.certificate_id)
    }
}

/// The text of a response to a certificate request: PEM, one JSON string, or an envelope.
///
/// Any other text is returned unchanged, and a body that is not text as base64 in a `data:` URL, so that no key is lost.
pub(super) fn issued(body: &[u8]) -> SecretString {
    let Ok(text) = std::str::from_utf8(body) else {
        let encoded = STANDARD.encode(body);
        return format!("data:application/octet-stream;base64,{encoded}").into();
    };
    let inner = match json(trim_start(text).as_bytes()) {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        envelope => envelope["content"]
            .as_str()
            .filter(|content| content.trim_start().starts_with("-----BEGIN"))
            .map(str::to_owned),
    };
    inner.unwrap_or_else(|| text.to_owned()).into()
}

/// Whether the body of a 201 response can be a certificate: it is neither blank nor an HTML page nor an API error.
pub(super) fn can_be_certificate(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = trim_start(&text);
    let is_page = text.starts_with('<') || api_error(201, text.as_bytes()).is_some();
    !text.is_empty() && (!is_page || text.contains("-----BEGIN"))
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

pub(super) fn certificates(body: &[u8]) -> Result<Page<ListedCertificate>, ErrorKind> {
    page(body, listed).ok_or(ErrorKind::InvalidBody("it is not a list of certificates"))
}

pub(super) fn users(body: &[u8]) -> Result<Page<DatabaseUser>, ErrorKind> {
    page(body, database_user).ok_or(ErrorKind::InvalidBody("it is not a list of database users"))
}

pub(super) fn user(body: &[u8]) -> Result<DatabaseUser, ErrorKind> {
    database_user(&json(body)).ok_or(ErrorKind::InvalidBody("it is not a database user"))
}

/// A body as JSON; null if it is not JSON. A member of it that does not exist is null, too.
pub(super) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn page<T>(body: &[u8], item: impl Fn(&Value) -> Option<T>) -> Option<Page<T>> {
    let json = json(body);
    let items: Vec<T> = json["results"].as_array()?.iter().map(item).collect::<Option<_>>()?;
    let mut links = json["links"].as_array().into_iter().flatten();
    let is_linked = links.any(|link| link["rel"] == "next");
    Some(Page {
        has_next: !items.is_empty() && (is_linked || items.len() >= PAGE_SIZE),
        total: json["totalCount"].as_u64(),
        items,
    })
}

fn listed(json: &Value) -> Option<ListedCertificate> {
    let certificate_id = match &json["_id"] {
        // All digits, which can exceed the range of a float.
        Value::Number(number) => number.to_string(),
        other => other.as_str()?.to_owned(),
    };
    let time = |name| json[name].as_str()?.parse().ok();
    Some(ListedCertificate {
        certificate_id: Some(certificate_id).filter(|id| is_certificate_id(id))?,
        created_at: time("createdAt")?,
        not_after: time("notAfter")?,
        subject: json["subject"].as_str().unwrap_or_default().to_owned(),
    })
}

fn database_user(json: &Value) -> Option<DatabaseUser> {
    Some(DatabaseUser {
        username: json["username"].as_str()?.to_owned(),
        auth_database: json["databaseName"].as_str().unwrap_or_default().to_owned(),
        x509_type: printable(json["x509Type"].as_str().unwrap_or("NONE"), 64),
    })
}

/// The error that a response stands for which is not the expected success.
pub(super) fn error(
    operation: Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> ErrorKind {
    if (300..400).contains(&status) {
        return ErrorKind::Redirected(status, header(headers, LOCATION.as_str()));
    }
    let is_oauth = matches!(operation, Operation::Authenticate | Operation::RevokeToken);
    match api_error(status, body).filter(|_| status >= 400) {
        Some(error) => ErrorKind::Api(error),
        // This status needs no body.
        None if status == 401 && is_oauth => {
            ErrorKind::Api(ApiError { status, ..ApiError::default() })
        }
        None if operation == Operation::IssueCertificate => {
            ErrorKind::UnexpectedResponse(status, None)
        }
        None => ErrorKind::UnexpectedResponse(status, first_line(body, 120)),
    }
}

/// The error body of Atlas, or of OAuth (RFC 6749 section 5.2). A member of a wrong type does not hide the others.
pub(super) fn api_error(status: u16, body: &[u8]) -> Option<ApiError> {
    let json = json(body);
    let first = |names: &[&str], limit| names.iter().find_map(|name| text(&json[*name], limit));
    let is_error = |name: &&str| json.get(*name).is_some();
    let fields = json["badRequestDetail"]["fields"].as_array().into_iter().flatten();
    ["error", "errorCode", "detail"].iter().any(is_error).then(|| ApiError {
        status,
        code: first(&["errorCode", "error"], 80),
        detail: first(&["detail", "error_description", "reason"], 1000),
        fields: fields.take(50).filter_map(field).collect(),
    })
}

fn field(json: &Value) -> Option<(String, String)> {
    Some((text(&json["field"], 100)?, text(&json["description"], 500).unwrap_or_default()))
}

fn text(json: &Value, limit: usize) -> Option<String> {
    json.as_str().filter(|text| !text.trim().is_empty()).map(|text| redacted(text, limit))
}

/// The `Date` header: the server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// The `Retry-After` header, at most one day. A date is relative to `now`, which is the server's clock.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if is_number {
        value.parse().unwrap_or(MAX_RETRY_AFTER)
    } else {
        let seconds = http_date(value)?.as_second().saturating_sub(now.as_second());
        u64::try_from(seconds).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER)))
}

const MAX_RETRY_AFTER: u64 = 86_400;

/// The headers that announce the removal of an endpoint.
pub(super) fn deprecation(operation: Operation, headers: &HeaderMap) -> Option<DeprecationNotice> {
    let (deprecation, sunset) = (header(headers, "deprecation"), header(headers, "sunset"));
    let is_announced = deprecation.is_some() || sunset.is_some();
    is_announced.then_some(DeprecationNotice { operation, deprecation, sunset })
}

/// A header as redacted text.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| redacted(&String::from_utf8_lossy(value.as_bytes()), 200))
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests;
