//! Validation of the configuration: all problems at once, each at its argument. Unknown values are not checked.

use secrecy::SecretString;
use tf_provider::{Diagnostic, Diagnostics, Number, Path, Value};

use super::{
    UserCertificateResource,
    model::{Attr, RecipientList, UserCertificate},
    renewal,
};
use crate::{
    pkcs12,
    provider::{attr, timeouts},
    sealing::{InvalidKey, Recipients},
};

/// Reports invalid arguments; after the delete of a replacement, the create does: an error here would lose the key.
pub(super) fn validate(resource: &UserCertificateResource, config: &Value) -> Diagnostics {
    let (config, mut problems) = UserCertificate::decode(config);
    if resource.predecessors.is_held(&config) {
        return Diagnostics::new();
    }
    problems.extend(arguments(&config));
    problems
}

/// Problems of arguments that are valid by themselves.
pub(super) fn arguments(config: &UserCertificate) -> Diagnostics {
    let mut problems = Diagnostics::new();
    // The window is compared with the months only if both are configured.
    problems.extend(renewal::window_exceeds_validity(config));
    if let Attr::Known(list) = &config.private_key_recipients {
        problems.extend(recipients(list));
    }
    if let Attr::Known(password) = &config.pkcs12_password_wo {
        let path = Path::from("pkcs12_password_wo");
        if let Err(error) = pkcs12::check_password(password) {
            problems.push(attr::invalid("Invalid password", error).at(path.clone()));
        }
        if config.private_key_recipients.known().is_some() {
            let detail = "With private_key_recipients the key is never in state, so state cannot contain an archive of it. Use one of the two; from \
                 a sealed key, build the archive where it is decrypted.";
            let summary = "PKCS#12 archive and sealed key together";
            problems.push(Diagnostic::error(summary, detail).at(path));
        }
    }
    let UserCertificate { pkcs12_password_wo, pkcs12_password_wo_version, .. } = config;
    problems.extend(pair("pkcs12_password_wo", pkcs12_password_wo, pkcs12_password_wo_version));
    problems.extend(pair("adopt_pem_wo", &config.adopt_pem_wo, &config.adopt_pem_wo_version));
    for (operation, text) in config.timeouts.known().into_iter().flatten() {
        problems.extend(text.known().and_then(|text| timeouts::check(operation, text)));
    }
    problems
}

/// A write-only argument and the number that marks its changes come together.
fn pair(name: &str, value: &Attr<SecretString>, version: &Attr<Number>) -> Option<Diagnostic> {
    let version_name = format!("{name}_version");
    let (missing, at) = if !value.is_null() && version.is_null() {
        (&*version_name, name)
    } else if value.is_null() && version.known().is_some() {
        (name, &*version_name)
    } else {
        return None;
    };
    let detail = format!(
        "{name} is never stored, so the number {version_name} marks its changes. Set both, the number to 1 at first, or neither."
    );
    Some(Diagnostic::error(format!("Missing {missing}"), detail).at(at))
}

fn recipients(list: &RecipientList) -> Vec<Diagnostic> {
    let path = Path::from("private_key_recipients");
    if list.0.is_empty() {
        let detail = "With an empty list the private key could not be decrypted. Set at least one age public key, or remove the argument.";
        return vec![Diagnostic::error("No recipients", detail).at(path)];
    }
    let (mut problems, mut valid) = (Vec::new(), Vec::new());
    for (index, element) in (0..).zip(&list.0) {
        let problem = match element {
            Attr::Unknown => continue,
            Attr::Null => "a recipient is null",
            Attr::Known(recipient) => {
                // Together with those before it: not all kinds can be combined.
                valid.push(recipient.as_str());
                let Err(InvalidKey(problem)) = Recipients::parse(&valid) else { continue };
                valid.pop();
                problem
            }
        };
        problems.push(attr::invalid("Invalid recipient", problem).at(path.at_index(index)));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(arguments: &[(&'static str, Value)]) -> Vec<String> {
        let mut config = super::super::schema::schema().block.empty();
        for (name, value) in arguments {
            config.set(*name, value.clone());
        }
        let resource = UserCertificateResource::default();
        let found = validate(&resource, &config);
        found.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect()
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
            assert!(found.iter().any(|path| path == at), "{at} is not among {found:?}");
        }
    }

    #[test]
    fn classical_and_post_quantum_recipients_in_one_list_are_refused_at_the_second_kind() {
        let classical = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
        let post_quantum = include_str!("../../sealing/testdata/tagpq_recipient.txt");
        let at = |list: Vec<Value>| problems(&[("private_key_recipients", Value::List(list))]);
        assert_eq!(
            at(vec![classical.into(), Value::Unknown, post_quantum.into()]),
            ["private_key_recipients[2]"]
        );
        assert_eq!(at(vec![post_quantum.into(), Value::Unknown]), Vec::<String>::new());
    }

    #[test]
    fn a_window_of_more_than_half_a_life_is_refused_where_both_are_written() {
        let window = |months: Value, days: i64| {
            problems(&[("months_until_expiration", months), ("renew_before_days", days.into())])
        };
        assert_eq!(window(1.into(), 14), Vec::<String>::new());
        assert_eq!(window(1.into(), 15), ["renew_before_days"]);
        assert_eq!(window(3.into(), 42), Vec::<String>::new());
        assert_eq!(window(Value::Unknown, 300), Vec::<String>::new());
        assert_eq!(window(Value::Null, 300), Vec::<String>::new());
        assert_eq!(window(Value::Null, 337), ["renew_before_days"]);
    }

    #[test]
    fn unknown_values_are_not_checked() {
        let schema = super::super::schema::schema();
        let unknown: Vec<_> =
            schema.block.attributes.iter().map(|a| (a.name, Value::Unknown)).collect();
        assert_eq!(problems(&unknown), Vec::<String>::new());
    }

    #[test]
    fn password_and_version_come_together() {
        assert_eq!(problems(&[("pkcs12_password_wo", "x".into())]), ["pkcs12_password_wo"]);
        assert_eq!(
            problems(&[("pkcs12_password_wo_version", 1.into())]),
            ["pkcs12_password_wo_version"]
        );
        let both = [("pkcs12_password_wo", "x".into()), ("pkcs12_password_wo_version", 1.into())];
        assert_eq!(problems(&both), Vec::<String>::new());
    }
}
