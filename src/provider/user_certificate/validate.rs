//! Checks of the arguments: all problems at once, each at its argument, without any I/O. What is unknown is not judged.

use tf_provider::{Diagnostic, Diagnostics, Path, Step, Value};

use super::window;
use crate::{
    pkcs12,
    provider::{arguments, timeouts},
    sealing::Recipients,
};

pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    found.extend(arguments::project_id(config).err());
    found.extend(arguments::username(config).err());
    found.extend(arguments::months(config).err());
    found.extend(renewal_window(config));
    found.extend(recipients(config));
    found.extend(archive(config));
    found.extend(timeouts::validate(config));
    found
}

fn renewal_window(config: &Value) -> Option<Diagnostic> {
    let Value::Number(number) = config.get("renew_before_days") else {
        return None;
    };
    let most = window::DAYS_PER_MONTH * 24;
    let Some(days) = number.as_i64().filter(|days| (0..=most).contains(days)) else {
        return Some(
            Diagnostic::error(
                "Invalid renew_before_days",
                format!("A whole number of days from 0 to {most} is needed, not {number}."),
            )
            .at(Path::attribute("renew_before_days")),
        );
    };
    let months = arguments::months(config).ok().flatten()?;
    let months = i64::from(months.get());
    (days > window::DAYS_PER_MONTH * months).then(|| window::too_long(days, months))
}

fn recipients(config: &Value) -> Diagnostics {
    let Some(list) = config.get("private_key_recipients").as_list() else {
        return Diagnostics::new();
    };
    let at = Path::attribute("private_key_recipients");
    if list.is_empty() {
        return Diagnostic::error(
            "No recipients",
            "An empty list would seal the private key to nobody. Give at least one age public key, or leave the argument out.",
        )
        .at(at)
        .into();
    }
    let problem = |index: u32, element: &Value| {
        let at = at.with(Step::Index(index));
        match element {
            Value::Null => {
                Some(Diagnostic::error("Invalid recipient", "A recipient is null.").at(at))
            }
            Value::String(text) => Recipients::parse(&[text]).err().map(|error| {
                Diagnostic::error(
                    "Invalid recipient",
                    arguments::to_sentence(&error.reason.to_string()),
                )
                .at(at)
            }),
            _ => None,
        }
    };
    (0..)
        .zip(list)
        .filter_map(|(index, element)| problem(index, element))
        .collect()
}

fn archive(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    let password = config.get("pkcs12_password_wo");
    let version = config.get("pkcs12_password_wo_version");
    let (at_password, at_version) = (
        Path::attribute("pkcs12_password_wo"),
        Path::attribute("pkcs12_password_wo_version"),
    );
    if let Some(Err(error)) = password
        .as_str()
        .map(|text| pkcs12::check_password(&text.into()))
    {
        found.push(
            Diagnostic::error(
                "Invalid password",
                arguments::to_sentence(&error.to_string()),
            )
            .at(at_password.clone()),
        );
    }
    if !password.is_null() && version.is_null() {
        found.push(
            Diagnostic::error(
                "Missing pkcs12_password_wo_version",
                "A password that is never stored needs a number beside it that says when it changed. Set pkcs12_password_wo_version, to 1 for the first \
                 password.",
            )
            .at(at_password.clone()),
        );
    }
    if password.is_null() && !version.is_null() && !version.is_unknown() {
        found.push(
            Diagnostic::error(
                "Missing pkcs12_password_wo",
                "pkcs12_password_wo_version has no meaning without pkcs12_password_wo. Set both, or neither.",
            )
            .at(at_version),
        );
    }
    if !password.is_null()
        && !password.is_unknown()
        && config.get("private_key_recipients").as_list().is_some()
    {
        found.push(
            Diagnostic::error(
                "PKCS#12 archive and sealed key together",
                "With private_key_recipients the key is never in state, so there can be no archive of it there. Use one of the two; from a sealed key, make \
                 the archive where it is unsealed.",
            )
            .at(at_password),
        );
    }
    if let Some(profile) = config.get("pkcs12_profile").as_str()
        && pkcs12::Profile::parse(profile).is_none()
    {
        found.push(
            Diagnostic::error(
                "Invalid pkcs12_profile",
                format!("{profile:?} is none of the profiles \"modern\" and \"legacy\"."),
            )
            .at(Path::attribute("pkcs12_profile")),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(arguments: &[(&str, Value)]) -> Vec<String> {
        let mut config = super::super::schema::schema().block.empty();
        for (name, value) in arguments {
            config.set(name, value.clone());
        }
        let found = validate(&config);
        found
            .iter()
            .filter_map(|d| d.path.as_ref())
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_bad_argument_is_named_in_one_run() {
        let found = problems(&[
            ("project_id", "nope".into()),
            ("username", "".into()),
            ("months_until_expiration", 25.into()),
            ("renew_before_days", (-1).into()),
            ("private_key_recipients", vec!["ssh-ed25519 AAAA"].into()),
            ("pkcs12_password_wo", "x".into()),
            ("pkcs12_profile", "old".into()),
            ("timeouts", Value::object([("create", Value::from("soon"))])),
        ]);
        for at in [
            "project_id",
            "username",
            "months_until_expiration",
            "renew_before_days",
            "private_key_recipients[0]",
            "pkcs12_password_wo",
            "pkcs12_profile",
            "timeouts.create",
        ] {
            assert!(
                found.iter().any(|path| path == at),
                "{at} is not among {found:?}"
            );
        }
    }

    #[test]
    fn a_window_of_more_than_half_a_life_is_refused_where_both_are_written() {
        let window = |months: Value, days: i64| {
            problems(&[
                ("months_until_expiration", months),
                ("renew_before_days", days.into()),
            ])
        };
        assert_eq!(window(1.into(), 14), Vec::<String>::new());
        assert_eq!(window(1.into(), 15), ["renew_before_days"]);
        assert_eq!(window(Value::Unknown, 300), Vec::<String>::new());
        assert_eq!(window(Value::Null, 300), Vec::<String>::new());
        assert_eq!(window(Value::Null, 337), ["renew_before_days"]);
    }

    #[test]
    fn what_is_unknown_is_not_judged() {
        let schema = super::super::schema::schema();
        let unknown: Vec<_> = schema
            .block
            .attributes
            .iter()
            .map(|a| (a.name.as_str(), Value::Unknown))
            .collect();
        assert_eq!(problems(&unknown), Vec::<String>::new());
    }

    #[test]
    fn password_and_version_come_together() {
        assert_eq!(
            problems(&[("pkcs12_password_wo", "x".into())]),
            ["pkcs12_password_wo"]
        );
        assert_eq!(
            problems(&[("pkcs12_password_wo_version", 1.into())]),
            ["pkcs12_password_wo_version"]
        );
        let both = [
            ("pkcs12_password_wo", "x".into()),
            ("pkcs12_password_wo_version", 1.into()),
        ];
        assert_eq!(problems(&both), Vec::<String>::new());
    }
}
