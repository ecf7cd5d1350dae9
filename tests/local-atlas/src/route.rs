//! Paths: which endpoint a request addresses.

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::version::ApiVersion;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// `POST …/databaseUsers/{username}/certs`
    IssueCertificate,
    /// `GET …/databaseUsers/{username}/certs`
    ListCertificates,
    /// `POST …/databaseUsers`
    CreateUser,
    /// `GET …/databaseUsers`
    ListUsers,
    /// `GET …/databaseUsers/{databaseName}/{username}`
    ReadUser,
    /// `PATCH …/databaseUsers/{databaseName}/{username}`
    UpdateUser,
    /// `DELETE …/databaseUsers/{databaseName}/{username}`
    DeleteUser,
    /// `GET …/userSecurity`
    ReadSecurity,
    /// `POST /api/oauth/token`
    IssueToken,
    /// `POST /api/oauth/revoke`
    RevokeToken,
}

/// An endpoint with what its path names, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) version: Option<ApiVersion>,
    pub(crate) project: String,
    pub(crate) database: String,
    pub(crate) user: String,
}

impl Endpoint {
    pub(crate) fn is_oauth(self) -> bool {
        matches!(self, Self::IssueToken | Self::RevokeToken)
    }

    pub(crate) fn has_body(self) -> bool {
        matches!(
            self,
            Self::IssueCertificate | Self::CreateUser | Self::UpdateUser
        )
    }

    /// Whether the response is a page of a list.
    pub(crate) fn lists(self) -> bool {
        matches!(self, Self::ListCertificates | Self::ListUsers)
    }

    pub(crate) fn writes(self) -> bool {
        self.has_body() || self == Self::DeleteUser
    }
}

impl Route {
    /// Reads `path` as it was sent: it is split first and each segment decoded by itself.
    pub(crate) fn parse(method: &Method, path: &str) -> Result<Self, ApiError> {
        let segments = decode(path)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (endpoints, version, project, database, user): (&[Endpoint], _, _, _, _) =
            match segments[..] {
                ["api", "oauth", "token"] => (&[Endpoint::IssueToken], None, "", "", ""),
                ["api", "oauth", "revoke"] => (&[Endpoint::RevokeToken], None, "", "", ""),
                ["api", "atlas", version, "groups", project, ref rest @ ..] => {
                    let version = ApiVersion::from_segment(version);
                    let version = version.ok_or_else(|| ApiError::resource_not_found(path))?;
                    let (endpoints, database, user) =
                        of_group(rest).ok_or_else(|| ApiError::resource_not_found(path))?;
                    (endpoints, Some(version), project, database, user)
                }
                _ => return Err(ApiError::resource_not_found(path)),
            };
        let endpoint = endpoints
            .iter()
            .find(|endpoint| method_of(**endpoint) == *method);
        let endpoint = *endpoint.ok_or_else(|| ApiError::method_not_allowed(method.as_str()))?;
        let (project, database, user) = (project.to_owned(), database.to_owned(), user.to_owned());
        Ok(Self {
            endpoint,
            version,
            project,
            database,
            user,
        })
    }
}

/// The segments of a path, each percent-decoded.
pub(crate) fn decode(path: &str) -> Result<Vec<String>, ApiError> {
    let segments = path.trim_start_matches('/').split('/');
    segments
        .map(|segment| decode_segment(segment).ok_or_else(|| ApiError::path_unreadable(segment)))
        .collect()
}

/// Percent-encodes all but the unreserved characters; `$` stays, as in Atlas' own links.
pub(crate) fn encode_segment(segment: &str) -> String {
    const KEPT: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'$');
    utf8_percent_encode(segment, &KEPT).to_string()
}

fn of_group<'a>(rest: &[&'a str]) -> Option<(&'static [Endpoint], &'a str, &'a str)> {
    use Endpoint::{
        CreateUser, DeleteUser, IssueCertificate, ListCertificates, ListUsers, ReadSecurity,
        ReadUser, UpdateUser,
    };
    match *rest {
        ["databaseUsers"] => Some((&[ListUsers, CreateUser], "", "")),
        ["databaseUsers", user, "certs"] if !user.is_empty() => {
            Some((&[IssueCertificate, ListCertificates], "$external", user))
        }
        ["databaseUsers", database, user] if !database.is_empty() && !user.is_empty() => {
            Some((&[ReadUser, UpdateUser, DeleteUser], database, user))
        }
        ["userSecurity"] => Some((&[ReadSecurity], "", "")),
        _ => None,
    }
}

fn method_of(endpoint: Endpoint) -> Method {
    match endpoint {
        Endpoint::ListCertificates
        | Endpoint::ListUsers
        | Endpoint::ReadUser
        | Endpoint::ReadSecurity => Method::GET,
        Endpoint::UpdateUser => Method::PATCH,
        Endpoint::DeleteUser => Method::DELETE,
        _ => Method::POST,
    }
}

/// `None` for a stray `%` or for bytes that are not UTF-8.
fn decode_segment(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    let escaped = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && !escaped(at)) {
        return None;
    }
    percent_decode_str(segment)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn decodes_each_segment_after_splitting() {
        let path = "/api/atlas/v1.0/groups/32b6e34b3d91647abb20e7b8/databaseUsers/a%2Fb%20c%2B%C3%AB/certs";
        let route = Route::parse(&Method::POST, path).unwrap();
        assert_eq!(route.endpoint, Endpoint::IssueCertificate);
        assert_eq!(route.user, "a/b c+ë");
        assert_eq!(encode_segment(&route.user), "a%2Fb%20c%2B%C3%AB");
        let path =
            "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/databaseUsers/%24external/app-user";
        let route = Route::parse(&Method::GET, path).unwrap();
        assert_eq!(
            (route.endpoint, route.database.as_str()),
            (Endpoint::ReadUser, "$external")
        );
    }

    #[test]
    fn refuses_paths_it_does_not_serve() {
        for (method, path, status) in [
            (
                Method::GET,
                "/api/atlas/v3/groups/1/databaseUsers/a/certs",
                404,
            ),
            (
                Method::GET,
                "/api/atlas/v2/groups/1/databaseUsers//certs",
                404,
            ),
            (
                Method::GET,
                "/api/atlas/v2/groups/1/databaseUsers/a/b/c",
                404,
            ),
            (
                Method::DELETE,
                "/api/atlas/v2/groups/1/databaseUsers/a/certs",
                405,
            ),
            (
                Method::GET,
                "/api/atlas/v2/groups/1/databaseUsers/a%2/certs",
                400,
            ),
            (
                Method::GET,
                "/api/atlas/v2/groups/1/databaseUsers/%FF/certs",
                400,
            ),
            (Method::GET, "/api/oauth/token", 405),
        ] {
            assert_eq!(
                Route::parse(&method, path).unwrap_err().status.as_u16(),
                status,
                "{method} {path}"
            );
        }
    }
}
