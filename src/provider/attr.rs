//! The value of one attribute, and the types that it can have. The conversions between Terraform values and types.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Number, Value};

use super::arguments::to_sentence;
use crate::{
    atlas::{Months, ProjectId, Username},
    pkcs12::Profile,
};

/// The value of one attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Attr<T> {
    /// No value: an argument that is not set, or an attribute without a value.
    #[default]
    Null,
    /// Known after apply.
    Unknown,
    Known(T),
}

impl<T> Attr<T> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    pub(crate) fn known(&self) -> Option<&T> {
        if let Self::Known(value) = self { Some(value) } else { None }
    }

    pub(crate) fn into_known(self) -> Option<T> {
        if let Self::Known(value) = self { Some(value) } else { None }
    }

    /// The attribute with this value in place of null.
    pub(crate) fn or(self, default: T) -> Self {
        if self.is_null() { Self::Known(default) } else { self }
    }

    /// The attribute with null in place of an unknown value.
    pub(crate) fn or_null(self) -> Self {
        if self.is_unknown() { Self::Null } else { self }
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// A type that an attribute, or an element of one, can have.
pub(crate) trait Field: Sized {
    fn decode(value: &Value) -> Result<Self, Diagnostic>;
    fn encode(self) -> Value;
}

impl<T: Field> Attr<T> {
    /// Reads an attribute of an object. An invalid value is an error at the attribute.
    pub(crate) fn read(object: &Value, name: &str) -> Result<Self, Diagnostic> {
        Self::decode(object.get(name)).map_err(|problem| problem.at(name))
    }
}

impl<T: Field> Field for Attr<T> {
    fn decode(value: &Value) -> Result<Self, Diagnostic> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown => Ok(Self::Unknown),
            value => T::decode(value).map(Self::Known),
        }
    }

    fn encode(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Known(value) => value.encode(),
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn decode(value: &Value) -> Result<Self, Diagnostic> {
        value.as_list().ok_or_else(|| unreadable(value))?.iter().map(T::decode).collect()
    }

    fn encode(self) -> Value {
        Value::List(self.into_iter().map(T::encode).collect())
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    fn decode(value: &Value) -> Result<Self, Diagnostic> {
        let entries = value.as_map().ok_or_else(|| unreadable(value))?.iter();
        entries.map(|(key, value)| Ok((key.clone().into_owned(), T::decode(value)?))).collect()
    }

    fn encode(self) -> Value {
        Value::object(self.into_iter().map(|(key, value)| (key, value.encode())))
    }
}

/// Implements [`Field`] by two expressions.
macro_rules! field {
    ($($type:ty: |$value:ident| $decode:expr, |$field:ident| $encode:expr;)*) => {$(
        impl $crate::provider::attr::Field for $type {
            fn decode($value: &tf_provider::Value) -> Result<Self, tf_provider::Diagnostic> { $decode }
            fn encode(self) -> tf_provider::Value { let $field = self; $encode }
        }
    )*};
}

pub(crate) use field;

field! {
    bool: |value| value.as_bool().ok_or_else(|| unreadable(value)), |flag| flag.into();
    i64: |value| value.as_i64().ok_or_else(|| unreadable(value)), |number| number.into();
    String: |value| value.as_str().map(str::to_owned).ok_or_else(|| unreadable(value)), |text| text.into();
    Number: |value| value.as_number().cloned().ok_or_else(|| unreadable(value)), |number| Value::Number(number);
    SecretString:
        |value| value.as_str().map(Self::from).ok_or_else(|| unreadable(value)),
        |secret| secret.expose_secret().into();
    Timestamp:
        |value| value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| unreadable(value)),
        |time| time.to_string().into();
    ProjectId: |value| parsed(value, "Invalid project id", Self::parse), |id| id.as_str().into();
    Username: |value| parsed(value, "Invalid username", Self::parse), |name| name.as_str().into();
    Months:
        |value| whole_number(value, "months_until_expiration", "months from 1 to 24", |n| Self::parse(n).ok()),
        |months| i64::from(months.get()).into();
    Profile:
        |value| parsed(value, "Invalid pkcs12_profile", |name| {
            Self::parse(name).ok_or_else(|| format!("the profiles are \"modern\" and \"legacy\", not {name:?}"))
        }),
        |profile| match profile { Self::Modern => "modern", Self::Legacy => "legacy" }.into();
}

/// The error for a stored value that this version cannot read.
pub(crate) fn unreadable(value: &Value) -> Diagnostic {
    let text = value.as_str().map_or_else(|| format!("{value:?}"), |text| format!("{text:?}"));
    let detail = format!(
        "This version of the provider does not support the value {text}. Use the version that wrote it, or a newer one."
    );
    Diagnostic::error("Stored object cannot be read", detail)
}

/// Parses a whole number; an invalid one is an error at the attribute that names the numbers expected.
pub(crate) fn whole_number<T>(
    value: &Value,
    name: &str,
    expected: &str,
    parse: impl Fn(i64) -> Option<T>,
) -> Result<T, Diagnostic> {
    value.as_i64().and_then(parse).ok_or_else(|| {
        let detail = format!("A whole number of {expected} is needed, not {value:?}.");
        Diagnostic::error(format!("Invalid {name}"), detail).at(name)
    })
}

/// Reads an attribute of an object that is a whole number; see [`whole_number`].
pub(crate) fn read_number<T>(
    object: &Value,
    name: &str,
    expected: &str,
    parse: impl Fn(i64) -> Option<T>,
) -> Result<Attr<T>, Diagnostic> {
    match object.get(name) {
        Value::Null => Ok(Attr::Null),
        Value::Unknown => Ok(Attr::Unknown),
        value => whole_number(value, name, expected, parse).map(Attr::Known),
    }
}

pub(crate) fn invalid(summary: &str, problem: impl fmt::Display) -> Diagnostic {
    Diagnostic::error(summary, to_sentence(problem))
}

fn parsed<T, E: fmt::Display>(
    value: &Value,
    summary: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Diagnostic> {
    let text = value.as_str().ok_or_else(|| unreadable(value))?;
    parse(text).map_err(|error| invalid(summary, error))
}
