//! Read: the user's certificates and the server's clock become `status`. Plan and apply read no clock.

use tf_provider::{CancellationToken, Diagnostic, Diagnostics, ObjectResponse, ReadRequest};

use super::model::{Attr, Status, UserCertificate};
use crate::{
    atlas::{CallOptions, CertificateList, Error},
    provider::{
        arguments::UserId,
        client::{ProviderClient, Session},
        diagnostics::from_atlas,
    },
};

/// Refreshes the object. If that fails, it stays as it is.
pub(super) async fn read(client: &ProviderClient, request: ReadRequest) -> ObjectResponse {
    let ReadRequest { state, private, cancel } = request;
    let read = async { refreshed(client, UserCertificate::from_value(&state)?, &cancel).await };
    let (state, diagnostics) = match read.await {
        Ok((object, warnings)) => (object.into_value(), warnings),
        Err(problems) => (state, problems),
    };
    ObjectResponse { state, private, diagnostics }
}

/// Compares the object with Atlas's list. Returns the object with its status, and warnings.
async fn refreshed(
    client: &ProviderClient,
    mut object: UserCertificate,
    cancel: &CancellationToken,
) -> Result<(UserCertificate, Diagnostics), Diagnostics> {
    if object.is_unparsed() {
        return Ok((object, Diagnostics::new()));
    }
    let Some(session) = client.session_if_known()? else {
        return Ok((object, Diagnostics::new())); // the provider configuration is unknown
    };
    let user = object.user().ok_or_else(|| {
        let detail = "State contains no project_id or no username for this resource. Remove it from state and import it again.";
        Diagnostic::error("Stored object is incomplete", detail)
    })?;
    let call = CallOptions::within(object.timeout("read"), cancel);
    let list = session.certificates(&user, &call).await;
    let server_time = list.as_ref().ok().map(|list| list.server_time);
    let status = match list {
        Ok(list) => {
            // Moved here without a certificate: the newest one is adopted.
            if let (Attr::Null, Some(newest)) = (&object.certificate_id, list.newest()) {
                object.set_listed_certificate(newest);
            }
            status(&session, &user, &object, &list, &call).await
        }
        Err(error) => Err(error),
    };
    let (status, warning) = match status {
        Ok(status) => (status, None),
        Err(error) if error.is_project_not_found() => {
            let (UserId { project, username }, address) = (&user, &error.request().address);
            let detail = format!(
                "Atlas ({address}) has no project {project}, so the certificate of its database user \"{username}\" could not be checked. Nothing is \
                 removed: the object and its key stay in state. Check whether base_url and project_id are right. If the project was deleted, destroy \
                 this resource."
            );
            let warning = Diagnostic::warning("Project does not exist", detail);
            (Status::ProjectMissing, Some(warning))
        }
        Err(error) if error.is_user_not_found() => (Status::UserMissing, None),
        // Any other error leaves state untouched.
        Err(error) => return Err(from_atlas(&error, &user).into()),
    };
    object.status = Attr::Known(status);
    let warnings = session.warnings(server_time).into_iter().chain(warning);
    Ok((object, warnings.collect()))
}

/// The status of a certificate of a user that may not exist.
async fn status(
    session: &Session,
    user: &UserId,
    object: &UserCertificate,
    list: &CertificateList,
    call: &CallOptions,
) -> Result<Status, Error> {
    let by_date = object.status_at(list.server_time);
    let id = object.certificate_id.known();
    if list.certificates.iter().any(|listed| Some(&listed.certificate_id) == id) {
        return Ok(by_date);
    }
    session.user(user, call).await?;
    let may_be_unlisted = by_date == Status::Expired || object.is_just_issued(list.server_time);
    Ok(if may_be_unlisted { by_date } else { Status::Missing })
}
