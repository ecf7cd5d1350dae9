//! Bytes of ours that Terraform stores beside the object.

use serde::{Deserialize, Serialize};

/// What is remembered between calls. No `Debug`: an answer may hold a key.
#[derive(Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Private {
    /// The plan told what destroying does not do, so applying need not tell it again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) destroy_told: bool,
    /// Answers to a re-issue in place that could not be read (sealed, in sealed mode): the old object keeps its place, and
    /// what came is not thrown away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unread_answers: Vec<String>,
}

impl Private {
    /// Reads the bytes; what is not ours or not readable counts as nothing.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The bytes to store; none where nothing is to be remembered.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        if *self == Self::default() {
            Vec::new()
        } else {
            serde_json::to_vec(self).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back_and_junk_is_nothing() {
        let private = Private {
            destroy_told: true,
            unread_answers: vec!["x".into()],
        };
        assert!(Private::parse(&private.to_bytes()) == private);
        assert!(Private::parse(b"junk") == Private::default());
        assert!(Private::default().to_bytes().is_empty());
    }
}
