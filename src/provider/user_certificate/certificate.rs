//! The attributes that describe a certificate, from the certificate itself or from Atlas's list.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    model::{Attr, Status, SupersededCertificate, UserCertificate},
    renewal::{Days, renewal_time},
};
use crate::{
    atlas::{ListedCertificate, Months},
    provider::arguments::UserId,
    x509::{self, Certificate},
};

/// Atlas sets the start of validity this long before the time of issue.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

/// The time after its issue during which Atlas's list may not contain a certificate yet.
const LIST_DELAY: SignedDuration = SignedDuration::from_mins(10);

impl UserCertificate {
    /// An object without a certificate.
    pub(super) fn new(user: UserId) -> Self {
        Self {
            id: Attr::Known(resource_id(&user)),
            project_id: Attr::Known(user.project),
            username: Attr::Known(user.username),
            superseded_certificates: Attr::Known(Vec::new()),
            ..Self::default()
        }
    }

    /// Whether state holds a response of Atlas that could not be parsed.
    pub(super) fn is_unparsed(&self) -> bool {
        self.certificate_id.is_null() && self.has_key()
    }

    /// Whether state holds a private key, in plain text or sealed.
    pub(super) fn has_key(&self) -> bool {
        !self.combined_pem.is_null() || !self.sealed_pem.is_null()
    }

    pub(super) fn set_certificate(&mut self, certificate: &Certificate) {
        self.certificate_id = Attr::Known(certificate.certificate_id.clone());
        self.serial_number = Attr::Known(certificate.serial_number.clone());
        self.subject = Attr::Known(certificate.subject.clone());
        self.issuer = Attr::Known(certificate.issuer.clone());
        self.fingerprint_sha256 = Attr::Known(certificate.fingerprint_sha256.clone());
        self.set_validity(certificate.not_before, certificate.not_after);
    }

    /// Sets what Atlas's list contains. Issuer and fingerprint are not in it.
    pub(super) fn set_listed_certificate(&mut self, listed: &ListedCertificate) {
        self.certificate_id = Attr::Known(listed.certificate_id.clone());
        self.serial_number = x509::hex_of_decimal(&listed.certificate_id).into();
        self.subject = Attr::Known(listed.subject.clone());
        self.set_validity(listed.created_at, listed.not_after);
    }

    /// Sets the dates and what follows from them; the months only if they are not known yet.
    fn set_validity(&mut self, not_before: Timestamp, not_after: Timestamp) {
        self.not_before = Attr::Known(not_before);
        self.not_after = Attr::Known(not_after);
        self.renewal_time = self.renewal_time_with(self.renew_before_days);
        self.revision = Attr::Known(not_before.as_second());
        if self.months_until_expiration.is_null() {
            self.months_until_expiration =
                Months::parse(months_between(not_before, not_after)).ok().into();
        }
    }

    /// When this window opens; unknown if it is, null without a certificate.
    pub(super) fn renewal_time_with(&self, window: Attr<Days>) -> Attr<Timestamp> {
        match (self.not_before, self.not_after) {
            _ if window.is_unknown() => Attr::Unknown,
            (Attr::Known(not_before), Attr::Known(not_after)) => {
                Attr::Known(renewal_time(not_before, not_after, window.known().copied()))
            }
            _ => Attr::Null,
        }
    }

    /// The status by date alone.
    pub(super) fn status_at(&self, now: Timestamp) -> Status {
        let reached = |time: Attr<Timestamp>| time.known().is_some_and(|time| now >= *time);
        if reached(self.not_after) {
            Status::Expired
        } else if reached(self.renewal_time) {
            Status::RenewalDue
        } else {
            Status::Active
        }
    }

    /// Whether the certificate is so new that the list may not contain it yet.
    pub(super) fn is_just_issued(&self, now: Timestamp) -> bool {
        let issued_at = self.not_before.known().copied().map(issued_at);
        issued_at.is_some_and(|issued_at| now.duration_since(issued_at) <= LIST_DELAY)
    }

    /// Links the object to its predecessor: another revision, and the certificates that still authenticate.
    pub(super) fn set_predecessor(&mut self, predecessor: Option<&Self>, now: Timestamp) {
        if predecessor.is_some_and(|predecessor| predecessor.revision == self.revision)
            && let Attr::Known(revision) = &mut self.revision
        {
            *revision = revision.saturating_add(1);
        }
        let mut superseded = Vec::new();
        if let (Some(predecessor), Attr::Known(reason)) = (predecessor, self.issue_reason) {
            superseded
                .extend(predecessor.superseded_certificates.known().into_iter().flatten().cloned());
            // A certificate that Atlas does not list any more counts too: it may go on working.
            if let (Attr::Known(certificate_id), Attr::Known(not_after)) =
                (predecessor.certificate_id.clone(), predecessor.not_after)
            {
                superseded.push(SupersededCertificate { certificate_id, not_after, reason });
            }
        }
        superseded.retain(|certificate| now < certificate.not_after);
        self.superseded_certificates = Attr::Known(superseded);
    }

    /// The ids of the present and the superseded certificates.
    pub(super) fn certificate_ids(&self) -> impl Iterator<Item = &str> {
        let superseded = self.superseded_certificates.known().into_iter().flatten();
        let ids = superseded.map(|certificate| &certificate.certificate_id);
        ids.chain(self.certificate_id.known()).map(String::as_str)
    }
}

/// `project_id/username`, the user percent-encoded.
pub(super) fn resource_id(user: &UserId) -> String {
    format!("{}/{}", user.project, user.username.encoded())
}

/// The time with which the expiry of older certificates is compared: a wrong `Date` must not make them look expired, so it is
/// never later than the time of issue that the certificate contains.
pub(super) fn expiry_reference(not_before: Timestamp, server_time: Option<Timestamp>) -> Timestamp {
    let issued_at = issued_at(not_before);
    server_time.map_or(issued_at, |time| time.min(issued_at))
}

/// The time of issue, according to the certificate.
fn issued_at(not_before: Timestamp) -> Timestamp {
    not_before.saturating_add(BACKDATED).unwrap_or(not_before)
}

/// The months of validity that were requested: Atlas counts calendar months from the time of issue.
pub(super) fn months_between(not_before: Timestamp, not_after: Timestamp) -> i64 {
    let start = TimeZone::UTC.to_datetime(issued_at(not_before)).date();
    let end = TimeZone::UTC.to_datetime(not_after).date();
    let months = (i64::from(end.year()) - i64::from(start.year())) * 12 + i64::from(end.month())
        - i64::from(start.month());
    months.clamp(1, 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        atlas::{ProjectId, Username},
        provider::user_certificate::model::IssueReason,
    };

    fn object(user: &str) -> UserCertificate {
        let project = ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap();
        UserCertificate::new(UserId { project, username: Username::parse(user).unwrap() })
    }

    #[test]
    fn months_are_derived_from_the_dates_also_at_month_ends() {
        for (not_before, not_after, months) in [
            ("2026-08-10T02:06:35Z", "2026-11-10T03:06:35Z", 3),
            ("2026-03-31T11:00:00Z", "2026-06-30T12:00:00Z", 3),
            ("2026-01-31T23:30:00Z", "2026-03-01T00:30:00Z", 1),
            ("2024-02-29T09:00:00Z", "2026-02-28T10:00:00Z", 24),
            ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1),
        ] {
            let derived = months_between(not_before.parse().unwrap(), not_after.parse().unwrap());
            assert_eq!(derived, months, "{not_before}");
        }
    }

    #[test]
    fn the_predecessor_is_superseded_until_it_expires() {
        let superseded = |id: &str, not_after: &str, reason| SupersededCertificate {
            certificate_id: id.into(),
            not_after: not_after.parse().unwrap(),
            reason,
        };
        let now = "2026-05-01T00:00:00Z".parse().unwrap();
        for (status, reason) in
            [(Status::RenewalDue, IssueReason::Renewal), (Status::Missing, IssueReason::Missing)]
        {
            let predecessor = UserCertificate {
                certificate_id: Attr::Known("2".into()),
                not_after: Attr::Known("2026-06-01T00:00:00Z".parse().unwrap()),
                status: Attr::Known(status),
                superseded_certificates: Attr::Known(vec![superseded(
                    "1",
                    "2026-02-01T00:00:00Z",
                    reason,
                )]),
                ..object("u")
            };
            let mut successor = object("u");
            successor.issue_reason = Attr::Known(reason);
            successor.set_predecessor(Some(&predecessor), now);
            let expected = vec![superseded("2", "2026-06-01T00:00:00Z", reason)];
            assert_eq!(successor.superseded_certificates, Attr::Known(expected));
        }
    }

    #[test]
    fn the_revision_differs_from_the_predecessors_even_within_a_second() {
        let (mut successor, mut predecessor) = (object("u"), object("u"));
        successor.revision = Attr::Known(7);
        predecessor.revision = Attr::Known(7);
        successor.set_predecessor(Some(&predecessor), Timestamp::UNIX_EPOCH);
        assert_eq!(successor.revision, Attr::Known(8));
    }

    #[test]
    fn the_id_has_public_parts_only_and_encodes_the_name() {
        let expected = "32b6e34b3d91647abb20e7b8/a%2Fb%20c";
        assert_eq!(object("a/b c").id, Attr::Known(expected.to_owned()));
    }

    #[test]
    fn a_date_after_the_time_of_issue_is_not_believed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let not_before = at("2026-05-01T10:00:00Z");
        for (server_time, expected) in [
            (None, "2026-05-01T11:00:00Z"),
            (Some("2026-05-01T11:00:02Z"), "2026-05-01T11:00:00Z"),
            (Some("2036-05-01T11:00:00Z"), "2026-05-01T11:00:00Z"),
            (Some("2026-05-01T10:59:00Z"), "2026-05-01T10:59:00Z"),
        ] {
            assert_eq!(
                expiry_reference(not_before, server_time.map(at)),
                at(expected),
                "{server_time:?}"
            );
        }
    }

    #[test]
    fn dates_at_the_limit_of_the_calendar_do_not_panic() {
        let mut object = object("u");
        object.set_validity(Timestamp::MIN, Timestamp::MAX);
        object.set_validity(Timestamp::MAX, Timestamp::MIN);
        object.set_validity(Timestamp::MAX, Timestamp::MAX);
        assert_eq!(object.not_after, Attr::Known(Timestamp::MAX));
    }
}
