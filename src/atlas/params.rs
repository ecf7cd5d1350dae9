//! The parameters of calls: project, user and validity, parsed once.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use crate::x509;

/// A project ID; the API also calls it the group ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectId(String);

impl ProjectId {
    /// Parses 24 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, InvalidProjectId> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && text.len() == 24 {
            Ok(Self(text.to_owned()))
        } else if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Err(InvalidProjectId::UpperCase)
        } else {
            Err(InvalidProjectId::Shape)
        }
    }

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a database user, as in the user's own definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// Parses a plain name, or `CN=` and a name; a distinguished name of several parts is invalid.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        match text {
            "" => Err(InvalidUsername::Empty),
            "." | ".." => Err(InvalidUsername::Dots),
            _ if text.chars().any(char::is_control) => Err(InvalidUsername::ControlCharacter),
            _ if text.chars().nth(MAX_USERNAME).is_some() => Err(InvalidUsername::TooLong),
            _ if is_compound_name(text) => Err(InvalidUsername::DistinguishedName),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without a leading `CN=`, which is the same for both spellings of a user.
    pub fn common_name(&self) -> String {
        x509::common_name_of(&self.0).into_owned()
    }

    /// The name percent-encoded as one segment of a path.
    pub(crate) fn encoded(&self) -> String {
        utf8_percent_encode(&self.0, SEGMENT).to_string()
    }
}

/// The validity of a certificate in months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Months(u8);

impl Months {
    /// The validity of a certificate for which none was given.
    pub(crate) const DEFAULT: Self = Self(3);

    /// Parses a number from 1 to 24.
    pub fn parse(number: i64) -> Result<Self, InvalidMonths> {
        match u8::try_from(number) {
            Ok(months @ 1..=24) => Ok(Self(months)),
            _ => Err(InvalidMonths),
        }
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Why a text is not a valid project ID.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidProjectId {
    /// It is valid except for the case of its letters.
    #[error("a project id has lower-case letters only")]
    UpperCase,
    /// It is invalid for another reason.
    #[error("a project id has 24 digits from 0 to 9 and a to f, like 32b6e34b3d91647abb20e7b8")]
    Shape,
}

/// Why a text is not the name of a database user with an Atlas-managed certificate.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidUsername {
    /// It is empty.
    #[error("a username must not be empty")]
    Empty,
    /// It cannot be a segment of a path.
    #[error("a username must not be \".\" or \"..\": the API cannot address it")]
    Dots,
    /// It contains a control character, such as a line break.
    #[error("a username must not contain control characters, such as line breaks")]
    ControlCharacter,
    /// It is longer than the API accepts.
    #[error("a username has at most 1024 characters")]
    TooLong,
    /// It is a name as self-managed X.509 uses it.
    #[error(
        "a distinguished name of several parts belongs to a user with self-managed (CUSTOMER) \
         X.509; Atlas issues certificates only to MANAGED users, user_key names are plain, like app-user"
    )]
    DistinguishedName,
}

/// The validity is not one that Atlas offers.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a certificate is valid for 1 to 24 whole months")]
pub struct InvalidMonths;

/// A database user of a project at a server: equal for both spellings of a user's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct UserKey {
    server: String,
    project: ProjectId,
    common_name: String,
}

impl UserKey {
    pub(super) fn new(server: &str, project: &ProjectId, user: &Username) -> Self {
        Self {
            server: server.to_owned(),
            project: project.clone(),
            common_name: user.common_name(),
        }
    }
}

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
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, parts.last_mut()) {
            (',' | '+' | ';', _) => parts.push(String::new()),
            ('\\', Some(part)) => part.extend(std::iter::once('\\').chain(characters.next())),
            (_, Some(part)) => part.push(character),
            (_, None) => {}
        }
    }
    parts.len() > 1 && parts.iter().all(|part| names_an_attribute(part))
}

fn names_an_attribute(part: &str) -> bool {
    part.trim_start().split_once('=').is_some_and(|(attribute, _)| {
        let attribute = attribute.trim_end();
        !attribute.is_empty()
            && attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    })
}

const MAX_USERNAME: usize = 1024;
/// All characters but the unreserved ones of RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_project_ids_of_the_documented_shape_only() {
        assert!(ProjectId::parse("32b6e34b3d91647abb20e7b8").is_ok());
        for (text, wanted) in [
            ("32B6E34B3D91647ABB20E7B8", InvalidProjectId::UpperCase),
            ("", InvalidProjectId::Shape),
            ("32b6e34b3d91647abb20e7b", InvalidProjectId::Shape),
            ("32b6e34b3d91647abb20e7b8\n", InvalidProjectId::Shape),
            ("g2b6e34b3d91647abb20e7b8", InvalidProjectId::Shape),
        ] {
            assert_eq!(ProjectId::parse(text), Err(wanted));
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
            ("", InvalidUsername::Empty),
            (".", InvalidUsername::Dots),
            ("..", InvalidUsername::Dots),
            ("a\nb", InvalidUsername::ControlCharacter),
            ("a\u{85}b", InvalidUsername::ControlCharacter),
            (&format!("{long}x"), InvalidUsername::TooLong),
            ("CN=app,OU=x,O=y", InvalidUsername::DistinguishedName),
            ("C=US + CN=x", InvalidUsername::DistinguishedName),
            ("cn=app, 2.5.4.10=y", InvalidUsername::DistinguishedName),
        ] {
            assert_eq!(Username::parse(name), Err(wanted), "{name}");
        }
    }

    #[test]
    fn takes_one_to_twenty_four_months() {
        assert_eq!(Months::parse(1).unwrap().get(), 1);
        assert_eq!(Months::parse(24).unwrap().get(), 24);
        for number in [0, 25, -1, 257, i64::MAX] {
            assert_eq!(Months::parse(number), Err(InvalidMonths));
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
