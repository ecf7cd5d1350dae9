//! The version of a release, as tags, file names and lock files spell it.

use std::{fmt, str::FromStr};

use super::Error;

/// `X.Y.Z`, or `X.Y.Z-PRERELEASE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// The version in the workspace's manifest, which the binary shows for `--version`.
    pub fn of_workspace() -> Self {
        Self(env!("CARGO_PKG_VERSION").to_owned())
    }

    /// The version that a release's tag names.
    ///
    /// # Errors
    /// It is not `v` and a version.
    pub fn of_tag(tag: &str) -> Result<Self, Error> {
        let wrong = || Error::Tag {
            tag: tag.to_owned(),
        };
        tag.strip_prefix('v')
            .ok_or_else(wrong)?
            .parse()
            .map_err(|_| wrong())
    }

    /// As file names have it, without `v`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (numbers, prerelease) = match text.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (text, None),
        };
        let three = numbers.split('.').count() == 3 && numbers.split('.').all(is_number);
        let labelled = prerelease.is_none_or(|labels| labels.split('.').all(is_label));
        if three && labelled {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::Version {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Digits without a leading zero.
fn is_number(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text.len() == 1 || !text.starts_with('0'))
}

/// One part of a prerelease.
fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit());
    !text.is_empty() && text.bytes().all(allowed) && (!numeric || is_number(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn takes_what_the_registry_takes_as_a_version() {
        for text in [
            "0.1.0",
            "1.22.333",
            "1.2.3-rc.1",
            "1.2.3-alpha",
            "1.2.3-x-y.0",
        ] {
            assert_eq!(text.parse::<Version>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "v1.2.3",
            "1.2.x",
            "01.2.3",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3+b",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn reads_a_tag_only_with_its_v() {
        assert_eq!(Version::of_tag("v1.2.3").unwrap().as_str(), "1.2.3");
        assert!(Version::of_tag("1.2.3").is_err());
        assert!(Version::of_tag("vv1.2.3").is_err());
    }

    #[test]
    fn knows_the_version_that_the_binary_shows() {
        let own = Version::of_workspace();
        assert_eq!(own.as_str().parse::<Version>().unwrap(), own);
    }
}
