//! Endpoints as requests: method, path, headers and body. Pure.

use std::fmt;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::config::{ApiVersion, BaseUrl};
use super::ids::{Months, ProjectId, Username};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST` of a certificate.
    IssueCertificate,
    /// `GET` of a user's certificates.
    ListCertificates,
    /// `GET` of a database user.
    ReadUser,
    /// Whatever comes before the first request that counts: a token, a challenge.
    LogIn,
    /// Revocation of the token.
    LogOut,
}

impl Operation {
    /// The name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::IssueCertificate => "issue_certificate",
            Self::ListCertificates => "list_certificates",
            Self::ReadUser => "read_user",
            Self::LogIn => "log_in",
            Self::LogOut => "log_out",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssueCertificate => "issuing a certificate",
            Self::ListCertificates => "listing certificates",
            Self::ReadUser => "reading the database user",
            Self::LogIn => "logging in",
            Self::LogOut => "revoking the access token",
        })
    }
}

/// One request, complete but for who is asking. Not `Debug`: a form may hold a token.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Path and query as sent.
    pub(super) target: String,
    pub(super) accept: &'static str,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Option<Bytes>,
    /// The most a successful answer may have.
    pub(super) answer_limit: usize,
}

impl Request {
    /// Whether each time this request takes effect it makes something that cannot be undone.
    pub(super) fn issues(&self) -> bool {
        self.operation == Operation::IssueCertificate
    }
}

/// Makes the requests of one API generation at one place.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    base_path: String,
    version: ApiVersion,
}

impl Requests {
    pub(super) fn new(base: &BaseUrl, version: ApiVersion) -> Self {
        Self {
            base_path: base.path().to_owned(),
            version,
        }
    }

    /// Issues one more certificate.
    pub(super) fn issue(&self, project: &ProjectId, user: &Username, months: Months) -> Request {
        let body = format!("{{\"monthsUntilExpiration\":{months}}}");
        Request {
            method: Method::POST,
            content_type: Some(self.media_type()),
            body: Some(Bytes::from(body)),
            ..self.api(
                Operation::IssueCertificate,
                &format!("{}/certs", managed(project, user)),
            )
        }
    }

    /// Lists a page of unexpired certificates, counted from 1.
    pub(super) fn list(&self, project: &ProjectId, user: &Username, page: usize) -> Request {
        let query = format!("includeCount=true&itemsPerPage={PAGE_SIZE}&pageNum={page}");
        let path = format!("{}/certs?{query}", managed(project, user));
        Request {
            answer_limit: PAGE_LIMIT,
            ..self.api(Operation::ListCertificates, &path)
        }
    }

    /// Reads the user itself.
    pub(super) fn user(&self, project: &ProjectId, user: &Username) -> Request {
        let path = format!(
            "/groups/{project}/databaseUsers/$external/{}",
            user.encoded()
        );
        self.api(Operation::ReadUser, &path)
    }

    /// Provokes the challenge that a request to the same place would get, without its effect.
    pub(super) fn challenge(&self, request: &Request) -> Request {
        Request {
            operation: Operation::LogIn,
            method: Method::GET,
            target: request.target.clone(),
            accept: self.media_type(),
            content_type: None,
            body: None,
            answer_limit: ANSWER_LIMIT,
        }
    }

    /// Obtains a token for a service account.
    pub(super) fn token(&self) -> Request {
        self.oauth(
            Operation::LogIn,
            "token",
            "grant_type=client_credentials".into(),
        )
    }

    /// Gives a token back.
    pub(super) fn revoke(&self, token: &str) -> Request {
        let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
        let form = format!("token={token}&token_type_hint=access_token");
        self.oauth(Operation::LogOut, "revoke", form)
    }

    fn api(&self, operation: Operation, path: &str) -> Request {
        Request {
            operation,
            method: Method::GET,
            target: format!("{}{}{path}", self.base_path, self.prefix()),
            accept: self.media_type(),
            content_type: None,
            body: None,
            answer_limit: ANSWER_LIMIT,
        }
    }

    fn oauth(&self, operation: Operation, verb: &str, form: String) -> Request {
        Request {
            operation,
            method: Method::POST,
            target: format!("{}/api/oauth/{verb}", self.base_path),
            accept: "application/json",
            content_type: Some("application/x-www-form-urlencoded"),
            body: Some(Bytes::from(form)),
            answer_limit: ANSWER_LIMIT,
        }
    }

    fn prefix(&self) -> &'static str {
        match self.version {
            ApiVersion::V1_0 => "/api/atlas/v1.0",
            ApiVersion::V2 => "/api/atlas/v2",
        }
    }

    fn media_type(&self) -> &'static str {
        match self.version {
            ApiVersion::V1_0 => "application/json",
            ApiVersion::V2 => "application/vnd.atlas.2023-01-01+json",
        }
    }
}

fn managed(project: &ProjectId, user: &Username) -> String {
    format!("/groups/{project}/databaseUsers/{}", user.encoded())
}

/// The most the API offers.
pub(super) const PAGE_SIZE: usize = 500;
/// A page of 500 has some 90 KB; a name of 1024 characters makes it 2 MB.
const PAGE_LIMIT: usize = 8 << 20;
const ANSWER_LIMIT: usize = 1 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    fn subject() -> (ProjectId, Username) {
        (
            ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            Username::parse("a b/é").unwrap(),
        )
    }

    #[test]
    fn speaks_both_generations_in_one_place() {
        let (project, user) = subject();
        let base = BaseUrl::parse("https://proxy.example/atlas/").unwrap();
        for (version, prefix, media) in [
            (
                ApiVersion::V1_0,
                "/atlas/api/atlas/v1.0",
                "application/json",
            ),
            (
                ApiVersion::V2,
                "/atlas/api/atlas/v2",
                "application/vnd.atlas.2023-01-01+json",
            ),
        ] {
            let requests = Requests::new(&base, version);
            let post = requests.issue(&project, &user, Months::parse(3).unwrap());
            let path = format!(
                "{prefix}/groups/32b6e34b3d91647abb20e7b8/databaseUsers/a%20b%2F%C3%A9/certs"
            );
            assert_eq!((post.method.as_str(), &post.target), ("POST", &path));
            assert_eq!((post.accept, post.content_type), (media, Some(media)));
            assert_eq!(
                post.body.as_deref(),
                Some(&b"{\"monthsUntilExpiration\":3}"[..])
            );
            assert!(post.issues());

            let list = requests.list(&project, &user, 2);
            assert_eq!(
                list.target,
                format!("{path}?includeCount=true&itemsPerPage=500&pageNum=2")
            );
            assert_eq!(
                (list.method.as_str(), list.accept, list.content_type),
                ("GET", media, None)
            );

            let read = requests.user(&project, &user);
            assert!(
                read.target
                    .ends_with("/databaseUsers/$external/a%20b%2F%C3%A9")
            );
        }
    }

    #[test]
    fn asks_for_a_challenge_where_it_will_be_used_and_without_effect() {
        let (project, user) = subject();
        let requests = Requests::new(&BaseUrl::cloud(), ApiVersion::V1_0);
        let post = requests.issue(&project, &user, Months::parse(3).unwrap());
        let challenge = requests.challenge(&post);
        assert_eq!(
            (challenge.method.as_str(), &challenge.target),
            ("GET", &post.target)
        );
        assert!(challenge.body.is_none() && !challenge.issues());
    }

    #[test]
    fn obtains_and_revokes_tokens_by_form() {
        let requests = Requests::new(&BaseUrl::cloud(), ApiVersion::V2);
        assert_eq!(requests.token().target, "/api/oauth/token");
        assert_eq!(
            requests.token().body.as_deref(),
            Some(&b"grant_type=client_credentials"[..])
        );
        let revoke = requests.revoke("a+b/c=");
        assert_eq!(revoke.target, "/api/oauth/revoke");
        assert_eq!(
            revoke.body.as_deref(),
            Some(&b"token=a%2Bb%2Fc%3D&token_type_hint=access_token"[..])
        );
    }
}
