//! Plans held to the rules of hosts, and to the table of causes written down once more.

use std::sync::LazyLock;

use proptest::prelude::*;
use tf_provider::{Block, Usage};

use super::*;
use crate::provider::user_certificate::schema::schema;

static BLOCK: LazyLock<Block> = LazyLock::new(|| schema().block);

const KEYS: [&str; 2] = [
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_certificate_is_asked_for_exactly_when_the_table_says_so(prior in stored(), config in written()) {
        let planned = planned(&prior, &config);
        let expected = Table { prior: &prior, config: &config }.reason();
        let posts = planned.get("certificate_id").is_unknown();
        prop_assert_eq!(posts, expected.is_some(), "{:?}", planned);
        if let Some(reason) = expected {
            prop_assert_eq!(planned.get("issue_reason").as_str(), Some(reason));
            prop_assert!(planned.get("replaces_certificate_id") == prior.get("certificate_id"));
            prop_assert_eq!(planned.get("status").as_str(), Some("active"));
            prop_assert_eq!(planned.get("has_private_key").as_bool(), Some(true));
            prop_assert!(ISSUED.iter().all(|name| planned.get(name).is_unknown() || planned.get(name).is_null()));
        }
    }

    #[test]
    fn what_was_applied_is_not_planned_again(prior in stored(), config in written()) {
        let applied = applied(planned(&prior, &config));
        let again = planned(&applied, &config);
        prop_assert!(again == applied, "{:?}", differences(&applied, &again));
    }

    #[test]
    fn a_plan_made_again_with_the_values_then_known_keeps_every_known_value(
        prior in stored(),
        config in written(),
        hidden in prop::collection::vec(any::<bool>(), ARGUMENTS.len()),
    ) {
        let before = planned(&prior, &veiled(&prior, &config, &hidden));
        let after = planned(&prior, &config);
        prop_assert!(agree(&before, &after), "{:?}", differences(&before, &after));
        // What the first one did not announce the second one does not ask for.
        if after.get("certificate_id").is_unknown() {
            prop_assert!(before.get("certificate_id").is_unknown());
        }
        let applied = applied(after);
        prop_assert!(planned(&applied, &config) == applied);
    }

    #[test]
    fn a_first_certificate_is_always_asked_for_as_written(config in written()) {
        let object = create(proposed(&Value::Null, &config), &config).object;
        prop_assert!(object.get("certificate_id").is_unknown());
        prop_assert_eq!(object.get("issue_reason").as_str(), Some("created"));
        let applied = applied(object);
        prop_assert!(planned(&applied, &config) == applied);
    }
}

#[test]
fn a_window_is_cut_with_a_warning_unless_another_validity_was_checked_with_it() {
    let warns = |status: &str, months: i64| {
        let (mut stored, mut config) = (BLOCK.empty(), BLOCK.empty());
        for object in [&mut stored, &mut config] {
            object.set("project_id", "32b6e34b3d91647abb20e7b8");
            object.set("username", "app");
        }
        stored.set("months_until_expiration", 3);
        let mut stored = applied(create(proposed(&Value::Null, &stored), &stored).object);
        stored.set("status", status);
        config.set("months_until_expiration", months);
        config.set("renew_before_days", 80);
        let warnings = update(&stored, proposed(&stored, &config), &config).diagnostics;
        warnings
            .iter()
            .any(|warning| warning.summary.starts_with("Renewal window longer"))
    };
    for status in ["active", "renewal_due", "expired"] {
        assert!(warns(status, 3), "{status}");
        assert!(
            !warns(status, 6),
            "{status}: the next certificate lives long enough"
        );
    }
}

/// The causes of an issue, as the design lists them: independent of how the plan finds them.
struct Table<'a> {
    prior: &'a Value,
    config: &'a Value,
}

impl Table<'_> {
    fn reason(&self) -> Option<&'static str> {
        let (prior, config) = (self.prior, self.config);
        let differs = |name: &str| {
            !prior.get(name).is_null()
                && !config.get(name).is_null()
                && prior.get(name) != config.get(name)
        };
        let same_window = prior.get("renew_before_days") == config.get("renew_before_days");
        let renews = config.get("auto_renew") != &Value::Bool(false);
        let only_ciphertext = !prior.get("sealed_pem").is_null();
        let unread = prior.get("certificate_id").is_null();
        match prior.get("status").as_str() {
            _ if unread => None,
            Some("missing") if renews => Some("missing"),
            Some("expired") if renews => Some("renewal"),
            Some("renewal_due") if renews && same_window => Some("renewal"),
            _ if differs("months_until_expiration") => Some("validity_changed"),
            _ if differs("rotate_when_changed") => Some("trigger_changed"),
            _ if only_ciphertext && set(prior) != set(config) => Some("recipients_changed"),
            _ => None,
        }
    }
}

/// The recipients without order and repetition.
fn set(object: &Value) -> std::collections::BTreeSet<&str> {
    let list = object
        .get("private_key_recipients")
        .as_list()
        .unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

fn planned(prior: &Value, config: &Value) -> Value {
    update(prior, proposed(prior, config), config).object
}

/// What a host proposes: what is written, else what is stored where the provider may fill it in.
fn proposed(prior: &Value, config: &Value) -> Value {
    let mut object = config.clone();
    for attribute in &BLOCK.attributes {
        let filled = matches!(attribute.usage, Usage::Computed | Usage::OptionalComputed);
        if filled && config.get(&attribute.name).is_null() {
            object.set(&attribute.name, prior.get(&attribute.name).clone());
        }
    }
    object
}

/// What applying a plan leaves: unknown values are filled, in the form of the key that was planned.
fn applied(planned: Value) -> Value {
    let mut object = planned;
    let sealed = !object.get("private_key_recipients").is_null();
    let archived = !object.get("pkcs12_password_wo_version").is_null();
    if object.get("certificate_id").is_unknown() {
        let months = object.get("months_until_expiration").as_i64().unwrap_or(3);
        let not_before: jiff::Timestamp = NOT_BEFORE.parse().unwrap();
        let not_after = not_before + jiff::SignedDuration::from_hours(months * 30 * 24 + 1);
        let window = object.get("renew_before_days").as_i64();
        object.set(
            "renewal_time",
            window::opens(not_before, not_after, window).to_string(),
        );
        object.set("not_before", NOT_BEFORE);
        object.set("not_after", not_after.to_string());
        object.set("revision", not_before.as_second());
        object.set("superseded_certificates", Value::List(Vec::new()));
        for name in [
            "certificate_id",
            "serial_number",
            "subject",
            "issuer",
            "fingerprint_sha256",
        ] {
            object.set(name, "new");
        }
        object.set("combined_pem", (!sealed).then_some("new"));
    }
    for (name, filled) in [
        ("sealed_pem", sealed),
        ("pkcs12_base64", archived && !sealed),
        ("combined_pem", !sealed),
    ] {
        if object.get(name).is_unknown() {
            object.set(name, filled.then_some("new"));
        }
    }
    assert!(object.is_wholly_known(), "{object:?}");
    object
}

/// Whether every value known in a plan is the same later on.
fn agree(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Unknown, _) => true,
        (Value::Map(before), Value::Map(after)) => {
            before.keys().eq(after.keys())
                && before.iter().all(|(key, value)| agree(value, &after[key]))
        }
        (Value::List(before), Value::List(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| agree(before, after))
        }
        _ => before == after,
    }
}

fn differences(before: &Value, after: &Value) -> Vec<String> {
    let names = before.as_map().into_iter().flatten().map(|(name, _)| name);
    names
        .filter(|name| !agree(before.get(name), after.get(name)))
        .map(|name| {
            format!(
                "{name}: {:?} became {:?}",
                before.get(name),
                after.get(name)
            )
        })
        .collect()
}

/// The configuration while some of its arguments, or the last value in them, are not known.
fn veiled(prior: &Value, config: &Value, hidden: &[bool]) -> Value {
    let mut veiled = config.clone();
    for (name, _) in ARGUMENTS.iter().zip(hidden).filter(|(_, hidden)| **hidden) {
        let value = match config.get(name) {
            Value::Map(entries) if !entries.is_empty() => {
                Value::object(entries.keys().map(|key| (key.clone(), Value::Unknown)))
            }
            // Where only the order differs the stored list is planned, which no plan can foresee that knows a part.
            Value::List(elements) if elements.len() > 1 && set(prior) != set(config) => {
                let known = elements.iter().take(elements.len() - 1).cloned();
                Value::List(known.chain([Value::Unknown]).collect())
            }
            _ => Value::Unknown,
        };
        veiled.set(name, value);
    }
    veiled
}

const ARGUMENTS: [&str; 7] = [
    "months_until_expiration",
    "renew_before_days",
    "auto_renew",
    "rotate_when_changed",
    "private_key_recipients",
    "pkcs12_password_wo_version",
    "pkcs12_profile",
];
const NOT_BEFORE: &str = "2026-03-01T11:00:00Z";

/// A configuration as validation lets it pass.
fn written() -> impl Strategy<Value = Value> {
    let months = prop_oneof![Just(Value::Null), (1..=3_i64).prop_map(Value::from)];
    let trigger = prop_oneof![
        Just(Value::Null),
        Just(Value::object::<&str>([])),
        "[ab]".prop_map(|value| Value::object([("image", Value::from(value))])),
        "[ab]".prop_map(|value| Value::object([
            ("image", Value::from(value)),
            ("other", "x".into())
        ])),
    ];
    (months, window(), auto_renew(), trigger, form(), profile()).prop_map(
        |(months, window, auto_renew, trigger, (recipients, version), profile)| {
            let mut config = BLOCK.empty();
            config.set("project_id", "32b6e34b3d91647abb20e7b8");
            config.set("username", "app");
            config.set("months_until_expiration", months);
            config.set("renew_before_days", window);
            config.set("auto_renew", auto_renew);
            config.set("rotate_when_changed", trigger);
            config.set("private_key_recipients", recipients);
            config.set(
                "pkcs12_password_wo",
                (!version.is_null()).then_some("secret"),
            );
            config.set("pkcs12_password_wo_version", version);
            config.set("pkcs12_profile", profile);
            config
        },
    )
}

/// An object as any history may have left it: issued, sealed, archived, imported, moved or unread.
fn stored() -> impl Strategy<Value = Value> {
    let status = prop::sample::select(vec![
        "active",
        "renewal_due",
        "expired",
        "missing",
        "user_missing",
    ]);
    let origin = prop::sample::select(vec!["issued", "issued", "issued", "imported", "unread"]);
    (written(), status, origin, any::<bool>()).prop_map(|(config, status, origin, ledger)| {
        let mut object = applied(create(proposed(&Value::Null, &config), &config).object);
        object.set("certificate_id", "1976722359483124370");
        object.set("status", status);
        if ledger {
            let entry = [
                ("certificate_id", "7"),
                ("not_after", "2026-04-01T00:00:00Z"),
                ("reason", "renewal"),
            ];
            let entry = Value::object(entry.map(|(name, value)| (name, Value::from(value))));
            object.set("superseded_certificates", Value::List(vec![entry]));
        }
        if origin == "imported" {
            object.set("has_private_key", false);
            object.set("issue_reason", "imported");
            for name in [
                "combined_pem",
                "sealed_pem",
                "pkcs12_base64",
                "issuer",
                "fingerprint_sha256",
            ] {
                object.set(name, Value::Null);
            }
        }
        if origin == "unread" {
            object.set("status", "active");
            for name in ISSUED
                .iter()
                .filter(|name| !["combined_pem", "sealed_pem"].contains(name))
            {
                object.set(name, Value::Null);
            }
        }
        object
    })
}

fn window() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::from(0)),
        Just(Value::from(10)),
        Just(Value::from(300))
    ]
}

fn auto_renew() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from)]
}

/// Recipients or an archive, never both.
fn form() -> impl Strategy<Value = (Value, Value)> {
    let [one, other] = KEYS;
    prop_oneof![
        3 => Just((Value::Null, Value::Null)),
        1 => (1..=2_i64).prop_map(|version| (Value::Null, version.into())),
        2 => prop::sample::select(vec![vec![one], vec![other], vec![one, other], vec![other, one], vec![one, one, other]])
            .prop_map(|recipients| (recipients.into(), Value::Null)),
    ]
}

fn profile() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::from("modern")),
        Just(Value::from("legacy"))
    ]
}
