//! Authenticates requests: which `Authorization` a request has, and what a 401 response changes.
//!
//! One request fetches a token or a challenge for all that wait for it. If a 401 response shows that it is outdated, the
//! request is sent once more with a new one; that is safe even for a certificate request, because a 401 is decided
//! before the request is processed.

pub(super) mod digest;
mod oauth;

use std::sync::Arc;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use self::{digest::Challenge, oauth::Token};
use super::{
    config::{CallOptions, ConfigError, Credentials, InvalidHeaderValue},
    error::{Error, ErrorKind, is_role_code},
    http::{Response, SendError},
    request::{Endpoints, Request},
    response,
    retry::Sender,
    shared::Shared,
};

/// Sends requests with the configured credentials.
pub(super) struct Authenticator {
    pub(super) sender: Sender,
    pub(super) endpoints: Endpoints,
    method: Method,
}

enum Method {
    ServiceAccount {
        basic: HeaderValue,
        token: Shared<(), Arc<Token>>,
    },
    ApiKey {
        public_key: String,
        private_key: SecretString,
        challenge: Shared<(), Option<Arc<Challenge>>>,
    },
    Token(HeaderValue),
}

/// What one request is authorized with.
enum Authorization {
    Fixed,
    Token(Arc<Token>),
    /// `None` if the server sent no challenge.
    Digest(Option<Arc<Challenge>>),
}

impl Authenticator {
    pub(super) fn new(
        sender: Sender,
        endpoints: Endpoints,
        credentials: Credentials,
    ) -> Result<Self, ConfigError> {
        let invalid = ConfigError::Credential;
        let method = match credentials {
            Credentials::ServiceAccount { client_id, client_secret } => Method::ServiceAccount {
                basic: oauth::basic(&client_id, &client_secret)
                    .ok_or(invalid(InvalidHeaderValue::ServiceAccount))?,
                token: Shared::new(),
            },
            Credentials::ApiKey { public_key, private_key } => {
                oauth::sensitive(&public_key).ok_or(invalid(InvalidHeaderValue::PublicKey))?;
                Method::ApiKey { public_key, private_key, challenge: Shared::new() }
            }
            Credentials::Token(token) => {
                Method::Token(oauth::bearer(&token).ok_or(invalid(InvalidHeaderValue::Token))?)
            }
        };
        Ok(Self { sender, endpoints, method })
    }

    /// Sends a request with retries, and once more with new credentials if a 401 response demands it.
    pub(super) async fn send(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Response, SendError> {
        let mut previous_attempts = 0;
        loop {
            let authorization = self.authorize(request, options).await?;
            let header = || self.header(&authorization, request);
            let result = self.sender.send(request, options, previous_attempts, header).await;
            let response = result?;
            if response.status != 401 {
                if let Authorization::Digest(Some(challenge)) = &authorization {
                    challenge.set_accepted();
                }
                return Ok(response);
            }
            let is_first = previous_attempts == 0;
            let code = response::error_code(&response.body);
            let lacks_role = code.as_deref().is_some_and(is_role_code);
            if !is_first || lacks_role || !self.on_unauthorized(&authorization, &response) {
                return Ok(response);
            }
            previous_attempts = response.attempts;
        }
    }

    /// Sends a request and returns a successful response.
    pub(super) async fn call(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Response, Error> {
        let result = self.send(request, options).await;
        result.map_err(|failure| failure.error)?.error_for_status(request)
    }

    /// Revokes the token, if there is one.
    pub(super) async fn revoke(&self, options: &CallOptions) -> Result<(), Error> {
        let Method::ServiceAccount { basic, token } = &self.method else {
            return Ok(());
        };
        let Some(current) = token.get_cached(&()) else {
            return Ok(());
        };
        token.invalidate(&());
        let request = self.endpoints.revoke(current.value.expose_secret());
        self.send_with(&request, options, Some(basic)).await?.error_for_status(&request)?;
        Ok(())
    }

    /// Returns the authorization for a request; fetches a token or a challenge if none is cached.
    async fn authorize(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Authorization, Error> {
        match &self.method {
            Method::Token(_) => Ok(Authorization::Fixed),
            Method::ServiceAccount { basic, token } => {
                token.invalidate_if(&(), |token| token.is_due());
                let fetch = async || self.fetch_token(basic, options).await.map(Arc::new);
                let token = token.get(&(), &request.info, options, fetch).await?;
                Ok(Authorization::Token(token))
            }
            Method::ApiKey { challenge, .. } => {
                let fetch = async || self.fetch_challenge(request, options).await;
                let current = challenge.get(&(), &request.info, options, fetch).await?;
                challenge.invalidate_if(&(), Option::is_none);
                Ok(Authorization::Digest(current))
            }
        }
    }

    /// The `Authorization` header: the only place where a secret becomes part of a request.
    fn header(&self, authorization: &Authorization, request: &Request) -> Option<HeaderValue> {
        match (&self.method, authorization) {
            (Method::Token(header), _) => Some(header.clone()),
            (_, Authorization::Token(token)) => oauth::bearer(&token.value),
            (
                Method::ApiKey { public_key, private_key, .. },
                Authorization::Digest(Some(challenge)),
            ) => {
                let header = challenge.authorization_header(public_key, private_key, request)?;
                oauth::sensitive(&header)
            }
            _ => None,
        }
    }

    /// Drops what a 401 response shows to be outdated; false if the credentials themselves are wrong.
    fn on_unauthorized(&self, used: &Authorization, response: &Response) -> bool {
        match (&self.method, used) {
            // Also a new token: it can have been revoked, or not be known to all servers yet.
            (Method::ServiceAccount { token, .. }, Authorization::Token(used)) => {
                token.invalidate_if(&(), |current| Arc::ptr_eq(current, used));
                true
            }
            (Method::ApiKey { challenge, .. }, Authorization::Digest(used)) => {
                let Some(next) = Challenge::from_headers(&response.headers) else {
                    return false;
                };
                // A response to a new nonce that is refused for another reason than its age is wrong.
                if used.as_ref().is_some_and(|used| !used.is_accepted() && !next.is_stale()) {
                    return false;
                }
                challenge.insert((), Some(Arc::new(next)));
                true
            }
            _ => false,
        }
    }

    async fn fetch_token(
        &self,
        basic: &HeaderValue,
        options: &CallOptions,
    ) -> Result<Token, Error> {
        let request = self.endpoints.token();
        let response = self.send_with(&request, options, Some(basic)).await?;
        let response = response.error_for_status(&request)?;
        let json =
            response::token(&response.body).map_err(|kind| response.error(&request, kind))?;
        if oauth::bearer(&json.access_token).is_none() {
            let what = "the access token contains characters that cannot be sent";
            return Err(response.error(&request, ErrorKind::InvalidBody { what }));
        }
        Ok(Token::new(json, response.received_at))
    }

    async fn fetch_challenge(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Option<Arc<Challenge>>, Error> {
        let request = self.endpoints.challenge(request);
        let response = self.send_with(&request, options, None).await?;
        if response.status == 429 || response.status >= 500 {
            return Err(response.status_error(&request));
        }
        Ok(Challenge::from_headers(&response.headers).map(Arc::new))
    }

    async fn send_with(
        &self,
        request: &Request,
        options: &CallOptions,
        header: Option<&HeaderValue>,
    ) -> Result<Response, Error> {
        let result = self.sender.send(request, options, 0, || header.cloned()).await;
        result.map_err(|failure| failure.error)
    }
}
