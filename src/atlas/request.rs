//! Builds the requests to the API: method, path, headers and body. Pure.

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
    fn new(
        config: &Config,
        operation: Operation,
        target: String,
        accept: &'static str,
        body: Option<(&'static str, String)>,
    ) -> Self {
        let mut address = config.base_url.address.clone();
        if let Some(proxy) = &config.proxy {
            address += &format!(" through the proxy {}", proxy.address);
        }
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let credentials = config.credentials.kind();
        let info = RequestInfo { operation, method, address: address.into(), credentials, target };
        Self { info, accept, body: body.map(|(media_type, body)| (media_type, body.into())) }
    }

    /// The maximum size of a successful response. 500 certificates have 90 KB, or 2 MB with a name of 1024 characters.
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

impl UserKey {
    pub(super) fn new(config: &Config, user: &UserId) -> Self {
        Self {
            server: config.base_url.clone(),
            project: user.project.clone(),
            common_name: user.username.common_name(),
        }
    }
}

pub(super) fn issue(config: &Config, user: &UserId, months: Months) -> Request {
    let body = format!("{{\"monthsUntilExpiration\":{months}}}");
    api(config, Operation::IssueCertificate, &certificates_path(user), Some(body))
}

/// Reads a page of a user's unexpired certificates. Pages are numbered from 1.
pub(super) fn certificates(config: &Config, user: &UserId, page: usize) -> Request {
    let path = certificates_path(user) + &page_query(page);
    api(config, Operation::ListCertificates, &path, None)
}

/// Reads a page of a project's database users. Pages are numbered from 1.
pub(super) fn users(config: &Config, project: &ProjectId, page: usize) -> Request {
    let path = format!("/groups/{project}/databaseUsers{}", page_query(page));
    api(config, Operation::ListUsers, &path, None)
}

/// Reads a database user of `$external`.
pub(super) fn user(config: &Config, UserId { project, username }: &UserId) -> Request {
    let path = format!("/groups/{project}/databaseUsers/$external/{}", username.encoded());
    api(config, Operation::ReadUser, &path, None)
}

/// Requests the HTTP Digest challenge for the path of another request, without that request's effect.
pub(super) fn challenge(config: &Config, request: &Request) -> Request {
    let target = request.info.target.clone();
    Request::new(config, Operation::Authenticate, target, request.accept, None)
}

/// Requests an access token for a service account.
pub(super) fn token(config: &Config) -> Request {
    let form = "grant_type=client_credentials".to_owned();
    oauth(config, Operation::Authenticate, "token", form)
}

pub(super) fn revoke(config: &Config, token: &str) -> Request {
    let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
    let form = format!("token={token}&token_type_hint=access_token");
    oauth(config, Operation::RevokeToken, "revoke", form)
}

fn api(config: &Config, operation: Operation, path: &str, body: Option<String>) -> Request {
    let (version, media_type) = match config.api_version {
        ApiVersion::V1_0 => ("v1.0", "application/json"),
        ApiVersion::V2 => ("v2", "application/vnd.atlas.2023-01-01+json"),
    };
    let target = format!("{}/api/atlas/{version}{path}", config.base_url.path);
    Request::new(config, operation, target, media_type, body.map(|body| (media_type, body)))
}

fn oauth(config: &Config, operation: Operation, verb: &str, form: String) -> Request {
    let target = format!("{}/api/oauth/{verb}", config.base_url.path);
    let body = Some(("application/x-www-form-urlencoded", form));
    Request::new(config, operation, target, "application/json", body)
}

fn certificates_path(UserId { project, username }: &UserId) -> String {
    format!("/groups/{project}/databaseUsers/{}/certs", username.encoded())
}

fn page_query(page: usize) -> String {
    format!("?includeCount=true&itemsPerPage={PAGE_SIZE}&pageNum={page}")
}

/// The maximum that the API accepts.
pub(super) const PAGE_SIZE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::{Username, tests::unit_config};

    fn app_user() -> UserId {
        UserId {
            project: ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            username: Username::parse("a b/é").unwrap(),
        }
    }

    #[test]
    fn both_api_versions_have_the_same_paths_and_bodies() {
        let user = app_user();
        for (api_version, prefix, media) in [
            (ApiVersion::V1_0, "/atlas/api/atlas/v1.0", "application/json"),
            (ApiVersion::V2, "/atlas/api/atlas/v2", "application/vnd.atlas.2023-01-01+json"),
        ] {
            let base_url = BaseUrl::parse("https://proxy.example/atlas/").unwrap();
            let config = Config { base_url, api_version, ..unit_config() };
            let post = issue(&config, &user, Months::parse(3).unwrap());
            let path = format!(
                "{prefix}/groups/32b6e34b3d91647abb20e7b8/databaseUsers/a%20b%2F%C3%A9/certs"
            );
            assert_eq!((post.info.method.as_str(), &post.info.target), ("POST", &path));
            let body = Bytes::from_static(b"{\"monthsUntilExpiration\":3}");
            assert_eq!((post.accept, post.body), (media, Some((media, body))));
            assert!(!post.info.operation.is_idempotent());

            let list = certificates(&config, &user, 2);
            assert_eq!(
                list.info.target,
                format!("{path}?includeCount=true&itemsPerPage=500&pageNum=2")
            );
            assert_eq!((list.info.method.as_str(), list.accept, list.body), ("GET", media, None));

            let users = users(&config, &user.project, 1);
            let query = "?includeCount=true&itemsPerPage=500&pageNum=1";
            let path = format!("{prefix}/groups/{}/databaseUsers{query}", user.project);
            assert_eq!(users.info.target, path);

            let read = super::user(&config, &user);
            assert!(read.info.target.ends_with("/databaseUsers/$external/a%20b%2F%C3%A9"));
        }
    }

    #[test]
    fn a_challenge_is_requested_with_get_from_the_same_path() {
        let config = unit_config();
        let post = issue(&config, &app_user(), Months::parse(3).unwrap());
        let challenge = challenge(&config, &post);
        assert_eq!(
            (challenge.info.method.as_str(), &challenge.info.target),
            ("GET", &post.info.target)
        );
        assert!(challenge.body.is_none() && challenge.info.operation.is_idempotent());
    }

    #[test]
    fn tokens_are_requested_and_revoked_with_a_form() {
        let config = unit_config();
        assert_eq!(token(&config).info.target, "/api/oauth/token");
        let form = |text: &'static str| {
            Some(("application/x-www-form-urlencoded", Bytes::from_static(text.as_bytes())))
        };
        assert_eq!(token(&config).body, form("grant_type=client_credentials"));
        let revoke = revoke(&config, "a+b/c=");
        assert_eq!(revoke.info.target, "/api/oauth/revoke");
        assert_eq!(revoke.body, form("token=a%2Bb%2Fc%3D&token_type_hint=access_token"));
    }
}
