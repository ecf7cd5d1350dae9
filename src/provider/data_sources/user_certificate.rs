//! `data "atlas_user_certificate"`: one certificate of a database user, the newest or the one with a given id.

use std::sync::Arc;

use tf_provider::{
    Attribute, CancellationToken, DataSource, Diagnostic, Diagnostics, ReadDataResult, Schema,
    Type, Value, async_trait,
};

use super::{ATTRIBUTES, project_argument};
use crate::{
    atlas::CallOptions,
    provider::{
        arguments::{UserId, is_certificate_id, required, schema, to_sentence, validate_user},
        client::ProviderClient,
        diagnostics::from_atlas,
        inventory::unexpired,
        timeouts,
    },
};

pub(super) struct UserCertificate(pub(super) Arc<ProviderClient>);

#[async_trait]
impl DataSource for UserCertificate {
    fn type_name(&self) -> &'static str {
        "atlas_user_certificate"
    }

    fn schema(&self) -> Schema {
        let mut attributes = vec![
            project_argument(),
            Attribute::new("username", Type::String, USERNAME_DESCRIPTION).required(),
        ];
        attributes.extend(ATTRIBUTES.map(|(name, description, _)| match name {
            ID => Attribute::new(ID, Type::String, ID_DESCRIPTION).optional_computed(),
            name => Attribute::new(name, Type::String, description),
        }));
        schema(attributes, DESCRIPTION)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate_user(config).chain(certificate_id(config).err()).collect()
    }

    async fn read(&self, config: Value, cancel: CancellationToken) -> ReadDataResult {
        let project = required(&config, "project_id")?;
        let user = UserId { project, username: required(&config, "username")? };
        let id = certificate_id(&config)?;
        let session = self.0.session()?;
        let list = session.certificates(&user, &CallOptions::within(timeouts::READ, &cancel)).await;
        let list = list.map_err(|error| from_atlas(&error, &user))?;
        let found = match id {
            Some(id) => unexpired(&list).find(|certificate| certificate.certificate_id == id),
            None => list.newest(),
        };
        let found = found.ok_or_else(|| not_found(&user, id, unexpired(&list).count()))?;
        let mut state = config;
        for (name, _, value) in ATTRIBUTES {
            state.set(name, value(found));
        }
        Ok((state, session.warnings(Some(list.server_time))))
    }
}

fn not_found(user: &UserId, id: Option<&str>, unexpired: usize) -> Diagnostic {
    let Some(id) = id else {
        let detail = to_sentence(format!(
            "{user} has no unexpired certificate. Issue one with the resource atlas_user_certificate; if the same configuration does, take the username of \
             this data source from that resource, so that it is read afterwards. If having no certificate is valid, use the data source \
             atlas_user_certificates: its list may be empty."
        ));
        return Diagnostic::error("No certificate", detail).at("username");
    };
    let detail = to_sentence(format!(
        "{user} has no unexpired certificate {id} (unexpired certificates: {unexpired}). Atlas does not list expired ones. Look the id up with the \
         data source atlas_user_certificates, or omit certificate_id for the newest certificate."
    ));
    Diagnostic::error("Certificate not found", detail).at(ID)
}

/// The configured certificate id; `None` if it is null or unknown.
fn certificate_id(config: &Value) -> Result<Option<&str>, Diagnostic> {
    let id = config.get(ID).as_str();
    if id.is_none_or(is_certificate_id) {
        return Ok(id);
    }
    let text = "Atlas's id of a certificate is its serial number in decimal: digits only. The hexadecimal form is serial_number.";
    Err(Diagnostic::error("Invalid certificate id", text).at(ID))
}

const ID: &str = "certificate_id";

const USERNAME_DESCRIPTION: &str = "\
The database user in `$external` whose certificate is looked up. The plain name, as given to the user resource, without `CN=`.";

const ID_DESCRIPTION: &str = "\
Atlas's id of the certificate: its serial number in decimal, as text. Unset, the newest unexpired certificate is returned, which is the \
one issued last.";

const DESCRIPTION: &str = "\
Looks up one unexpired certificate of a database user, by its id or the one issued last. The private key is not part of it: Atlas \
returns it once, at the time of issue. A certificate that does not exist is an error; if there may be none, use \
`atlas_user_certificates`.

Reading requires the role *Project Read Only* and no other. The list is read once per run and user, however many data sources and \
resources use it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_argument_is_validated() {
        let source = UserCertificate(Arc::default());
        let check = |project: Value, username: Value, id: Value| {
            let mut config = source.schema().block.empty();
            config.set("project_id", project);
            config.set("username", username);
            config.set(ID, id);
            let problems = source.validate(&config).into_iter();
            problems.map(|problem| problem.path.unwrap().to_string()).collect::<Vec<_>>()
        };
        let project = || Value::from("32b6e34b3d91647abb20e7b8");
        assert!(check(Value::Unknown, Value::Unknown, Value::Unknown).is_empty());
        assert!(check(project(), "app".into(), "1976722359483124370".into()).is_empty());
        assert_eq!(check("p".into(), "..".into(), "1b6e".into()), ["project_id", "username", ID]);
        for bad in ["", "-1", "1.0", " 1"] {
            assert_eq!(check(project(), "app".into(), bad.into()), [ID], "{bad:?}");
        }
    }
}
