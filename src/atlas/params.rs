//! The parameters of calls: project, user and validity, parsed once.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use crate::x509;

/// A project ID; the API also calls it the group ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ProjectId(String);

impl ProjectId {
    /// Parses 24 lower-case hex digits.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidParameter> {
        if text.len() != 24 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Err(InvalidParameter(PROJECT_ID_SHAPE))
        } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Err(InvalidParameter("a project id has lower-case letters only"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a database user, as in the user's own definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Username(String);

impl Username {
    /// Parses a plain name, or `CN=` and a name; a distinguished name of several parts is invalid.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidParameter> {
        Err(InvalidParameter(match text {
            "" => "a username must not be empty",
            "." | ".." => "a username must not be \".\" or \"..\": the API cannot address it",
            _ if text.chars().any(char::is_control) => {
                "a username must not contain control characters, such as line breaks"
            }
            _ if text.chars().nth(1024).is_some() => "a username has at most 1024 characters",
            _ if is_compound_name(text) => {
                "a distinguished name of several parts belongs to a user with self-managed (CUSTOMER) \
                 X.509; Atlas issues certificates only to MANAGED users, whose names are plain, like app-user"
            }
            _ => return Ok(Self(text.to_owned())),
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without a leading `CN=`, which is the same for both spellings of a user.
    pub(crate) fn common_name(&self) -> String {
        x509::common_name_of(&self.0).into_owned()
    }

    /// The name percent-encoded as one segment of a path.
    pub(crate) fn encoded(&self) -> String {
        utf8_percent_encode(&self.0, SEGMENT).to_string()
    }
}

/// A database user of a project: the owner of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserId {
    pub(crate) project: ProjectId,
    pub(crate) username: Username,
}

/// The validity of a certificate in months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Months(u8);

impl Months {
    /// The validity of a certificate for which none was given.
    pub(crate) const DEFAULT: Self = Self(3);

    /// Parses a number from 1 to 24.
    pub(crate) fn parse(number: i64) -> Result<Self, InvalidParameter> {
        match u8::try_from(number) {
            Ok(months @ 1..=24) => Ok(Self(months)),
            _ => Err(InvalidParameter("a certificate is valid for 1 to 24 whole months")),
        }
    }

    pub(crate) fn get(self) -> u8 {
        self.0
    }
}

/// Why a text or a number is not a valid parameter of a call or a client.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct InvalidParameter(pub(super) &'static str);

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Months {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whether a name has several `attribute=value` parts, joined by separators that are not escaped.
fn is_compound_name(text: &str) -> bool {
    let mut is_escaped = false;
    let parts = text.split(|character| {
        let is_separator = !is_escaped && matches!(character, ',' | '+' | ';');
        is_escaped = !is_escaped && character == '\\';
        is_separator
    });
    let attributes = parts.map(|part| part.split_once('=').map_or("", |(name, _)| name.trim()));
    let attributes: Vec<_> = attributes.collect();
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    attributes.len() > 1
        && attributes.iter().all(|name| !name.is_empty() && name.bytes().all(is_valid))
}

/// Whether a text can be the ID of a certificate: its serial number in decimal.
pub(crate) fn is_certificate_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const PROJECT_ID_SHAPE: &str =
    "a project id has 24 digits from 0 to 9 and a to f, like 32b6e34b3d91647abb20e7b8";
/// All characters but the unreserved ones of RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_project_ids_of_the_documented_shape_only() {
        assert!(ProjectId::parse("32b6e34b3d91647abb20e7b8").is_ok());
        for (text, wanted) in [
            ("32B6E34B3D91647ABB20E7B8", "lower-case"),
            ("", "24 digits"),
            ("32b6e34b3d91647abb20e7b", "24 digits"),
            ("32b6e34b3d91647abb20e7b8\n", "24 digits"),
            ("g2b6e34b3d91647abb20e7b8", "24 digits"),
        ] {
            let error = ProjectId::parse(text).unwrap_err();
            assert!(error.to_string().contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn takes_names_the_api_can_address_and_issue_for() {
        let long = "é".repeat(1024);
        for name in
            ["app-user", "CN=app", "a b/c", "smith, john", "a,b=c", "...", r"CN=a\,OU=b", &long]
        {
            assert_eq!(Username::parse(name).unwrap().as_str(), name);
        }
        for (name, wanted) in [
            ("", "empty"),
            (".", "cannot address"),
            ("..", "cannot address"),
            ("a\nb", "control"),
            ("a\u{85}b", "control"),
            (&format!("{long}x"), "1024"),
            ("CN=app,OU=x,O=y", "several parts"),
            ("C=US + CN=x", "several parts"),
            ("cn=app, 2.5.4.10=y", "several parts"),
        ] {
            let error = Username::parse(name).unwrap_err();
            assert!(error.to_string().contains(wanted), "{name}: {error}");
        }
    }

    #[test]
    fn takes_one_to_twenty_four_months() {
        assert_eq!(Months::parse(1).unwrap().get(), 1);
        assert_eq!(Months::parse(24).unwrap().get(), 24);
        for number in [0, 25, -1, 257, i64::MAX] {
            assert!(Months::parse(number).is_err());
        }
    }

    #[test]
    fn encodes_a_name_as_one_segment() {
        for (name, segment) in [
            ("app-user_1.x~", "app-user_1.x~"),
            ("a b+c", "a%20b%2Bc"),
            ("a/b", "a%2Fb"),
            ("CN=é", "CN%3D%C3%A9"),
            ("%2e%2e", "%252e%252e"),
            ("me@x,y;z?#$&", "me%40x%2Cy%3Bz%3F%23%24%26"),
        ] {
            assert_eq!(Username::parse(name).unwrap().encoded(), segment);
        }
    }
}
