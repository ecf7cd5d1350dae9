//! Plans checked against the rules of hosts, and against the table of causes written down once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tf_provider::{Block, Mode, Value};

use super::*;
use crate::{
    atlas::{ProjectId, Username},
    provider::user_certificate::{
        model::{RecipientList, SupersededCertificate},
        renewal::Days,
        schema::schema,
    },
};

static BLOCK: LazyLock<Block> = LazyLock::new(|| schema().block);

const KEYS: [&str; 2] = [
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_certificate_is_planned_exactly_when_the_table_has_a_cause(prior in stored(), config in configuration()) {
        let planned = planned(&prior, &config);
        let expected = expected_reason(&prior, &config);
        prop_assert_eq!(planned.certificate_id.is_unknown(), expected.is_some(), "{:?}", planned);
        if let Some(reason) = expected {
            prop_assert_eq!(planned.issue_reason, Attr::Known(reason));
            prop_assert_eq!(&planned.replaces_certificate_id, &prior.certificate_id);
            prop_assert_eq!(planned.status, Attr::Known(Status::Active));
            prop_assert_eq!(planned.has_private_key, Attr::Known(true));
            let planned = planned.into_value();
            let issued = UserCertificate::default().with_issued_unknown().into_value();
            for (name, _) in issued.as_map().unwrap().iter().filter(|(_, value)| value.is_unknown()) {
                prop_assert!(planned.get(name).is_unknown() || planned.get(name).is_null());
            }
        }
    }

    #[test]
    fn an_applied_plan_is_not_planned_again(prior in stored(), config in configuration()) {
        let applied = applied(planned(&prior, &config));
        assert_agrees(&applied, &planned(&applied, &config))?;
    }

    #[test]
    fn a_plan_with_more_known_values_keeps_every_known_value(
        prior in stored(),
        config in configuration(),
        hidden in prop::collection::vec(any::<bool>(), 8),
    ) {
        let before = planned(&prior, &with_unknowns(&prior, &config, &hidden));
        let after = planned(&prior, &config);
        assert_agrees(&before, &after)?;
        // The later plan issues only if the earlier one announced it.
        prop_assert!(!after.certificate_id.is_unknown() || before.certificate_id.is_unknown());
        let applied = applied(after);
        assert_agrees(&applied, &planned(&applied, &config))?;
    }

    #[test]
    fn a_first_certificate_is_always_planned_as_configured(config in configuration()) {
        let object = create(&config);
        prop_assert!(object.certificate_id.is_unknown());
        prop_assert_eq!(object.issue_reason, Attr::Known(IssueReason::Created));
        let applied = applied(object);
        assert_agrees(&applied, &planned(&applied, &config))?;
    }
}

#[test]
fn a_window_is_reduced_with_a_warning_unless_it_was_validated_with_another_validity() {
    let warns = |status: Status, months: i64| {
        let mut stored = applied(create(&UserCertificate {
            months_until_expiration: Months::parse(3).ok().into(),
            ..minimal()
        }));
        stored.status = Attr::Known(status);
        let config = UserCertificate {
            months_until_expiration: Months::parse(months).ok().into(),
            renew_before_days: Days::new(80).into(),
            ..minimal()
        };
        let (_, warnings) = plan_update(&stored, proposed(&stored, &config), &config);
        warnings.iter().any(|warning| warning.summary.starts_with("Renewal window longer"))
    };
    for status in [Status::Active, Status::RenewalDue, Status::Expired] {
        assert!(warns(status, 3), "{status:?}");
        assert!(!warns(status, 6), "{status:?}: the next certificate lives long enough");
    }
}

/// The causes of an issue as the design lists them: independent of how the plan finds them.
fn expected_reason(prior: &UserCertificate, config: &UserCertificate) -> Option<IssueReason> {
    let unparsed = prior.certificate_id.is_null();
    let renews = config.auto_renew != Attr::Known(false);
    let same_window = prior.renew_before_days == config.renew_before_days;
    let other_months = !config.months_until_expiration.is_null()
        && prior.months_until_expiration != config.months_until_expiration;
    let other_trigger = !prior.rotate_when_changed.is_null()
        && !config.rotate_when_changed.is_null()
        && prior.rotate_when_changed != config.rotate_when_changed;
    let only_ciphertext = !prior.sealed_pem.is_null();
    match prior.status.known() {
        _ if unparsed => None,
        Some(Status::Missing) if renews => Some(IssueReason::Missing),
        Some(Status::Expired) if renews => Some(IssueReason::Renewal),
        Some(Status::RenewalDue) if renews && same_window => Some(IssueReason::Renewal),
        _ if other_months => Some(IssueReason::ValidityChanged),
        _ if other_trigger => Some(IssueReason::TriggerChanged),
        _ if only_ciphertext && set(prior) != set(config) => Some(IssueReason::RecipientsChanged),
        _ => None,
    }
}

/// The recipients without order and repetition.
fn set(object: &UserCertificate) -> BTreeSet<&String> {
    let list = object.private_key_recipients.known();
    list.into_iter().flat_map(|list| &list.0).filter_map(Attr::known).collect()
}

fn planned(prior: &UserCertificate, config: &UserCertificate) -> UserCertificate {
    plan_update(prior, proposed(prior, config), config).0
}

fn create(config: &UserCertificate) -> UserCertificate {
    plan_create(config).0
}

/// The object that a host proposes: the configuration, completed with stored values of computed attributes.
fn proposed(prior: &UserCertificate, config: &UserCertificate) -> UserCertificate {
    let (prior, config) = (prior.clone().into_value(), config.clone().into_value());
    let mut object = config.clone();
    for attribute in &BLOCK.attributes {
        let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
        if computed && config.get(attribute.name).is_null() {
            object.set(attribute.name, prior.get(attribute.name).clone());
        }
    }
    UserCertificate::from_value(&object).unwrap()
}

/// The object after applying a plan: unknown values are filled, in the planned form of the key.
fn applied(planned: UserCertificate) -> UserCertificate {
    let mut object = planned;
    let sealed = !object.private_key_recipients.is_null();
    let archived = !object.pkcs12_password_wo_version.is_null();
    let new = || "new".to_owned();
    if object.certificate_id.is_unknown() {
        let months = object.months_until_expiration.known().map_or(3, |months| months.get().into());
        let not_before: Timestamp = "2026-03-01T11:00:00Z".parse().unwrap();
        let not_after = not_before + SignedDuration::from_hours(months * 30 * 24 + 1);
        let window = object.renew_before_days.known().copied();
        object = UserCertificate {
            certificate_id: Attr::Known(new()),
            serial_number: Attr::Known(new()),
            subject: Attr::Known(new()),
            issuer: Attr::Known(new()),
            fingerprint_sha256: Attr::Known(new()),
            not_before: Attr::Known(not_before),
            not_after: Attr::Known(not_after),
            renewal_time: Attr::Known(renewal::renewal_time(not_before, not_after, window)),
            revision: Attr::Known(not_before.as_second()),
            superseded_certificates: Attr::Known(Vec::new()),
            combined_pem: Attr::Unknown,
            ..object
        };
    }
    if object.has_private_key.is_unknown() {
        object.has_private_key = Attr::Known(true);
    }
    for attribute in [&mut object.issuer, &mut object.fingerprint_sha256] {
        if attribute.is_unknown() {
            *attribute = Attr::Known(new());
        }
    }
    if object.sealed_pem.is_unknown() {
        object.sealed_pem = sealed.then(new).into();
    }
    if object.pkcs12_base64.is_unknown() {
        object.pkcs12_base64 = (archived && !sealed).then(|| "new".into()).into();
    }
    if object.combined_pem.is_unknown() {
        object.combined_pem = (!sealed).then(|| "new".into()).into();
    }
    assert!(object.clone().into_value().is_wholly_known(), "{object:?}");
    object
}

fn assert_agrees(before: &UserCertificate, after: &UserCertificate) -> Result<(), TestCaseError> {
    let (before, after) = (before.clone().into_value(), after.clone().into_value());
    for (name, value) in before.as_map().unwrap() {
        prop_assert!(
            agrees(value, after.get(name)),
            "{}: {:?} became {:?}",
            name,
            value,
            after.get(name)
        );
    }
    Ok(())
}

/// Whether every value that is known in a plan is the same later.
fn agrees(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Unknown, _) => true,
        (Value::Map(before), Value::Map(after)) => {
            before.keys().eq(after.keys())
                && before.iter().all(|(key, value)| agrees(value, &after[key]))
        }
        (Value::List(before), Value::List(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).all(|(before, after)| agrees(before, after))
        }
        _ => before == after,
    }
}

/// The configuration while some of its arguments, or the last value in them, are unknown.
fn with_unknowns(
    prior: &UserCertificate,
    config: &UserCertificate,
    hidden: &[bool],
) -> UserCertificate {
    fn hide<T>(attribute: &mut Attr<T>, hidden: bool) {
        if hidden {
            *attribute = Attr::Unknown;
        }
    }
    let mut object = config.clone();
    hide(&mut object.months_until_expiration, hidden[0]);
    hide(&mut object.renew_before_days, hidden[1]);
    hide(&mut object.auto_renew, hidden[2]);
    hide(&mut object.pkcs12_password_wo_version, hidden[3]);
    hide(&mut object.pkcs12_profile, hidden[4]);
    hide(&mut object.adopt_pem_wo_version, hidden[7]);
    match &mut object.rotate_when_changed {
        Attr::Known(entries) if hidden[5] && !entries.is_empty() => {
            for value in entries.values_mut() {
                *value = Attr::Unknown;
            }
        }
        trigger => hide(trigger, hidden[5]),
    }
    match &mut object.private_key_recipients {
        // If only the order differs, the stored list is planned, which a plan that knows a part cannot foresee.
        Attr::Known(list) if hidden[6] && list.0.len() > 1 && set(prior) != set(config) => {
            *list.0.last_mut().unwrap() = Attr::Unknown;
        }
        recipients => hide(recipients, hidden[6]),
    }
    object
}

/// A configuration with its required arguments.
fn minimal() -> UserCertificate {
    UserCertificate {
        project_id: ProjectId::parse("32b6e34b3d91647abb20e7b8").ok().into(),
        username: Username::parse("app").ok().into(),
        ..UserCertificate::default()
    }
}

/// A valid configuration.
fn configuration() -> impl Strategy<Value = UserCertificate> {
    let months = prop::option::of((1..=3_i64).prop_map(|months| Months::parse(months).unwrap()));
    let window = prop::option::of(
        prop::sample::select(vec![0, 10, 300]).prop_map(|days| Days::new(days).unwrap()),
    );
    let entry = |key: &str, value: String| (key.to_owned(), Attr::Known(value));
    let trigger = prop_oneof![
        Just(None),
        Just(Some(BTreeMap::new())),
        "[ab]".prop_map(move |value| Some(BTreeMap::from([entry("image", value)]))),
        "[ab]".prop_map(move |value| Some(BTreeMap::from([
            entry("image", value),
            entry("other", "x".into())
        ]))),
    ];
    let profile = prop::option::of(prop::sample::select(vec![Profile::Modern, Profile::Legacy]));
    (
        months,
        window,
        prop::option::of(any::<bool>()),
        trigger,
        key_form(),
        profile,
        prop::option::of(1..=2_i64),
    )
        .prop_map(
            |(months, window, auto_renew, trigger, (recipients, version), profile, adoption)| {
                UserCertificate {
                    months_until_expiration: months.into(),
                    renew_before_days: window.into(),
                    auto_renew: auto_renew.into(),
                    rotate_when_changed: trigger.into(),
                    private_key_recipients: recipients.into(),
                    pkcs12_password_wo: version.map(|_| "secret".into()).into(),
                    pkcs12_password_wo_version: version.map(i64::into).into(),
                    pkcs12_profile: profile.into(),
                    adopt_pem_wo: adoption.map(|_| "pem".into()).into(),
                    adopt_pem_wo_version: adoption.map(i64::into).into(),
                    ..minimal()
                }
            },
        )
}

/// Recipients or an archive, never both.
fn key_form() -> impl Strategy<Value = (Option<RecipientList>, Option<i64>)> {
    let [one, other] = KEYS;
    let lists =
        vec![vec![one], vec![other], vec![one, other], vec![other, one], vec![one, one, other]];
    let list = |keys: Vec<&str>| {
        RecipientList(keys.into_iter().map(|key| Attr::Known(key.to_owned())).collect())
    };
    prop_oneof![
        3 => Just((None, None)),
        1 => (1..=2_i64).prop_map(|version| (None, Some(version))),
        2 => prop::sample::select(lists).prop_map(move |keys| (Some(list(keys)), None)),
    ]
}

/// An object after any history: issued, sealed, archived, imported, or with an unparsed response.
fn stored() -> impl Strategy<Value = UserCertificate> {
    use Status::{Active, Expired, Missing, ProjectMissing, RenewalDue, UserMissing};
    let status = prop::sample::select(vec![
        Active,
        RenewalDue,
        Expired,
        Missing,
        UserMissing,
        ProjectMissing,
    ]);
    let origin = prop::sample::select(vec!["issued", "issued", "issued", "imported", "unparsed"]);
    (configuration(), status, origin, any::<bool>()).prop_map(
        |(config, status, origin, superseded)| {
            let object = UserCertificate {
                certificate_id: Attr::Known("1976722359483124370".into()),
                status: Attr::Known(status),
                ..applied(create(&config))
            };
            match origin {
                "imported" => UserCertificate {
                    has_private_key: Attr::Known(false),
                    issue_reason: Attr::Known(IssueReason::Imported),
                    combined_pem: Attr::Null,
                    sealed_pem: Attr::Null,
                    pkcs12_base64: Attr::Null,
                    issuer: Attr::Null,
                    fingerprint_sha256: Attr::Null,
                    ..object
                },
                "unparsed" => UserCertificate {
                    status: Attr::Known(Active),
                    combined_pem: object.combined_pem.clone(),
                    sealed_pem: object.sealed_pem.clone(),
                    superseded_certificates: Attr::Known(Vec::new()),
                    ..object.with_issued_unknown().with_unknown_null()
                },
                _ if superseded => UserCertificate {
                    superseded_certificates: Attr::Known(vec![SupersededCertificate {
                        certificate_id: "7".into(),
                        not_after: "2026-04-01T00:00:00Z".parse().unwrap(),
                        reason: IssueReason::Renewal,
                    }]),
                    ..object
                },
                _ => object,
            }
        },
    )
}
