//! The data sources: what Atlas lists of a database user's certificates, all of them or one.
//!
//! Both ask for the list that refreshes ask for, so a user's certificates are listed once however many look them up. "Now"
//! is the time of that answer, by Atlas' clock.

mod listed;
mod many;
mod one;

use std::{sync::Arc, time::Duration};

use tf_provider::{Attribute, DataSource, Diagnostic, Diagnostics, ReadDataRequest, Type, Value};

use self::{many::UserCertificates, one::UserCertificate};
use super::{
    arguments,
    client::{ProviderClient, Session},
    diagnostics,
};
use crate::atlas::{CertificateList, ProjectId, Username};

/// Every data source.
pub(crate) fn all(client: &Arc<ProviderClient>) -> Vec<Arc<dyn DataSource>> {
    vec![
        Arc::new(UserCertificate(Arc::clone(client))),
        Arc::new(UserCertificates(Arc::clone(client))),
    ]
}

/// How long a lookup may take, waits for Atlas' rate limit included.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The certificates of one user, and what there is to tell beside them.
struct Lookup {
    project: ProjectId,
    username: Username,
    listing: Arc<CertificateList>,
    warnings: Vec<Diagnostic>,
}

impl Lookup {
    async fn run(client: &ProviderClient, request: &ReadDataRequest) -> Result<Self, Diagnostic> {
        let (project, username) = user(&request.config)?;
        let session = client.session()?;
        let call = Session::call(&request.cancel, TIMEOUT);
        let listing = session.certificates(&project, &username, &call).await;
        let listing =
            listing.map_err(|error| diagnostics::from_atlas(&error, &project, &username))?;
        let warnings = session.warnings(Some(listing.server_time));
        Ok(Self {
            project,
            username,
            listing,
            warnings,
        })
    }
}

fn user(config: &Value) -> Result<(ProjectId, Username), Diagnostic> {
    match (arguments::project_id(config)?, arguments::username(config)?) {
        (Some(project), Some(username)) => Ok((project, username)),
        _ => Err(Diagnostic::error(
            "Incomplete arguments",
            "Both project_id and username must be known before certificates can be looked up.",
        )),
    }
}

fn validate_user(config: &Value) -> Diagnostics {
    let problems = [
        arguments::project_id(config).err(),
        arguments::username(config).err(),
    ];
    problems.into_iter().flatten().collect()
}

fn user_arguments() -> [Attribute; 2] {
    [
        Attribute::new(
            "project_id",
            Type::String,
            "The project of the database user: 24 lower-case hexadecimal digits (the API's `groupId`).",
        )
        .required(),
        Attribute::new(
            "username",
            Type::String,
            "The database user in `$external` whose certificates are looked up. The plain name, as given to the user resource, without \
             `CN=`.",
        )
        .required(),
    ]
}

#[cfg(test)]
mod tests;
