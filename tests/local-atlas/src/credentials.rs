//! Who may log in, how, and with which role.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::random;
use crate::shared::Shared;

/// One of each kind of login; all of them are valid at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// Service account, `mdb_sa_id_` and 24 hex digits.
    pub client_id: String,
    /// Its secret, `mdb_sa_sk_…`.
    pub client_secret: String,
    /// Public half of an API key, 8 letters.
    pub public_key: String,
    /// Private half of it, a UUID.
    pub private_key: String,
    /// A ready-made bearer token that does not expire by itself.
    pub access_token: String,
}

/// A kind of login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// OAuth client credentials and the tokens made with them.
    ServiceAccount,
    /// An API key pair with HTTP Digest.
    ApiKey,
    /// The static bearer token.
    AccessToken,
}

/// What a login may do in a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Project Owner: everything.
    #[default]
    Owner,
    /// Project Read Only: what GET offers; the rest is 401 `USER_UNAUTHORIZED`.
    ReadOnly,
    /// None in this project: 401 `NOT_IN_GROUP`.
    None,
}

/// The logins of the organization.
#[derive(Debug)]
pub(crate) struct Logins {
    credentials: Shared<Credentials>,
    roles: Shared<BTreeMap<(Login, Option<String>), Role>>,
}

impl Credentials {
    /// Fresh random ones in Atlas' shapes.
    pub fn random() -> Self {
        Self {
            client_id: format!("mdb_sa_id_{}", random::hex_digits(24)),
            client_secret: format!("mdb_sa_sk_{}", random::token()),
            public_key: random::letters(8),
            private_key: random::uuid(),
            access_token: random::token(),
        }
    }
}

impl Logins {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials: Shared::new(credentials),
            roles: Shared::default(),
        }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials.lock().clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Credentials)) {
        change(&mut self.credentials.lock());
    }

    /// Sets the role everywhere, or in one project, which outranks "everywhere".
    pub(crate) fn set_role(&self, login: Login, project: Option<&str>, role: Role) {
        self.roles
            .lock()
            .insert((login, project.map(str::to_owned)), role);
    }

    pub(crate) fn role(&self, login: Login, project: &str) -> Role {
        let roles = self.roles.lock();
        let special = roles.get(&(login, Some(project.to_owned())));
        special
            .or_else(|| roles.get(&(login, None)))
            .copied()
            .unwrap_or_default()
    }
}
