//! One look at the user before a certificate is issued.

use tf_provider::{CancellationToken, Diagnostic, Path, Value};

use crate::{
    atlas::X509Type,
    provider::{
        arguments,
        client::{ProviderClient, Session},
    },
};

/// Says what would make issuing fail, as far as a plan can know: that there is no login, which is an error; and that the
/// user is not of the right kind, which is a warning, because this very apply may replace the user.
pub(super) async fn preflight(
    client: &ProviderClient,
    config: &Value,
    cancel: &CancellationToken,
) -> Option<Diagnostic> {
    let session = match client.preflight_session() {
        Ok(session) => session?,
        Err(error) => return Some(error),
    };
    let project = arguments::project_id(config).ok()??;
    let username = arguments::username(config).ok()??;
    let call = Session::preflight_call(cancel);
    let user = session.user(&project, &username, &call).await.ok()?;
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
                "The database user \"{username}\" of project {project} exists with the X.509 type {kind}; Atlas issues certificates only for MANAGED. \
                 Unless this apply replaces the user, issuing will fail. The type is fixed when a user is created."
            ),
        )
        .at(Path::attribute("username")),
    )
}
