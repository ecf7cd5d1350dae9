//! Read: the user's certificates and the server's clock become `status`. Plan and apply use this
//! finding, and read no clock.

use std::sync::Arc;

use jiff::Timestamp;
use tf_provider::{CancellationToken, Diagnostic, Diagnostics};

use super::model::{Attr, Status, UserCertificate};
use crate::{
    atlas::{CallOptions, CertificateList, Error},
    provider::{
        arguments::UserId,
        client::{ProviderClient, Session},
        diagnostics::from_atlas,
    },
};

/// Compares the object with Atlas's list. Returns the object with its status, and warnings; or `None` if nothing can be
/// compared.
pub(super) async fn read(
    client: &ProviderClient,
    object: UserCertificate,
    cancel: &CancellationToken,
) -> Result<Option<(UserCertificate, Diagnostics)>, Diagnostics> {
    if object.is_unparsed() {
        return Ok(None);
    }
    let Some(session) = client.session_if_known()? else {
        return Ok(None); // the provider configuration is unknown
    };
    let user = object.user().ok_or_else(incomplete)?;
    let call = Session::call(cancel, object.timeout("read"));
    let finding = fetch(&session, &user, &object, &call).await?;
    let mut diagnostics = session.warnings(finding.server_time());
    if let Finding::ProjectMissing(address) = &finding {
        diagnostics.push(project_not_found(address, &user));
    }
    Ok(Some((apply_finding(object, &finding), diagnostics)))
}

/// What the responses of a refresh show.
enum Finding {
    /// The certificate is listed; or, for an object without one, some certificate is.
    Listed(Arc<CertificateList>),
    NotListed(Arc<CertificateList>),
    UserMissing(Option<Arc<CertificateList>>),
    /// With the address of the server that has no such project.
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
    user: &UserId,
    object: &UserCertificate,
    call: &CallOptions,
) -> Result<Finding, Diagnostic> {
    let list = match session.certificates(user, call).await {
        Ok(list) => list,
        Err(error) => return not_found(&error, user, None),
    };
    let is_listed = match object.certificate_id.known() {
        Some(id) => list.certificates.iter().any(|certificate| certificate.certificate_id == *id),
        None => list.newest().is_some(),
    };
    if is_listed {
        return Ok(Finding::Listed(list));
    }
    match session.user(user, call).await {
        Ok(_) => Ok(Finding::NotListed(list)),
        Err(error) => not_found(&error, user, Some(list)),
    }
}

/// The finding if the project or the user does not exist; any other error leaves state untouched.
fn not_found(
    error: &Error,
    user: &UserId,
    list: Option<Arc<CertificateList>>,
) -> Result<Finding, Diagnostic> {
    if error.is_project_not_found() {
        Ok(Finding::ProjectMissing(error.request().address.to_string()))
    } else if error.is_user_not_found() {
        Ok(Finding::UserMissing(list))
    } else {
        Err(from_atlas(error, user))
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

fn project_not_found(address: &str, user: &UserId) -> Diagnostic {
    let UserId { project, username } = user;
    Diagnostic::warning(
        "Project does not exist",
        format!(
            "Atlas ({address}) has no project {project}, so the certificate of its database user \"{username}\" could not be checked. Nothing is removed: the \
             object and its key stay in state. Check whether base_url and project_id are right. If the project was deleted, destroy this resource."
        ),
    )
}
