//! Responses: their content, the form that a request asks for, and the headers of every response.

use std::time::Duration;

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    faults::Outcome,
    faulty_body::{self, FaultyBody},
    route::{ApiVersion, Endpoint, Query},
    state::State,
};

/// A response before it is written.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    headers: Vec<(&'static str, String)>,
    /// The id of the certificate that the request issued.
    pub(crate) issued: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// PEM, or JSON in a layout of its own.
    Text(String),
}

/// A response as it is sent, without the headers of every response.
pub(crate) type Rendered = Response<Vec<u8>>;

impl Reply {
    pub(crate) fn new(status: StatusCode, content: Content) -> Self {
        Self { status, content, headers: Vec::new(), issued: None }
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, Content::Json(body))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Writes the reply in the form that the query asks for. `envelope` wraps every body but the 401.
    pub(crate) fn render(self, version: Option<ApiVersion>, query: &Query) -> Rendered {
        let success = self.status.is_success();
        let content = match self.content {
            Content::Text(text) if query.envelope && success => Content::Json(json!(text)),
            content => content,
        };
        let body = match content {
            Content::Empty => String::new(),
            Content::Text(text) => text,
            Content::Json(value) => {
                let value = if query.envelope { envelope(value, self.status) } else { value };
                if query.pretty { format!("{value:#}") } else { value.to_string() }
            }
        };
        let versioned = version.filter(|_| success).map(ApiVersion::media_type);
        let has_body = !body.is_empty();
        let mut rendered = Response::new(body.into_bytes());
        *rendered.status_mut() = self.status;
        if has_body {
            let media_type = versioned.unwrap_or("application/json");
            set_header(&mut rendered, CONTENT_TYPE.as_str(), media_type);
        }
        for (name, value) in &self.headers {
            set_header(&mut rendered, name, value);
        }
        rendered
    }
}

/// A list keeps `results` and gains `status`; any other value becomes the content.
fn envelope(mut value: Value, status: StatusCode) -> Value {
    if value.get("results").is_some() {
        value["status"] = json!(status.as_u16());
        return value;
    }
    json!({ "status": status.as_u16(), "content": value })
}

/// Sets a header in place of one of the same name. A header that HTTP does not allow is left out.
pub(crate) fn set_header<T>(response: &mut Response<T>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        response.headers_mut().insert(name, value);
    }
}

/// A JSON response without the headers of Atlas.
pub(crate) fn json_response(status: StatusCode, body: String) -> Response<FaultyBody> {
    let reply = Reply::new(status, Content::Text(body));
    reply.render(None, &Query::default()).map(faulty_body::whole)
}

/// Adds the headers of every response, and the body as `outcome` has it sent.
pub(crate) fn finish(
    state: &State,
    endpoint: Option<(Endpoint, Option<ApiVersion>)>,
    rendered: Rendered,
    outcome: Option<&Outcome>,
) -> Response<FaultyBody> {
    let (parts, body) = rendered.into_parts();
    let length = body.len();
    let (body, announced) = match outcome {
        // One byte is always missing; otherwise the body would be complete.
        Some(Outcome::CutBody { bytes }) => {
            (faulty_body::cut_after(body, *bytes), Some(length.max(bytes + 1)))
        }
        Some(Outcome::Drip { bytes, millis }) => {
            (faulty_body::drip(&body, *bytes, Duration::from_millis(*millis)), Some(length))
        }
        Some(Outcome::Endless) => (faulty_body::endless(body), None),
        _ => (faulty_body::whole(body), None),
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    if let Some(length) = announced {
        set_header(&mut response, "content-length", &length.to_string());
    }
    for (name, value) in ALWAYS {
        set_header(&mut response, name, value);
    }
    let date = state.clock.http_date(SignedDuration::ZERO);
    set_header(&mut response, DATE.as_str(), &date);
    if let Some((endpoint, version)) = endpoint {
        set_header(&mut response, "x-java-method", java_method(endpoint));
        if version == Some(ApiVersion::V1) {
            set_header(&mut response, "x-xgen-up-proto", "HTTP/2");
        }
    }
    response.headers_mut().extend(parts.headers);
    response
}

fn java_method(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::IssueCertificate => "ApiAtlasV2DatabaseUsersResource::generateCert",
        Endpoint::ListCertificates => "ApiAtlasV2DatabaseUsersResource::getValidCertsByUsername",
        Endpoint::ListUsers => "ApiAtlasV2DatabaseUsersResource::getAllUsers",
        Endpoint::ReadUser => "ApiAtlasV2DatabaseUsersResource::getUser",
        Endpoint::IssueToken => "ApiOAuthResource::token",
        Endpoint::RevokeToken => "ApiOAuthResource::revoke",
    }
}

#[rustfmt::skip]
const ALWAYS: [(&str, &str); 9] = [
    ("server", "mdbws"),
    ("strict-transport-security", "max-age=31536000; includeSubdomains;"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-java-version", "17.0.19+10-LTS"),
    ("x-envoy-upstream-service-time", "7"),
    ("x-mongodb-service-version", "gitHash=0000000000000000000000000000000000000000; versionString=local-atlas"),
];
