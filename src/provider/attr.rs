//! The value of one attribute, and the types that it can have.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Number, Path, Value};

use super::renewal::Days;
use crate::{
    atlas::{Months, ProjectId, Username},
    pkcs12::Profile,
    provider::arguments::to_sentence,
};

/// The value of one attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Attr<T> {
    /// No value: an argument that is not set, or an attribute without a value.
    #[default]
    Null,
    /// Known after apply.
    Unknown,
    /// A value.
    Known(T),
}

impl<T> Attr<T> {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The value, if there is one and it is known.
    pub(super) fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// The attribute with this value in place of null.
    pub(super) fn or(self, default: T) -> Self {
        match self {
            Self::Null => Self::Known(default),
            given => given,
        }
    }

    pub(super) fn or_null(self) -> Self {
        match self {
            Self::Unknown => Self::Null,
            given => given,
        }
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// A type that an attribute can have. `decode` is given values that are neither null nor unknown.
pub(super) trait Field: Sized {
    fn decode(value: &Value) -> Result<Self, Diagnostic>;
    fn encode(self) -> Value;
}

/// Reads an attribute of an object.
pub(super) fn decode<T: Field>(object: &Value, name: &'static str) -> Result<Attr<T>, Diagnostic> {
    match object.get(name) {
        Value::Null => Ok(Attr::Null),
        Value::Unknown => Ok(Attr::Unknown),
        value => match T::decode(value) {
            Ok(value) => Ok(Attr::Known(value)),
            Err(problem) => Err(problem.at(Path::attribute(name))),
        },
    }
}

pub(super) fn encode<T: Field>(attribute: Attr<T>) -> Value {
    match attribute {
        Attr::Null => Value::Null,
        Attr::Unknown => Value::Unknown,
        Attr::Known(value) => value.encode(),
    }
}

/// The error for a stored value that this version cannot read.
pub(super) fn unreadable(value: &Value) -> Diagnostic {
    let text = value.as_str().map_or_else(|| format!("{value:?}"), |text| format!("{text:?}"));
    Diagnostic::error(
        "Stored object cannot be read",
        format!(
            "This version of the provider does not support the value {text}. Use the version that wrote it, or a newer one."
        ),
    )
}

/// Parses text; an invalid text is an error with this title.
fn parsed<T, E: std::fmt::Display>(
    value: &Value,
    summary: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Diagnostic> {
    let text = value.as_str().ok_or_else(|| unreadable(value))?;
    parse(text).map_err(|error| Diagnostic::error(summary, to_sentence(&error.to_string())))
}

/// Implements [`Field`] by two expressions.
macro_rules! field {
    ($($type:ty: |$value:ident| $decode:expr, |$field:ident| $encode:expr;)*) => {$(
        impl Field for $type {
            fn decode($value: &Value) -> Result<Self, Diagnostic> { $decode }
            fn encode(self) -> Value { let $field = self; $encode }
        }
    )*};
}

pub(super) use field;

field! {
    bool: |value| value.as_bool().ok_or_else(|| unreadable(value)), |flag| flag.into();
    i64: |value| value.as_i64().ok_or_else(|| unreadable(value)), |number| number.into();
    String: |value| value.as_str().map(str::to_owned).ok_or_else(|| unreadable(value)), |text| text.into();
    Number: |value| value.as_number().cloned().ok_or_else(|| unreadable(value)), |number| Value::Number(number);
    SecretString:
        |value| value.as_str().map(SecretString::from).ok_or_else(|| unreadable(value)),
        |secret| secret.expose_secret().into();
    Timestamp:
        |value| value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| unreadable(value)),
        |time| time.to_string().into();
    ProjectId: |value| parsed(value, "Invalid project id", Self::parse), |id| id.as_str().into();
    Username: |value| parsed(value, "Invalid username", Self::parse), |name| name.as_str().into();
    Months:
        |value| whole_number(value, "months_until_expiration", "months from 1 to 24").and_then(|months| {
            let invalid = |error: crate::atlas::InvalidMonths| to_sentence(&error.to_string());
            Self::parse(months).map_err(|error| Diagnostic::error("Invalid months_until_expiration", invalid(error)))
        }),
        |months| i64::from(months.get()).into();
    Days:
        |value| {
            let expected = format!("days from 0 to {}", Self::MAX);
            let days = whole_number(value, "renew_before_days", &expected)?;
            Self::new(days).ok_or_else(|| not_whole("renew_before_days", &expected, &days.into()))
        },
        |days| days.get().into();
    Profile:
        |value| parsed(value, "Invalid pkcs12_profile", |name| {
            Self::parse(name).ok_or_else(|| format!("the profiles are \"modern\" and \"legacy\", not {name:?}"))
        }),
        |profile| match profile { Self::Modern => "modern", Self::Legacy => "legacy" }.into();
    BTreeMap<String, Attr<String>>:
        |value| {
            let entries = value.as_map().ok_or_else(|| unreadable(value))?.iter();
            entries.map(|(key, value)| Ok((key.clone(), element(value)?))).collect()
        },
        |entries| Value::object(entries.into_iter().map(|(key, value)| (key, encode(value))));
}

/// An element of a list or map of strings.
pub(super) fn element(value: &Value) -> Result<Attr<String>, Diagnostic> {
    Ok(match value {
        Value::Null => Attr::Null,
        Value::Unknown => Attr::Unknown,
        value => Attr::Known(String::decode(value)?),
    })
}

fn whole_number(value: &Value, name: &str, expected: &str) -> Result<i64, Diagnostic> {
    value.as_i64().ok_or_else(|| not_whole(name, expected, value))
}

fn not_whole(name: &str, expected: &str, value: &Value) -> Diagnostic {
    Diagnostic::error(
        format!("Invalid {name}"),
        format!("A whole number of {expected} is needed, not {value:?}."),
    )
}
