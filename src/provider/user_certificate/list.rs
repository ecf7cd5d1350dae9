//! The list resource `atlas_user_certificate`, for `terraform query`: the database users of a project that have an
//! unexpired certificate; and the configuration that Terraform generates for one.

use std::{pin::pin, sync::Arc};

use futures_util::StreamExt as _;
use tf_provider::{
    Attribute, Diagnostic, Diagnostics, ListRequest, ListResource, ListResponse, ListedResource,
    Schema, Severity, Type, Value, async_trait,
};

use super::{
    TYPE_NAME,
    import::imported_object,
    model::{Attr, UserCertificate},
    renewal,
};
use crate::{
    atlas::CertificateList,
    provider::{
        arguments::{UserId, schema, validate_user},
        client::ProviderClient,
        inventory::{lists, unexpired},
    },
};

pub(crate) struct UserCertificateList(pub(crate) Arc<ProviderClient>);

#[async_trait]
impl ListResource for UserCertificateList {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        let attributes = vec![
            Attribute::new("project_id", Type::String, PROJECT_DESCRIPTION).required(),
            Attribute::new("username", Type::String, USERNAME_DESCRIPTION).optional(),
        ];
        schema(attributes, DESCRIPTION)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate_user(config).collect()
    }

    async fn list(&self, request: ListRequest) -> Result<ListResponse, Diagnostics> {
        let ListRequest { config, include_resource, limit, cancel } = &request;
        let session = self.0.session()?;
        let (mut found, mut unread, mut any_read) = (Vec::new(), Diagnostics::new(), false);
        let mut lists = pin!(lists(&session, config, cancel).await?);
        while found.len() < *limit
            && let Some(list) = lists.next().await
        {
            match list {
                Ok((user, list)) => {
                    any_read = true;
                    found.extend(listed_resource(user, &list, *include_resource));
                }
                Err(problem) => unread.push(problem),
            }
        }
        // The host discards all results if the list fails: an unreadable user is a warning, unless all are.
        if !any_read && !unread.is_empty() {
            return Err(unread);
        }
        let warning = |problem| Diagnostic { severity: Severity::Warning, ..problem };
        Ok(ListResponse { found, warnings: unread.into_iter().map(warning).collect() })
    }
}

/// The result for a user; `None` if the list contains no unexpired certificate.
fn listed_resource(
    user: UserId,
    list: &CertificateList,
    include_resource: bool,
) -> Option<ListedResource> {
    let newest = list.newest()?;
    let date = newest.not_after.strftime("%Y-%m-%d");
    let display_name = match unexpired(list).count() {
        1 => format!("{}: 1 certificate, expires {date}", user.username),
        count => format!("{}: {count} certificates, newest expires {date}", user.username),
    };
    let object = imported_object(user, newest, list.server_time).into_value();
    Some(ListedResource {
        identity: UserCertificate::identity(&object)?,
        display_name,
        object: include_resource.then_some(object),
    })
}

/// The configuration for `-generate-config-out`, with which an imported certificate plans no change.
pub(super) fn generated_config(object: UserCertificate) -> UserCertificate {
    let is_due = renewal::needs_renewal(&object, &object) == Some(true);
    UserCertificate {
        project_id: object.project_id,
        username: object.username,
        months_until_expiration: object.months_until_expiration,
        auto_renew: if is_due { Attr::Known(false) } else { Attr::Null },
        ..UserCertificate::default()
    }
}

const PROJECT_DESCRIPTION: &str = "The project whose database users are listed: 24 lower-case hexadecimal digits (the API's `groupId`).";

const USERNAME_DESCRIPTION: &str = "\
One database user in `$external`: the plain name, without `CN=`. Unset, every user of the project whose certificates Atlas issues.";

const DESCRIPTION: &str = "\
Finds the database users of a project that have an unexpired certificate, for `terraform query` (Terraform 1.14 or later). There is one \
result for each user; with `include_resource` it has the attributes of the user's newest certificate. `terraform query \
-generate-config-out=FILE` writes `import` blocks and resources that plan nothing after the import: a certificate that is due for \
renewal gets `auto_renew = false`.

Terraform returns at most 100 results unless `limit` is set. A user whose certificates cannot be read is a warning. Certificates of \
deleted users cannot be found: no API call lists them. Private keys are not part of the result.

Reading requires the role *Project Read Only* and no other.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        atlas::{Months, ProjectId, Username},
        provider::user_certificate::model::Status,
    };

    #[test]
    fn the_generated_configuration_has_only_the_arguments_of_the_certificate() {
        for (status, auto_renew) in [
            (Status::Active, Attr::Null),
            (Status::UserMissing, Attr::Null),
            (Status::RenewalDue, Attr::Known(false)),
            (Status::Expired, Attr::Known(false)),
            (Status::Missing, Attr::Known(false)),
        ] {
            let arguments = UserCertificate {
                project_id: ProjectId::parse("32b6e34b3d91647abb20e7b8").ok().into(),
                username: Username::parse("app").ok().into(),
                months_until_expiration: Months::parse(3).ok().into(),
                ..UserCertificate::default()
            };
            let state = UserCertificate {
                status: Attr::Known(status),
                subject: Attr::Known("CN=app".to_owned()),
                ..arguments.clone()
            };
            let expected = UserCertificate { auto_renew, ..arguments };
            assert_eq!(generated_config(state).into_value(), expected.into_value());
        }
    }
}
