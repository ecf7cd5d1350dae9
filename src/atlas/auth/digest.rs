//! HTTP Digest (RFC 7616): a challenge that several requests respond to.

use std::sync::{Mutex, PoisonError, atomic::AtomicBool};

use http_auth::{
    PasswordParams,
    digest::{Algorithm, DigestClient},
    parse_challenges,
};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use secrecy::{ExposeSecret, SecretString};

/// A challenge of the server. Counts the responses to its nonce.
pub(in crate::atlas) struct Challenge {
    client: Mutex<DigestClient>,
    /// Whether the challenge was sent because the nonce of the previous one was too old.
    pub(super) is_stale: bool,
    /// Whether the server accepted a response to the challenge.
    pub(super) is_accepted: AtomicBool,
}

impl Challenge {
    /// The challenge in the headers of a response; of several, the one with SHA-256.
    pub(in crate::atlas) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let client = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| parse_challenges(value.to_str().ok()?).ok())
            .flatten()
            .filter_map(|challenge| DigestClient::try_from(&challenge).ok())
            .max_by_key(|client| client.algorithm() == Algorithm::Sha256)?;
        let is_stale = client.stale();
        Some(Self { client: Mutex::new(client), is_stale, is_accepted: AtomicBool::new(false) })
    }

    /// The `Authorization` header of the next response to the challenge.
    pub(in crate::atlas) fn respond(
        &self,
        public_key: &str,
        private_key: &SecretString,
        method: &str,
        uri: &str,
    ) -> Option<String> {
        let parameters = PasswordParams {
            username: public_key,
            password: private_key.expose_secret(),
            uri,
            method,
            body: None,
        };
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.respond(&parameters).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str =
        "/api/atlas/v1.0/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs";
    const ATLAS: &str = "Digest realm=\"MMS Public API\", domain=\"\", \
        nonce=\"q83vEjRWeJq83vEjRWeJq83vEjRWeJ+/\", algorithm=MD5, qop=\"auth\", stale=false";

    fn challenge(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::from_headers(&headers)
    }

    fn header(challenge: &Challenge) -> String {
        let key = "01234567-89ab-cdef-0123-456789abcdef".into();
        challenge.respond("abcdefgh", &key, "POST", PATH).unwrap()
    }

    #[test]
    fn a_response_names_the_path_and_contains_no_key() {
        let header = header(&challenge(&[ATLAS]).unwrap());
        assert!(header.contains(&format!("uri=\"{PATH}\"")), "{header}");
        assert!(header.contains("username=\"abcdefgh\"") && header.contains("qop=auth"));
        assert!(!header.contains("0123-456789abcdef"));
    }

    #[test]
    fn responses_to_one_nonce_are_counted() {
        let challenge = challenge(&[ATLAS]).unwrap();
        for count in ["nc=00000001", "nc=00000002", "nc=00000003"] {
            assert!(header(&challenge).contains(count));
        }
    }

    #[test]
    fn only_supported_challenges_are_accepted_and_sha_256_is_preferred() {
        for value in [
            "Basic realm=\"x\"",
            "Digest",
            "Digest realm=\"x\"",
            "Digest nonce=\"x\"",
            "Digest realm=\"x\", nonce=\"y",
            "Digest realm=\"x\", nonce=\"y\", algorithm=unknown",
        ] {
            assert!(challenge(&[value]).is_none(), "{value}");
        }
        assert!(challenge(&["digest REALM=\"a\",nonce=n,stale=TRUE"]).unwrap().is_stale);
        let sha = "Digest realm=r, nonce=s, algorithm=SHA-256, qop=\"auth\"";
        for values in [[ATLAS, sha], [sha, ATLAS]] {
            assert!(header(&challenge(&values).unwrap()).contains("SHA-256"));
        }
    }
}
