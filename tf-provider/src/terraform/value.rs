//! Values: of configurations, plans and state.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use super::Number;

/// A value of Terraform, where null and unknown are values too.
///
/// `Debug` shows the length of a string and never its text, since any string may be a secret.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A value that is known after the apply. Refinements are not kept.
    Unknown,
    /// True or false.
    Bool(bool),
    /// A decimal number of any size.
    Number(Number),
    /// Text in normalization form C.
    String(String),
    /// The elements of a list or a set.
    List(Vec<Value>),
    /// The entries of a map, or the attributes of an object, whose names are those of the schema.
    Map(BTreeMap<Cow<'static, str>, Value>),
}

impl Value {
    /// An object with these attributes.
    pub fn object<K: Into<Cow<'static, str>>>(
        attributes: impl IntoIterator<Item = (K, Value)>,
    ) -> Self {
        Self::Map(attributes.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value itself is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether nothing in it is unknown, at any depth.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Map(entries) => entries.values().all(Self::is_wholly_known),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The attribute or entry of that name; null if it does not exist.
    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Map(entries) => entries.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// Sets an attribute of an object; does nothing on any other value.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        if let Self::Map(entries) = self {
            entries.insert(name.into(), value.into());
        }
    }

    /// The text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// A known bool.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// A known number.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// A known number that is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The elements of a known list or set.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(elements) = self { Some(elements) } else { None }
    }

    /// The entries of a known map or object.
    pub fn as_map(&self) -> Option<&BTreeMap<Cow<'static, str>, Value>> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Number(int.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Unknown => f.write_str("unknown"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => write!(f, "string of {} bytes", text.len()),
            Self::List(elements) => f.debug_list().entries(elements).finish(),
            Self::Map(entries) => f.debug_map().entries(entries).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text_of_a_string() {
        let value = Value::object([("key", Value::from(vec!["hunter2"]))]);
        assert!(!format!("{value:?}").contains("hunter2"));
    }

    #[test]
    fn an_unknown_at_any_depth_is_seen() {
        let deep = Value::object([("a", Value::List(vec![Value::Null, Value::Unknown]))]);
        assert!(!deep.is_unknown());
        assert!(!deep.is_wholly_known());
    }
}
