//! Builds the requests to the API: method, path, headers and body. Pure.

use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::{
    config::{ApiVersion, BaseUrl, CredentialKind},
    error::{Operation, RequestInfo},
    params::{Months, ProjectId, UserKey, Username},
    proxy::Proxy,
};

/// A request without its authorization. Not `Debug`, because a form can contain a token.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) info: RequestInfo,
    pub(super) accept: &'static str,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Option<Bytes>,
    /// The maximum size of a successful response.
    pub(super) max_body_bytes: usize,
}

/// Whether a request may be sent again although a previous attempt may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idempotency {
    Idempotent,
    /// Each time the request takes effect it issues a certificate that cannot be revoked.
    NotIdempotent,
}

impl Request {
    pub(super) fn idempotency(&self) -> Idempotency {
        match self.info.operation {
            Operation::IssueCertificate => Idempotency::NotIdempotent,
            _ => Idempotency::Idempotent,
        }
    }
}

/// The endpoints of one API version at one server.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    server: String,
    address: Arc<str>,
    credentials: CredentialKind,
    base_path: String,
    version: ApiVersion,
}

impl Endpoints {
    pub(super) fn new(base: &BaseUrl, version: ApiVersion, proxy: Option<&Proxy>) -> Self {
        let address = match proxy {
            Some(proxy) => format!("{} through the proxy {}", base.address(), proxy.address()),
            None => base.address(),
        };
        Self {
            server: base.to_string(),
            address: address.into(),
            credentials: CredentialKind::default(),
            base_path: base.path().to_owned(),
            version,
        }
    }

    /// The same for requests with credentials of this kind, which errors name.
    pub(super) fn with_credentials(self, credentials: CredentialKind) -> Self {
        Self { credentials, ..self }
    }

    /// The base URL.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn user_key(&self, project: &ProjectId, user: &Username) -> UserKey {
        UserKey::new(&self.server, project, user)
    }

    /// Issues one more certificate.
    pub(super) fn issue(&self, project: &ProjectId, user: &Username, months: Months) -> Request {
        let body = format!("{{\"monthsUntilExpiration\":{months}}}");
        let path = certificates_path(project, user);
        Request {
            content_type: Some(self.media_type()),
            body: Some(Bytes::from(body)),
            ..self.api(Operation::IssueCertificate, Method::POST, &path)
        }
    }

    /// Reads a page of a user's unexpired certificates. Pages are numbered from 1.
    pub(super) fn certificates(
        &self,
        project: &ProjectId,
        user: &Username,
        page: usize,
    ) -> Request {
        let path = format!("{}?{}", certificates_path(project, user), page_query(page));
        Request {
            max_body_bytes: MAX_PAGE_BYTES,
            ..self.api(Operation::ListCertificates, Method::GET, &path)
        }
    }

    /// Reads a page of a project's database users. Pages are numbered from 1.
    pub(super) fn users(&self, project: &ProjectId, page: usize) -> Request {
        let path = format!("/groups/{project}/databaseUsers?{}", page_query(page));
        Request {
            max_body_bytes: MAX_PAGE_BYTES,
            ..self.api(Operation::ListUsers, Method::GET, &path)
        }
    }

    /// Reads a database user of `$external`.
    pub(super) fn user(&self, project: &ProjectId, user: &Username) -> Request {
        let user = user.encoded();
        let path = format!("/groups/{project}/databaseUsers/$external/{user}");
        self.api(Operation::ReadUser, Method::GET, &path)
    }

    /// Requests the HTTP Digest challenge for the path of another request, without that request's effect.
    pub(super) fn challenge(&self, request: &Request) -> Request {
        let target = request.info.target.clone();
        self.request(Operation::Authenticate, Method::GET, target)
    }

    /// Requests an access token for a service account.
    pub(super) fn token(&self) -> Request {
        let form = "grant_type=client_credentials".into();
        self.oauth(Operation::Authenticate, "token", form)
    }

    /// Revokes an access token.
    pub(super) fn revoke(&self, token: &str) -> Request {
        let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
        let form = format!("token={token}&token_type_hint=access_token");
        self.oauth(Operation::RevokeToken, "revoke", form)
    }

    fn api(&self, operation: Operation, method: Method, path: &str) -> Request {
        let prefix = match self.version {
            ApiVersion::V1_0 => "/api/atlas/v1.0",
            ApiVersion::V2 => "/api/atlas/v2",
        };
        self.request(operation, method, format!("{}{prefix}{path}", self.base_path))
    }

    fn oauth(&self, operation: Operation, verb: &str, form: String) -> Request {
        let target = format!("{}/api/oauth/{verb}", self.base_path);
        Request {
            accept: "application/json",
            content_type: Some("application/x-www-form-urlencoded"),
            body: Some(Bytes::from(form)),
            ..self.request(operation, Method::POST, target)
        }
    }

    fn request(&self, operation: Operation, method: Method, target: String) -> Request {
        Request {
            info: RequestInfo {
                credentials: self.credentials,
                operation,
                method,
                address: Arc::clone(&self.address),
                target,
            },
            accept: self.media_type(),
            content_type: None,
            body: None,
            max_body_bytes: 1 << 20,
        }
    }

    fn media_type(&self) -> &'static str {
        match self.version {
            ApiVersion::V1_0 => "application/json",
            ApiVersion::V2 => "application/vnd.atlas.2023-01-01+json",
        }
    }
}

fn certificates_path(project: &ProjectId, user: &Username) -> String {
    format!("/groups/{project}/databaseUsers/{}/certs", user.encoded())
}

fn page_query(page: usize) -> String {
    format!("includeCount=true&itemsPerPage={PAGE_SIZE}&pageNum={page}")
}

/// The maximum that the API accepts.
pub(super) const PAGE_SIZE: usize = 500;
/// 500 certificates have about 90 KB, or 2 MB if the user's name has 1024 characters.
const MAX_PAGE_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> (ProjectId, Username) {
        (ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(), Username::parse("a b/é").unwrap())
    }

    #[test]
    fn both_api_versions_have_the_same_paths_and_bodies() {
        let (project, user) = subject();
        let base = BaseUrl::parse("https://proxy.example/atlas/").unwrap();
        for (version, prefix, media) in [
            (ApiVersion::V1_0, "/atlas/api/atlas/v1.0", "application/json"),
            (ApiVersion::V2, "/atlas/api/atlas/v2", "application/vnd.atlas.2023-01-01+json"),
        ] {
            let endpoints = Endpoints::new(&base, version, None);
            let post = endpoints.issue(&project, &user, Months::parse(3).unwrap());
            let path = format!(
                "{prefix}/groups/32b6e34b3d91647abb20e7b8/databaseUsers/a%20b%2F%C3%A9/certs"
            );
            assert_eq!((post.info.method.as_str(), &post.info.target), ("POST", &path));
            assert_eq!((post.accept, post.content_type), (media, Some(media)));
            assert_eq!(post.body.as_deref(), Some(&b"{\"monthsUntilExpiration\":3}"[..]));
            assert!(post.idempotency() == Idempotency::NotIdempotent);

            let list = endpoints.certificates(&project, &user, 2);
            assert_eq!(
                list.info.target,
                format!("{path}?includeCount=true&itemsPerPage=500&pageNum=2")
            );
            assert_eq!(
                (list.info.method.as_str(), list.accept, list.content_type),
                ("GET", media, None)
            );

            let users = endpoints.users(&project, 1);
            let query = "?includeCount=true&itemsPerPage=500&pageNum=1";
            let path = format!("{prefix}/groups/{project}/databaseUsers{query}");
            assert_eq!(users.info.target, path);

            let read = endpoints.user(&project, &user);
            assert!(read.info.target.ends_with("/databaseUsers/$external/a%20b%2F%C3%A9"));
        }
    }

    #[test]
    fn a_challenge_is_requested_with_get_from_the_same_path() {
        let (project, user) = subject();
        let endpoints = Endpoints::new(&BaseUrl::cloud(), ApiVersion::V1_0, None);
        let post = endpoints.issue(&project, &user, Months::parse(3).unwrap());
        let challenge = endpoints.challenge(&post);
        assert_eq!(
            (challenge.info.method.as_str(), &challenge.info.target),
            ("GET", &post.info.target)
        );
        assert!(challenge.body.is_none() && challenge.idempotency() == Idempotency::Idempotent);
    }

    #[test]
    fn tokens_are_requested_and_revoked_with_a_form() {
        let endpoints = Endpoints::new(&BaseUrl::cloud(), ApiVersion::V2, None);
        assert_eq!(endpoints.token().info.target, "/api/oauth/token");
        assert_eq!(endpoints.token().body.as_deref(), Some(&b"grant_type=client_credentials"[..]));
        let revoke = endpoints.revoke("a+b/c=");
        assert_eq!(revoke.info.target, "/api/oauth/revoke");
        assert_eq!(
            revoke.body.as_deref(),
            Some(&b"token=a%2Bb%2Fc%3D&token_type_hint=access_token"[..])
        );
    }
}
