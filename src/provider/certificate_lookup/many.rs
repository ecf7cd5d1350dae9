//! `data "atlas_user_certificates"`: all unexpired certificates of a database user.

use std::sync::Arc;

use tf_provider::{
    Attribute, Block, DataSource, Diagnostic, Diagnostics, Path, ReadDataRequest, ReadDataResponse,
    Schema, Type, Value, async_trait,
};

use super::{
    Lookup,
    listed::{self, ATTRIBUTES},
    user_arguments, validate_user,
};
use crate::provider::client::ProviderClient;

pub(super) struct UserCertificates(pub(super) Arc<ProviderClient>);

#[async_trait]
impl DataSource for UserCertificates {
    fn type_name(&self) -> &'static str {
        "atlas_user_certificates"
    }

    fn schema(&self) -> Schema {
        let mut attributes = user_arguments().to_vec();
        attributes.push(Attribute::new(WITHIN, Type::Number, WITHIN_DESCRIPTION).optional());
        let certificates = Type::list(listed::object_type());
        attributes.push(Attribute::new(
            "certificates",
            certificates,
            certificates_description(),
        ));
        Schema::new(Block {
            attributes,
            blocks: vec![],
            description: DESCRIPTION.to_owned(),
        })
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let mut problems = validate_user(config);
        problems.extend(within(config).err());
        problems
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        match read(&self.0, &request).await {
            Ok((certificates, warnings)) => {
                let mut state = request.config;
                state.set("certificates", Value::List(certificates));
                ReadDataResponse {
                    state,
                    diagnostics: warnings.into_iter().collect(),
                }
            }
            Err(problem) => ReadDataResponse {
                state: request.config,
                diagnostics: problem.into(),
            },
        }
    }
}

async fn read(
    client: &ProviderClient,
    request: &ReadDataRequest,
) -> Result<(Vec<Value>, Vec<Diagnostic>), Diagnostic> {
    let days = within(&request.config)?;
    let found = Lookup::run(client, request).await?;
    let now = found.listing.server_time;
    let until = days.and_then(|days| listed::after(now, days));
    let certificates = listed::sorted(&found.listing.certificates, now, until);
    let objects = certificates
        .into_iter()
        .map(listed::attributes)
        .map(Value::object)
        .collect();
    Ok((objects, found.warnings))
}

/// The days given; `None` where there are none or they are unknown.
fn within(config: &Value) -> Result<Option<i64>, Diagnostic> {
    let Some(number) = config.get(WITHIN).as_number() else {
        return Ok(None);
    };
    match number.as_i64() {
        Some(days @ 0..) => Ok(Some(days)),
        _ => Err(Diagnostic::error(
            "Invalid expiring_within_days",
            format!("A whole number of days, 0 or more, is needed, not {number}."),
        )
        .at(Path::attribute(WITHIN))),
    }
}

fn certificates_description() -> String {
    let fields = ATTRIBUTES.map(|(name, description)| format!("- `{name}`: {description}"));
    format!(
        "The certificates, sorted by their end and then by their id; empty if there are none. Each is an object of strings:\n{}",
        fields.join("\n")
    )
}

const WITHIN: &str = "expiring_within_days";

const WITHIN_DESCRIPTION: &str = "\
Only certificates that expire within that many days from now, by Atlas' clock: a whole number, 0 or more. Unset, all unexpired \
certificates.";

const DESCRIPTION: &str = "\
Lists all unexpired certificates that Atlas issued for a database user, whoever asked for them: those of Terraform, superseded ones \
that still authenticate, and those issued elsewhere. Private keys are shown by Atlas once, at the time of issue, and are not part of \
the list.

With `expiring_within_days` it finds what must be replaced soon. After a run in which the answer to a certificate request was lost, it \
finds the certificate that nobody has the key of.

Reading needs the role *Project Read Only* and nothing more. The list is read once per run and user, however many data sources and \
resources look at it.";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use tf_provider::Number;

    use super::*;

    #[test]
    fn days_are_a_whole_number_from_zero_or_not_known_yet() {
        let config = |days: Value| {
            let mut config = UserCertificates(Arc::default()).schema().block.empty();
            config.set("project_id", "32b6e34b3d91647abb20e7b8");
            config.set("username", "app");
            config.set(WITHIN, days);
            config
        };
        let check = |days: Value| UserCertificates(Arc::default()).validate(&config(days));
        for good in [
            Value::Null,
            Value::Unknown,
            0.into(),
            30.into(),
            i64::MAX.into(),
        ] {
            assert!(check(good.clone()).is_empty(), "{good:?}");
        }
        for bad in ["-1", "0.5", "1e400"] {
            let problems = check(Value::Number(Number::parse(bad).unwrap()));
            let paths: Vec<_> = problems
                .iter()
                .map(|p| p.path.clone().unwrap().to_string())
                .collect();
            assert_eq!(paths, [WITHIN], "{bad}");
        }
    }
}
