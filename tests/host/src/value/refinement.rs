//! What is known about an unknown value.

use super::{Number, Value};

/// Limits within which an unknown value will lie.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refinement {
    /// It will not be null.
    pub not_null: bool,
    /// The string will begin with this.
    pub prefix: Option<String>,
    /// The number will not be below this; `true` if it may be this.
    pub lower: Option<(Number, bool)>,
    /// The number will not be above this; `true` if it may be this.
    pub upper: Option<(Number, bool)>,
    /// The collection will have at least so many elements.
    pub min_length: Option<i64>,
    /// The collection will have at most so many elements.
    pub max_length: Option<i64>,
}

impl Refinement {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a value lies within the limits. A null does unless it was excluded; an unknown
    /// does when it is at least as narrow as far as nullness goes.
    pub fn admits(&self, value: &Value) -> bool {
        match value {
            Value::Null => !self.not_null,
            Value::Unknown => self.is_empty(),
            Value::Refined(other) => !self.not_null || other.not_null,
            Value::String(text) => self
                .prefix
                .as_ref()
                .is_none_or(|prefix| text.starts_with(prefix.as_str())),
            Value::Number(number) => {
                let above = self.lower.as_ref().is_none_or(|(bound, inclusive)| {
                    number > bound || (*inclusive && number == bound)
                });
                let below = self.upper.as_ref().is_none_or(|(bound, inclusive)| {
                    number < bound || (*inclusive && number == bound)
                });
                above && below
            }
            Value::List(elements) | Value::Set(elements) => self.admits_length(elements.len()),
            Value::Map(entries) => self.admits_length(entries.len()),
            Value::Bool(_) | Value::Object(_) => true,
        }
    }

    fn admits_length(&self, length: usize) -> bool {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        self.min_length.is_none_or(|least| length >= least)
            && self.max_length.is_none_or(|most| length <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_must_lie_within_every_limit() {
        let prefix = Refinement {
            not_null: true,
            prefix: Some("pre-".into()),
            ..Refinement::default()
        };
        assert!(prefix.admits(&"pre-x".into()));
        assert!(!prefix.admits(&"x".into()));
        assert!(!prefix.admits(&Value::Null));

        let range = Refinement {
            lower: Some((Number::from(1_i64), false)),
            upper: Some((Number::from(3_i64), true)),
            ..Refinement::default()
        };
        assert_eq!(
            [1, 2, 3, 4].map(|n: i64| range.admits(&n.into())),
            [false, true, true, false]
        );

        let length = Refinement {
            min_length: Some(1),
            max_length: Some(1),
            ..Refinement::default()
        };
        assert!(length.admits(&Value::List(vec![Value::Null])));
        assert!(!length.admits(&Value::List(vec![])));
    }
}
