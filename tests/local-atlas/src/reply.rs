//! Answers: what is said, and how it is written.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::jackson;
use crate::query::Query;
use crate::version::ApiVersion;

/// An answer before it is written.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    payload: Payload,
    /// The id of the certificate that this request brought about.
    pub(crate) issued: Option<u64>,
}

#[derive(Debug)]
enum Payload {
    Empty,
    Json(Value),
    /// JSON with a layout of its own.
    Text(&'static str),
    Pem(String),
}

/// An answer as it goes out, apart from the headers that every answer has.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: Value) -> Self {
        Self::new(status, Payload::Json(body))
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::new(status, Payload::Empty)
    }

    /// A 201 with the PEM text of certificate and key.
    pub(crate) fn issued(id: u64, combined_pem: String) -> Self {
        Self {
            issued: Some(id),
            ..Self::new(StatusCode::CREATED, Payload::Pem(combined_pem))
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn render_plain(self) -> Rendered {
        self.render(None, &Query::default())
    }

    /// Writes it in the way the request asked for.
    pub(crate) fn render(mut self, version: Option<ApiVersion>, query: &Query) -> Rendered {
        let success = self.status.is_success();
        let body = match self.payload {
            Payload::Empty => String::new(),
            Payload::Text(text) => text.to_owned(),
            Payload::Pem(text) if query.envelope => {
                laid_out(&enveloped(json!(text), self.status), query)
            }
            Payload::Pem(text) => text,
            Payload::Json(value) if query.envelope => {
                laid_out(&enveloped(value, self.status), query)
            }
            Payload::Json(value) => laid_out(&value, query),
        };
        if !body.is_empty() {
            let versioned = version.filter(|_| success).map(ApiVersion::media_type);
            let content_type = versioned.unwrap_or("application/json");
            self.headers
                .push(("content-type".to_owned(), content_type.to_owned()));
        }
        Rendered {
            status: self.status,
            headers: self.headers,
            body: body.into_bytes(),
        }
    }

    fn new(status: StatusCode, payload: Payload) -> Self {
        Self {
            status,
            headers: Vec::new(),
            payload,
            issued: None,
        }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let payload = if error.unauthorized {
            Payload::Text(UNAUTHORIZED)
        } else {
            Payload::Json(error.body())
        };
        let headers = error
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self {
            headers,
            ..Self::new(error.status, payload)
        }
    }
}

impl Rendered {
    /// Sets a header in place of one of the same name.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(it, _)| !it.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

fn laid_out(value: &Value, query: &Query) -> String {
    if query.pretty {
        jackson::pretty(value)
    } else {
        value.to_string()
    }
}

/// A list keeps `results` and gains `status`; anything else becomes the content.
fn enveloped(value: Value, status: StatusCode) -> Value {
    match value {
        Value::Object(mut list) if list.contains_key("results") => {
            list.insert("status".to_owned(), json!(status.as_u16()));
            Value::Object(list)
        }
        single => {
            let mut envelope = Map::new();
            envelope.insert("status".to_owned(), json!(status.as_u16()));
            envelope.insert("content".to_owned(), single);
            Value::Object(envelope)
        }
    }
}

/// Atlas prints this one with its own layout, whatever was asked for.
const UNAUTHORIZED: &str = r#"{
  "error" : 401,
  "reason" : "Unauthorized",
  "detail" : "You are not authorized for this resource.",
  "errorCode" : "UNEXPECTED_ERROR"
}"#;
