//! (prior, configuration) -> planned object. Pure: no client, no clock; asked again, it gives the same answer.

use tf_provider::{Diagnostic, Diagnostics, Path, Value};

use super::{
    decision::{Decision, Reason, decide, is_raw, same_recipients, wants_renewal, window_changed},
    model::{DEFAULT_MONTHS, identity, timestamp},
    schema::ISSUED,
    window,
};

/// What applying would do.
pub(super) struct Planned {
    /// The object, with unknowns where an issue decides.
    pub(super) object: Value,
    /// The arguments that need a new object.
    pub(super) requires_replace: Vec<Path>,
    /// What to tell.
    pub(super) diagnostics: Diagnostics,
}

/// Plans a new object. `proposed` is the configuration.
pub(super) fn create(proposed: Value, config: &Value) -> Planned {
    let mut diagnostics = Diagnostics::new();
    let mut object = proposed;
    object.set("pkcs12_password_wo", Value::Null);
    if config.get("months_until_expiration").is_null() {
        // A replacement proposes what is stored.
        object.set("months_until_expiration", DEFAULT_MONTHS);
    }
    let months = object.get("months_until_expiration").as_i64();
    if let (Some(days), Some(months)) = (config.get("renew_before_days").as_i64(), months)
        && days > window::DAYS_PER_MONTH * months
    {
        let mut error = window::too_long(days, months);
        error.detail += " If this happens while destroying: terraform destroy -refresh=false does not plan the creation.";
        diagnostics.push(error);
    }
    object.set("id", identity(&object).map_or(Value::Unknown, Value::from));
    expect_issue(&mut object, config);
    object.set("status", "active");
    object.set("has_private_key", true);
    object.set("issue_reason", Reason::Created.as_str());
    object.set("replaces_certificate_id", Value::Null);
    Planned {
        object,
        requires_replace: Vec::new(),
        diagnostics,
    }
}

/// Plans a change of a stored object. `proposed` is the configuration, completed with what is stored.
pub(super) fn update(prior: &Value, proposed: Value, config: &Value) -> Planned {
    let requires_replace: Vec<_> = ["project_id", "username"]
        .into_iter()
        .filter(|name| prior.get(name) != config.get(name))
        .map(Path::attribute)
        .collect();
    if !requires_replace.is_empty() {
        return Planned {
            requires_replace,
            ..create(proposed, config)
        };
    }
    let mut object = proposed;
    object.set("pkcs12_password_wo", Value::Null);
    keep_spelling(&mut object, prior);
    let mut diagnostics = Diagnostics::new();
    let decision = decide(prior, config);
    let proposed_months = object.get("months_until_expiration").clone();
    match decision {
        Decision::Issue(reason) => {
            expect_issue(&mut object, config);
            object.set("status", "active");
            object.set("has_private_key", true);
            object.set(
                "issue_reason",
                reason.map_or(Value::Unknown, |reason| reason.as_str().into()),
            );
            object.set(
                "replaces_certificate_id",
                prior.get("certificate_id").clone(),
            );
        }
        Decision::Undecided => {
            expect_issue(&mut object, config);
            if prior.get("status").as_str() != Some("active") {
                object.set("status", Value::Unknown);
            }
            if prior.get("has_private_key").as_bool() != Some(true) {
                object.set("has_private_key", Value::Unknown);
            }
            object.set("issue_reason", Value::Unknown);
            object.set("replaces_certificate_id", Value::Unknown);
            if proposed_months.is_null() {
                object.set("months_until_expiration", Value::Unknown);
            }
        }
        Decision::Keep => keep(&mut object, prior, config, &mut diagnostics),
    }
    diagnostics.extend(warnings(prior, config, decision));
    Planned {
        object,
        requires_replace,
        diagnostics,
    }
}

/// What an issue will decide is unknown; what it cannot fill is null.
fn expect_issue(object: &mut Value, config: &Value) {
    // Moved here without a certificate to read the validity from.
    if object.get("months_until_expiration").is_null() {
        object.set("months_until_expiration", DEFAULT_MONTHS);
    }
    for name in ISSUED {
        object.set(name, Value::Unknown);
    }
    match Sealing::of(config) {
        Sealing::Plain => object.set("sealed_pem", Value::Null),
        Sealing::Sealed => {
            object.set("combined_pem", Value::Null);
            object.set("pkcs12_base64", Value::Null);
        }
        Sealing::Unknown => {}
    }
    if config.get("pkcs12_password_wo_version").is_null() {
        object.set("pkcs12_base64", Value::Null);
    }
}

/// Plans what needs no new certificate: the window, sealing in place, the archive.
fn keep(object: &mut Value, prior: &Value, config: &Value, diagnostics: &mut Diagnostics) {
    if window_changed(prior, config) && !is_raw(prior) {
        object.set("renewal_time", renewal_time(prior, config));
        if prior.get("status").as_str() == Some("renewal_due") {
            // A window that is not known yet may turn out to be the stored one.
            let unknown = config.get("renew_before_days").is_unknown();
            object.set(
                "status",
                if unknown {
                    Value::Unknown
                } else {
                    "active".into()
                },
            );
        }
    }
    let key_in_state = !prior.get("combined_pem").is_null();
    match Sealing::of(config) {
        Sealing::Sealed if key_in_state => {
            object.set("combined_pem", Value::Null);
            object.set("pkcs12_base64", Value::Null);
            object.set("sealed_pem", Value::Unknown);
            diagnostics.push(older_state_holds_the_key());
        }
        Sealing::Unknown if key_in_state => {
            for name in ["combined_pem", "sealed_pem", "pkcs12_base64"] {
                object.set(name, Value::Unknown);
            }
        }
        Sealing::Sealed | Sealing::Unknown => {}
        Sealing::Plain => archive(object, prior, config, diagnostics),
    }
}

/// Plans the PKCS#12 archive of a key that stays. From the version alone: a password may be hidden from plans.
fn archive(object: &mut Value, prior: &Value, config: &Value, diagnostics: &mut Diagnostics) {
    let version = config.get("pkcs12_password_wo_version");
    if version.is_null() {
        object.set("pkcs12_base64", Value::Null);
        return;
    }
    let profile = |object: &Value| match object.get("pkcs12_profile") {
        Value::Null => Value::from("modern"),
        given => given.clone(),
    };
    let changed =
        version != prior.get("pkcs12_password_wo_version") || profile(config) != profile(prior);
    if !changed {
        return;
    }
    if prior.get("combined_pem").is_null() || is_raw(prior) {
        object.set("pkcs12_base64", Value::Null);
        diagnostics.push(
            Diagnostic::warning(
                "No private key to archive",
                "The private key of this certificate is not in state, so there is nothing to make a PKCS#12 archive of: pkcs12_base64 stays \
                 null until the next certificate is issued.",
            )
            .at(Path::attribute("pkcs12_password_wo_version")),
        );
    } else {
        object.set("pkcs12_base64", Value::Unknown);
    }
}

fn renewal_time(prior: &Value, config: &Value) -> Value {
    let window = config.get("renew_before_days");
    if window.is_unknown() {
        return Value::Unknown;
    }
    match (
        timestamp(prior, "not_before"),
        timestamp(prior, "not_after"),
    ) {
        (Some(not_before), Some(not_after)) => {
            window::opens(not_before, not_after, window.as_i64())
                .to_string()
                .into()
        }
        _ => Value::Null,
    }
}

/// A list that names the same recipients in another order is no change.
fn keep_spelling(object: &mut Value, prior: &Value) {
    let stored = prior.get("private_key_recipients");
    if !stored.is_null() && same_recipients(stored, object.get("private_key_recipients")) {
        object.set("private_key_recipients", stored.clone());
    }
}

fn warnings(prior: &Value, config: &Value, decision: Decision) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let user = prior.get("username").as_str().unwrap_or_default();
    let until = prior.get("not_after").as_str().unwrap_or("an unknown time");
    let keeps = decision == Decision::Keep;
    match prior.get("status").as_str() {
        Some("user_missing") => warnings.push(user_missing(user, until, decision)),
        Some("missing") if decision == Decision::Issue(Some(Reason::Missing)) => {
            let what = if prior.get("certificate_id").is_null() {
                format!("Atlas lists no certificate of {user:?}.")
            } else {
                format!(
                    "Atlas does not list the certificate of {user:?} any more although it is valid until {until}."
                )
            };
            let detail = format!("{what} A new one is issued.");
            warnings.push(Diagnostic::warning(
                "Certificate is missing at Atlas",
                detail,
            ));
        }
        Some("expired") if decision == Decision::Issue(Some(Reason::Renewal)) => {
            warnings.push(Diagnostic::warning(
                "Certificate has expired",
                format!("The certificate of {user:?} expired on {until}: clients cannot log in with it. A new one is issued."),
            ));
        }
        Some(status @ ("renewal_due" | "expired" | "missing"))
            if keeps
                && wants_renewal(prior, config)
                && config.get("auto_renew").as_bool() == Some(false) =>
        {
            warnings.push(not_renewed(user, status, until));
        }
        _ => {}
    }
    if is_raw(prior) && explicit_change(prior, config) {
        warnings.push(Diagnostic::warning(
            "Nothing is issued while an answer is unread",
            format!(
                "State holds what Atlas answered for {user:?} as it came, because it could not be read. Until you have looked at it, the \
                 changed arguments are stored and nothing is issued. To issue a new certificate, run terraform apply -replace=ADDRESS."
            ),
        ));
    }
    warnings.extend(window_warning(prior, config));
    warnings
}

fn user_missing(user: &str, until: &str, decision: Decision) -> Diagnostic {
    let what = if decision == Decision::Keep {
        format!(
            "so its certificate is not renewed. While the resource stays, so do the certificate and its key in state; they work again, until {until}, \
             once a user of that name exists."
        )
    } else {
        format!(
            "and a changed argument asks for a new certificate: issuing fails unless the user is back by then. The present certificate, valid until \
             {until}, and its key stay in state if it fails."
        )
    };
    Diagnostic::warning(
        "Database user does not exist",
        format!("The database user {user:?} does not exist any more, {what}"),
    )
}

fn not_renewed(user: &str, status: &str, until: &str) -> Diagnostic {
    let (summary, what) = match status {
        "expired" => (
            "Certificate has expired and auto_renew is false",
            format!("expired on {until}"),
        ),
        "missing" => (
            "Certificate is missing at Atlas and auto_renew is false",
            format!("is not listed by Atlas any more (it was to end on {until})"),
        ),
        _ => (
            "Certificate is due and auto_renew is false",
            format!("expires on {until}"),
        ),
    };
    Diagnostic::warning(
        summary,
        format!("The certificate of {user:?} {what} and is not renewed, because auto_renew = false. To renew it, remove auto_renew or set it to true."),
    )
    .at(Path::attribute("auto_renew"))
}

/// A window longer than half of the stored life is cut, and said so. Another validity written beside it was checked with it.
fn window_warning(prior: &Value, config: &Value) -> Option<Diagnostic> {
    let days = config.get("renew_before_days").as_i64()?;
    let (not_before, not_after) = (
        timestamp(prior, "not_before")?,
        timestamp(prior, "not_after")?,
    );
    let other_validity = months_change(prior, config);
    (window::exceeds(not_before, not_after, days) && !other_validity && !is_raw(prior)).then(|| {
        Diagnostic::warning(
            "Renewal window longer than half the certificate's life",
            format!(
                "renew_before_days = {days} is more than half the life of the present certificate ({not_before} to {not_after}). It is renewed \
                 when half of its life is over. Choose at most {} days for each month of validity.",
                window::DAYS_PER_MONTH
            ),
        )
        .at(Path::attribute("renew_before_days"))
    })
}

fn months_change(prior: &Value, config: &Value) -> bool {
    changes(prior, config, "months_until_expiration")
}

fn changes(prior: &Value, config: &Value, name: &str) -> bool {
    !prior.get(name).is_null() && !config.get(name).is_null() && prior.get(name) != config.get(name)
}

fn explicit_change(prior: &Value, config: &Value) -> bool {
    let changed = |name| changes(prior, config, name);
    months_change(prior, config)
        || changed("rotate_when_changed")
        || (changed("private_key_recipients")
            && !same_recipients(
                prior.get("private_key_recipients"),
                config.get("private_key_recipients"),
            ))
}

fn older_state_holds_the_key() -> Diagnostic {
    Diagnostic::warning(
        "Earlier state versions still hold the key",
        "The private key is sealed in place now, but backups and earlier versions of the state hold it in clear. Delete those you can, or issue \
         a new certificate, sealed from the start, with terraform apply -replace=ADDRESS or a change of rotate_when_changed.",
    )
    .at(Path::attribute("private_key_recipients"))
}

/// Whether the object will hold the key in clear or sealed.
enum Sealing {
    Plain,
    Sealed,
    Unknown,
}

impl Sealing {
    fn of(config: &Value) -> Self {
        match config.get("private_key_recipients") {
            Value::Null => Self::Plain,
            Value::Unknown => Self::Unknown,
            _ => Self::Sealed,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
