//! Read: the user's certificates and the server's clock become `status`. Time is read here and nowhere else.

use std::sync::Arc;

use jiff::Timestamp;
use tf_provider::{CancellationToken, Diagnostic, Diagnostics, ReadRequest, ReadResponse, Value};

use super::model::{Attr, Status, UserCertificate};
use crate::{
    atlas::{CallOptions, CertificateList, ProjectId, Username},
    provider::{
        client::{ProviderClient, Session},
        diagnostics,
    },
};

/// Compares the object with Atlas's list.
pub(super) async fn read(client: &ProviderClient, request: ReadRequest) -> ReadResponse {
    let ReadRequest { state, private, cancel } = request;
    match refresh(client, &state, &cancel).await {
        Ok((state, diagnostics)) => ReadResponse { state, private, diagnostics },
        Err(diagnostics) => ReadResponse { state, private, diagnostics },
    }
}

async fn refresh(
    client: &ProviderClient,
    state: &Value,
    cancel: &CancellationToken,
) -> Result<(Value, Diagnostics), Diagnostics> {
    let object = UserCertificate::from_value(state)?;
    if object.is_unparsed() {
        return Ok((state.clone(), Diagnostics::new()));
    }
    let Some(session) = client.session_if_known()? else {
        return Ok((state.clone(), Diagnostics::new())); // the provider configuration is unknown
    };
    let (project, username) = object.target().ok_or_else(incomplete)?;
    let call = Session::call(cancel, object.timeout("read"));
    let finding = fetch(&session, project, username, &object, &call).await?;
    let mut diagnostics: Diagnostics =
        session.warnings(finding.server_time()).into_iter().collect();
    if let Finding::ProjectMissing(address) = &finding {
        diagnostics.push(project_not_found(address, project, username));
    }
    Ok((apply_finding(object, &finding).into_value(), diagnostics))
}

/// One row of the refresh table.
enum Finding {
    /// The certificate is listed; or, for an object without one, some certificate is.
    Listed(Arc<CertificateList>),
    NotListed(Arc<CertificateList>),
    UserMissing(Option<Arc<CertificateList>>),
    /// With the address of the server that does not know the project.
    ProjectMissing(String),
}

impl Finding {
    fn server_time(&self) -> Option<Timestamp> {
        match self {
            Self::Listed(list) | Self::NotListed(list) | Self::UserMissing(Some(list)) => {
                Some(list.server_time)
            }
            Self::UserMissing(None) | Self::ProjectMissing(_) => None,
        }
    }
}

async fn fetch(
    session: &Session,
    project: &ProjectId,
    username: &Username,
    object: &UserCertificate,
    call: &CallOptions,
) -> Result<Finding, Diagnostic> {
    let list = match session.certificates(project, username, call).await {
        Ok(list) => list,
        Err(error) if error.is_project_not_found() => {
            return Ok(Finding::ProjectMissing(error.request().address.to_string()));
        }
        Err(error) if error.is_user_not_found() => return Ok(Finding::UserMissing(None)),
        Err(error) => return Err(diagnostics::from_atlas(&error, project, username)),
    };
    let listed = match object.certificate_id.known() {
        Some(id) => list.certificates.iter().any(|certificate| certificate.certificate_id == *id),
        None => list.newest().is_some(),
    };
    if listed {
        return Ok(Finding::Listed(list));
    }
    match session.user(project, username, call).await {
        Ok(_) => Ok(Finding::NotListed(list)),
        Err(error) if error.is_project_not_found() => {
            Ok(Finding::ProjectMissing(error.request().address.to_string()))
        }
        Err(error) if error.is_user_not_found() => Ok(Finding::UserMissing(Some(list))),
        Err(error) => Err(diagnostics::from_atlas(&error, project, username)),
    }
}

fn apply_finding(mut object: UserCertificate, finding: &Finding) -> UserCertificate {
    let status = match finding {
        Finding::Listed(list) => {
            // Moved here without a certificate: the newest one is adopted.
            if object.certificate_id.is_null()
                && let Some(newest) = list.newest()
            {
                object.set_listed_certificate(newest);
            }
            object.status_at(list.server_time)
        }
        Finding::NotListed(list) => match object.status_at(list.server_time) {
            Status::Expired => Status::Expired,
            status if object.is_just_issued(list.server_time) => status,
            _ => Status::Missing,
        },
        Finding::UserMissing(_) => Status::UserMissing,
        Finding::ProjectMissing(_) => Status::ProjectMissing,
    };
    UserCertificate { status: Attr::Known(status), ..object }
}

fn incomplete() -> Diagnostic {
    Diagnostic::error(
        "Stored object is incomplete",
        "State contains no project_id or no username for this resource. Remove it from state and import it again.",
    )
}

fn project_not_found(address: &str, project: &ProjectId, username: &Username) -> Diagnostic {
    Diagnostic::warning(
        "Project does not exist",
        format!(
            "Atlas ({address}) has no project {project}, so the certificate of its database user \"{username}\" could not be checked. Nothing is removed: the \
             object and its key stay in state. Check whether base_url and project_id are right. If the project was deleted, destroy this resource."
        ),
    )
}
