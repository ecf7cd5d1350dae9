//! The address of a request: endpoint, API version, path parameters, query.

use hyper::{
    Method,
    header::{ACCEPT, CONTENT_TYPE},
};
use jiff::civil::Date;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::{Refusal, error},
    handler::Received,
};

/// An operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// `POST …/databaseUsers/{username}/certs`
    IssueCertificate,
    /// `GET …/databaseUsers/{username}/certs`
    ListCertificates,
    /// `GET …/databaseUsers`
    ListUsers,
    /// `GET …/databaseUsers/{databaseName}/{username}`
    ReadUser,
    /// `POST /api/oauth/token`
    IssueToken,
    /// `POST /api/oauth/revoke`
    RevokeToken,
}

impl Endpoint {
    fn method(self) -> Method {
        match self {
            Self::ListCertificates | Self::ListUsers | Self::ReadUser => Method::GET,
            Self::IssueCertificate | Self::IssueToken | Self::RevokeToken => Method::POST,
        }
    }
}

/// The generation of the API that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiVersion {
    /// `/api/atlas/v1.0`, plain JSON.
    #[serde(rename = "v1.0")]
    V1,
    /// `/api/atlas/v2`, versioned by media type.
    #[serde(rename = "v2")]
    V2,
}

impl ApiVersion {
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::V2 => "v2",
        }
    }

    /// The `Content-Type` of a response that is not an error.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::V1 => "application/json",
            Self::V2 => "application/vnd.atlas.2023-01-01+json;charset=utf-8",
        }
    }

    /// Checks that v2 is asked for by its date, and that a body has the version's type.
    pub(crate) fn check_media_types(self, received: &Received, body: bool) -> Result<(), Refusal> {
        let (accept, content) = (received.header(ACCEPT), received.header(CONTENT_TYPE));
        if self == Self::V2 && !accept.split(',').any(names_this_resource) {
            return Err(error("INVALID_VERSION_DATE", &[accept]));
        }
        let understood = match self {
            Self::V1 => essence(content).eq_ignore_ascii_case("application/json"),
            Self::V2 => names_this_resource(content),
        };
        if body && !understood {
            return Err(error("UNSUPPORTED_MEDIA_TYPE", &[content]));
        }
        Ok(())
    }
}

/// A date resolves to the newest version not after it; the only one of this resource is 2023-01-01.
fn names_this_resource(media_type: &str) -> bool {
    let date = essence(media_type).strip_prefix("application/vnd.atlas.");
    let date = date.and_then(|rest| rest.strip_suffix("+json"));
    let date = date.filter(|date| date.len() == 10).and_then(|date| date.parse::<Date>().ok());
    date.is_some_and(|date| date.year() >= 2023)
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// An endpoint with its path parameters, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) version: Option<ApiVersion>,
    pub(crate) project: String,
    pub(crate) database: String,
    pub(crate) user: String,
}

impl Route {
    /// Reads `path` as it was sent: it is split first, and then each segment is decoded.
    pub(crate) fn parse(method: &Method, path: &str) -> Result<Self, Refusal> {
        use Endpoint as E;
        let segments = path.trim_start_matches('/').split('/');
        let decoded =
            segments.map(|it| decode(it).ok_or_else(|| error("PATH_PARAM_PARSE_ERROR", &[it])));
        let segments = decoded.collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let missing = || error("RESOURCE_NOT_FOUND", &[path]);
        let (version, project, rest) = match segments[..] {
            ["api", "oauth", _] => (None, "", &segments[2..]),
            ["api", "atlas", version @ ("v1.0" | "v2"), "groups", project, ..] => {
                let version = if version == "v2" { ApiVersion::V2 } else { ApiVersion::V1 };
                (Some(version), project, &segments[5..])
            }
            _ => return Err(missing()),
        };
        let (endpoints, database, user): (&[Endpoint], _, _) = match *rest {
            ["token"] if version.is_none() => (&[E::IssueToken], "", ""),
            ["revoke"] if version.is_none() => (&[E::RevokeToken], "", ""),
            ["databaseUsers"] => (&[E::ListUsers], "", ""),
            ["databaseUsers", user, "certs"] if !user.is_empty() => {
                (&[E::IssueCertificate, E::ListCertificates], "$external", user)
            }
            ["databaseUsers", database, user] if !database.is_empty() && !user.is_empty() => {
                (&[E::ReadUser], database, user)
            }
            _ => return Err(missing()),
        };
        let endpoint = endpoints.iter().find(|endpoint| endpoint.method() == *method);
        Ok(Self {
            endpoint: *endpoint.ok_or_else(|| error("METHOD_NOT_ALLOWED", &[method.as_str()]))?,
            version,
            project: project.to_owned(),
            database: database.to_owned(),
            user: user.to_owned(),
        })
    }

    /// The URL of the project's database users, for links.
    pub(crate) fn users_url(&self, base: &str) -> String {
        let version = self.version.map_or("v2", ApiVersion::segment);
        format!("{base}/api/atlas/{version}/groups/{}/databaseUsers", self.project)
    }
}

/// Percent-encodes all but the unreserved characters; `$` stays, as in Atlas's own links.
pub(crate) fn encode_segment(segment: &str) -> String {
    const UNRESERVED: AsciiSet =
        NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const ESCAPED: AsciiSet = UNRESERVED.remove(b'$');
    utf8_percent_encode(segment, &ESCAPED).to_string()
}

/// `None` for a `%` without two hex digits, or for bytes that are not UTF-8.
fn decode(segment: &str) -> Option<String> {
    let hex = |text: &str| text.len() >= 2 && text.bytes().take(2).all(|it| it.is_ascii_hexdigit());
    let valid = segment.split('%').skip(1).all(hex);
    let decoded = percent_decode_str(segment).decode_utf8().ok();
    decoded.filter(|_| valid).map(std::borrow::Cow::into_owned)
}

/// The query of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) pretty: bool,
    pub(crate) envelope: bool,
    include_count: bool,
    items_per_page: usize,
    page: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self { pretty: false, envelope: false, include_count: true, items_per_page: 100, page: 1 }
    }
}

impl Query {
    /// Reads the query as it was sent; unknown names and values out of range are refused.
    pub(crate) fn parse(endpoint: Endpoint, raw: &str) -> Result<Self, Refusal> {
        let number = |value: &str, most: usize| {
            value.parse().ok().filter(|number| (1..=most).contains(number))
        };
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            let list = matches!(endpoint, Endpoint::ListCertificates | Endpoint::ListUsers);
            let understood = match name.as_ref() {
                "pretty" => value.parse().ok().map(|it| query.pretty = it),
                "envelope" => value.parse().ok().map(|it| query.envelope = it),
                "includeCount" if list => value.parse().ok().map(|it| query.include_count = it),
                "itemsPerPage" if list => number(&value, 500).map(|it| query.items_per_page = it),
                "pageNum" if list => number(&value, usize::MAX).map(|it| query.page = it),
                _ => None,
            };
            understood.ok_or_else(|| error("INVALID_QUERY_PARAMETER", &[&name]))?;
        }
        Ok(query)
    }

    /// One page of `items`, at most `largest` of them, with the links of the collection at `url`.
    pub(crate) fn page(&self, items: Vec<Value>, largest: usize, url: &str) -> Value {
        let total = items.len();
        let size = self.items_per_page.min(largest.max(1));
        let start = (self.page - 1).saturating_mul(size);
        let page: Vec<Value> = items.into_iter().skip(start).take(size).collect();
        let link = |rel: &str, page: usize| {
            let (count, size) = (self.include_count, self.items_per_page);
            json!({ "href": format!("{url}?includeCount={count}&pageNum={page}&itemsPerPage={size}"), "rel": rel })
        };
        let mut links = vec![link("self", self.page)];
        if start.saturating_add(page.len()) < total && !page.is_empty() {
            links.push(link("next", self.page + 1));
        }
        if self.page > 1 {
            links.push(link("previous", self.page - 1));
        }
        let mut body = json!({ "links": links, "results": page });
        if self.include_count {
            body["totalCount"] = json!(total);
        }
        body
    }
}
