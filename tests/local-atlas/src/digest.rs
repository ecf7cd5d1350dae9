//! HTTP Digest as Atlas offers it: MD5, qop auth, short-lived nonces, increasing `nc`.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_auth::ParamValue;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest as _, Md5};

/// The issued nonces: the time of issue, and the counts already used.
#[derive(Debug, Default)]
pub(crate) struct Nonces(BTreeMap<String, (Timestamp, BTreeSet<u32>)>);

/// The directives of an `Authorization: Digest` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DigestHeader {
    pub(crate) username: String,
    pub(crate) nonce: String,
    pub(crate) count: String,
    uri: String,
    cnonce: String,
    response: String,
}

/// Why a digest was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Correct, but on a nonce that is no longer valid: the client may retry with a new one.
    Stale,
    /// Wrong credentials, or a repeated request.
    Wrong,
}

impl Nonces {
    /// A `WWW-Authenticate` value with a new nonce.
    pub(crate) fn challenge(&mut self, stale: bool, now: Timestamp) -> String {
        let mut bytes = [0; 24];
        fastrand::fill(&mut bytes);
        let nonce = STANDARD.encode(bytes);
        let challenge = format!(
            "Digest realm=\"{REALM}\", domain=\"\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\", stale={stale}"
        );
        self.0.insert(nonce, (now, BTreeSet::new()));
        challenge
    }

    /// Uses one count of the nonce, after the digest itself was found correct.
    pub(crate) fn use_up(&mut self, of: &DigestHeader, now: Timestamp) -> Result<(), Rejection> {
        let count = u32::from_str_radix(&of.count, 16).map_err(|_| Rejection::Wrong)?;
        let (issued_at, counts) = self.0.get_mut(&of.nonce).ok_or(Rejection::Stale)?;
        if now.duration_since(*issued_at) > LIFETIME || counts.len() >= USES {
            return Err(Rejection::Stale);
        }
        if count == 0 || !counts.insert(count) {
            return Err(Rejection::Wrong);
        }
        Ok(())
    }
}

impl DigestHeader {
    /// Reads the directives after `Digest `; `None` if one is missing, malformed, or not Atlas's choice.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut directives = directives(text)?;
        let mut take = |name: &str| directives.remove(name);
        let algorithm = take("algorithm").unwrap_or_else(|| "MD5".to_owned());
        let (realm, qop) = (take("realm")?, take("qop")?);
        let header = Self {
            username: take("username")?,
            nonce: take("nonce")?,
            count: take("nc")?,
            uri: take("uri")?,
            cnonce: take("cnonce")?,
            response: take("response")?,
        };
        let offered = realm == REALM && qop == "auth" && algorithm.eq_ignore_ascii_case("MD5");
        (offered && header.count.len() == 8).then_some(header)
    }

    /// Whether it was computed for this request target, as sent, with this password.
    pub(crate) fn matches(&self, method: &str, target: &str, password: &str) -> bool {
        let secret = md5(&format!("{}:{REALM}:{password}", self.username));
        let request = md5(&format!("{method}:{}", self.uri));
        let (nonce, count, cnonce) = (&self.nonce, &self.count, &self.cnonce);
        let expected = md5(&format!("{secret}:{nonce}:{count}:{cnonce}:auth:{request}"));
        self.uri == target && self.response == expected
    }
}

fn md5(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

/// The directives by name; `None` if one occurs twice.
fn directives(text: &str) -> Option<BTreeMap<String, String>> {
    let text = format!("Digest {text}");
    let [digest] = http_auth::parse_challenges(&text).ok()?.try_into().ok()?;
    let count = digest.params.len();
    let named = |(name, value): (&str, ParamValue<'_>)| (name.to_lowercase(), value.to_unescaped());
    let found: BTreeMap<_, _> = digest.params.into_iter().map(named).collect();
    (found.len() == count).then_some(found)
}

const REALM: &str = "MMS Public API";
/// The lifetime of a nonce.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// The requests that one nonce may authorize.
const USES: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    const PASSWORD: &str = "01234567-89ab-cdef-0123-456789abcdef";
    const NONCE: &str = "q83vEjRWeJq83vEjRWeJq83vEjRWeJ+/";

    fn header(uri: &str, response: &str) -> String {
        format!(
            "username=\"abcdefgh\", realm=\"MMS Public API\", nonce=\"{NONCE}\", uri=\"{uri}\", \
             cnonce=\"0123456789abcdef\", nc=00000001, qop=auth, response=\"{response}\", algorithm=\"MD5\""
        )
    }

    #[test]
    fn the_check_values_of_the_reference_are_accepted() {
        let v1 = "/api/atlas/v1.0/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs";
        let v2 = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs?includeCount=true&itemsPerPage=500&pageNum=1";
        for (method, uri, response) in [
            ("POST", v1, "f1bb5b207e74a4f4a4ceabd982aadfeb"),
            ("GET", v2, "f03200d329b55a5a3b95b85fb4034b2c"),
        ] {
            let header = DigestHeader::parse(&header(uri, response)).unwrap();
            assert!(header.matches(method, uri, PASSWORD));
            assert!(!header.matches("PUT", uri, PASSWORD));
            assert!(!header.matches(method, "/elsewhere", PASSWORD));
            assert!(!header.matches(method, uri, "guess"));
        }
    }

    #[test]
    fn headers_with_missing_repeated_or_malformed_directives_are_refused() {
        let good = header("/a", "00");
        assert!(DigestHeader::parse(&good).is_some());
        for bad in [
            good.replace("qop=auth, ", ""),
            good.replace("nc=00000001", "nc=1"),
            good.replace("MD5", "SHA-256"),
            good.replace("MMS Public API", "other"),
            format!("{good}, nc=00000002"),
            good.replace("response=\"00\"", "response=\"00"),
        ] {
            assert_eq!(DigestHeader::parse(&bad), None, "{bad}");
        }
    }
}
