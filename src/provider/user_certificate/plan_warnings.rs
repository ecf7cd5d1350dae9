//! The warnings of a planned update.

use tf_provider::{Diagnostic, Diagnostics};

use super::{
    model::{Attr, IssueReason, Status, UserCertificate},
    renewal::{self, Days, Renewal},
};
use crate::atlas::Username;

/// Warnings about a stored object and the change that is planned for it.
pub(super) fn warnings(
    prior: &UserCertificate,
    config: &UserCertificate,
    renewal: Renewal,
) -> Diagnostics {
    let user = prior.username.known().map_or("", Username::as_str);
    let is_declined = renewal == Renewal::None
        && config.auto_renew == Attr::Known(false)
        && renewal::needs_renewal(prior, config) == Some(true);
    let declined = is_declined.then(|| not_renewed(prior, user));
    let status = declined.or_else(|| status(prior, user, renewal));
    let mut warnings: Diagnostics = status.into_iter().collect();
    if prior.is_unparsed() && renewal::has_explicit_change(prior, config) {
        let detail = format!(
            "State holds the response of Atlas for {user:?} unchanged, because it could not be parsed. The changed arguments are stored and no \
             certificate is issued until you have looked at it. To issue a new certificate, run terraform apply -replace=ADDRESS."
        );
        let summary = "Nothing is issued while a response is unparsed";
        warnings.push(Diagnostic::warning(summary, detail));
    }
    warnings.extend(window_reduced(prior, config));
    warnings.extend(trigger_added(prior, config, renewal));
    warnings
}

fn expiry(prior: &UserCertificate) -> String {
    prior.not_after.known().map_or_else(|| "an unknown time".to_owned(), ToString::to_string)
}

/// What the last refresh found, and what follows from it.
fn status(prior: &UserCertificate, user: &str, renewal: Renewal) -> Option<Diagnostic> {
    let (status, expiry) = (*prior.status.known()?, expiry(prior));
    let detail = match (status, renewal) {
        (Status::UserMissing, Renewal::None) => format!(
            "The database user {user:?} does not exist any more, so its certificate is not renewed. The certificate and its key stay in state; they \
             work again, until {expiry}, once a user of that name exists."
        ),
        (Status::UserMissing, _) => format!(
            "The database user {user:?} does not exist any more, and a changed argument calls for a new certificate: issuing fails unless the user \
             exists again by then. The present certificate, valid until {expiry}, and its key stay in state if it fails."
        ),
        (Status::ProjectMissing, _) => {
            let consequence = match renewal {
                Renewal::None => "so its certificate is not renewed",
                _ => {
                    "and a changed argument calls for a new certificate: issuing fails unless the project exists by then"
                }
            };
            format!(
                "At the last refresh, Atlas had no project for the database user {user:?}, {consequence}. The certificate, valid until {expiry}, and \
                 its key stay in state. Check base_url and project_id. If the project was deleted, destroy this resource."
            )
        }
        (Status::Missing, Renewal::Reissue(Some(IssueReason::Missing))) => {
            if prior.certificate_id.is_null() {
                format!("Atlas lists no certificate of {user:?}. A new one is issued.")
            } else {
                format!(
                    "Atlas does not list the certificate of {user:?} any more although it is valid until {expiry}. A new one is issued."
                )
            }
        }
        (Status::Expired, Renewal::Reissue(Some(IssueReason::Renewal))) => format!(
            "The certificate of {user:?} expired on {expiry}: clients cannot log in with it. A new one is issued."
        ),
        _ => return None,
    };
    let summary = match status {
        Status::UserMissing => "Database user does not exist",
        Status::ProjectMissing => "Project of the certificate does not exist",
        Status::Missing => "Certificate is missing at Atlas",
        _ => "Certificate has expired",
    };
    Some(Diagnostic::warning(summary, detail))
}

/// Warns that `auto_renew = false` prevents a renewal.
fn not_renewed(prior: &UserCertificate, user: &str) -> Diagnostic {
    let expiry = expiry(prior);
    let (summary, state) = match prior.status {
        Attr::Known(Status::Expired) => {
            ("Certificate has expired and auto_renew is false", format!("expired on {expiry}"))
        }
        Attr::Known(Status::Missing) => (
            "Certificate is missing at Atlas and auto_renew is false",
            format!("is not listed by Atlas any more (its expiry is {expiry})"),
        ),
        _ => ("Certificate is due and auto_renew is false", format!("expires on {expiry}")),
    };
    let detail = format!(
        "The certificate of {user:?} {state} and is not renewed, because auto_renew = false. To renew it, remove auto_renew or set it \
         to true."
    );
    Diagnostic::warning(summary, detail).at("auto_renew")
}

/// Warns that adding the trigger does not rotate. Imported and moved objects have no trigger before their first apply.
fn trigger_added(
    prior: &UserCertificate,
    config: &UserCertificate,
    renewal: Renewal,
) -> Option<Diagnostic> {
    let adopted =
        matches!(prior.issue_reason, Attr::Known(IssueReason::Imported | IssueReason::Moved));
    let added = prior.rotate_when_changed.is_null() && !config.rotate_when_changed.is_null();
    let detail = "The map is stored, and the present certificate stays: a new one is issued when the content of the map changes later. To issue one \
         now, apply this plan, and then change a value of the map and apply again. (terraform apply -replace=ADDRESS issues one too, but deletes the \
         present object first.)";
    let warning = Diagnostic::warning("Adding rotate_when_changed issues nothing", detail)
        .at("rotate_when_changed");
    (added && !adopted && renewal == Renewal::None).then_some(warning)
}

/// Warns that the window is reduced to half of the stored life. A changed validity was validated with the window.
fn window_reduced(prior: &UserCertificate, config: &UserCertificate) -> Option<Diagnostic> {
    let (days, not_before, not_after) =
        (*config.renew_before_days.known()?, *prior.not_before.known()?, *prior.not_after.known()?);
    let new_validity = renewal::months_changed(prior, config) != Some(false);
    if new_validity || !days.exceeds_half_life(not_before, not_after) || prior.is_unparsed() {
        return None;
    }
    let detail = format!(
        "renew_before_days = {} is more than half the life of the present certificate ({not_before} to {not_after}). It is renewed \
         when half of its life is over. Set at most {} days for each month of validity.",
        days.get(),
        Days::PER_MONTH
    );
    let summary = "Renewal window longer than half the certificate's life";
    Some(Diagnostic::warning(summary, detail).at("renew_before_days"))
}

pub(super) fn no_key_to_archive() -> Diagnostic {
    let detail = "The private key of this certificate is not in state, so no PKCS#12 archive can be built: pkcs12_base64 stays null until the next \
         certificate is issued.";
    Diagnostic::warning("No private key to archive", detail).at("pkcs12_password_wo_version")
}

pub(super) fn key_in_old_state() -> Diagnostic {
    let detail = "The private key is now encrypted in place, but backups and earlier versions of the state hold it in plain text. Delete those you \
         can, or issue a new certificate, encrypted from the start: change a value of rotate_when_changed, or months_until_expiration.";
    Diagnostic::warning("Earlier state versions still hold the key", detail)
        .at("private_key_recipients")
}
