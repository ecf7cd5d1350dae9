//! Parses responses: status, headers and body become a typed value or the kind of an error. Pure.

use std::time::Duration;

use super::{
    error::{ApiError, ErrorKind, Field, Operation},
    request::PAGE_SIZE,
    sanitize::{first_line, printable, redacted},
    values::{DatabaseUser, DeprecationNotice, ListedCertificate, X509Type},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Number, Value};

/// The text of a response to a certificate request: PEM, one JSON string, or an envelope.
///
/// Any other text is returned unchanged, and a body that is not text as base64 in a `data:` URL, so that no key is lost.
pub(super) fn issued(body: &[u8]) -> SecretString {
    let Ok(text) = std::str::from_utf8(body) else {
        let encoded = STANDARD.encode(body);
        return format!("data:application/octet-stream;base64,{encoded}").into();
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
            let Envelope { content } = serde_json::from_str(trimmed).ok()?;
            let is_pem = content.trim_start().starts_with("-----BEGIN");
            is_pem.then(|| content.into())
        }
        _ => None,
    }
}

#[derive(Deserialize)]
struct Envelope {
    content: String,
}

/// Whether the body of a 201 response can be a certificate: it is neither blank nor an HTML page nor an API error.
pub(super) fn can_be_certificate(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_page = text.starts_with('<') || ErrorJson::parse(text.as_bytes()).is_some();
    !text.is_empty() && (!is_page || text.contains("-----BEGIN"))
}

/// A page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) has_next: bool,
    /// The number of items on all pages, if the response contains it.
    pub(super) total: Option<u64>,
}

/// Parses a page of certificates.
pub(super) fn certificates(body: &[u8]) -> Result<Page<ListedCertificate>, ErrorKind> {
    page(body, "it is not a list of certificates", listed)
}

/// Parses a page of database users.
pub(super) fn users(body: &[u8]) -> Result<Page<DatabaseUser>, ErrorKind> {
    page(body, "it is not a list of database users", |user| Ok(database_user(user)))
}

fn page<J: DeserializeOwned, T>(
    body: &[u8],
    what: &'static str,
    convert: impl Fn(J) -> Result<T, ErrorKind>,
) -> Result<Page<T>, ErrorKind> {
    let page: PageJson<J> =
        serde_json::from_slice(body).map_err(|_| ErrorKind::InvalidBody { what })?;
    let is_full = page.results.len() >= PAGE_SIZE;
    let is_linked = page.links.iter().any(|link| link.rel.as_deref() == Some("next"));
    Ok(Page {
        has_next: !page.results.is_empty() && (is_full || is_linked),
        total: page.total_count.as_u64(),
        items: page.results.into_iter().map(convert).collect::<Result<_, _>>()?,
    })
}

fn listed(json: CertificateJson) -> Result<ListedCertificate, ErrorKind> {
    let invalid = |what| ErrorKind::InvalidBody { what };
    let certificate_id = match json.id {
        IdJson::Number(number) => number.to_string(),
        IdJson::Text(text) => text,
    };
    let is_digits = certificate_id.bytes().all(|byte| byte.is_ascii_digit());
    if certificate_id.is_empty() || !is_digits {
        return Err(invalid("a certificate's _id is not a positive whole number"));
    }
    let time = |text: &str| {
        text.parse::<Timestamp>().map_err(|_| invalid("a certificate's dates are not RFC 3339"))
    };
    Ok(ListedCertificate {
        certificate_id,
        created_at: time(&json.created_at)?,
        not_after: time(&json.not_after)?,
        subject: json.subject.unwrap_or_default(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageJson<T> {
    #[serde(default = "Vec::new")]
    links: Vec<LinkJson>,
    results: Vec<T>,
    #[serde(default)]
    total_count: Value,
}

#[derive(Deserialize)]
struct LinkJson {
    rel: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateJson {
    #[serde(rename = "_id")]
    id: IdJson,
    created_at: String,
    not_after: String,
    subject: Option<String>,
}

/// The digits of a number, which exceeds the range of a float, or the same as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum IdJson {
    Number(Number),
    Text(String),
}

/// Parses a database user.
pub(super) fn user(body: &[u8]) -> Result<DatabaseUser, ErrorKind> {
    let what = "it is not a database user";
    let json = serde_json::from_slice(body).map_err(|_| ErrorKind::InvalidBody { what })?;
    Ok(database_user(json))
}

fn database_user(json: UserJson) -> DatabaseUser {
    DatabaseUser {
        username: json.username,
        auth_database: json.database_name.unwrap_or_default(),
        x509_type: match json.x509_type.as_deref() {
            Some("MANAGED") => X509Type::Managed,
            Some("CUSTOMER") => X509Type::Customer,
            Some("NONE") | None => X509Type::None,
            Some(other) => X509Type::Other(printable(other, 64)),
        },
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserJson {
    username: String,
    database_name: Option<String>,
    #[serde(rename = "x509Type")]
    x509_type: Option<String>,
}

/// The response of the token endpoint.
#[derive(Deserialize)]
pub(super) struct TokenJson {
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: SecretString,
    /// Seconds.
    #[serde(default)]
    pub(super) expires_in: Option<u64>,
}

/// Parses the response of the token endpoint.
pub(super) fn token(body: &[u8]) -> Result<TokenJson, ErrorKind> {
    let what = "it contains no access token";
    serde_json::from_slice(body).map_err(|_| ErrorKind::InvalidBody { what })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// The error that a response stands for which is not the expected success.
pub(super) fn error(
    operation: Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> ErrorKind {
    if (300..400).contains(&status) {
        return ErrorKind::Redirected { status, location: header(headers, &LOCATION) };
    }
    let is_oauth = matches!(operation, Operation::Authenticate | Operation::RevokeToken);
    let api_error = ErrorJson::parse(body).filter(|_| status >= 400);
    match api_error.map(|json| json.api_error(status)) {
        Some(error) if is_oauth => ErrorKind::Authentication(error),
        Some(error) => ErrorKind::Api(error),
        // This status needs no body.
        None if status == 401 && is_oauth => {
            ErrorKind::Authentication(ApiError { status, ..ApiError::default() })
        }
        None => ErrorKind::UnexpectedResponse {
            status,
            first_line: match operation {
                Operation::IssueCertificate => None,
                _ => first_line(body, 120),
            },
        },
    }
}

/// The code in an error body.
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    ErrorJson::parse(body).and_then(|json| json.code())
}

/// The error body of Atlas, or that of OAuth (RFC 6749 section 5.2), where `error` is the code. Members are parsed one by
/// one, so that a wrong type does not hide the others.
struct ErrorJson(Map<String, Value>);

impl ErrorJson {
    fn parse(body: &[u8]) -> Option<Self> {
        let json = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
        let is_error = ["error", "errorCode", "detail"].iter().any(|name| json.contains_key(*name));
        is_error.then_some(Self(json))
    }

    fn code(&self) -> Option<String> {
        self.text("errorCode", 80).or_else(|| self.text("error", 80))
    }

    fn api_error(&self, status: u16) -> ApiError {
        let detail = self
            .text("detail", 1000)
            .or_else(|| self.text("error_description", 1000))
            .or_else(|| self.text("reason", 200));
        let fields = self
            .0
            .get("badRequestDetail")
            .and_then(|json| json["fields"].as_array())
            .map_or(&[][..], Vec::as_slice);
        ApiError {
            status,
            code: self.code(),
            detail,
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
    let deprecation = header(headers, &HeaderName::from_static("deprecation"));
    let sunset = header(headers, &HeaderName::from_static("sunset"));
    (deprecation.is_some() || sunset.is_some()).then_some(DeprecationNotice {
        operation,
        deprecation,
        sunset,
    })
}

/// A header as redacted text.
pub(super) fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| redacted(&String::from_utf8_lossy(value.as_bytes()), 200))
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn an_issued_body_is_kept_in_every_form() {
        let quoted = serde_json::to_string(PEM).unwrap();
        for (body, kept) in [
            (PEM.to_owned(), PEM.to_owned()),
            (PEM.replace('\n', "\r\n"), PEM.replace('\n', "\r\n")),
            (quoted.clone(), PEM.to_owned()),
            (format!("\u{feff}\n {quoted}\n"), PEM.to_owned()),
            (format!("{{\"status\":201,\"content\":{quoted}}}"), PEM.to_owned()),
            ("{\"content\":\"no pem\"}".into(), "{\"content\":\"no pem\"}".into()),
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
    fn the_recorded_list_is_parsed() {
        let body = br#"{"links":[{"href":"https://x/certs","rel":"self"}],"results":[
            {"_id":1976722359483124370,"createdAt":"2026-08-10T02:06:35Z","groupId":"32b6e34b3d91647abb20e7b8",
             "notAfter":"2026-11-10T03:06:35Z","subject":"CN=user389"},
            {"_id":123456789012345678901234567890,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"},
            {"_id":"5","createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z","subject":null}],
            "totalCount":3}"#;
        let first = certificates(body).unwrap();
        assert!(!first.has_next);
        let ids: Vec<_> = first.items.iter().map(|c| c.certificate_id.as_str()).collect();
        assert_eq!(ids, ["1976722359483124370", "123456789012345678901234567890", "5"]);
        assert_eq!(first.items[0].created_at, "2026-08-10T02:06:35Z".parse().unwrap());
        assert_eq!(first.items[0].subject, "CN=user389");
        let linked = br#"{"links":[{"rel":"next"}],"results":[]}"#;
        assert!(!certificates(linked).unwrap().has_next, "an empty page is the last");
    }

    #[test]
    fn an_invalid_list_is_an_error() {
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
                matches!(certificates(body.as_bytes()), Err(ErrorKind::InvalidBody { .. })),
                "{body}"
            );
        }
    }

    #[test]
    fn a_user_has_its_x509_type() {
        for (json, wanted) in [
            (r#"{"username":"u","x509Type":"MANAGED","roles":[]}"#, X509Type::Managed),
            (r#"{"username":"u","x509Type":"CUSTOMER"}"#, X509Type::Customer),
            (r#"{"username":"u","x509Type":"NONE"}"#, X509Type::None),
            (r#"{"username":"u"}"#, X509Type::None),
            (r#"{"username":"u","x509Type":"NEW\n"}"#, X509Type::Other("NEW".into())),
        ] {
            assert_eq!(user(json.as_bytes()).unwrap().x509_type, wanted);
        }
        assert!(user(b"[]").is_err());
        assert!(user(br#"{"x509Type":"MANAGED"}"#).is_err());
    }

    #[test]
    fn errors_of_every_form_are_parsed() {
        let none = HeaderMap::new();
        let read = |operation, status, body: &str| error(operation, status, &none, body.as_bytes());
        let full = r#"{"detail":"No group\nwith ID x exists.","error":404,"errorCode":"GROUP_NOT_FOUND","parameters":null,
            "badRequestDetail":{"fields":[{"field":"monthsUntilExpiration","description":"too big"},{"x":1}]},"reason":"Not Found"}"#;
        let ErrorKind::Api(found) = read(Operation::ListCertificates, 404, full) else { panic!() };
        assert_eq!(found.code.as_deref(), Some("GROUP_NOT_FOUND"));
        assert_eq!(found.detail.as_deref(), Some("No group with ID x exists."));
        assert_eq!(
            found.fields,
            [Field { field: "monthsUntilExpiration".into(), description: "too big".into() }]
        );

        let bare = r#"{ "error" : 401, "reason" : "Unauthorized", "detail" : "You are not authorized for this resource." }"#;
        let ErrorKind::Api(found) = read(Operation::ReadUser, 401, bare) else { panic!() };
        assert_eq!((found.status, found.code), (401, None));

        let oauth = r#"{"error":"invalid_client","error_description":"bad secret"}"#;
        let ErrorKind::Authentication(found) = read(Operation::Authenticate, 401, oauth) else {
            panic!()
        };
        assert_eq!(found.code.as_deref(), Some("invalid_client"));
        assert_eq!(found.detail.as_deref(), Some("bad secret"));

        let odd = r#"{"error":400,"errorCode":"X","badRequestDetail":"text","detail":7}"#;
        let ErrorKind::Api(found) = read(Operation::IssueCertificate, 400, odd) else { panic!() };
        assert_eq!((found.code.as_deref(), found.detail, found.fields.len()), (Some("X"), None, 0));

        for (body, line) in [
            ("<html>\n<b>Bad gateway", Some("<html>")),
            ("", None),
            ("[1]", Some("[1]")),
            ("{}", Some("{}")),
        ] {
            let ErrorKind::UnexpectedResponse { status: 502, first_line } =
                read(Operation::ListCertificates, 502, body)
            else {
                panic!()
            };
            assert_eq!(first_line.as_deref(), line);
            assert!(matches!(
                read(Operation::IssueCertificate, 502, body),
                ErrorKind::UnexpectedResponse { first_line: None, .. }
            ));
        }
        assert!(matches!(
            read(Operation::ReadUser, 302, ""),
            ErrorKind::Redirected { status: 302, .. }
        ));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
        let now: Timestamp = "2026-08-10T03:06:35Z".parse().unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            ("55", Some(55)),
            (" 7 ", Some(7)),
            ("Mon, 10 Aug 2026 03:07:35 GMT", Some(60)),
            ("Mon, 10 Aug 2026 03:06:00 GMT", Some(0)),
            ("99999999999999999999999", Some(86_400)),
            ("18446744073709551615", Some(86_400)),
            ("Mon, 10 Aug 2099 03:06:35 GMT", Some(86_400)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Mon, 10 Aug 2026 03:06:35 GMT".parse().unwrap());
        assert_eq!(date(&headers), Some(now));
    }

    #[test]
    fn only_a_page_and_an_error_cannot_be_a_certificate() {
        for body in [PEM, "\"x\"", "{\"a\":1}", "MIIE", "<x>-----BEGIN", "\u{feff}MIIE"] {
            assert!(can_be_certificate(body.as_bytes()), "{body}");
        }
        assert!(can_be_certificate(&[0xff, 0x00]));
        for body in ["", " \n", "<html>", "\n<!DOCTYPE html>", r#"{"error":500,"detail":"x"}"#] {
            assert!(!can_be_certificate(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn the_subject_of_a_list_is_not_shortened() {
        let subject = format!("CN={}\u{200b}", "x".repeat(5000));
        let item = serde_json::json!({"_id": 1, "createdAt": "2026-08-10T02:06:35Z",
            "notAfter": "2026-11-10T03:06:35Z", "subject": subject});
        let body = serde_json::json!({ "results": [item] }).to_string();
        assert_eq!(certificates(body.as_bytes()).unwrap().items[0].subject, subject);
    }

    #[test]
    fn a_page_of_users_has_their_names_and_databases() {
        let body =
            br#"{"results":[{"username":"app","databaseName":"$external","x509Type":"MANAGED"},
            {"username":"admin","databaseName":"admin"}],"totalCount":2}"#;
        let page = users(body).unwrap();
        assert_eq!((page.has_next, page.total), (false, Some(2)));
        let user = DatabaseUser {
            username: "app".into(),
            auth_database: "$external".into(),
            x509_type: X509Type::Managed,
        };
        assert_eq!(page.items[0], user);
        assert_eq!(page.items[1].auth_database, "admin");
        assert!(users(br#"{"results":[{"databaseName":"admin"}]}"#).is_err());
    }
}
