//! HTTP Digest as Atlas offers it: MD5, qop auth, short-lived nonces, rising `nc`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use md5::{Digest as _, Md5};

use crate::hex;
use crate::random;
use crate::settings::Settings;
use crate::shared::Shared;

/// The nonces handed out, with the counts already used on each.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Shared<BTreeMap<String, Nonce>>);

#[derive(Debug)]
struct Nonce {
    made_at: Timestamp,
    counts: BTreeSet<u32>,
}

/// The directives of an `Authorization: Digest` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) username: String,
    pub(crate) nonce: String,
    pub(crate) count: String,
    realm: String,
    uri: String,
    qop: String,
    cnonce: String,
    response: String,
}

/// Why a digest was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Right, but on a nonce that is no longer good: the client may try again with a new one.
    Stale,
    /// Wrong credentials, or a request that was seen before.
    Wrong,
}

impl Nonces {
    /// A `WWW-Authenticate` value with a new nonce.
    pub(crate) fn challenge(&self, stale: bool, now: Timestamp) -> String {
        let nonce = random::nonce();
        self.0.lock().insert(
            nonce.clone(),
            Nonce {
                made_at: now,
                counts: BTreeSet::new(),
            },
        );
        format!(
            "Digest realm=\"{REALM}\", domain=\"\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\", stale={stale}"
        )
    }

    pub(crate) fn expire_all(&self) {
        self.0.lock().clear();
    }

    /// Uses up one count of the nonce, once the digest itself has been found right.
    pub(crate) fn use_up(
        &self,
        proof: &Proof,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let count = u32::from_str_radix(&proof.count, 16).map_err(|_| Refusal::Wrong)?;
        let lifetime = SignedDuration::from_secs(i64::from(settings.nonce_lifetime_seconds));
        let mut nonces = self.0.lock();
        let nonce = nonces.get_mut(&proof.nonce).ok_or(Refusal::Stale)?;
        if now.duration_since(nonce.made_at) > lifetime || nonce.counts.len() >= settings.nonce_uses
        {
            return Err(Refusal::Stale);
        }
        if count == 0 || !nonce.counts.insert(count) {
            return Err(Refusal::Wrong);
        }
        Ok(())
    }
}

impl Proof {
    /// Reads what follows `Digest `; `None` if a directive is missing, malformed or not Atlas' choice.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let directives = directives(text)?;
        let of = |name: &str| directives.get(name).cloned();
        let algorithm = of("algorithm").unwrap_or_else(|| "MD5".to_owned());
        let proof = Self {
            username: of("username")?,
            nonce: of("nonce")?,
            count: of("nc")?,
            realm: of("realm")?,
            uri: of("uri")?,
            qop: of("qop")?,
            cnonce: of("cnonce")?,
            response: of("response")?,
        };
        let sound =
            proof.qop == "auth" && proof.count.len() == 8 && algorithm.eq_ignore_ascii_case("MD5");
        (sound && proof.realm == REALM).then_some(proof)
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
    hex::encode(&Md5::digest(text))
}

/// `name=token` and `name="quoted"`, separated by commas; names in lower case.
fn directives(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            quoted_string(quoted)?
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        let repeated = found
            .insert(name.trim().to_ascii_lowercase(), value)
            .is_some();
        if repeated {
            return None;
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(found)
}

/// The value up to the closing quote, unescaped, and what follows it.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

const REALM: &str = "MMS Public API";

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
    fn accepts_the_check_values_of_the_reference() {
        assert_eq!(
            md5(&format!("abcdefgh:{REALM}:{PASSWORD}")),
            "563d8f5d11f62616d7458e0233216c28"
        );
        let v1 = "/api/atlas/v1.0/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs";
        let v2 = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs?includeCount=true&itemsPerPage=500&pageNum=1";
        for (method, uri, response) in [
            ("POST", v1, "f1bb5b207e74a4f4a4ceabd982aadfeb"),
            ("GET", v2, "f03200d329b55a5a3b95b85fb4034b2c"),
        ] {
            let proof = Proof::parse(&header(uri, response)).unwrap();
            assert!(proof.matches(method, uri, PASSWORD));
            assert!(!proof.matches("PUT", uri, PASSWORD));
            assert!(!proof.matches(method, "/elsewhere", PASSWORD));
            assert!(!proof.matches(method, uri, "guess"));
        }
    }

    #[test]
    fn refuses_headers_with_missing_repeated_or_broken_directives() {
        let good = header("/a", "00");
        assert!(Proof::parse(&good).is_some());
        for bad in [
            good.replace("qop=auth, ", ""),
            good.replace("nc=00000001", "nc=1"),
            good.replace("MD5", "SHA-256"),
            good.replace("MMS Public API", "other"),
            format!("{good}, nc=00000002"),
            good.replace("response=\"00\"", "response=\"00"),
        ] {
            assert_eq!(Proof::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_nonce_ages_wears_out_and_takes_each_count_once() {
        let nonces = Nonces::default();
        let settings = Settings {
            nonce_uses: 2,
            ..Settings::default()
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let challenge = nonces.challenge(false, at(0));
        let nonce = challenge.split('"').nth(5).unwrap().to_owned();
        assert_eq!(nonce.len(), 32);
        let count = |count: &str| Proof {
            nonce: nonce.clone(),
            count: count.to_owned(),
            ..Proof::parse(&header("/a", "00")).unwrap()
        };
        assert_eq!(nonces.use_up(&count("00000002"), &settings, at(1)), Ok(()));
        assert_eq!(
            nonces.use_up(&count("00000002"), &settings, at(1)),
            Err(Refusal::Wrong)
        );
        assert_eq!(nonces.use_up(&count("00000001"), &settings, at(1)), Ok(()));
        assert_eq!(
            nonces.use_up(&count("00000003"), &settings, at(1)),
            Err(Refusal::Stale)
        );
        assert_eq!(
            nonces.use_up(&count("00000004"), &settings, at(61)),
            Err(Refusal::Stale)
        );
        nonces.expire_all();
        assert_eq!(
            nonces.use_up(&count("00000005"), &settings, at(1)),
            Err(Refusal::Stale)
        );
    }
}
