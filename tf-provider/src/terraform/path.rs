use std::fmt;

/// Where in a configuration or an object something is: `timeouts.create`, `trigger["a"]`, `names[2]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`]. The elements of sets have no address: a path ends at the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into an attribute or block of that name.
    Attribute(String),
    /// Into the entry of a map under that key.
    Key(String),
    /// Into the element of a list, counted from zero. Unsigned, because a negative index crashes hosts.
    Index(u32),
}

impl Path {
    /// The path of a top-level attribute or block.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self(vec![Step::Attribute(name.into())])
    }

    /// The path one step further in.
    pub fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path of an attribute or block of this object.
    pub fn then(&self, name: impl Into<String>) -> Self {
        self.with(Step::Attribute(name.into()))
    }

    /// The steps from the outside in.
    pub fn steps(&self) -> &[Step] {
        &self.0
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
    fn a_path_reads_as_it_is_written_in_a_configuration() {
        let path = Path::attribute("a")
            .then("b")
            .with(Step::Key("k".into()))
            .with(Step::Index(2));
        assert_eq!(path.to_string(), r#"a.b["k"][2]"#);
    }
}
