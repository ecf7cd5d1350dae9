//! Checks of a planned certificate that need the provider: the guardrails, and one request for the database user.

use tf_provider::{CancellationToken, Diagnostic, Diagnostics, Path};

use super::model::{Attr, UserCertificate};
use crate::{
    atlas::X509Type,
    provider::{
        client::{ProviderClient, Session},
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

/// Reports what would make issuing fail, as far as a plan can detect it: missing credentials are an error. A user of
/// another X.509 type is a warning, because the same apply may replace the user.
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
    let call = Session::preflight_call(cancel);
    let user = session.user(project, username, &call).await.ok()?;
    let kind = match &user.x509_type {
        X509Type::Managed => return None,
        X509Type::Customer => "CUSTOMER",
        X509Type::None => "NONE",
        X509Type::Other(other) => other,
    };
    Some(
        Diagnostic::warning(
            "Database user is not Atlas-managed X.509",
            format!(
                "The database user \"{username}\" of project {project} exists with the X.509 type {kind}; Atlas issues certificates only for \
                 MANAGED. Unless this apply replaces the user, issuing will fail. The type is fixed when a user is created."
            ),
        )
        .at(Path::attribute("username")),
    )
}
