//! Checks of a planned certificate that need the provider: the guardrails, and one request for the database user.

use tf_provider::{CancellationToken, Diagnostic, Diagnostics, Path};

use super::model::{Attr, UserCertificate};
use crate::{
    atlas::{ProjectId, Username},
    provider::{
        client::{ProviderClient, Session},
        diagnostics,
        guardrails::Issuance,
    },
};

/// The guardrails that a planned certificate would break.
pub(super) fn guardrails(client: &ProviderClient, planned: &UserCertificate) -> Diagnostics {
    let session = client.session_if_known().ok().flatten();
    let Some(session) = session.filter(|_| planned.certificate_id.is_unknown()) else {
        return Diagnostics::new();
    };
    session.guardrails().check(&Issuance {
        project_id: planned.project_id.known(),
        months: planned.months_until_expiration.known().copied(),
        is_sealed: match planned.private_key_recipients {
            Attr::Unknown => None,
            Attr::Known(_) => Some(true),
            Attr::Null => Some(false),
        },
    })
}

/// Reports what would make issuing fail, as far as one request for the user can detect it. Failures that may be temporary
/// are silent.
pub(super) async fn preflight(
    client: &ProviderClient,
    config: &UserCertificate,
    cancel: &CancellationToken,
) -> Option<Diagnostic> {
    let session = match client.preflight_session() {
        Ok(session) => session?,
        Err(error) => return Some(error),
    };
    let (project, username) = config.target()?;
    match session.user(project, username, &Session::preflight_call(cancel)).await {
        Ok(user) => not_managed(&user.x509_type, project, username),
        Err(error) if error.is_rejected_credentials() || error.is_project_not_found() => {
            let mut failure = diagnostics::from_atlas(&error, project, username);
            failure.detail += "\n\nIf this error occurs while destroying: terraform destroy -refresh=false does not plan the creation.";
            Some(failure)
        }
        Err(error) if error.is_missing_role() || error.status() == Some(403) => {
            Some(may_not_read(&diagnostics::from_atlas(&error, project, username)))
        }
        Err(_) => None,
    }
}

fn not_managed(kind: &str, project: &ProjectId, username: &Username) -> Option<Diagnostic> {
    (kind != "MANAGED").then(|| {
        Diagnostic::warning(
            "Database user is not Atlas-managed X.509",
            format!(
                "The database user \"{username}\" of project {project} exists with the X.509 type {kind}; Atlas issues certificates only for \
                 MANAGED. Unless this apply replaces the user, issuing will fail. The type is fixed when a user is created."
            ),
        )
        .at(Path::attribute("username"))
    })
}

fn may_not_read(failure: &Diagnostic) -> Diagnostic {
    Diagnostic::warning(
        "Credentials may not read the database user",
        format!(
            "Issuing needs the role Project Owner in this project, and reading its database user failed, so the apply will most likely fail too.\n\n{}",
            failure.detail
        ),
    )
}
