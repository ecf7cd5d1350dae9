//! The certificates of one database user, or of every managed user of a project.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tf_provider::{CancellationToken, Diagnostic, Value};

use super::{
    arguments::{UserId, required, to_sentence},
    attr::Attr,
    client::Session,
    diagnostics::from_atlas,
    timeouts,
};
use crate::atlas::{
    CallOptions, CertificateList, ListedCertificate, ProjectId, Username, printable,
};

const CONCURRENT_LISTS: usize = 8;

/// The list of the user of a configuration, or without `username` those of all users of `$external` whose certificates
/// Atlas issues, in the order of the users. The stream has an error for each user that cannot be read.
pub(crate) async fn lists(
    session: &Session,
    config: &Value,
    cancel: &CancellationToken,
) -> Result<impl Stream<Item = Result<UserList, Diagnostic>>, Diagnostic> {
    let project = required(config, "project_id")?;
    let username = Attr::read(config, "username")?.into_known();
    let is_inventory = username.is_none();
    let users = match username {
        Some(username) => vec![Ok(UserId { project, username })],
        None => managed_users(session, &project, cancel).await?,
    };
    let lists = stream::iter(users).map(move |user| async move {
        let user = match user {
            Ok(user) => user,
            Err(unusable) => return Some(Err(unusable)),
        };
        match session.certificates(&user, &CallOptions::within(timeouts::READ, cancel)).await {
            Ok(list) => Some(Ok((user, list))),
            // The user was deleted after the users were read.
            Err(error) if is_inventory && error.is_user_not_found() => None,
            Err(error) => Some(Err(from_atlas(&error, &user))),
        }
    });
    Ok(lists.buffered(CONCURRENT_LISTS).filter_map(std::future::ready))
}

/// The users whose certificates Atlas issues; an error for one whose name requests cannot contain.
async fn managed_users(
    session: &Session,
    project: &ProjectId,
    cancel: &CancellationToken,
) -> Result<Vec<Result<UserId, Diagnostic>>, Diagnostic> {
    let users = session.users(project, &CallOptions::within(timeouts::READ, cancel)).await;
    let users = users.map_err(|error| from_atlas(&error, &format!("project {project}")))?;
    let managed =
        users.iter().filter(|user| user.auth_database == "$external" && user.x509_type == MANAGED);
    let parsed = managed.map(|user| match Username::parse(&user.username) {
        Ok(username) => Ok(UserId { project: project.clone(), username }),
        Err(problem) => {
            let (name, problem) = (printable(&user.username, 100), to_sentence(problem));
            let detail = format!(
                "The certificates of the database user \"{name}\" of project {project} cannot be read. {problem}"
            );
            Err(Diagnostic::error("Unusable username", detail))
        }
    });
    Ok(parsed.collect())
}

pub(crate) type UserList = (UserId, Arc<CertificateList>);

/// The X.509 type of users whose certificates Atlas issues.
pub(crate) const MANAGED: &str = "MANAGED";

/// The certificates of a list that are valid at the time of the list.
pub(crate) fn unexpired(list: &CertificateList) -> impl Iterator<Item = &ListedCertificate> {
    list.certificates.iter().filter(|certificate| certificate.is_valid_at(list.server_time))
}
