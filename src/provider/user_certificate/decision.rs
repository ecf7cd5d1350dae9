//! Whether a stored certificate is to be issued anew, and why. Pure: state and configuration alone decide.

use tf_provider::Value;

use crate::sealing::Recipients;

/// Why a certificate was issued, or how it came into state, as `issue_reason` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Created,
    Renewal,
    Missing,
    ValidityChanged,
    TriggerChanged,
    RecipientsChanged,
    Imported,
    Moved,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Renewal => "renewal",
            Self::Missing => "missing",
            Self::ValidityChanged => "validity_changed",
            Self::TriggerChanged => "trigger_changed",
            Self::RecipientsChanged => "recipients_changed",
            Self::Imported => "imported",
            Self::Moved => "moved",
        }
    }
}

/// What is decided about the next issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is to be issued.
    Keep,
    /// It hangs on a value that is not known yet.
    Undecided,
    /// A certificate is to be issued; the reason is `None` while a higher one is undecided.
    Issue(Option<Reason>),
}

/// Decides for a stored object whose project and user stay.
pub(super) fn decide(prior: &Value, config: &Value) -> Decision {
    // What could not be read is left alone until the user decides.
    if is_raw(prior) {
        return Decision::Keep;
    }
    let mut undecided = false;
    let ranked = [
        due(prior, config),
        (Reason::ValidityChanged, months_changed(prior, config)),
        (Reason::TriggerChanged, trigger_changed(prior, config)),
        (Reason::RecipientsChanged, recipients_changed(prior, config)),
    ];
    for (reason, verdict) in ranked {
        match verdict {
            Verdict::No => {}
            Verdict::Undecided => undecided = true,
            Verdict::Yes => return Decision::Issue((!undecided).then_some(reason)),
        }
    }
    if undecided {
        Decision::Undecided
    } else {
        Decision::Keep
    }
}

/// Whether Atlas' answer was stored as it came, because it could not be read.
pub(super) fn is_raw(object: &Value) -> bool {
    object.get("certificate_id").is_null()
        && !(object.get("combined_pem").is_null() && object.get("sealed_pem").is_null())
}

/// Whether the present certificate wants a successor by what the last refresh found.
pub(super) fn wants_renewal(prior: &Value, config: &Value) -> bool {
    match prior.get("status").as_str() {
        Some("expired" | "missing") => true,
        Some("renewal_due") => !window_changed(prior, config),
        _ => false,
    }
}

/// A new window decides at the next refresh.
pub(super) fn window_changed(prior: &Value, config: &Value) -> bool {
    prior.get("renew_before_days") != config.get("renew_before_days")
}

/// Whether two lists name the same recipients; texts that are no recipients are compared as they are.
pub(super) fn same_recipients(one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    match (recipients(one), recipients(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn recipients(list: &Value) -> Option<Recipients> {
    let texts: Option<Vec<&str>> = list.as_list()?.iter().map(Value::as_str).collect();
    Recipients::parse(&texts?).ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    No,
    Undecided,
    Yes,
}

fn due(prior: &Value, config: &Value) -> (Reason, Verdict) {
    let missing = prior.get("status").as_str() == Some("missing");
    let reason = if missing {
        Reason::Missing
    } else {
        Reason::Renewal
    };
    let window_unknown = prior.get("status").as_str() == Some("renewal_due")
        && config.get("renew_before_days").is_unknown();
    let verdict = if !window_unknown && !wants_renewal(prior, config) {
        Verdict::No
    } else {
        match config.get("auto_renew") {
            Value::Bool(false) => Verdict::No,
            Value::Unknown => Verdict::Undecided,
            _ if window_unknown => Verdict::Undecided,
            _ => Verdict::Yes,
        }
    };
    (reason, verdict)
}

fn months_changed(prior: &Value, config: &Value) -> Verdict {
    match (
        prior.get("months_until_expiration"),
        config.get("months_until_expiration"),
    ) {
        (_, Value::Null) | (Value::Null, _) => Verdict::No,
        (_, Value::Unknown) => Verdict::Undecided,
        (stored, wanted) if stored == wanted => Verdict::No,
        _ => Verdict::Yes,
    }
}

fn trigger_changed(prior: &Value, config: &Value) -> Verdict {
    let (stored, wanted) = match (
        prior.get("rotate_when_changed"),
        config.get("rotate_when_changed"),
    ) {
        (Value::Map(stored), Value::Map(wanted)) => (stored, wanted),
        (Value::Map(_), Value::Unknown) => return Verdict::Undecided,
        _ => return Verdict::No,
    };
    let certainly_other = !stored.keys().eq(wanted.keys())
        || stored.iter().any(|(key, value)| {
            wanted
                .get(key)
                .is_some_and(|wanted| !wanted.is_unknown() && wanted != value)
        });
    if certainly_other {
        Verdict::Yes
    } else if wanted.values().any(Value::is_unknown) {
        Verdict::Undecided
    } else {
        Verdict::No
    }
}

/// Only where nothing but ciphertext is left: a key in state can be sealed anew without a call.
fn recipients_changed(prior: &Value, config: &Value) -> Verdict {
    let wanted = config.get("private_key_recipients");
    if prior.get("sealed_pem").is_null() {
        Verdict::No
    } else if !wanted.is_wholly_known() {
        Verdict::Undecided
    } else if same_recipients(prior.get("private_key_recipients"), wanted) {
        Verdict::No
    } else {
        Verdict::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(attributes: &[(&str, Value)]) -> Value {
        let mut object = crate::provider::user_certificate::schema::schema()
            .block
            .empty();
        object.set("certificate_id", "1");
        object.set("combined_pem", "pem");
        object.set("months_until_expiration", 3);
        object.set("status", "active");
        for (name, value) in attributes {
            object.set(name, value.clone());
        }
        object
    }

    fn config(attributes: &[(&str, Value)]) -> Value {
        let mut object = crate::provider::user_certificate::schema::schema()
            .block
            .empty();
        for (name, value) in attributes {
            object.set(name, value.clone());
        }
        object
    }

    fn map(value: impl Into<Value>) -> Value {
        Value::object([("k", value.into())])
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "one table")]
    fn each_cause_issues_for_its_reason_and_nothing_else_does() {
        use Decision::{Issue, Keep, Undecided};
        use Reason::{Missing, Renewal, TriggerChanged, ValidityChanged};
        type Attributes<'a> = &'a [(&'a str, Value)];
        let (status, window, auto, months, trigger) = (
            "status",
            "renew_before_days",
            "auto_renew",
            "months_until_expiration",
            "rotate_when_changed",
        );
        let cases: &[(Attributes<'_>, Attributes<'_>, Decision)] = &[
            (&[], &[], Keep),
            (&[(status, "renewal_due".into())], &[], Issue(Some(Renewal))),
            (&[(status, "expired".into())], &[], Issue(Some(Renewal))),
            (&[(status, "missing".into())], &[], Issue(Some(Missing))),
            (&[(status, "user_missing".into())], &[], Keep),
            (
                &[(status, "renewal_due".into())],
                &[(auto, false.into())],
                Keep,
            ),
            (
                &[(status, "renewal_due".into())],
                &[(auto, Value::Unknown)],
                Undecided,
            ),
            (
                &[(status, "active".into())],
                &[(auto, Value::Unknown)],
                Keep,
            ),
            (
                &[(status, "renewal_due".into())],
                &[(window, 5.into())],
                Keep,
            ),
            (
                &[(status, "expired".into())],
                &[(window, 5.into())],
                Issue(Some(Renewal)),
            ),
            (
                &[(status, "renewal_due".into())],
                &[(window, Value::Unknown)],
                Undecided,
            ),
            (
                &[(status, "renewal_due".into())],
                &[(window, Value::Unknown), (auto, false.into())],
                Keep,
            ),
            (
                &[(status, "active".into())],
                &[(window, Value::Unknown)],
                Keep,
            ),
            (&[], &[(months, 3.into())], Keep),
            (&[], &[(months, 6.into())], Issue(Some(ValidityChanged))),
            (&[], &[(months, Value::Unknown)], Undecided),
            (&[(months, Value::Null)], &[(months, 6.into())], Keep),
            (&[], &[(trigger, map("a"))], Keep),
            (&[(trigger, map("a"))], &[], Keep),
            (&[(trigger, map("a"))], &[(trigger, map("a"))], Keep),
            (
                &[(trigger, map("a"))],
                &[(trigger, map("b"))],
                Issue(Some(TriggerChanged)),
            ),
            (
                &[(trigger, map("a"))],
                &[(trigger, map(Value::Unknown))],
                Undecided,
            ),
            (
                &[(trigger, map("a"))],
                &[(trigger, Value::Unknown)],
                Undecided,
            ),
            (&[], &[(trigger, Value::Unknown)], Keep),
            (
                &[(trigger, map("a"))],
                &[(trigger, Value::object([("other", Value::Unknown)]))],
                Issue(Some(TriggerChanged)),
            ),
            (
                &[(trigger, map("a"))],
                &[(trigger, map("b")), (months, Value::Unknown)],
                Issue(None),
            ),
            (
                &[(status, "expired".into()), (trigger, map("a"))],
                &[(trigger, map("b"))],
                Issue(Some(Renewal)),
            ),
        ];
        for (stored, wanted, expected) in cases {
            assert_eq!(
                decide(&object(stored), &config(wanted)),
                *expected,
                "{stored:?} {wanted:?}"
            );
        }
    }

    #[test]
    fn an_answer_that_could_not_be_read_is_left_alone() {
        let raw = object(&[
            ("certificate_id", Value::Null),
            ("status", "expired".into()),
        ]);
        assert_eq!(
            decide(&raw, &config(&[("months_until_expiration", 9.into())])),
            Decision::Keep
        );
    }
}
