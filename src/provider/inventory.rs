//! The certificates of one database user, or of every managed user of a project.

use std::{sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use tf_provider::{CancellationToken, Diagnostic};

use super::{
    arguments::{UserId, to_sentence},
    client::Session,
    diagnostics::from_atlas,
};
use crate::atlas::{
    CertificateList, DatabaseUser, InvalidParameter, ProjectId, Username, printable,
};

/// Time limit of one lookup, including waits for Atlas's rate limit.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How many lists are read at a time.
const CONCURRENT_LISTS: usize = 8;

/// The user's certificates.
pub(crate) async fn certificates(
    session: &Session,
    user: &UserId,
    cancel: &CancellationToken,
) -> Result<Arc<CertificateList>, Diagnostic> {
    let list = session.certificates(user, &Session::call(cancel, TIMEOUT)).await;
    list.map_err(|error| from_atlas(&error, user))
}

/// The list of one user, or without `username` those of all users of `$external` whose certificates Atlas issues, in
/// the order of the users.
///
/// A user that is deleted after the users were read is omitted.
///
/// # Errors
/// The users, or the one list, cannot be read. In the stream: the certificates of one of several users cannot be read.
pub(crate) async fn lists(
    session: &Session,
    project: &ProjectId,
    username: Option<Username>,
    cancel: &CancellationToken,
) -> Result<impl Stream<Item = Result<UserList, Diagnostic>>, Diagnostic> {
    if let Some(username) = username {
        let user = UserId { project: project.clone(), username };
        let list = certificates(session, &user, cancel).await?;
        return Ok(stream::iter([Ok((user, list))]).left_stream());
    }
    let users = session.users(project, &Session::call(cancel, TIMEOUT)).await;
    let users = users.map_err(|error| from_atlas(&error, &format!("project {project}")))?;
    let managed = users.into_iter().filter(is_managed);
    let lists = stream::iter(managed).map(async move |user| {
        let user = match Username::parse(&user.username) {
            Ok(username) => UserId { project: project.clone(), username },
            Err(error) => return Some(Err(unusable(&user, project, error))),
        };
        match session.certificates(&user, &Session::call(cancel, TIMEOUT)).await {
            Ok(list) => Some(Ok((user, list))),
            Err(error) if error.is_user_not_found() => None,
            Err(error) => Some(Err(from_atlas(&error, &user))),
        }
    });
    Ok(lists.buffered(CONCURRENT_LISTS).filter_map(std::future::ready).right_stream())
}

/// A user with its certificates.
pub(crate) type UserList = (UserId, Arc<CertificateList>);

fn is_managed(user: &DatabaseUser) -> bool {
    user.auth_database == "$external" && user.x509_type == "MANAGED"
}

fn unusable(user: &DatabaseUser, project: &ProjectId, problem: InvalidParameter) -> Diagnostic {
    Diagnostic::error(
        "Unusable username",
        format!(
            "The certificates of the database user \"{}\" of project {project} cannot be read. {}",
            printable(&user.username, 100),
            to_sentence(problem)
        ),
    )
}
