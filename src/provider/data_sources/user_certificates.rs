//! `data "atlas_user_certificates"`: unexpired certificates of a database user, or of the managed users of a project.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use jiff::SignedDuration;
use tf_provider::{
    Attribute, CancellationToken, DataSource, Diagnostic, Diagnostics, ReadDataResult, Schema,
    Type, Value, async_trait,
};

use super::{ATTRIBUTES, project_argument};
use crate::{
    atlas::Username,
    provider::{
        arguments::{schema, validate_user},
        attr::read_number,
        client::ProviderClient,
        inventory::{UserList, lists, unexpired},
    },
};

pub(super) struct UserCertificates(pub(super) Arc<ProviderClient>);

#[async_trait]
impl DataSource for UserCertificates {
    fn type_name(&self) -> &'static str {
        "atlas_user_certificates"
    }

    fn schema(&self) -> Schema {
        let names = [USERNAME].into_iter().chain(ATTRIBUTES.map(|(name, ..)| name));
        let element = Type::object(names.map(|name| (name, Type::String)));
        let fields =
            ATTRIBUTES.map(|(name, description, _)| format!("\n- `{name}`: {description}"));
        let attributes = vec![
            project_argument(),
            Attribute::new(USERNAME, Type::String, USERNAME_DESCRIPTION).optional(),
            Attribute::new(WITHIN, Type::Number, WITHIN_DESCRIPTION).optional(),
            Attribute::new(
                CERTIFICATES,
                Type::list(element),
                format!("{CERTIFICATES_DESCRIPTION}{}", fields.concat()),
            ),
        ];
        schema(attributes, DESCRIPTION)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate_user(config).chain(expiring_within_days(config).err()).collect()
    }

    async fn read(&self, config: Value, cancel: CancellationToken) -> ReadDataResult {
        let days = expiring_within_days(&config)?;
        let session = self.0.session()?;
        let lists: Vec<UserList> = lists(&session, &config, &cancel).await?.try_collect().await?;
        let mut state = config;
        state.set(CERTIFICATES, Value::List(elements(&lists, days)));
        let server_time = lists.iter().map(|(_, list)| list.server_time).max();
        Ok((state, session.warnings(server_time)))
    }
}

/// The unexpired certificates of all lists that expire within `days` days, sorted by expiry and then by id.
fn elements(lists: &[UserList], days: Option<i64>) -> Vec<Value> {
    let window = days.map(|days| SignedDuration::from_secs(days.saturating_mul(24 * 60 * 60)));
    let mut found = Vec::new();
    for (user, list) in lists {
        let in_time = unexpired(list).filter(|certificate| {
            let remaining = certificate.not_after.duration_since(list.server_time);
            window.is_none_or(|window| remaining <= window)
        });
        found.extend(in_time.map(|certificate| (&user.username, certificate)));
    }
    found.sort_by_key(|(_, certificate)| (certificate.not_after, certificate.serial_order()));
    let object = |(username, certificate): (&Username, _)| {
        let username = (USERNAME, Value::from(username.as_str()));
        let attributes = ATTRIBUTES.map(|(name, _, value)| (name, value(certificate)));
        Value::object([username].into_iter().chain(attributes))
    };
    found.into_iter().map(object).collect()
}

/// The configured number of days; `None` if it is null or unknown.
fn expiring_within_days(config: &Value) -> Result<Option<i64>, Diagnostic> {
    let parse = |days| Some(days).filter(|days| *days >= 0);
    Ok(read_number(config, WITHIN, "days, 0 or more,", parse)?.into_known())
}

const USERNAME: &str = "username";
const WITHIN: &str = "expiring_within_days";
const CERTIFICATES: &str = "certificates";

const USERNAME_DESCRIPTION: &str = "\
The database user in `$external` whose certificates are listed. The plain name, as given to the user resource, without `CN=`. Unset, \
the certificates of every user of the project whose certificates Atlas issues (`x509Type` is `MANAGED`).";

const WITHIN_DESCRIPTION: &str = "\
Only certificates that expire within that many days from now, by Atlas's clock: a whole number, 0 or more. Unset, all unexpired \
certificates.";

const CERTIFICATES_DESCRIPTION: &str = "\
The certificates, sorted by expiry and then by id; empty if there are none. Each is an object of strings:
- `username`: The database user.";

const DESCRIPTION: &str = "\
Lists all unexpired certificates that Atlas issued for one database user, or for every database user of a project: those of Terraform, \
superseded ones that still authenticate, and those issued elsewhere. Private keys are returned by Atlas once, at the time of issue, and \
are not part of the list.

With `expiring_within_days` it finds the certificates to replace soon. After a run in which the response to a certificate request was \
lost, it finds the certificate whose key was lost.

It cannot show certificates of deleted users: they stay valid until they expire, and no API call lists them. A user that is deleted while \
the list is read counts as a user without certificates.

Reading requires the role *Project Read Only* and no other. The list of a user is read once per run, however many data sources and \
resources use it.";

#[cfg(test)]
mod tests {
    use tf_provider::Number;

    use super::*;

    #[test]
    fn days_are_a_whole_number_from_zero_or_not_known_yet() {
        let config = |days: Value| {
            let mut config = UserCertificates(Arc::default()).schema().block.empty();
            config.set("project_id", "32b6e34b3d91647abb20e7b8");
            config.set(USERNAME, "app");
            config.set(WITHIN, days);
            config
        };
        let check = |days: Value| UserCertificates(Arc::default()).validate(&config(days));
        for good in [Value::Null, Value::Unknown, 0.into(), 30.into(), i64::MAX.into()] {
            assert!(check(good.clone()).is_empty(), "{good:?}");
        }
        for bad in ["-1", "0.5", "1e400"] {
            let problems = check(Value::Number(Number::parse(bad).unwrap()));
            let paths: Vec<_> =
                problems.iter().map(|p| p.path.clone().unwrap().to_string()).collect();
            assert_eq!(paths, [WITHIN], "{bad}");
        }
    }
}
