//! Status, headers and body as typed values or as the reason why not. Pure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use zeroize::{Zeroize, Zeroizing};

use super::error::{ApiError, ErrorKind, Field};
use super::request::Operation;
use super::text::{first_line, printable, redacted};
use super::types::{DatabaseUser, ListedCertificate, X509Type};

/// The text of a certificate answer: bare, as one JSON string, or in an envelope. Nothing is lost:
/// what is none of these comes back as it is, and what is not even text comes back as base64.
pub(super) fn issued(body: &[u8]) -> SecretString {
    let Ok(text) = std::str::from_utf8(body) else {
        let encoded = Zeroizing::new(STANDARD.encode(body));
        return format!("data:application/octet-stream;base64,{}", *encoded).into();
    };
    unwrapped(text).unwrap_or_else(|| text.into())
}

fn unwrapped(text: &str) -> Option<SecretString> {
    let trimmed = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match trimmed.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(trimmed)
            .ok()
            .filter(|text| !text.is_empty())
            .map(Into::into),
        b'{' => {
            let mut envelope = serde_json::from_str::<Envelope>(trimmed).ok()?;
            let is_pem = envelope.content.trim_start().starts_with("-----BEGIN");
            let content = is_pem.then(|| SecretString::from(envelope.content.as_str()));
            envelope.content.zeroize();
            content
        }
        _ => None,
    }
}

#[derive(Deserialize)]
struct Envelope {
    content: String,
}

/// A page of the list, and whether another follows.
pub(super) struct Page {
    pub(super) certificates: Vec<ListedCertificate>,
    pub(super) has_next: bool,
    /// How many certificates there are on all pages, if the server says so.
    pub(super) total: Option<u64>,
}

/// Reads one page of certificates.
pub(super) fn page(body: &[u8], page_size: usize) -> Result<Page, ErrorKind> {
    let page: PageJson = serde_json::from_slice(body).map_err(|_| ErrorKind::InvalidBody {
        what: "it is not a list of certificates",
    })?;
    let full = page.results.len() >= page_size;
    let linked = page
        .links
        .iter()
        .any(|link| link.rel.as_deref() == Some("next"));
    let has_next = !page.results.is_empty() && (full || linked);
    let total = page.total_count.as_u64();
    let certificates = page
        .results
        .into_iter()
        .map(listed)
        .collect::<Result<_, _>>()?;
    Ok(Page {
        certificates,
        has_next,
        total,
    })
}

fn listed(json: CertificateJson) -> Result<ListedCertificate, ErrorKind> {
    let certificate_id = match json.id {
        IdJson::Number(number) => number.to_string(),
        IdJson::Text(text) => text,
    };
    let is_digits = certificate_id.bytes().all(|byte| byte.is_ascii_digit());
    if certificate_id.is_empty() || !is_digits {
        return Err(ErrorKind::InvalidBody {
            what: "a certificate's _id is not a positive whole number",
        });
    }
    let time = |text: &str| {
        text.parse::<Timestamp>()
            .map_err(|_| ErrorKind::InvalidBody {
                what: "a certificate's dates are not RFC 3339",
            })
    };
    Ok(ListedCertificate {
        certificate_id,
        created_at: time(&json.created_at)?,
        not_after: time(&json.not_after)?,
        subject: printable(&json.subject.unwrap_or_default(), 2048),
    })
}

#[derive(Deserialize)]
struct PageJson {
    #[serde(default)]
    links: Vec<LinkJson>,
    results: Vec<CertificateJson>,
    #[serde(default, rename = "totalCount")]
    total_count: Value,
}

#[derive(Deserialize)]
struct LinkJson {
    rel: Option<String>,
}

#[derive(Deserialize)]
struct CertificateJson {
    #[serde(rename = "_id")]
    id: IdJson,
    #[serde(rename = "createdAt")]
    created_at: String,
    #[serde(rename = "notAfter")]
    not_after: String,
    subject: Option<String>,
}

/// A number kept as its digits (it exceeds what a float holds), or the same as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum IdJson {
    Number(Number),
    Text(String),
}

/// Reads a database user.
pub(super) fn user(body: &[u8]) -> Result<DatabaseUser, ErrorKind> {
    let user: UserJson = serde_json::from_slice(body).map_err(|_| ErrorKind::InvalidBody {
        what: "it is not a database user",
    })?;
    Ok(DatabaseUser {
        x509_type: match user.x509_type.as_deref() {
            Some("MANAGED") => X509Type::Managed,
            Some("CUSTOMER") => X509Type::Customer,
            Some("NONE") | None => X509Type::None,
            Some(other) => X509Type::Other(printable(other, 64)),
        },
    })
}

#[derive(Deserialize)]
struct UserJson {
    /// Only what has a name is a user.
    #[serde(rename = "username")]
    _username: String,
    #[serde(rename = "x509Type")]
    x509_type: Option<String>,
}

/// A bearer token and how long it is good for.
#[derive(Deserialize)]
pub(super) struct TokenJson {
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: SecretString,
    /// Seconds.
    #[serde(default)]
    pub(super) expires_in: Option<u64>,
}

/// Reads the token endpoint's answer.
pub(super) fn token(body: &[u8]) -> Result<TokenJson, ErrorKind> {
    serde_json::from_slice(body).map_err(|_| ErrorKind::InvalidBody {
        what: "it holds no access token",
    })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// Why an answer that is no success refuses.
pub(super) fn refusal(
    operation: Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> ErrorKind {
    if (300..400).contains(&status) {
        return ErrorKind::Redirected {
            status,
            location: header(headers, &LOCATION),
        };
    }
    let is_login = matches!(operation, Operation::LogIn | Operation::LogOut);
    match ErrorJson::parse(body) {
        Some(json) if is_login => ErrorKind::Authentication(json.refusal(status)),
        Some(json) => ErrorKind::Api(json.refusal(status)),
        // Without a body of its own this status still says all there is to say.
        None if status == 401 && is_login => ErrorKind::Authentication(ApiError {
            status,
            ..ApiError::default()
        }),
        None => ErrorKind::UnexpectedResponse {
            status,
            // Nothing of what may be a certificate's answer is shown, whatever its status.
            first_line: match operation {
                Operation::IssueCertificate => None,
                _ => first_line(body, 120),
            },
        },
    }
}

/// The code in an error body, if there is one.
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    ErrorJson::parse(body).and_then(|json| json.code())
}

/// Both error forms at once: Atlas' own, and that of RFC 6749, where `error` is a word.
/// Members are taken as any value, because a wrong type must not hide the rest.
struct ErrorJson(Map<String, Value>);

impl ErrorJson {
    fn parse(body: &[u8]) -> Option<Self> {
        let json = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
        let is_error = ["error", "errorCode", "detail"]
            .iter()
            .any(|name| json.contains_key(*name));
        is_error.then_some(Self(json))
    }

    fn code(&self) -> Option<String> {
        self.text("errorCode", 80)
            .or_else(|| self.text("error", 80))
    }

    fn refusal(&self, status: u16) -> ApiError {
        let detail = self
            .text("detail", 1000)
            .or_else(|| self.text("error_description", 1000));
        let fields = self
            .0
            .get("badRequestDetail")
            .map_or(&Value::Null, |json| &json["fields"]);
        let fields = fields.as_array().map_or(&[][..], Vec::as_slice);
        ApiError {
            status,
            code: self.code(),
            detail: detail.or_else(|| self.text("reason", 200)),
            fields: fields.iter().take(50).filter_map(field).collect(),
        }
    }

    fn text(&self, name: &str, limit: usize) -> Option<String> {
        text(self.0.get(name)?, limit)
    }
}

fn field(json: &Value) -> Option<Field> {
    Some(Field {
        field: text(&json["field"], 100)?,
        description: text(&json["description"], 500).unwrap_or_default(),
    })
}

fn text(json: &Value, limit: usize) -> Option<String> {
    json.as_str()
        .filter(|text| !text.trim().is_empty())
        .map(|text| redacted(text, limit))
}

/// The server's clock as the answer states it.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// How long the server asks to wait; a date counts from the server's own clock.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        return Some(Duration::from_secs(
            value.parse().unwrap_or(u64::from(u32::MAX)),
        ));
    }
    let seconds = http_date(value)?.as_second() - now.as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// A header as printable text.
pub(super) fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| redacted(&String::from_utf8_lossy(value.as_bytes()), 200))
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn keeps_every_certificate_answer_whatever_its_form() {
        let quoted = serde_json::to_string(PEM).unwrap();
        for (body, kept) in [
            (PEM.to_owned(), PEM.to_owned()),
            (PEM.replace('\n', "\r\n"), PEM.replace('\n', "\r\n")),
            (quoted.clone(), PEM.to_owned()),
            (format!("\u{feff}\n {quoted}\n"), PEM.to_owned()),
            (
                format!("{{\"status\":201,\"content\":{quoted}}}"),
                PEM.to_owned(),
            ),
            (
                "{\"content\":\"no pem\"}".into(),
                "{\"content\":\"no pem\"}".into(),
            ),
            ("{\"content\":1}".into(), "{\"content\":1}".into()),
            ("\"broken".into(), "\"broken".into()),
            ("\"\"".into(), "\"\"".into()),
            ("<html>".into(), "<html>".into()),
        ] {
            assert_eq!(issued(body.as_bytes()).expose_secret(), kept);
        }
        assert_eq!(
            issued(&[0xff, 0x00]).expose_secret(),
            "data:application/octet-stream;base64,/wA="
        );
    }

    #[test]
    fn reads_the_recorded_list() {
        let body = br#"{"links":[{"href":"https://x/certs","rel":"self"}],"results":[
            {"_id":1976722359483124370,"createdAt":"2026-08-10T02:06:35Z","groupId":"32b6e34b3d91647abb20e7b8",
             "notAfter":"2026-11-10T03:06:35Z","subject":"CN=user389"},
            {"_id":123456789012345678901234567890,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"},
            {"_id":"5","createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z","subject":null}],
            "totalCount":3}"#;
        let first = page(body, 500).unwrap();
        assert!(!first.has_next);
        let ids: Vec<_> = first
            .certificates
            .iter()
            .map(|c| c.certificate_id.as_str())
            .collect();
        assert_eq!(
            ids,
            ["1976722359483124370", "123456789012345678901234567890", "5"]
        );
        assert_eq!(
            first.certificates[0].created_at,
            "2026-08-10T02:06:35Z".parse().unwrap()
        );
        assert_eq!(first.certificates[0].subject, "CN=user389");
        assert!(
            page(body, 3).unwrap().has_next,
            "a full page may have a successor"
        );
        let linked = br#"{"links":[{"rel":"next"}],"results":[]}"#;
        assert!(
            !page(linked, 500).unwrap().has_next,
            "an empty page is the last"
        );
    }

    #[test]
    fn refuses_a_list_it_cannot_trust() {
        for body in [
            "",
            "[]",
            "{}",
            "{\"results\":null}",
            r#"{"results":[{"_id":1.5,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
            r#"{"results":[{"_id":1e9,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
            r#"{"results":[{"_id":-1,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
            r#"{"results":[{"_id":"","createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
            r#"{"results":[{"_id":1,"createdAt":"yesterday","notAfter":"2026-11-10T03:06:35Z"}]}"#,
        ] {
            assert!(
                matches!(
                    page(body.as_bytes(), 500),
                    Err(ErrorKind::InvalidBody { .. })
                ),
                "{body}"
            );
        }
    }

    #[test]
    fn knows_who_issues_a_users_certificates() {
        for (json, wanted) in [
            (
                r#"{"username":"u","x509Type":"MANAGED","roles":[]}"#,
                X509Type::Managed,
            ),
            (
                r#"{"username":"u","x509Type":"CUSTOMER"}"#,
                X509Type::Customer,
            ),
            (r#"{"username":"u","x509Type":"NONE"}"#, X509Type::None),
            (r#"{"username":"u"}"#, X509Type::None),
            (
                r#"{"username":"u","x509Type":"NEW\n"}"#,
                X509Type::Other("NEW".into()),
            ),
        ] {
            assert_eq!(user(json.as_bytes()).unwrap().x509_type, wanted);
        }
        assert!(user(b"[]").is_err());
        assert!(user(br#"{"x509Type":"MANAGED"}"#).is_err());
    }

    #[test]
    fn reads_refusals_of_every_shape() {
        let none = HeaderMap::new();
        let read =
            |operation, status, body: &str| refusal(operation, status, &none, body.as_bytes());
        let full = r#"{"detail":"No group\nwith ID x exists.","error":404,"errorCode":"GROUP_NOT_FOUND","parameters":null,
            "badRequestDetail":{"fields":[{"field":"monthsUntilExpiration","description":"too big"},{"x":1}]},"reason":"Not Found"}"#;
        let ErrorKind::Api(found) = read(Operation::ListCertificates, 404, full) else {
            panic!()
        };
        assert_eq!(found.code.as_deref(), Some("GROUP_NOT_FOUND"));
        assert_eq!(found.detail.as_deref(), Some("No group with ID x exists."));
        assert_eq!(
            found.fields,
            [Field {
                field: "monthsUntilExpiration".into(),
                description: "too big".into()
            }]
        );

        let bare = r#"{ "error" : 401, "reason" : "Unauthorized", "detail" : "You are not authorized for this resource." }"#;
        let ErrorKind::Api(found) = read(Operation::ReadUser, 401, bare) else {
            panic!()
        };
        assert_eq!((found.status, found.code), (401, None));

        let oauth = r#"{"error":"invalid_client","error_description":"bad secret"}"#;
        let ErrorKind::Authentication(found) = read(Operation::LogIn, 401, oauth) else {
            panic!()
        };
        assert_eq!(found.code.as_deref(), Some("invalid_client"));
        assert_eq!(found.detail.as_deref(), Some("bad secret"));

        let odd = r#"{"error":400,"errorCode":"X","badRequestDetail":"text","detail":7}"#;
        let ErrorKind::Api(found) = read(Operation::IssueCertificate, 400, odd) else {
            panic!()
        };
        assert_eq!(
            (found.code.as_deref(), found.detail, found.fields.len()),
            (Some("X"), None, 0)
        );

        for (body, line) in [
            ("<html>\n<b>Bad gateway", Some("<html>")),
            ("", None),
            ("[1]", Some("[1]")),
            ("{}", Some("{}")),
        ] {
            let ErrorKind::UnexpectedResponse {
                status: 502,
                first_line,
            } = read(Operation::ListCertificates, 502, body)
            else {
                panic!()
            };
            assert_eq!(first_line.as_deref(), line);
            assert!(matches!(
                read(Operation::IssueCertificate, 502, body),
                ErrorKind::UnexpectedResponse {
                    first_line: None,
                    ..
                }
            ));
        }
        assert!(matches!(
            read(Operation::ReadUser, 302, ""),
            ErrorKind::Redirected { status: 302, .. }
        ));
    }

    #[test]
    fn reads_waits_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-08-10T03:06:35Z".parse().unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            ("55", Some(55)),
            (" 7 ", Some(7)),
            ("Mon, 10 Aug 2026 03:07:35 GMT", Some(60)),
            ("Mon, 10 Aug 2026 03:06:00 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::from(u32::MAX))),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            assert_eq!(
                retry_after(&headers, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Mon, 10 Aug 2026 03:06:35 GMT".parse().unwrap());
        assert_eq!(date(&headers), Some(now));
    }
}
