//! Checks of a planned certificate that need the provider: the guardrails, and one request for the database user.

use std::time::Duration;

use tf_provider::{CancellationToken, Diagnostic, Diagnostics};

use super::{
    adopt,
    model::{Attr, UserCertificate},
};
use crate::{
    atlas::CallOptions,
    provider::{
        arguments::UserId, client::ProviderClient, diagnostics::from_atlas, guardrails::Issuance,
        inventory::MANAGED,
    },
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The guardrails that a planned certificate or an adopted key would break. An adoption is checked again in apply.
pub(super) fn guardrails(
    client: &ProviderClient,
    prior: Option<&UserCertificate>,
    planned: &UserCertificate,
) -> Diagnostics {
    let Ok(Some(session)) = client.session_if_known() else {
        return Diagnostics::new();
    };
    if planned.certificate_id.is_unknown() {
        return session.guardrails.check(&Issuance {
            project_id: planned.project_id.known(),
            months: planned.months_until_expiration.known().copied(),
            is_sealed: match planned.private_key_recipients {
                Attr::Unknown => None,
                Attr::Known(_) => Some(true),
                Attr::Null => Some(false),
            },
        });
    }
    let is_adopted = prior.is_some_and(|prior| adopt::is_planned(prior, planned));
    let is_plain = is_adopted && planned.private_key_recipients.is_null();
    let is_refused = is_plain && session.guardrails.requires_recipients();
    is_refused.then(adopt::recipients_required).into_iter().collect()
}

/// Reports what would make issuing fail, as far as one request for the user can detect it, unless it may be temporary.
pub(super) async fn preflight(
    client: &ProviderClient,
    config: &UserCertificate,
    cancel: &CancellationToken,
) -> Option<Diagnostic> {
    let session = match client.preflight_session() {
        Ok(session) => session?,
        Err(error) => return Some(error),
    };
    let user = config.user()?;
    let one_attempt = CallOptions { is_retried: false, ..CallOptions::within(TIMEOUT, cancel) };
    match session.user(&user, &one_attempt).await {
        Ok(found) if found.x509_type == MANAGED => None,
        Ok(found) => {
            let (UserId { project, username }, kind) = (&user, &found.x509_type);
            let detail = format!(
                "The database user \"{username}\" of project {project} exists with the X.509 type {kind}; Atlas issues certificates only for \
                 {MANAGED}. Unless this apply replaces the user, issuing will fail. The type is fixed when a user is created."
            );
            let warning = Diagnostic::warning("Database user is not Atlas-managed X.509", detail);
            Some(warning.at("username"))
        }
        Err(error) if error.is_rejected_credentials() || error.is_project_not_found() => {
            let mut failure = from_atlas(&error, &user);
            failure.detail += "\n\nIf this error occurs while destroying: terraform destroy -refresh=false does not plan the creation.";
            Some(failure)
        }
        Err(error) if error.is_missing_role() || error.status() == Some(403) => {
            let detail = format!(
                "Issuing needs the role Project Owner in this project, and reading its database user failed, so the apply will most likely fail too.\n\n{}",
                from_atlas(&error, &user).detail
            );
            Some(Diagnostic::warning("Credentials may not read the database user", detail))
        }
        Err(_) => None,
    }
}
