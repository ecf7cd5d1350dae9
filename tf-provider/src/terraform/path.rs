//! Attribute paths.

use std::fmt;

/// The path of a value in a configuration or an object: `timeouts.create`, `trigger["a"]`, `names[2]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`]. Elements of sets cannot be addressed: a path ends at the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An attribute or block.
    Attribute(String),
    /// The key of a map.
    Key(String),
    /// The index in a list. Unsigned, because a negative index crashes hosts.
    Index(u32),
}

impl Path {
    /// The path of an attribute or block of this object.
    pub fn at_name(&self, name: impl Into<String>) -> Self {
        self.join(Step::Attribute(name.into()))
    }

    /// The path of an element of this list.
    pub fn at_index(&self, index: u32) -> Self {
        self.join(Step::Index(index))
    }

    fn join(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path of the same value as seen from the object around it.
    pub(crate) fn inside(mut self, outer: Step) -> Self {
        self.0.insert(0, outer);
        self
    }

    /// The steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

/// The path of the top-level attribute or block of this name, which is not parsed.
impl From<&str> for Path {
    fn from(name: &str) -> Self {
        Self::default().at_name(name)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if at == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_displayed_as_in_a_configuration() {
        let path = Path::from("a").at_name("b").at_index(2).join(Step::Key("k".to_owned()));
        assert_eq!(path.to_string(), r#"a.b[2]["k"]"#);
    }
}
