//! The identity of a resource: the attributes by which a remote object is found again.

use super::{Type, Value};

/// The identity schema of a resource. The values are objects of its attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentitySchema {
    /// Increases when stored identities must be converted.
    pub version: i64,
    /// The attributes.
    pub attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityAttribute {
    /// The name.
    pub name: String,
    /// A primitive type, or a list of one.
    pub ty: Type,
    /// Whether an `import` block must set it; otherwise it may.
    pub required_for_import: bool,
    /// One sentence for the docs.
    pub description: String,
}

impl IdentitySchema {
    /// The type of identities under this schema.
    pub fn ty(&self) -> Type {
        Type::object(self.attributes.iter().map(|a| (a.name.clone(), a.ty.clone())))
    }

    /// Whether the value is a wholly known object with every attribute that an import requires.
    pub(crate) fn is_complete(&self, identity: &Value) -> bool {
        identity.as_map().is_some()
            && identity.is_wholly_known()
            && self
                .attributes
                .iter()
                .all(|a| !a.required_for_import || !identity.get(&a.name).is_null())
    }
}
