//! Plan: prior state and configuration become the planned object. Pure apart from the preflight request.

use tf_provider::{Diagnostics, Path, PlanRequest, PlanResponse, Severity};

use super::{
    UserCertificateResource, adopt,
    certificate::resource_id,
    key_storage::plan_key,
    model::{Attr, IssueReason, Status, UserCertificate},
    plan_warnings::{key_in_old_state, no_key_to_archive, warnings},
    predecessors::Successor,
    preflight::{guardrails, preflight},
    private_state::destroy_warning,
    renewal::{self, Renewal, decide},
    stored,
};
use crate::{atlas::Months, pkcs12::Profile};

/// Plans a create, an update or a replacement.
pub(super) async fn plan(resource: &UserCertificateResource, request: PlanRequest) -> PlanResponse {
    let UserCertificateResource { client, predecessors } = resource;
    let is_create = request.prior.is_null();
    let (config, problems) = UserCertificate::decode(&request.config);
    // After the delete of a replacement, errors are left to the create: here they would lose the deleted object.
    let held = is_create && predecessors.is_held(&config);
    let (prior, mut private) = match stored(&request.prior, &request.private) {
        _ if !problems.is_empty() && !held => return failed(request.private, problems),
        Ok((prior, private)) => (Some(prior).filter(|_| !is_create), private),
        Err(problems) => return failed(request.private, problems),
    };
    let requires_replace = prior.as_ref().map_or_else(Vec::new, |prior| replaced(prior, &config));
    let is_replacement = !requires_replace.is_empty();
    let (object, mut diagnostics) = match &prior {
        None => {
            private.successor = Some(Successor::new(&config));
            plan_create(&config)
        }
        Some(prior) if is_replacement => {
            // Core destroys the old object without another plan call for it.
            let (object, mut diagnostics) = plan_create(&config);
            diagnostics.extend(destroy_warning(prior, &private));
            private.destroy_warned = true;
            (object, diagnostics)
        }
        Some(prior) => {
            let proposed = request.proposed.as_ref().map(|it| UserCertificate::decode(it).0);
            plan_update(prior, proposed.unwrap_or_else(|| prior.clone()), &config)
        }
    };
    diagnostics.extend(guardrails(client, prior.as_ref(), &object));
    if !held && (is_create || is_replacement) {
        diagnostics.extend(preflight(client, &config, &request.cancel).await);
    }
    PlanResponse {
        planned: object.into_value_with_invalid(&request.config, &problems),
        requires_replace,
        private: private.to_bytes(),
        diagnostics: diagnostics
            .into_iter()
            .filter(|diagnostic| !held || diagnostic.severity == Severity::Warning)
            .collect(),
    }
}

/// Warns that destroying does not revoke.
pub(super) fn plan_destroy(request: PlanRequest) -> PlanResponse {
    match stored(&request.prior, &request.private) {
        Ok((prior, mut private)) => {
            let diagnostics = destroy_warning(&prior, &private).into_iter().collect();
            private.destroy_warned = true;
            PlanResponse { private: private.to_bytes(), diagnostics, ..PlanResponse::default() }
        }
        Err(problems) => failed(request.private, problems),
    }
}

fn failed(private: Vec<u8>, diagnostics: Diagnostics) -> PlanResponse {
    PlanResponse { private, diagnostics, ..PlanResponse::default() }
}

/// The arguments whose change requires replacement.
fn replaced(prior: &UserCertificate, config: &UserCertificate) -> Vec<Path> {
    let project = (prior.project_id != config.project_id).then_some("project_id");
    let username = (prior.username != config.username).then_some("username");
    project.into_iter().chain(username).map(Path::from).collect()
}

/// Plans a new object: the configuration, completed by its certificate.
pub(super) fn plan_create(config: &UserCertificate) -> (UserCertificate, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    if adopt::is_requested(None, config) != Some(false) {
        diagnostics.push(adopt::skipped());
    }
    let months = config.months_until_expiration.or(Months::DEFAULT);
    let object = UserCertificate { months_until_expiration: months, ..config.clone() };
    if let Some(mut error) = renewal::window_exceeds_validity(&object) {
        error.detail += " If this error occurs while destroying: terraform destroy -refresh=false does not plan the creation.";
        diagnostics.push(error);
    }
    let object = UserCertificate {
        id: config.user().map_or(Attr::Unknown, |user| Attr::Known(resource_id(&user))),
        ..plan_issue(object, config, Attr::Known(IssueReason::Created), Attr::Null)
    };
    (object, diagnostics)
}

/// Plans a change of a stored object. `proposed` is the configuration, completed with stored values.
pub(super) fn plan_update(
    prior: &UserCertificate,
    mut proposed: UserCertificate,
    config: &UserCertificate,
) -> (UserCertificate, Diagnostics) {
    // A list that names the same recipients in another order or spelling is not a change.
    if let (Attr::Known(configured), Attr::Known(stored)) =
        (&proposed.private_key_recipients, &prior.private_key_recipients)
        && stored.is_equivalent(configured)
    {
        proposed.private_key_recipients = prior.private_key_recipients.clone();
    }
    let renewal = decide(prior, config);
    let (object, mut diagnostics) = match renewal {
        Renewal::Reissue(reason) => {
            let replaces = prior.certificate_id.clone();
            let object =
                plan_issue(proposed, config, reason.map_or(Attr::Unknown, Attr::Known), replaces);
            let is_skipped = adopt::is_requested(Some(prior), config) == Some(true);
            (object, is_skipped.then(adopt::skipped).into_iter().collect())
        }
        Renewal::Unknown => (plan_undecided(prior, proposed, config), Diagnostics::new()),
        Renewal::None => plan_without_issuing(prior, proposed, config),
    };
    diagnostics.extend(warnings(prior, config, renewal));
    (object, diagnostics)
}

/// Everything that a new certificate would change is unknown, because it may or may not be issued.
fn plan_undecided(
    prior: &UserCertificate,
    proposed: UserCertificate,
    config: &UserCertificate,
) -> UserCertificate {
    let months = proposed.months_until_expiration;
    let issued = plan_issue(proposed, config, Attr::Unknown, Attr::Unknown);
    UserCertificate {
        months_until_expiration: if months.is_null() { Attr::Unknown } else { months },
        status: known_unless_changed(prior.status, &issued.status),
        has_private_key: known_unless_changed(prior.has_private_key, &issued.has_private_key),
        ..issued
    }
}

/// The value that a new certificate sets, if the stored one is the same; else unknown.
fn known_unless_changed<T: PartialEq>(stored: Attr<T>, issued: &Attr<T>) -> Attr<T> {
    if stored == *issued { stored } else { Attr::Unknown }
}

/// Plans a new certificate: the attributes that it sets are unknown, or null where it will not set them.
fn plan_issue(
    proposed: UserCertificate,
    config: &UserCertificate,
    reason: Attr<IssueReason>,
    replaces_certificate_id: Attr<String>,
) -> UserCertificate {
    let object = UserCertificate {
        // Null only in an object that was moved here without a certificate.
        months_until_expiration: proposed.months_until_expiration.or(Months::DEFAULT),
        status: Attr::Known(Status::Active),
        has_private_key: Attr::Known(true),
        issue_reason: reason,
        replaces_certificate_id,
        ..proposed.with_issued_unknown()
    };
    plan_key(object, config)
}

/// Plans a change that needs no new certificate: the window, sealing in place, the archive.
fn plan_without_issuing(
    prior: &UserCertificate,
    mut object: UserCertificate,
    config: &UserCertificate,
) -> (UserCertificate, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    if renewal::window_changed(prior, config) && !prior.is_unparsed() {
        object.renewal_time = prior.renewal_time_with(config.renew_before_days);
        if prior.status == Attr::Known(Status::RenewalDue) {
            // An unknown window may turn out to be the stored one.
            let unknown = config.renew_before_days.is_unknown();
            object.status = if unknown { Attr::Unknown } else { Attr::Known(Status::Active) };
        }
    }
    let key_in_state = !prior.combined_pem.is_null();
    match adopt::is_requested(Some(prior), config) {
        Some(false) => {}
        _ if !prior.has_key() => return (adopt::plan(object, config), diagnostics),
        None => {}
        Some(true) => diagnostics.extend(adopt::refused(prior)),
    }
    if !config.private_key_recipients.is_null() {
        if key_in_state {
            object = plan_key(object, config);
            diagnostics.extend(object.combined_pem.is_null().then(key_in_old_state));
        }
    } else if config.pkcs12_password_wo_version.is_null() {
        object.pkcs12_base64 = Attr::Null;
    } else if archive_changed(prior, config) {
        let can_archive = key_in_state && !prior.is_unparsed();
        object.pkcs12_base64 = if can_archive { Attr::Unknown } else { Attr::Null };
        diagnostics.extend((!can_archive).then(no_key_to_archive));
    }
    (object, diagnostics)
}

/// Whether the archive must be rebuilt. The version decides: hosts may hide the password from plans.
fn archive_changed(prior: &UserCertificate, config: &UserCertificate) -> bool {
    let profile = |object: &UserCertificate| object.pkcs12_profile.or(Profile::default());
    config.pkcs12_password_wo_version != prior.pkcs12_password_wo_version
        || profile(config) != profile(prior)
}

#[cfg(test)]
mod tests;
