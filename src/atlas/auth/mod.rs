//! Who is asking: how a request gets its `Authorization`, and what a 401 does to it.
//!
//! A token or a challenge is fetched by one request for all that wait for it. What a 401 showed to
//! be outdated is dropped, and the request that got the 401 goes on with a new one once.

pub(super) mod digest;
mod oauth;

use std::sync::Arc;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use self::digest::Challenge;
use self::oauth::Token;
use super::Core;
use super::config::{ConfigError, Credentials};
use super::error::{Error, ErrorKind, InvalidHeaderValue};
use super::exchange::{Identity, converse};
use super::flight::{Fetch, Flights};
use super::request::Request;
use super::response;
use super::transport::Answer;
use super::types::CallOptions;

/// A login with what it has obtained so far.
pub(super) enum Auth {
    ServiceAccount {
        basic: HeaderValue,
        tokens: Flights<(), Arc<Token>>,
    },
    ApiKey {
        public_key: String,
        private_key: SecretString,
        challenges: Flights<(), Met>,
    },
    Token(HeaderValue),
}

/// A challenge, or that the server has none.
type Met = Option<Arc<Challenge>>;

/// What one request is authorized with.
pub(super) enum Credential {
    Fixed,
    Token(Arc<Token>),
    /// The challenge and the number of this answer to it; nothing where the server has none.
    Challenge(Option<(Arc<Challenge>, u32)>),
}

/// What the repeat of a request that got a 401 is authorized with.
pub(super) enum Renewal {
    Token,
    /// Kept from all others until it has worked, so that its count arrives in order.
    Challenge(Arc<Challenge>),
}

impl Auth {
    pub(super) fn new(login: Credentials) -> Result<Self, ConfigError> {
        match login {
            Credentials::ServiceAccount {
                client_id,
                client_secret,
            } => oauth::basic(&client_id, &client_secret)
                .map(|basic| Self::ServiceAccount {
                    basic,
                    tokens: Flights::new(),
                })
                .ok_or(ConfigError::Credential(InvalidHeaderValue::ServiceAccount)),
            Credentials::ApiKey {
                public_key,
                private_key,
            } => oauth::sensitive(&public_key)
                .map(|_| Self::ApiKey {
                    public_key,
                    private_key,
                    challenges: Flights::new(),
                })
                .ok_or(ConfigError::Credential(InvalidHeaderValue::PublicKey)),
            Credentials::Token(token) => oauth::bearer(token.expose_secret())
                .map(Self::Token)
                .ok_or(ConfigError::Credential(InvalidHeaderValue::Token)),
        }
    }

    /// Has whatever this login needs at hand, fetching it if need be.
    pub(super) async fn credential(
        &self,
        core: &Arc<Core>,
        request: &Request,
        call: &CallOptions,
        renewal: Option<Renewal>,
    ) -> Result<Credential, Error> {
        match self {
            Self::Token(_) => Ok(Credential::Fixed),
            Self::ServiceAccount { basic, tokens } => {
                tokens.forget(&(), |token| token.is_due());
                let fetch = |call| fetch_token(Arc::clone(core), basic.clone(), call);
                let gave_up = |why| Error::new(request, ErrorKind::from(why));
                tokens
                    .get(&(), call, gave_up, fetch)
                    .await
                    .map(Credential::Token)
            }
            Self::ApiKey { challenges, .. } => {
                if let Some(Renewal::Challenge(challenge)) = renewal {
                    return Ok(Credential::answer(Some(challenge)));
                }
                let fetch = |call| fetch_challenge(Arc::clone(core), request.clone(), call);
                let gave_up = |why| Error::new(request, ErrorKind::from(why));
                let challenge = challenges.get(&(), call, gave_up, fetch).await?;
                challenges.forget(&(), Option::is_none);
                Ok(Credential::answer(challenge))
            }
        }
    }

    /// The header itself; the only place where a login's secret becomes part of a request.
    pub(super) fn header(&self, credential: &Credential, request: &Request) -> Option<HeaderValue> {
        match (self, credential) {
            (Self::Token(bearer), _) => Some(bearer.clone()),
            (_, Credential::Token(token)) => oauth::bearer(token.expose()),
            (
                Self::ApiKey {
                    public_key,
                    private_key,
                    ..
                },
                Credential::Challenge(Some((challenge, count))),
            ) => {
                let (method, uri) = (request.method.as_str(), request.target.as_str());
                let secret = private_key.expose_secret();
                oauth::sensitive(&challenge.answer(public_key, secret, method, uri, *count))
            }
            _ => None,
        }
    }

    /// What to repeat a request with that got this 401; `None` if the login itself is wrong.
    pub(super) fn renew(&self, used: &Credential, answer: &Answer) -> Option<Renewal> {
        match (self, used) {
            // Also a token just obtained, once: it may have been revoked, or not be known everywhere yet.
            (Self::ServiceAccount { tokens, .. }, Credential::Token(token)) => {
                tokens.forget(&(), |kept| Arc::ptr_eq(kept, token));
                Some(Renewal::Token)
            }
            (Self::ApiKey { challenges, .. }, Credential::Challenge(used)) => {
                let next = Challenge::from_headers(&answer.headers)?;
                let Some((used, count)) = used else {
                    return Some(Renewal::Challenge(Arc::new(next)));
                };
                challenges.forget(&(), |kept| kept.as_ref().is_some_and(|k| k.is_same(used)));
                // A first answer that is refused, and not for its age, is a wrong answer.
                (*count > 1 || next.is_stale).then(|| Renewal::Challenge(Arc::new(next)))
            }
            _ => None,
        }
    }

    /// Notes that a credential was accepted.
    pub(super) fn accepted(&self, used: &Credential) {
        if let (Self::ApiKey { challenges, .. }, Credential::Challenge(Some((challenge, _)))) =
            (self, used)
        {
            challenges.keep(&(), Some(Arc::clone(challenge)));
        }
    }

    /// Gives the token back, if there is one.
    pub(super) async fn revoke(&self, core: &Arc<Core>, call: &CallOptions) -> Result<(), Error> {
        let Self::ServiceAccount { basic, tokens } = self else {
            return Ok(());
        };
        let Some(token) = tokens.peek(&()) else {
            return Ok(());
        };
        tokens.outdate(&());
        let request = core.requests.revoke(token.expose());
        let answer = converse(core, &request, call, Identity::Header(basic.clone())).await;
        answer
            .map_err(|failure| failure.error)?
            .into_success(&request)?;
        Ok(())
    }
}

impl Credential {
    fn answer(challenge: Met) -> Self {
        Self::Challenge(challenge.map(|challenge| {
            let count = challenge.next_count();
            (challenge, count)
        }))
    }
}

fn fetch_token(core: Arc<Core>, basic: HeaderValue, call: CallOptions) -> Fetch<Arc<Token>> {
    Box::pin(async move {
        let request = core.requests.token();
        let answer = converse(&core, &request, &call, Identity::Header(basic)).await;
        let answer = answer
            .map_err(|failure| failure.error)?
            .into_success(&request)?;
        let json = response::token(&answer.body).map_err(|kind| answer.error(&request, kind))?;
        if oauth::bearer(json.access_token.expose_secret()).is_none() {
            let what = "the access token holds characters that cannot be sent";
            return Err(answer.error(&request, ErrorKind::InvalidBody { what }));
        }
        Ok(Arc::new(Token::new(json, answer.received)))
    })
}

fn fetch_challenge(core: Arc<Core>, request: Request, call: CallOptions) -> Fetch<Met> {
    Box::pin(async move {
        let request = core.requests.challenge(&request);
        let answer = converse(&core, &request, &call, Identity::Nobody).await;
        let answer = answer.map_err(|failure| failure.error)?;
        if answer.status == 429 || answer.status >= 500 {
            return Err(answer.refusal(&request));
        }
        Ok(Challenge::from_headers(&answer.headers).map(Arc::new))
    })
}
