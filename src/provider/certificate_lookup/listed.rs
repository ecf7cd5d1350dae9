//! What a list says about one certificate, and in which order certificates stand. Pure.

use jiff::{SignedDuration, Timestamp};
use tf_provider::{Type, Value};

use crate::{atlas::ListedCertificate, x509};

/// The attributes of a certificate, with their descriptions.
pub(super) const ATTRIBUTES: [(&str, &str); 5] = [
    (
        "certificate_id",
        "Atlas' id of the certificate: its serial number in decimal. It can exceed what a number holds exactly; keep it as text.",
    ),
    (
        "serial_number",
        "The same serial number in lower-case hexadecimal, in whole bytes.",
    ),
    (
        "subject",
        "The subject as RFC 2253 text, such as `CN=app-user`.",
    ),
    (
        "not_before",
        "Start of validity, RFC 3339 in UTC. Atlas sets it an hour before the time of issue.",
    ),
    (
        "not_after",
        "End of validity, RFC 3339 in UTC, such as `2026-11-10T03:06:35Z`.",
    ),
];

/// The type of a certificate in a list.
pub(super) fn object_type() -> Type {
    Type::object(ATTRIBUTES.map(|(name, _)| (name, Type::String)))
}

/// A certificate's attributes by name.
pub(super) fn attributes(certificate: &ListedCertificate) -> [(&'static str, Value); 5] {
    [
        ("certificate_id", certificate.certificate_id.as_str().into()),
        (
            "serial_number",
            x509::hex_of_decimal(&certificate.certificate_id).into(),
        ),
        ("subject", certificate.subject.as_str().into()),
        ("not_before", certificate.created_at.to_string().into()),
        ("not_after", certificate.not_after.to_string().into()),
    ]
}

/// The certificates that are valid at `now` and end at `until` at the latest, by end and then by id.
pub(super) fn sorted(
    all: &[ListedCertificate],
    now: Timestamp,
    until: Option<Timestamp>,
) -> Vec<&ListedCertificate> {
    let ends_in_time = |end: Timestamp| until.is_none_or(|until| end <= until);
    let mut kept: Vec<_> = unexpired(all, now)
        .filter(|c| ends_in_time(c.not_after))
        .collect();
    kept.sort_by_key(|certificate| (certificate.not_after, certificate.serial_order()));
    kept
}

/// The certificate of that id.
pub(super) fn named<'a>(
    all: &'a [ListedCertificate],
    now: Timestamp,
    certificate_id: &str,
) -> Option<&'a ListedCertificate> {
    unexpired(all, now).find(|certificate| certificate.certificate_id == certificate_id)
}

/// The time that many days after `now`; `None` where no certificate can be valid any more.
pub(super) fn after(now: Timestamp, days: i64) -> Option<Timestamp> {
    let seconds = days.checked_mul(24 * 60 * 60)?;
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// How many certificates are valid at `now`.
pub(super) fn count(all: &[ListedCertificate], now: Timestamp) -> usize {
    unexpired(all, now).count()
}

fn unexpired(
    all: &[ListedCertificate],
    now: Timestamp,
) -> impl Iterator<Item = &ListedCertificate> {
    all.iter()
        .filter(move |certificate| certificate.is_valid_at(now))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    fn certificate(id: &str, created_at: &str, not_after: &str) -> ListedCertificate {
        ListedCertificate {
            certificate_id: id.to_owned(),
            created_at: at(created_at),
            not_after: at(not_after),
            subject: "CN=app".to_owned(),
        }
    }

    fn at(day: &str) -> Timestamp {
        format!("2026-{day}T03:00:00Z").parse().unwrap()
    }

    fn ids(certificates: &[&ListedCertificate]) -> Vec<String> {
        certificates
            .iter()
            .map(|certificate| certificate.certificate_id.clone())
            .collect()
    }

    fn some() -> Vec<ListedCertificate> {
        vec![
            certificate("30", "03-01", "06-30"),
            certificate("9", "02-01", "05-10"),
            certificate("10", "02-01", "05-10"),
            certificate("7", "01-01", "04-30"),
            certificate("18446744073709551616", "03-01", "05-01"),
        ]
    }

    #[test]
    fn lists_what_is_valid_by_end_and_then_by_number() {
        let all = some();
        assert_eq!(
            ids(&sorted(&all, at("04-30"), None)),
            ["18446744073709551616", "9", "10", "30"]
        );
        assert_eq!(ids(&sorted(&all, at("04-01"), None))[0], "7");
        assert_eq!(ids(&sorted(&[], at("04-01"), None)), Vec::<String>::new());
    }

    #[test]
    fn days_are_counted_from_the_time_of_the_answer_and_include_their_end() {
        let (all, now) = (some(), at("05-01"));
        let within = |days: i64| ids(&sorted(&all, now, after(now, days)));
        assert_eq!(within(0), Vec::<String>::new());
        assert_eq!(within(8), Vec::<String>::new());
        assert_eq!(within(9), ["9", "10"]);
        assert_eq!(within(60), ["9", "10", "30"]);
        assert_eq!(within(i64::MAX), ["9", "10", "30"]);
        assert_eq!(within(i64::from(i32::MAX)), ["9", "10", "30"]);
    }

    #[test]
    fn a_certificate_is_found_by_its_id_while_it_is_valid() {
        let all = some();
        assert_eq!(named(&all, at("04-01"), "7").unwrap().subject, "CN=app");
        assert!(named(&all, at("04-30"), "7").is_none() && named(&all, at("04-01"), "8").is_none());
        assert_eq!((count(&all, at("04-01")), count(&all, at("04-30"))), (5, 4));
    }

    #[test]
    fn every_attribute_is_given_whatever_the_size_of_the_serial() {
        let object = Value::object(attributes(&some()[4]));
        for (name, _) in ATTRIBUTES {
            assert!(object.get(name).as_str().is_some(), "{name}");
        }
        assert_eq!(
            object.get("serial_number").as_str(),
            Some("010000000000000000")
        );
        assert_eq!(
            object.get("not_before").as_str(),
            Some("2026-03-01T03:00:00Z")
        );
    }
}
