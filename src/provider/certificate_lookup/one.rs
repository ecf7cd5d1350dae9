//! `data "atlas_user_certificate"`: one certificate of a database user, by its id or the newest.

use std::sync::Arc;

use tf_provider::{
    Attribute, Block, DataSource, Diagnostic, Diagnostics, Path, ReadDataRequest, ReadDataResponse,
    Schema, Type, Value, async_trait,
};

use super::{
    Lookup,
    listed::{self, ATTRIBUTES},
    user_arguments, validate_user,
};
use crate::{atlas::ListedCertificate, provider::client::ProviderClient};

pub(super) struct UserCertificate(pub(super) Arc<ProviderClient>);

#[async_trait]
impl DataSource for UserCertificate {
    fn type_name(&self) -> &'static str {
        "atlas_user_certificate"
    }

    fn schema(&self) -> Schema {
        let facts = ATTRIBUTES.iter().map(|(name, description)| match *name {
            ID => Attribute::new(ID, Type::String, ID_DESCRIPTION).optional_computed(),
            name => Attribute::new(name, Type::String, *description),
        });
        let attributes = user_arguments().into_iter().chain(facts).collect();
        Schema::new(Block {
            attributes,
            blocks: vec![],
            description: DESCRIPTION.to_owned(),
        })
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let mut problems = validate_user(config);
        problems.extend(certificate_id(config).err());
        problems
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        let found = match Lookup::run(&self.0, &request).await {
            Ok(found) => found,
            Err(problem) => {
                return ReadDataResponse {
                    state: request.config,
                    diagnostics: problem.into(),
                };
            }
        };
        let mut diagnostics: Diagnostics = found.warnings.iter().cloned().collect();
        let mut state = request.config;
        match pick(&state, &found) {
            Ok(certificate) => {
                for (name, value) in listed::attributes(certificate) {
                    state.set(name, value);
                }
            }
            Err(problem) => diagnostics.push(problem),
        }
        ReadDataResponse { state, diagnostics }
    }
}

fn pick<'a>(config: &Value, found: &'a Lookup) -> Result<&'a ListedCertificate, Diagnostic> {
    let (all, now) = (&found.listing.certificates, found.listing.server_time);
    match certificate_id(config)? {
        Some(id) => listed::named(all, now, id).ok_or_else(|| not_listed(found, id)),
        None => found.listing.newest().ok_or_else(|| none(found)),
    }
}

/// The id asked for; `None` where there is none or it is unknown.
fn certificate_id(config: &Value) -> Result<Option<&str>, Diagnostic> {
    let Some(id) = config.get(ID).as_str() else {
        return Ok(None);
    };
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Some(id));
    }
    Err(Diagnostic::error(
        "Invalid certificate id",
        "Atlas' id of a certificate is its serial number in decimal: digits only. The hexadecimal form is serial_number.",
    )
    .at(Path::attribute(ID)))
}

fn none(found: &Lookup) -> Diagnostic {
    let Lookup {
        project, username, ..
    } = found;
    Diagnostic::error(
        "No certificate",
        format!(
            "The database user \"{username}\" of project {project} has no unexpired certificate. Issue one with the resource \
             atlas_user_certificate; if the same configuration does, let this data source take the username from that resource, so that \
             it is read afterwards. Where having none is fine, use the data source atlas_user_certificates: its list may be empty."
        ),
    )
    .at(Path::attribute("username"))
}

fn not_listed(found: &Lookup, id: &str) -> Diagnostic {
    let Lookup {
        project,
        username,
        listing,
        ..
    } = found;
    let valid = listed::count(&listing.certificates, listing.server_time);
    Diagnostic::error(
        "Certificate not found",
        format!(
            "The database user \"{username}\" of project {project} has no unexpired certificate {id} (unexpired certificates: {valid}). \
             Atlas does not list expired ones. Look the id up with the data source atlas_user_certificates, or leave certificate_id out \
             for the newest certificate."
        ),
    )
    .at(Path::attribute(ID))
}

const ID: &str = "certificate_id";

const ID_DESCRIPTION: &str = "\
Atlas' id of the certificate: its serial number in decimal, as text. Unset, the newest unexpired certificate is taken, which is the one \
issued last.";

const DESCRIPTION: &str = "\
Looks up one unexpired certificate of a database user, by its id or the one issued last. The private key is not part of it: Atlas shows \
it once, at the time of issue. A certificate that does not exist is an error; where there may be none, use `atlas_user_certificates`.

Reading needs the role *Project Read Only* and nothing more. The list is read once per run and user, however many data sources and \
resources look at it.";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_argument_is_checked_as_far_as_it_is_known() {
        let source = UserCertificate(Arc::default());
        let check = |project: Value, username: Value, id: Value| {
            let mut config = source.schema().block.empty();
            config.set("project_id", project);
            config.set("username", username);
            config.set(ID, id);
            let problems = source.validate(&config).into_iter();
            problems
                .map(|problem| problem.path.unwrap().to_string())
                .collect::<Vec<_>>()
        };
        let project = || Value::from("32b6e34b3d91647abb20e7b8");
        assert!(check(Value::Unknown, Value::Unknown, Value::Unknown).is_empty());
        assert!(check(project(), "app".into(), "1976722359483124370".into()).is_empty());
        assert_eq!(
            check("p".into(), "..".into(), "1b6e".into()),
            ["project_id", "username", ID]
        );
        for bad in ["", "-1", "1.0", " 1"] {
            assert_eq!(check(project(), "app".into(), bad.into()), [ID], "{bad:?}");
        }
    }
}
