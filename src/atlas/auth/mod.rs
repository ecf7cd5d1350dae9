//! Authenticates requests: which `Authorization` a request has, and what a 401 response changes.
//!
//! One request fetches a token or a challenge for all that wait for it. If a 401 response shows that it is outdated, the
//! request is sent once more with a new one; that is safe even for a certificate request, because a 401 is decided
//! before the request is processed.

pub(super) mod digest;
pub(super) mod oauth;

use std::sync::{Arc, atomic::Ordering};

use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;

use self::{digest::Challenge, oauth::Token};
use super::{
    config::{CallOptions, Config, ConfigError, Credentials},
    error::{Error, RequestInfo},
    http::{HttpClient, Response, SendError},
    request::{self, Request},
    shared::Shared,
};
use crate::clock::Clock;

pub(super) struct Authenticator {
    pub(super) http: HttpClient,
    /// The header of all requests with an access token, or of the token requests of a service account.
    credential: HeaderValue,
    token: Shared<(), Arc<Token>>,
    /// The challenge for an API key; `None` if the server sent none.
    challenge: Shared<(), Option<Arc<Challenge>>>,
}

/// What one request is authorized with.
enum Authorization {
    Header(HeaderValue),
    Digest(Option<Arc<Challenge>>),
}

impl Authenticator {
    pub(super) fn new(config: Config, clock: Clock) -> Result<Self, ConfigError> {
        let http = HttpClient::new(config, clock)?;
        let (credential, name) = match &http.config.credentials {
            Credentials::ServiceAccount { client_id, client_secret } => {
                (oauth::basic(client_id, client_secret), "client ID or client secret")
            }
            Credentials::ApiKey { public_key, .. } => (oauth::sensitive(public_key), "public key"),
            Credentials::Token(token) => (oauth::bearer(token), "access token"),
        };
        let credential = credential.ok_or(ConfigError::Credential(name))?;
        Ok(Self { http, credential, token: Shared::new(), challenge: Shared::new() })
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
            let header = || self.header(&authorization, &request.info);
            let response = self.http.send(request, options, previous_attempts, header).await?;
            if response.status != 401 {
                if let Authorization::Digest(Some(challenge)) = &authorization {
                    challenge.is_accepted.store(true, Ordering::Relaxed);
                }
                return Ok(response);
            }
            let can_be_outdated =
                previous_attempts == 0 && !response.status_error(request).is_missing_role();
            if !can_be_outdated || !self.on_unauthorized(&authorization, &response) {
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
        self.send(request, options).await?.error_for_status(request)
    }

    /// Revokes the token of a service account, if there is one.
    pub(super) async fn revoke(&self, options: &CallOptions) -> Result<(), Error> {
        if let Some(token) = self.token.remove(&()) {
            let request = request::revoke(&self.http.config, token.value.expose_secret());
            self.call_as_service_account(&request, options).await?;
        }
        Ok(())
    }

    /// Returns the authorization for a request; fetches a token or a challenge if none is cached.
    async fn authorize(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Authorization, Error> {
        match &self.http.config.credentials {
            Credentials::Token(_) => Ok(Authorization::Header(self.credential.clone())),
            Credentials::ServiceAccount { .. } => {
                self.token.remove_if(|token| token.is_due());
                let fetch = async || self.fetch_token(options).await;
                let token = self.token.get(&(), &request.info, options, fetch).await?;
                Ok(Authorization::Header(token.header.clone()))
            }
            Credentials::ApiKey { .. } => {
                let fetch = async || self.fetch_challenge(request, options).await;
                let challenge = self.challenge.get(&(), &request.info, options, fetch).await?;
                self.challenge.remove_if(Option::is_none);
                Ok(Authorization::Digest(challenge))
            }
        }
    }

    fn header(&self, authorization: &Authorization, request: &RequestInfo) -> Option<HeaderValue> {
        match (authorization, &self.http.config.credentials) {
            (Authorization::Header(header), _) => Some(header.clone()),
            (Authorization::Digest(challenge), Credentials::ApiKey { public_key, private_key }) => {
                let (method, target) = (request.method.as_str(), &request.target);
                let challenge = challenge.as_ref()?;
                oauth::sensitive(&challenge.respond(public_key, private_key, method, target)?)
            }
            _ => None,
        }
    }

    /// Drops what a 401 response shows to be outdated; false if the credentials themselves are wrong.
    fn on_unauthorized(&self, used: &Authorization, response: &Response) -> bool {
        match used {
            // Also a new token: it can have been revoked, or not be known to all servers yet.
            Authorization::Header(used) => {
                self.token.remove_if(|current| current.header == *used);
                matches!(self.http.config.credentials, Credentials::ServiceAccount { .. })
            }
            Authorization::Digest(used) => {
                let Some(next) = Challenge::from_headers(&response.headers) else {
                    return false;
                };
                // A response to a new nonce that is refused for another reason than its age is wrong.
                let is_new = |used: &Arc<Challenge>| !used.is_accepted.load(Ordering::Relaxed);
                if used.as_ref().is_some_and(is_new) && !next.is_stale {
                    return false;
                }
                self.challenge.insert((), Some(Arc::new(next)));
                true
            }
        }
    }

    async fn fetch_token(&self, options: &CallOptions) -> Result<Arc<Token>, Error> {
        let request = request::token(&self.http.config);
        let response = self.call_as_service_account(&request, options).await?;
        let token = Token::parse(&response.body, response.received_at);
        token.map(Arc::new).map_err(|kind| response.error(&request, kind))
    }

    async fn call_as_service_account(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Response, Error> {
        let header = || Some(self.credential.clone());
        self.http.send(request, options, 0, header).await?.error_for_status(request)
    }

    async fn fetch_challenge(
        &self,
        request: &Request,
        options: &CallOptions,
    ) -> Result<Option<Arc<Challenge>>, Error> {
        let request = request::challenge(&self.http.config, request);
        let response = self.http.send(&request, options, 0, || None).await?;
        if response.status == 429 || response.status >= 500 {
            return Err(response.status_error(&request));
        }
        Ok(Challenge::from_headers(&response.headers).map(Arc::new))
    }
}
