//! The identity of a certificate: project and database user. It stays the same over all renewals.

use tf_provider::{IdentityAttribute, IdentitySchema, Type, Value};

use super::model::UserCertificate;

pub(super) fn schema() -> IdentitySchema {
    let attribute = |name: &str, description: &str| IdentityAttribute {
        name: name.to_owned(),
        ty: Type::String,
        required_for_import: true,
        description: description.to_owned(),
    };
    IdentitySchema {
        version: 0,
        attributes: vec![
            attribute("project_id", "The project of the database user."),
            attribute("username", "The database user, not encoded."),
        ],
    }
}

/// The identity of an object, from the object alone; `None` while project or user are unknown.
pub(super) fn identity(object: &Value) -> Option<Value> {
    let (object, _) = UserCertificate::decode(object);
    let (project, username) = object.target()?;
    Some(Value::object([
        ("project_id", Value::from(project.as_str())),
        ("username", Value::from(username.as_str())),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::{ProjectId, Username};

    #[test]
    fn the_identity_has_the_attributes_of_its_schema_and_none_while_the_user_is_unknown() {
        let object = UserCertificate::new(
            ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            Username::parse("a/b c%").unwrap(),
        );
        let found = identity(&object.into_value()).unwrap();
        let names: Vec<_> = schema().attributes.into_iter().map(|a| a.name).collect();
        assert!(found.as_map().unwrap().keys().eq(&names));
        assert!(
            found
                == Value::object([
                    ("project_id", Value::from("32b6e34b3d91647abb20e7b8")),
                    ("username", Value::from("a/b c%")),
                ])
        );
        let mut unknown = UserCertificate::default().into_value();
        unknown.set("project_id", "32b6e34b3d91647abb20e7b8");
        unknown.set("username", Value::Unknown);
        assert!(identity(&unknown).is_none());
    }
}
