//! Read: what Atlas' list and clock say becomes `status`. Time is read here and nowhere else.

use std::sync::Arc;

use tf_provider::{Diagnostic, Diagnostics, ReadRequest, ReadResponse, Value};

use super::{
    decision::is_raw,
    model::{describe_listed, status_at},
};
use crate::{
    atlas::{CertificateList, ProjectId, Username},
    provider::{
        arguments,
        client::{ProviderClient, Session},
        diagnostics, timeouts,
    },
};

/// Compares the object with what Atlas lists.
pub(super) async fn read(client: &ProviderClient, request: ReadRequest) -> ReadResponse {
    let ReadRequest {
        mut state,
        private,
        cancel,
    } = request;
    let mut diagnostics = Diagnostics::new();
    if is_raw(&state) {
        return ReadResponse {
            state,
            private,
            diagnostics,
        };
    }
    let lookup = async {
        let Some(session) = client.session_if_known()? else {
            return Ok(Found::NotAsked);
        };
        let (project, username) = named_user(&state)?;
        let call = Session::call(&cancel, timeouts::timeout(&state, "read"));
        let found = look_up(&session, &project, &username, &state, &call).await?;
        Ok((session, found).into())
    };
    match lookup.await {
        Ok(Found::NotAsked) => {}
        Ok(Found::Answer(session, answer)) => {
            diagnostics.extend(session.warnings(answer.date()));
            settle(&mut state, answer, &mut diagnostics);
        }
        Err(error) => diagnostics.push(error),
    }
    ReadResponse {
        state,
        private,
        diagnostics,
    }
}

/// Project and user of a stored object.
fn named_user(state: &Value) -> Result<(ProjectId, Username), Diagnostic> {
    match (arguments::project_id(state)?, arguments::username(state)?) {
        (Some(project), Some(username)) => Ok((project, username)),
        _ => Err(Diagnostic::error(
            "Stored object is incomplete",
            "State holds no project_id or no username for this resource. Remove it from state and import it anew.",
        )),
    }
}

enum Found {
    /// The provider's configuration is not known yet.
    NotAsked,
    Answer(Arc<Session>, Answer),
}

impl From<(Arc<Session>, Answer)> for Found {
    fn from((session, answer): (Arc<Session>, Answer)) -> Self {
        Self::Answer(session, answer)
    }
}

/// One row of the refresh table.
enum Answer {
    Listed(Arc<CertificateList>),
    NotListed(Arc<CertificateList>),
    UserGone(Option<Arc<CertificateList>>),
    ProjectGone(ProjectId, &'static str),
}

impl Answer {
    fn date(&self) -> Option<jiff::Timestamp> {
        match self {
            Self::Listed(listing) | Self::NotListed(listing) | Self::UserGone(Some(listing)) => {
                Some(listing.server_time)
            }
            Self::UserGone(None) | Self::ProjectGone(..) => None,
        }
    }
}

async fn look_up(
    session: &Session,
    project: &ProjectId,
    username: &Username,
    state: &Value,
    call: &crate::atlas::CallOptions,
) -> Result<Answer, Diagnostic> {
    let gone = "Atlas does not know the project";
    let listing = match session.certificates(project, username, call).await {
        Ok(listing) => listing,
        Err(error) if error.is_project_not_found() => {
            return Ok(Answer::ProjectGone(project.clone(), gone));
        }
        Err(error) if error.is_user_not_found() => return Ok(Answer::UserGone(None)),
        Err(error) => return Err(diagnostics::from_atlas(&error, project, username)),
    };
    let ours = state.get("certificate_id").as_str();
    let listed = match ours {
        Some(ours) => listing
            .certificates
            .iter()
            .any(|c| c.certificate_id == ours),
        // Moved here without a certificate: the newest one is adopted.
        None => listing.newest().is_some(),
    };
    if listed {
        return Ok(Answer::Listed(listing));
    }
    match session.user(project, username, call).await {
        Ok(_) => Ok(Answer::NotListed(listing)),
        Err(error) if error.is_project_not_found() => {
            Ok(Answer::ProjectGone(project.clone(), gone))
        }
        Err(error) if error.is_user_not_found() => Ok(Answer::UserGone(Some(listing))),
        Err(error) => Err(diagnostics::from_atlas(&error, project, username)),
    }
}

fn settle(state: &mut Value, answer: Answer, diagnostics: &mut Diagnostics) {
    match answer {
        Answer::Listed(listing) => {
            if state.get("certificate_id").is_null()
                && let Some(newest) = listing.newest()
            {
                describe_listed(state, newest);
            }
            let status = status_at(state, listing.server_time);
            state.set("status", status);
        }
        Answer::NotListed(listing) => {
            let expired = status_at(state, listing.server_time) == "expired";
            state.set("status", if expired { "expired" } else { "missing" });
        }
        Answer::UserGone(_) => state.set("status", "user_missing"),
        Answer::ProjectGone(project, why) => {
            diagnostics.push(gone(&project, why, state));
            *state = Value::Null;
        }
    }
}

fn gone(project: &ProjectId, why: &str, state: &Value) -> Diagnostic {
    Diagnostic::warning(
        "Project does not exist any more",
        format!(
            "{why} {project}, so the resource of its database user {:?} is removed from state. Applying that deletes the private key in state for good, \
             while the certificate stays valid until {}. Check project_id, base_url and the credentials first: terraform plan -refresh=false keeps it.",
            state.get("username").as_str().unwrap_or_default(),
            state.get("not_after").as_str().unwrap_or("its end")
        ),
    )
}
