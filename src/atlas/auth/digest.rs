//! HTTP Digest (RFC 7616) as Atlas speaks it: MD5 or SHA-256, `auth` or no protection.
//!
//! Written here rather than taken from a crate: it is little more than one hash of a string, and
//! the crates at hand bring a generation of old dependencies with them.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest as sha;
use md5::{Digest as _, Md5};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use zeroize::Zeroizing;

use crate::x509::hex;

/// A server's challenge, good for several answers.
#[derive(Debug)]
pub(in crate::atlas) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    has_qop: bool,
    /// The server says that only the nonce was too old.
    pub(super) is_stale: bool,
    /// How many answers were given.
    count: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Challenge {
    /// The strongest challenge among the answer's headers that can be met.
    pub(in crate::atlas) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let texts = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|h| h.to_str().ok());
        let mut met: Vec<_> = texts.filter_map(Self::parse).collect();
        met.sort_by_key(|challenge| challenge.algorithm == Algorithm::Sha256);
        met.pop()
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim_start().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let parameters = parameters(rest)?;
        let find = |name: &str| {
            let found = parameters
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let algorithm = match find("algorithm") {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let qop = find("qop");
        let offers_auth = |qop: &str| {
            qop.split(',')
                .any(|o| o.trim().eq_ignore_ascii_case("auth"))
        };
        if qop.as_deref().is_some_and(|qop| !offers_auth(qop)) {
            return None;
        }
        Some(Self {
            realm: find("realm")?,
            nonce: find("nonce")?,
            opaque: find("opaque"),
            algorithm,
            has_qop: qop.is_some(),
            is_stale: find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            count: AtomicU32::new(0),
        })
    }

    /// Whether the server will recognise this as the same challenge.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.nonce == other.nonce
    }

    /// The number of one more answer, counted from 1.
    pub(in crate::atlas) fn next_count(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// The `Authorization` header of the answer with this number.
    pub(in crate::atlas) fn answer(
        &self,
        user: &str,
        password: &str,
        method: &str,
        uri: &str,
        count: u32,
    ) -> String {
        self.answer_with(user, password, method, uri, count, &cnonce())
    }

    fn answer_with(
        &self,
        user: &str,
        password: &str,
        method: &str,
        uri: &str,
        count: u32,
        cnonce: &str,
    ) -> String {
        let secret = Zeroizing::new(format!("{user}:{}:{password}", self.realm));
        let ha1 = Zeroizing::new(self.hash(&secret));
        let ha2 = self.hash(&format!("{method}:{uri}"));
        let middle = if self.has_qop {
            format!("{}:{count:08x}:{cnonce}:auth", self.nonce)
        } else {
            self.nonce.clone()
        };
        let response = self.hash(&Zeroizing::new(format!("{}:{middle}:{ha2}", *ha1)));
        let algorithm = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        };
        let mut header = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, algorithm={algorithm}",
            quoted(user),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(uri)
        );
        if self.has_qop {
            let _ = write!(header, ", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\"");
        }
        let _ = write!(header, ", response=\"{response}\"");
        if let Some(opaque) = &self.opaque {
            let _ = write!(header, ", opaque={}", quoted(opaque));
        }
        header
    }

    fn hash(&self, text: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => hex(sha::digest(&sha::SHA256, text.as_bytes()).as_ref()),
        }
    }
}

/// `name=value` and `name="value"` separated by commas; ends where another scheme begins.
fn parameters(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((name, tail)) = rest.split_once('=') else {
            break;
        };
        let name = name.trim();
        if name.is_empty() || name.contains([' ', ',']) {
            break;
        }
        let (value, tail) = value(tail.trim_start())?;
        found.push((name.to_owned(), value));
        rest = tail.trim_start_matches([' ', '\t', ',']);
    }
    Some(found)
}

fn value(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Some((value, &inner[position + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// 16 hex digits that no earlier request had. They need not be secret: they only keep a server
/// from choosing all of what is hashed.
fn cnonce() -> String {
    format!(
        "{:016x}",
        RandomState::new().hash_one(std::time::SystemTime::now())
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    const ATLAS: &str = "Digest realm=\"MMS Public API\", domain=\"\", \
        nonce=\"q83vEjRWeJq83vEjRWeJq83vEjRWeJ+/\", algorithm=MD5, qop=\"auth\", stale=false";

    #[test]
    fn gives_the_documented_answers() {
        let challenge = Challenge::parse(ATLAS).unwrap();
        let (user, password) = ("abcdefgh", "01234567-89ab-cdef-0123-456789abcdef");
        for (method, uri, response) in [
            (
                "POST",
                "/api/atlas/v1.0/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs",
                "f1bb5b207e74a4f4a4ceabd982aadfeb",
            ),
            (
                "GET",
                "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/databaseUsers/app-user/certs?includeCount=true&itemsPerPage=500&pageNum=1",
                "f03200d329b55a5a3b95b85fb4034b2c",
            ),
        ] {
            let header = challenge.answer_with(user, password, method, uri, 1, "0123456789abcdef");
            assert!(
                header.contains(&format!("response=\"{response}\"")),
                "{header}"
            );
            assert!(header.contains("nc=00000001") && header.contains(&format!("uri=\"{uri}\"")));
            assert!(!header.contains(password));
        }
        let ha1 = challenge.hash(&format!("{user}:MMS Public API:{password}"));
        assert_eq!(ha1, "563d8f5d11f62616d7458e0233216c28");
    }

    #[test]
    fn gives_the_answer_of_rfc_7616_for_sha_256() {
        let challenge = Challenge::parse(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        )
        .unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let header = challenge.answer_with(
            "Mufasa",
            "Circle of Life",
            "GET",
            "/dir/index.html",
            1,
            cnonce,
        );
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(header.contains(response), "{header}");
        assert!(header.contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""));
    }

    #[test]
    fn counts_its_answers_to_one_nonce() {
        let challenge = Challenge::parse(ATLAS).unwrap();
        let answer = |_| challenge.answer("u", "p", "GET", "/", challenge.next_count());
        let headers: Vec<_> = (0..3).map(answer).collect();
        for (header, count) in headers
            .iter()
            .zip(["nc=00000001", "nc=00000002", "nc=00000003"])
        {
            assert!(header.contains(count), "{header}");
        }
    }

    #[test]
    fn meets_only_challenges_it_understands() {
        for text in [
            "Basic realm=\"x\"",
            "Digest",
            "Digest realm=\"x\"",
            "Digest nonce=\"x\"",
            "Digest realm=\"x\", nonce=\"y",
            "Digest realm=\"x\", nonce=\"y\", algorithm=MD5-sess",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
        ] {
            assert!(Challenge::parse(text).is_none(), "{text}");
        }
        let challenge =
            Challenge::parse("digest REALM=\"a \\\"b\\\", c\",nonce=n,stale=TRUE").unwrap();
        assert_eq!(
            (challenge.realm.as_str(), challenge.nonce.as_str()),
            ("a \"b\", c", "n")
        );
        assert!(challenge.is_stale && !challenge.has_qop);
        assert!(!challenge.answer("u", "p", "GET", "/", 1).contains("qop"));

        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=\"x\"".parse().unwrap());
        headers.append(WWW_AUTHENTICATE, ATLAS.parse().unwrap());
        headers.append(
            WWW_AUTHENTICATE,
            "Digest realm=r, nonce=s, algorithm=SHA-256"
                .parse()
                .unwrap(),
        );
        assert_eq!(
            Challenge::from_headers(&headers).unwrap().algorithm,
            Algorithm::Sha256
        );
    }
}
