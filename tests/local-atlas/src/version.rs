//! The two API versions and their media types.

use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// The generation of the API that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiVersion {
    /// `/api/atlas/v1.0`, plain JSON.
    #[serde(rename = "v1.0")]
    V1,
    /// `/api/atlas/v2`, versioned by media type.
    #[serde(rename = "v2")]
    V2,
}

impl ApiVersion {
    pub(crate) fn from_segment(segment: &str) -> Option<Self> {
        match segment {
            "v1.0" => Some(Self::V1),
            "v2" => Some(Self::V2),
            _ => None,
        }
    }

    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::V2 => "v2",
        }
    }

    /// The `Content-Type` of an answer that is not an error.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::V1 => "application/json",
            Self::V2 => "application/vnd.atlas.2023-01-01+json;charset=utf-8",
        }
    }

    /// Whether the request may be answered in this version, and its body read.
    pub(crate) fn check_media_types(self, headers: &HeaderMap, body: bool) -> Result<(), ApiError> {
        let text = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        if self == Self::V2 && !text(ACCEPT).split(',').any(names_this_resource) {
            return Err(ApiError::version_unacceptable(text(ACCEPT)));
        }
        let content_type = text(CONTENT_TYPE);
        let understood = match self {
            Self::V1 => essence(content_type).eq_ignore_ascii_case("application/json"),
            Self::V2 => names_this_resource(content_type),
        };
        if body && !understood {
            return Err(ApiError::media_type_unsupported(content_type));
        }
        Ok(())
    }
}

/// A date resolves to the newest version not after it; the only one here is of 2023-01-01.
fn names_this_resource(media_type: &str) -> bool {
    let date = essence(media_type)
        .strip_prefix("application/vnd.atlas.")
        .and_then(|rest| rest.strip_suffix("+json"))
        .filter(|date| date.len() == 10);
    date.and_then(|date| date.parse::<Date>().ok())
        .is_some_and(|date| date.year() >= 2023)
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn v2_demands_a_version_date_and_v1_does_not() {
        let good = "application/vnd.atlas.2023-01-01+json";
        for (version, accept, content_type, status) in [
            (ApiVersion::V1, "", "application/json; charset=utf-8", None),
            (ApiVersion::V1, "application/json", "text/plain", Some(415)),
            (ApiVersion::V2, good, good, None),
            (
                ApiVersion::V2,
                "application/vnd.atlas.2025-03-12+json",
                good,
                None,
            ),
            (
                ApiVersion::V2,
                "application/vnd.atlas.2022-12-31+json",
                good,
                Some(406),
            ),
            (
                ApiVersion::V2,
                "application/vnd.atlas.2023-13-01+json",
                good,
                Some(406),
            ),
            (ApiVersion::V2, "application/json", good, Some(406)),
            (ApiVersion::V2, "*/*", good, Some(406)),
            (ApiVersion::V2, good, "application/json", Some(415)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            let refused = version
                .check_media_types(&headers, true)
                .err()
                .map(|error| error.status.as_u16());
            assert_eq!(refused, status, "{version:?} {accept} {content_type}");
        }
    }
}
