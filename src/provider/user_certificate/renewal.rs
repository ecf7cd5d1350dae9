//! Whether a stored certificate needs a successor, and why. Pure: state and configuration alone decide.

use jiff::{SignedDuration, Timestamp};
use tf_provider::Diagnostic;

use super::model::{Attr, IssueReason, Status, UserCertificate};
use crate::provider::attr::{field, whole_number};

/// The decision about the next certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// No certificate is issued.
    None,
    /// The decision depends on an unknown value.
    Unknown,
    /// A certificate is issued. The reason is `None` while a higher ranking one is undecided.
    Reissue(Option<IssueReason>),
}

/// Decides for a stored object whose project and user do not change.
pub(super) fn decide(prior: &UserCertificate, config: &UserCertificate) -> Renewal {
    // A response that could not be parsed is left alone until the user decides.
    if prior.is_unparsed() {
        return Renewal::None;
    }
    let mut undecided = false;
    let is_missing = prior.status == Attr::Known(Status::Missing);
    let reason = if is_missing { IssueReason::Missing } else { IssueReason::Renewal };
    let due = (reason, renewal_due(prior, config));
    for (reason, changed) in [due].into_iter().chain(explicit_changes(prior, config)) {
        match changed {
            Some(false) => {}
            None => undecided = true,
            Some(true) => return Renewal::Reissue((!undecided).then_some(reason)),
        }
    }
    if undecided { Renewal::Unknown } else { Renewal::None }
}

/// Whether a changed argument calls for a new certificate.
pub(super) fn has_explicit_change(prior: &UserCertificate, config: &UserCertificate) -> bool {
    explicit_changes(prior, config).iter().any(|(_, changed)| *changed == Some(true))
}

/// Whether the certificate needs a successor according to the last refresh; `None` while the window is unknown.
pub(super) fn needs_renewal(prior: &UserCertificate, config: &UserCertificate) -> Option<bool> {
    match prior.status {
        Attr::Known(Status::Expired | Status::Missing) => Some(true),
        Attr::Known(Status::RenewalDue) if config.renew_before_days.is_unknown() => None,
        Attr::Known(Status::RenewalDue) => Some(!window_changed(prior, config)),
        _ => Some(false),
    }
}

/// Whether the renewal window changed. The next refresh decides with the new one.
pub(super) fn window_changed(prior: &UserCertificate, config: &UserCertificate) -> bool {
    prior.renew_before_days != config.renew_before_days
}

/// Whether `months_until_expiration` changed; `None` while that is unknown.
pub(super) fn months_changed(prior: &UserCertificate, config: &UserCertificate) -> Option<bool> {
    match (prior.months_until_expiration, config.months_until_expiration) {
        (_, Attr::Null) | (Attr::Null, _) => Some(false),
        (_, Attr::Unknown) => None,
        (stored, configured) => Some(stored != configured),
    }
}

/// The arguments whose change calls for a new certificate, by rank; `None` while a change is unknown.
fn explicit_changes(
    prior: &UserCertificate,
    config: &UserCertificate,
) -> [(IssueReason, Option<bool>); 3] {
    [
        (IssueReason::ValidityChanged, months_changed(prior, config)),
        (IssueReason::TriggerChanged, trigger_changed(prior, config)),
        (IssueReason::RecipientsChanged, recipients_changed(prior, config)),
    ]
}

fn renewal_due(prior: &UserCertificate, config: &UserCertificate) -> Option<bool> {
    match (needs_renewal(prior, config), config.auto_renew) {
        (Some(false), _) | (_, Attr::Known(false)) => Some(false),
        (_, Attr::Unknown) => None,
        (needed, Attr::Null | Attr::Known(true)) => needed,
    }
}

fn trigger_changed(prior: &UserCertificate, config: &UserCertificate) -> Option<bool> {
    let (stored, configured) = match (&prior.rotate_when_changed, &config.rotate_when_changed) {
        (Attr::Known(stored), Attr::Known(configured)) => (stored, configured),
        (Attr::Known(_), Attr::Unknown) => return None,
        _ => return Some(false),
    };
    let known_values =
        stored.values().zip(configured.values()).filter(|(_, new)| !new.is_unknown());
    if !stored.keys().eq(configured.keys()) || known_values.into_iter().any(|(old, new)| old != new)
    {
        return Some(true);
    }
    if configured.values().any(Attr::is_unknown) { None } else { Some(false) }
}

/// Only if nothing but ciphertext is left: a key in state is encrypted without a request.
fn recipients_changed(prior: &UserCertificate, config: &UserCertificate) -> Option<bool> {
    if prior.sealed_pem.is_null() {
        return Some(false);
    }
    match (&prior.private_key_recipients, &config.private_key_recipients) {
        (_, Attr::Unknown) => None,
        (_, Attr::Known(configured)) if !configured.is_wholly_known() => None,
        (Attr::Known(stored), Attr::Known(configured)) => Some(!stored.is_equivalent(configured)),
        (stored, configured) => Some(stored.is_null() != configured.is_null()),
    }
}

/// `renew_before_days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Days(u16);

impl Days {
    /// The longest window of any certificate: half of 24 months.
    pub(super) const MAX: u16 = Self::PER_MONTH * 24;
    /// Days for each month of validity: half a life. With a longer window, every new certificate would soon be due.
    pub(super) const PER_MONTH: u16 = 14;

    /// Accepts 0 to [`Days::MAX`].
    pub(super) fn new(days: i64) -> Option<Self> {
        u16::try_from(days).ok().filter(|days| *days <= Self::MAX).map(Self)
    }

    pub(super) fn get(self) -> i64 {
        self.0.into()
    }

    /// Whether the window is longer than half the life of this certificate.
    pub(super) fn exceeds_half_life(self, not_before: Timestamp, not_after: Timestamp) -> bool {
        self.duration() > not_after.duration_since(not_before) / 2
    }

    fn duration(self) -> SignedDuration {
        SignedDuration::from_hours(self.get() * 24)
    }
}

field! {
    Days:
        |value| whole_number(value, "renew_before_days", &format!("days from 0 to {}", Self::MAX), Self::new),
        |days| days.get().into();
}

/// The time at which the window opens. A window longer than half the life is reduced to that.
pub(super) fn renewal_time(
    not_before: Timestamp,
    not_after: Timestamp,
    days: Option<Days>,
) -> Timestamp {
    let life = not_after.duration_since(not_before);
    let window = match days {
        Some(days) => days.duration().min(life / 2),
        None if life < SHORT_LIFE => life / 3,
        None => DEFAULT_WINDOW.min(life / 2),
    };
    let whole_seconds = SignedDuration::from_secs(window.max(SignedDuration::ZERO).as_secs());
    not_after.saturating_sub(whole_seconds).unwrap_or(not_after)
}

/// The default window: the renewal comes before Atlas's own alert, 30 days before the expiry.
const DEFAULT_WINDOW: SignedDuration = SignedDuration::from_hours(35 * 24);
/// Below this lifetime, the default window is a third of it.
const SHORT_LIFE: SignedDuration = SignedDuration::from_hours(45 * 24);

/// The error for a window with which every new certificate would soon be due.
pub(super) fn window_exceeds_validity(object: &UserCertificate) -> Option<Diagnostic> {
    let (days, months) =
        (*object.renew_before_days.known()?, *object.months_until_expiration.known()?);
    let limit = Days::PER_MONTH * u16::from(months.get());
    let detail = format!(
        "renew_before_days = {} is more than {limit} days, half the life of a certificate of {months} month(s): each new one would be \
         due for renewal soon after it is issued, without end. Set at most {} days for each month of validity.",
        days.0,
        Days::PER_MONTH
    );
    let error = Diagnostic::error("Renewal window too long", detail);
    (days.0 > limit).then_some(error.at("renew_before_days"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::atlas::Months;

    fn with(change: impl Fn(&mut UserCertificate)) -> UserCertificate {
        let mut object = UserCertificate::default();
        change(&mut object);
        object
    }

    fn stored(change: impl Fn(&mut UserCertificate)) -> UserCertificate {
        with(|object| {
            object.certificate_id = Attr::Known("1".into());
            object.combined_pem = Attr::Known("pem".into());
            object.months_until_expiration = months(3);
            object.status = Attr::Known(Status::Active);
            change(object);
        })
    }

    fn months(months: i64) -> Attr<Months> {
        Attr::Known(Months::parse(months).unwrap())
    }

    fn days(days: i64) -> Attr<Days> {
        Attr::Known(Days::new(days).unwrap())
    }

    fn map(key: &str, value: Attr<&str>) -> Attr<BTreeMap<String, Attr<String>>> {
        let value = match value {
            Attr::Known(text) => Attr::Known(text.to_owned()),
            Attr::Null => Attr::Null,
            Attr::Unknown => Attr::Unknown,
        };
        Attr::Known(BTreeMap::from([(key.to_owned(), value)]))
    }

    #[test]
    fn each_cause_issues_for_its_reason_and_nothing_else_does() {
        use IssueReason::{Missing, Renewal as Due, TriggerChanged, ValidityChanged};
        use Renewal::{None, Reissue, Unknown};
        use Status::{Active, Expired, RenewalDue, UserMissing};

        let status = |status| stored(move |o| o.status = Attr::Known(status));
        let trigger = |value: Attr<&'static str>| {
            move |o: &mut UserCertificate| o.rotate_when_changed = map("k", value)
        };
        let auto_renew = |value| with(move |o| o.auto_renew = value);
        let window = |value| with(move |o| o.renew_before_days = value);
        let (no, off) = (UserCertificate::default, Attr::Known(false));
        let a = || stored(trigger(Attr::Known("a")));
        let cases = vec![
            (stored(|_| ()), no(), None),
            (status(RenewalDue), no(), Reissue(Some(Due))),
            (status(Expired), no(), Reissue(Some(Due))),
            (status(Status::Missing), no(), Reissue(Some(Missing))),
            (status(UserMissing), no(), None),
            (status(Status::ProjectMissing), no(), None),
            (status(RenewalDue), auto_renew(off), None),
            (status(Expired), auto_renew(off), None),
            (status(Status::Missing), auto_renew(off), None),
            (status(RenewalDue), auto_renew(Attr::Unknown), Unknown),
            (status(Active), auto_renew(Attr::Unknown), None),
            (status(RenewalDue), window(days(5)), None),
            (status(Expired), window(days(5)), Reissue(Some(Due))),
            (status(RenewalDue), window(Attr::Unknown), Unknown),
            (
                status(RenewalDue),
                UserCertificate { auto_renew: off, ..window(Attr::Unknown) },
                None,
            ),
            (status(Active), window(Attr::Unknown), None),
            (stored(|_| ()), with(|o| o.months_until_expiration = months(3)), None),
            (
                stored(|_| ()),
                with(|o| o.months_until_expiration = months(6)),
                Reissue(Some(ValidityChanged)),
            ),
            (stored(|_| ()), with(|o| o.months_until_expiration = Attr::Unknown), Unknown),
            (
                stored(|o| o.months_until_expiration = Attr::Null),
                with(|o| o.months_until_expiration = months(6)),
                None,
            ),
            (stored(|_| ()), with(trigger(Attr::Known("a"))), None),
            (a(), no(), None),
            (a(), with(trigger(Attr::Known("a"))), None),
            (a(), with(trigger(Attr::Known("b"))), Reissue(Some(TriggerChanged))),
            (a(), with(trigger(Attr::Unknown)), Unknown),
            (a(), with(|o| o.rotate_when_changed = Attr::Unknown), Unknown),
            (stored(|_| ()), with(|o| o.rotate_when_changed = Attr::Unknown), None),
            (
                a(),
                with(|o| o.rotate_when_changed = map("other", Attr::Unknown)),
                Reissue(Some(TriggerChanged)),
            ),
            (
                a(),
                UserCertificate {
                    months_until_expiration: Attr::Unknown,
                    ..with(trigger(Attr::Known("b")))
                },
                Reissue(Option::None),
            ),
            (
                UserCertificate { status: Attr::Known(Expired), ..a() },
                with(trigger(Attr::Known("b"))),
                Reissue(Some(Due)),
            ),
        ];
        for (prior, config, expected) in cases {
            assert_eq!(decide(&prior, &config), expected, "{prior:?} {config:?}");
        }
    }

    #[test]
    fn an_unparsed_response_is_left_alone() {
        let prior = stored(|object| {
            object.certificate_id = Attr::Null;
            object.status = Attr::Known(Status::Expired);
        });
        let config = with(|object| object.months_until_expiration = months(9));
        assert_eq!(decide(&prior, &config), Renewal::None);
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_window_opens_at_the_documented_time() {
        let three_months = ("2026-01-01T00:00:00Z", "2026-04-01T01:00:00Z");
        let thirty_days = ("2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z");
        for ((not_before, not_after), days, expected) in [
            (three_months, None, "2026-02-25T01:00:00Z"),
            (("2026-01-01T00:00:00Z", "2026-03-02T00:00:00Z"), None, "2026-01-31T00:00:00Z"),
            (("2026-01-01T00:00:00Z", "2026-02-15T00:00:00Z"), None, "2026-01-23T12:00:00Z"),
            (("2026-01-01T00:00:00Z", "2026-02-14T00:00:00Z"), None, "2026-01-30T08:00:00Z"),
            (thirty_days, None, "2026-01-21T00:00:00Z"),
            (three_months, Days::new(10), "2026-03-22T01:00:00Z"),
            (three_months, Days::new(0), "2026-04-01T01:00:00Z"),
            (thirty_days, Days::new(99), "2026-01-16T00:00:00Z"),
        ] {
            assert_eq!(renewal_time(at(not_before), at(not_after), days), at(expected), "{days:?}");
        }
    }

    #[test]
    fn half_a_life_is_the_longest_window() {
        let (not_before, not_after) = (at("2026-01-01T00:00:00Z"), at("2026-01-31T00:00:00Z"));
        let exceeds = |days| Days::new(days).unwrap().exceeds_half_life(not_before, not_after);
        assert_eq!((exceeds(15), exceeds(16), exceeds(336)), (false, true, true));
        assert_eq!(Days::new(337), None);
    }
}
