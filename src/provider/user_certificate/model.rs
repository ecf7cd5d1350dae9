//! What certificates and lists say, as attributes of the object.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use tf_provider::{Type, Value};

use super::window;
use crate::{
    atlas::{ListedCertificate, Username},
    provider::serial,
    x509::Certificate,
};

/// The validity of a certificate for which none was asked.
pub(super) const DEFAULT_MONTHS: i64 = 3;

/// `project_id/username`, if both are known.
pub(super) fn identity(object: &Value) -> Option<String> {
    let project = object.get("project_id").as_str()?;
    let username = Username::parse(object.get("username").as_str()?).ok()?;
    Some(format!("{project}/{}", username.encoded()))
}

/// A point in time among the attributes.
pub(super) fn timestamp(object: &Value, name: &str) -> Option<Timestamp> {
    object.get(name).as_str()?.parse().ok()
}

/// Puts what the certificate says into the object. The window must be in it already.
pub(super) fn describe(object: &mut Value, certificate: &Certificate) {
    object.set("certificate_id", &*certificate.certificate_id);
    object.set("serial_number", &*certificate.serial_number);
    object.set("subject", &*certificate.subject);
    object.set("issuer", &*certificate.issuer);
    object.set("fingerprint_sha256", &*certificate.fingerprint_sha256);
    describe_validity(object, certificate.not_before, certificate.not_after);
}

/// Puts what Atlas' list says into the object; issuer and fingerprint are not in it.
pub(super) fn describe_listed(object: &mut Value, listed: &ListedCertificate) {
    object.set("certificate_id", &*listed.certificate_id);
    object.set("serial_number", serial::hex(&listed.certificate_id));
    object.set("subject", &*listed.subject);
    describe_validity(object, listed.created_at, listed.not_after);
    if object.get("months_until_expiration").is_null() {
        let months = months_between(listed.created_at, listed.not_after);
        object.set("months_until_expiration", months);
    }
}

fn describe_validity(object: &mut Value, not_before: Timestamp, not_after: Timestamp) {
    let window = object.get("renew_before_days").as_i64();
    object.set("not_before", not_before.to_string());
    object.set("not_after", not_after.to_string());
    object.set(
        "renewal_time",
        window::opens(not_before, not_after, window).to_string(),
    );
    object.set("revision", not_before.as_second());
}

/// The months that were asked for, from a validity: Atlas starts it an hour before the issue and counts calendar months.
pub(super) fn months_between(not_before: Timestamp, not_after: Timestamp) -> i64 {
    let issued = TimeZone::UTC.to_datetime(not_before + 1.hour()).date();
    let ends = TimeZone::UTC.to_datetime(not_after).date();
    let months = (i64::from(ends.year()) - i64::from(issued.year())) * 12 + i64::from(ends.month())
        - i64::from(issued.month());
    months.clamp(1, 24)
}

/// The status of a certificate that Atlas lists, or of one whose end is known.
pub(super) fn status_at(object: &Value, now: Timestamp) -> &'static str {
    if timestamp(object, "not_after").is_some_and(|end| now >= end) {
        "expired"
    } else if timestamp(object, "renewal_time").is_some_and(|opens| now >= opens) {
        "renewal_due"
    } else {
        "active"
    }
}

/// Makes the revision differ from the predecessor's.
pub(super) fn advance_revision(object: &mut Value, predecessor: &Value) {
    let (new, old) = (
        object.get("revision").as_i64(),
        predecessor.get("revision").as_i64(),
    );
    if let (Some(new), Some(old)) = (new, old)
        && new == old
    {
        object.set("revision", new.saturating_add(1));
    }
}

/// The certificates of this resource that still authenticate beside the new one.
pub(super) fn superseded(predecessor: &Value, reason: &Value, now: Timestamp) -> Value {
    let mut entries: Vec<Value> = predecessor
        .get("superseded_certificates")
        .as_list()
        .unwrap_or_default()
        .to_vec();
    // Also what Atlas does not list any more: it cannot revoke, so a copy may go on working.
    if !predecessor.get("certificate_id").is_null() {
        entries.push(Value::object([
            ("certificate_id", predecessor.get("certificate_id").clone()),
            ("not_after", predecessor.get("not_after").clone()),
            ("reason", reason.clone()),
        ]));
    }
    entries.retain(|entry| timestamp(entry, "not_after").is_none_or(|end| now < end));
    Value::List(entries)
}

/// Null for every attribute of an object that was never planned, such as an imported one.
pub(super) fn blank(project_id: &str, username: &str) -> Value {
    let mut object = super::schema::schema().block.empty();
    object.set("project_id", project_id);
    object.set("username", username);
    object.set("id", identity(&object));
    object.set("superseded_certificates", Value::List(Vec::new()));
    object
}

/// Sets what is still unknown to null, so that the object can be stored.
pub(super) fn settle(object: &mut Value, ty: &Type) {
    if let Type::Object(attributes) = ty {
        for name in attributes.keys() {
            if !object.get(name).is_wholly_known() {
                object.set(name, Value::Null);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_from_the_dates_also_at_month_ends() {
        for (from, to, months) in [
            ("2026-08-10T02:06:35Z", "2026-11-10T03:06:35Z", 3),
            ("2026-03-31T11:00:00Z", "2026-06-30T12:00:00Z", 3),
            ("2026-01-31T23:30:00Z", "2026-03-01T00:30:00Z", 1),
            ("2024-02-29T09:00:00Z", "2026-02-28T10:00:00Z", 24),
            ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1),
        ] {
            assert_eq!(
                months_between(from.parse().unwrap(), to.parse().unwrap()),
                months,
                "{from}"
            );
        }
    }

    #[test]
    fn the_ledger_takes_the_predecessor_and_drops_the_expired() {
        let entry = |id: &str, end: &str| {
            Value::object(
                [
                    ("certificate_id", id),
                    ("not_after", end),
                    ("reason", "renewal"),
                ]
                .map(|(k, v)| (k, v.into())),
            )
        };
        let mut old = blank("32b6e34b3d91647abb20e7b8", "u");
        old.set("certificate_id", "2");
        old.set("not_after", "2026-06-01T00:00:00Z");
        old.set(
            "superseded_certificates",
            vec![entry("1", "2026-02-01T00:00:00Z")],
        );
        let now = "2026-05-01T00:00:00Z".parse().unwrap();
        let ledger = superseded(&old, &"renewal".into(), now);
        assert_eq!(
            ledger,
            Value::List(vec![entry("2", "2026-06-01T00:00:00Z")])
        );
        old.set("status", "missing");
        let ledger = superseded(&old, &"missing".into(), now);
        assert_eq!(
            ledger.as_list().map(<[_]>::len),
            Some(1),
            "it may go on working"
        );
    }

    #[test]
    fn the_revision_differs_from_the_predecessors_even_within_a_second() {
        let (mut new, mut old) = (blank("p", "u"), blank("p", "u"));
        new.set("revision", 7);
        old.set("revision", 7);
        advance_revision(&mut new, &old);
        assert_eq!(new.get("revision").as_i64(), Some(8));
    }

    #[test]
    fn the_id_holds_public_parts_only_and_encodes_the_name() {
        let object = blank("32b6e34b3d91647abb20e7b8", "a/b c");
        assert_eq!(
            object.get("id").as_str(),
            Some("32b6e34b3d91647abb20e7b8/a%2Fb%20c")
        );
    }
}
