//! Values as tests write and read them: null and unknown are variants, nothing is hidden.
//!
//! Sets are kept sorted and without repetition, numbers in canonical decimal text, so that `==` is
//! core's notion of "the same value, refinements included".

mod json;
mod number;
mod refinement;
mod show;

use std::collections::BTreeMap;
use std::ops::Index;

pub use self::json::{refined, unknown};
pub use self::number::Number;
pub use self::refinement::Refinement;

/// One value of the Terraform language.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Absent.
    #[default]
    Null,
    /// Not known before apply.
    Unknown,
    /// Not known before apply, but within limits.
    Refined(Box<Refinement>),
    /// True or false.
    Bool(bool),
    /// A number of any length.
    Number(Number),
    /// Text.
    String(String),
    /// A list or a tuple.
    List(Vec<Value>),
    /// A set: sorted, each element once. Build it with [`Value::set`].
    Set(Vec<Value>),
    /// A map, the keys being data.
    Map(BTreeMap<String, Value>),
    /// An object, the keys being attribute and block names.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// A set of these elements, in whatever order they come.
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Self {
        let mut elements: Vec<_> = elements.into_iter().collect();
        elements.sort();
        elements.dedup();
        Self::Set(elements)
    }

    /// An object of these attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is itself unknown, refined or not.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown | Self::Refined(_))
    }

    /// Whether there is no unknown at any depth.
    pub fn is_wholly_known(&self) -> bool {
        !self.is_unknown() && self.children().all(Value::is_wholly_known)
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The elements of a list, tuple or set.
    pub fn elements(&self) -> Option<&[Value]> {
        match self {
            Self::List(elements) | Self::Set(elements) => Some(elements),
            _ => None,
        }
    }

    /// The entries of a map or object.
    pub fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) | Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The attribute or map element of this name, if this has entries and it is among them.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries()?.get(name)
    }

    /// A copy in which one attribute has another value.
    ///
    /// # Panics
    /// If this is not an object or map.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let (Self::Object(entries) | Self::Map(entries)) = &mut self else {
            panic!("{self:?} has no attribute {name}");
        };
        entries.insert(name.to_owned(), value.into());
        self
    }

    /// The attribute of an object, null where the object itself is null: as core looks up in a prior
    /// object that may not exist.
    pub fn attribute(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }

    /// A copy with every refinement removed.
    pub fn unrefined(&self) -> Value {
        self.map_leaves(&|leaf| match leaf {
            Self::Refined(_) => Self::Unknown,
            other => other.clone(),
        })
    }

    /// A copy with null wherever something is unknown.
    pub fn unknown_as_null(&self) -> Value {
        self.map_leaves(&|leaf| {
            if leaf.is_unknown() {
                Self::Null
            } else {
                leaf.clone()
            }
        })
    }

    /// The names of the top-level attributes in which two objects differ.
    pub fn changed_attributes(&self, other: &Value) -> Vec<String> {
        let mut names: Vec<_> = [self, other]
            .into_iter()
            .filter_map(Value::entries)
            .flat_map(BTreeMap::keys)
            .filter(|name| self.attribute(name) != other.attribute(name))
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match self {
            Self::List(elements) | Self::Set(elements) => Box::new(elements.iter()),
            Self::Map(entries) | Self::Object(entries) => Box::new(entries.values()),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn map_leaves(&self, change: &impl Fn(&Value) -> Value) -> Value {
        let entries = |entries: &BTreeMap<String, Value>| {
            entries
                .iter()
                .map(|(key, value)| (key.clone(), value.map_leaves(change)))
                .collect()
        };
        match self {
            Self::List(elements) => Self::List(
                elements
                    .iter()
                    .map(|element| element.map_leaves(change))
                    .collect(),
            ),
            Self::Set(elements) => {
                Self::set(elements.iter().map(|element| element.map_leaves(change)))
            }
            Self::Map(map) => Self::Map(entries(map)),
            Self::Object(object) => Self::Object(entries(object)),
            leaf => change(leaf),
        }
    }
}

/// Panics where there is no such attribute: a misspelt name in a test is not a null.
impl Index<&str> for Value {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        match self.get(name) {
            Some(value) => value,
            None => panic!("no {name:?} in {self:?}"),
        }
    }
}

impl Index<usize> for Value {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        match self.elements().and_then(|elements| elements.get(index)) {
            Some(value) => value,
            None => panic!("no element {index} in {self:?}"),
        }
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
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(whole: i64) -> Self {
        Self::Number(whole.into())
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<String> for Value {
    fn eq(&self, text: &String) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<bool> for Value {
    fn eq(&self, value: &bool) -> bool {
        self.as_bool() == Some(*value)
    }
}

impl PartialEq<i64> for Value {
    fn eq(&self, whole: &i64) -> bool {
        self.as_i64() == Some(*whole)
    }
}

static NULL: Value = Value::Null;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_compare_without_order_and_repetition() {
        let set = Value::set(["b".into(), "a".into(), "b".into()]);
        assert_eq!(set, Value::set(["a".into(), "b".into()]));
    }

    #[test]
    fn knowledge_is_a_matter_of_every_depth() {
        let value = Value::from(json!({ "a": [1, unknown()] }));
        assert!(!value.is_unknown());
        assert!(!value.is_wholly_known());
        assert_eq!(
            value.unknown_as_null(),
            Value::from(json!({ "a": [1, null] }))
        );
    }

    #[test]
    fn changed_attributes_are_named_in_order() {
        let old = Value::from(json!({ "same": 1, "z": 1, "b": "x" }));
        let new = Value::from(json!({ "same": 1, "z": 2, "b": null }));
        assert_eq!(old.changed_attributes(&new), ["b", "z"]);
    }

    #[test]
    #[should_panic(expected = "no \"usernme\"")]
    fn a_misspelt_attribute_is_not_a_null() {
        let _ = &Value::from(json!({ "username": "x" }))["usernme"];
    }
}
