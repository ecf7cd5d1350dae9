//! Builds the requests to the API: method, path, headers and body. Pure.

use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::{
    config::{ApiVersion, BaseUrl, Config},
    error::{Operation, RequestInfo},
    params::{Months, ProjectId, UserId},
};

/// A request without its authorization. Not `Debug`, because a form can contain a token.
pub(super) struct Request {
    pub(super) info: RequestInfo,
    pub(super) accept: &'static str,
    /// The media type and the bytes.
    pub(super) body: Option<(&'static str, Bytes)>,
}

impl Request {
    /// The maximum size of a successful response. 500 certificates have about 90 KB, or 2 MB if the user's name has 1024
    /// characters.
    pub(super) fn max_body_bytes(&self) -> usize {
        match self.info.operation {
            Operation::ListCertificates | Operation::ListUsers => 8 << 20,
            _ => 1 << 20,
        }
    }
}

/// A database user of a project at a server: equal for both spellings of a user's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct UserKey {
    server: BaseUrl,
    project: ProjectId,
    common_name: String,
}

/// The endpoints of one API version at one server.
pub(super) struct Endpoints {
    config: Arc<Config>,
    /// Host and port, and the proxy if there is one.
    address: Arc<str>,
}

impl Endpoints {
    pub(super) fn new(config: &Arc<Config>) -> Self {
        let address = match &config.proxy {
            Some(proxy) => {
                format!("{} through the proxy {}", config.base_url.address, proxy.address)
            }
            None => config.base_url.address.clone(),
        };
        Self { config: Arc::clone(config), address: address.into() }
    }

    pub(super) fn user_key(&self, user: &UserId) -> UserKey {
        UserKey {
            server: self.config.base_url.clone(),
            project: user.project.clone(),
            common_name: user.username.common_name(),
        }
    }

    /// Issues one more certificate.
    pub(super) fn issue(&self, user: &UserId, months: Months) -> Request {
        let path = certificates_path(user);
        let body = format!("{{\"monthsUntilExpiration\":{months}}}");
        self.api(Operation::IssueCertificate, &path, Some(body))
    }

    /// Reads a page of a user's unexpired certificates. Pages are numbered from 1.
    pub(super) fn certificates(&self, user: &UserId, page: usize) -> Request {
        let path = format!("{}?{}", certificates_path(user), page_query(page));
        self.api(Operation::ListCertificates, &path, None)
    }

    /// Reads a page of a project's database users. Pages are numbered from 1.
    pub(super) fn users(&self, project: &ProjectId, page: usize) -> Request {
        let path = format!("/groups/{project}/databaseUsers?{}", page_query(page));
        self.api(Operation::ListUsers, &path, None)
    }

    /// Reads a database user of `$external`.
    pub(super) fn user(&self, UserId { project, username }: &UserId) -> Request {
        let path = format!("/groups/{project}/databaseUsers/$external/{}", username.encoded());
        self.api(Operation::ReadUser, &path, None)
    }

    /// Requests the HTTP Digest challenge for the path of another request, without that request's effect.
    pub(super) fn challenge(&self, request: &Request) -> Request {
        let target = request.info.target.clone();
        self.request(Operation::Authenticate, target, request.accept, None)
    }

    /// Requests an access token for a service account.
    pub(super) fn token(&self) -> Request {
        self.oauth(Operation::Authenticate, "token", "grant_type=client_credentials".to_owned())
    }

    /// Revokes an access token.
    pub(super) fn revoke(&self, token: &str) -> Request {
        let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
        let form = format!("token={token}&token_type_hint=access_token");
        self.oauth(Operation::RevokeToken, "revoke", form)
    }

    fn api(&self, operation: Operation, path: &str, body: Option<String>) -> Request {
        let (version, media_type) = match self.config.api_version {
            ApiVersion::V1_0 => ("v1.0", "application/json"),
            ApiVersion::V2 => ("v2", "application/vnd.atlas.2023-01-01+json"),
        };
        let target = format!("{}/api/atlas/{version}{path}", self.config.base_url.path);
        self.request(operation, target, media_type, body.map(|body| (media_type, body)))
    }

    fn oauth(&self, operation: Operation, verb: &str, form: String) -> Request {
        let target = format!("{}/api/oauth/{verb}", self.config.base_url.path);
        let body = Some(("application/x-www-form-urlencoded", form));
        self.request(operation, target, "application/json", body)
    }

    fn request(
        &self,
        operation: Operation,
        target: String,
        accept: &'static str,
        body: Option<(&'static str, String)>,
    ) -> Request {
        let info = RequestInfo {
            operation,
            method: if body.is_some() { Method::POST } else { Method::GET },
            address: Arc::clone(&self.address),
            credentials: self.config.credentials.kind(),
            target,
        };
        Request { info, accept, body: body.map(|(media_type, body)| (media_type, body.into())) }
    }
}

fn certificates_path(UserId { project, username }: &UserId) -> String {
    format!("/groups/{project}/databaseUsers/{}/certs", username.encoded())
}

fn page_query(page: usize) -> String {
    format!("includeCount=true&itemsPerPage={PAGE_SIZE}&pageNum={page}")
}

/// The maximum that the API accepts.
pub(super) const PAGE_SIZE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::{Username, tests::unit_config};

    fn user() -> UserId {
        UserId {
            project: ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            username: Username::parse("a b/é").unwrap(),
        }
    }

    #[test]
    fn both_api_versions_have_the_same_paths_and_bodies() {
        let user = user();
        for (api_version, prefix, media) in [
            (ApiVersion::V1_0, "/atlas/api/atlas/v1.0", "application/json"),
            (ApiVersion::V2, "/atlas/api/atlas/v2", "application/vnd.atlas.2023-01-01+json"),
        ] {
            let base_url = BaseUrl::parse("https://proxy.example/atlas/").unwrap();
            let config = Config { base_url, api_version, ..(*unit_config()).clone() };
            let endpoints = Endpoints::new(&Arc::new(config));
            let post = endpoints.issue(&user, Months::parse(3).unwrap());
            let path = format!(
                "{prefix}/groups/32b6e34b3d91647abb20e7b8/databaseUsers/a%20b%2F%C3%A9/certs"
            );
            assert_eq!((post.info.method.as_str(), &post.info.target), ("POST", &path));
            let body = Bytes::from_static(b"{\"monthsUntilExpiration\":3}");
            assert_eq!((post.accept, post.body), (media, Some((media, body))));
            assert!(!post.info.operation.is_idempotent());

            let list = endpoints.certificates(&user, 2);
            assert_eq!(
                list.info.target,
                format!("{path}?includeCount=true&itemsPerPage=500&pageNum=2")
            );
            assert_eq!((list.info.method.as_str(), list.accept, list.body), ("GET", media, None));

            let users = endpoints.users(&user.project, 1);
            let query = "?includeCount=true&itemsPerPage=500&pageNum=1";
            let path = format!("{prefix}/groups/{}/databaseUsers{query}", user.project);
            assert_eq!(users.info.target, path);

            let read = endpoints.user(&user);
            assert!(read.info.target.ends_with("/databaseUsers/$external/a%20b%2F%C3%A9"));
        }
    }

    #[test]
    fn a_challenge_is_requested_with_get_from_the_same_path() {
        let user = user();
        let endpoints = Endpoints::new(&unit_config());
        let post = endpoints.issue(&user, Months::parse(3).unwrap());
        let challenge = endpoints.challenge(&post);
        assert_eq!(
            (challenge.info.method.as_str(), &challenge.info.target),
            ("GET", &post.info.target)
        );
        assert!(challenge.body.is_none() && challenge.info.operation.is_idempotent());
    }

    #[test]
    fn tokens_are_requested_and_revoked_with_a_form() {
        let endpoints = Endpoints::new(&unit_config());
        assert_eq!(endpoints.token().info.target, "/api/oauth/token");
        let form = |text: &'static str| {
            Some(("application/x-www-form-urlencoded", Bytes::from_static(text.as_bytes())))
        };
        assert_eq!(endpoints.token().body, form("grant_type=client_credentials"));
        let revoke = endpoints.revoke("a+b/c=");
        assert_eq!(revoke.info.target, "/api/oauth/revoke");
        assert_eq!(revoke.body, form("token=a%2Bb%2Fc%3D&token_type_hint=access_token"));
    }
}
