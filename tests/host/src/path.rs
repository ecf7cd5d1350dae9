//! Attribute paths, as text and against values and types.

use std::fmt;

use crate::ty::Type;
use crate::value::Value;

/// Where in an object something is: `timeouts.create`, `rotate_when_changed["k"]`, `list[0]`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into an attribute or block of an object.
    Attribute(String),
    /// Into a map or a block labelled by key.
    Key(String),
    /// Into a list.
    Index(i64),
    /// Into a set, whose elements have no address of their own.
    Element(Value),
}

impl Path {
    /// The place that has no step: the whole object.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path and one step more.
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// This path and a step into an attribute.
    pub fn attribute(&self, name: &str) -> Self {
        self.then(Step::Attribute(name.to_owned()))
    }

    /// This path and a step into a map.
    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// This path and a step into a list.
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// What stands at this place; `None` if the path leads nowhere. What lies in an unknown is
    /// unknown, what lies in a null is nowhere.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0
            .iter()
            .try_fold(value, |value, step| match (value, step) {
                (unknown, _) if unknown.is_unknown() => Some(unknown),
                (Value::Object(entries), Step::Attribute(name)) => entries.get(name),
                (Value::Map(entries), Step::Key(key)) => entries.get(key),
                (Value::List(elements), Step::Index(index)) => {
                    elements.get(usize::try_from(*index).ok()?)
                }
                (Value::Set(elements), Step::Element(element)) => {
                    elements.iter().find(|candidate| *candidate == element)
                }
                _ => None,
            })
    }

    /// The type of what can stand at this place; `None` if no value of type `ty` has such a place.
    pub fn find_type<'t>(&self, ty: &'t Type) -> Option<&'t Type> {
        self.0.iter().try_fold(ty, |ty, step| match (ty, step) {
            (Type::Dynamic, _) => Some(ty),
            (Type::Object(attributes), Step::Attribute(name)) => attributes.get(name),
            (Type::Map(element), Step::Key(_)) => Some(element.as_ref()),
            (Type::List(element), Step::Index(index)) if *index >= 0 => Some(element.as_ref()),
            (Type::Tuple(elements), Step::Index(index)) => {
                elements.get(usize::try_from(*index).ok()?)
            }
            _ => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Element(element) => write!(f, "[{element}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq<str> for Path {
    fn eq(&self, text: &str) -> bool {
        let own = self.to_string();
        own == text
    }
}

impl PartialEq<&str> for Path {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_read_as_in_a_configuration() {
        let root = Path::root();
        assert_eq!(
            root.attribute("timeouts").attribute("create"),
            "timeouts.create"
        );
        assert_eq!(
            root.attribute("rotate_when_changed").key("k"),
            "rotate_when_changed[\"k\"]"
        );
        assert_eq!(root.attribute("list").index(0).attribute("x"), "list[0].x");
    }

    #[test]
    fn a_path_leads_into_values_and_types_or_nowhere() {
        let value = Value::from(json!({ "l": ["a"], "u": crate::value::unknown() }));
        let ty = Type::object([
            ("l", Type::List(Box::new(Type::String))),
            ("u", Type::String),
        ]);
        let element = Path::root().attribute("l").index(0);
        assert_eq!(element.find(&value), Some(&Value::from("a")));
        assert_eq!(element.find_type(&ty), Some(&Type::String));
        assert_eq!(Path::root().attribute("l").index(1).find(&value), None);
        assert_eq!(Path::root().attribute("l").key("x").find_type(&ty), None);
        assert_eq!(
            Path::root().attribute("u").index(7).find(&value),
            Some(&Value::Unknown)
        );
    }
}
