//! The list resource `atlas_user_certificate`, for `terraform query`: the database users of a project that have an unexpired
//! certificate; and the configuration that Terraform generates for one.

use std::{pin::pin, sync::Arc};

use futures_util::StreamExt as _;
use tf_provider::{
    Attribute, Block, Diagnostic, Diagnostics, ListEvent, ListRequest, ListResource, ListResults,
    ListedResource, Schema, Severity, Type, Value, async_trait,
};

use super::{
    TYPE_NAME, identity,
    import::imported_object,
    model::{Attr, Status, UserCertificate},
};
use crate::{
    atlas::{CertificateList, ProjectId, Username},
    provider::{
        arguments::{self, required},
        client::ProviderClient,
        inventory::{certificates, managed_users},
    },
};

/// The list resource.
pub(crate) struct UserCertificateList(pub(crate) Arc<ProviderClient>);

#[async_trait]
impl ListResource for UserCertificateList {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        Schema::new(Block {
            attributes: vec![
                Attribute::new("project_id", Type::String, PROJECT_DESCRIPTION).required(),
                Attribute::new("username", Type::String, USERNAME_DESCRIPTION).optional(),
            ],
            blocks: vec![],
            description: DESCRIPTION.to_owned(),
        })
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let problems = [arguments::project_id(config).err(), arguments::username(config).err()];
        problems.into_iter().flatten().collect()
    }

    async fn list(
        &self,
        request: ListRequest,
        results: &mut dyn ListResults,
    ) -> Result<(), Diagnostics> {
        let (config, cancel) = (&request.config, &request.cancel);
        let project = required(arguments::project_id(config)?, "project_id")?;
        let username = arguments::username(config)?;
        let session = self.0.session()?;
        if request.limit == 0 {
            return Ok(());
        }
        let result = |username: &Username, list: &CertificateList| {
            listed_resource(&project, username, list, request.include_resource)
        };
        if let Some(username) = username {
            let list = certificates(&session, &project, &username, cancel).await?;
            if let Some(found) = result(&username, &list) {
                let _ = results.send(ListEvent::Found(found)).await;
            }
            return Ok(());
        }
        // The host discards all results if the list fails, so a user that cannot be read is a warning, unless none can be.
        let (mut unread, mut any_read) = (Vec::new(), false);
        let mut lists = pin!(managed_users(&session, &project, cancel).await?);
        while let Some(list) = lists.next().await {
            let mut events = Vec::new();
            match list {
                Ok((username, list)) => {
                    any_read = true;
                    events.extend(result(&username, &list).map(ListEvent::Found));
                }
                Err(problem) => unread.push(problem),
            }
            if any_read {
                events.extend(unread.drain(..).map(warning));
            }
            for event in events {
                if results.send(event).await.is_break() {
                    return Ok(());
                }
            }
        }
        if unread.is_empty() { Ok(()) } else { Err(unread.into_iter().collect()) }
    }
}

/// The result for a user; `None` if the list contains no unexpired certificate.
fn listed_resource(
    project: &ProjectId,
    username: &Username,
    list: &CertificateList,
    include_resource: bool,
) -> Option<ListedResource> {
    let newest = list.newest()?;
    let valid =
        list.certificates.iter().filter(|certificate| certificate.is_valid_at(list.server_time));
    let date = newest.not_after.strftime("%Y-%m-%d");
    let certificates = match valid.count() {
        1 => format!("1 certificate, expires {date}"),
        count => format!("{count} certificates, newest expires {date}"),
    };
    let object = imported_object(project, username, newest, list.server_time).into_value();
    Some(ListedResource {
        identity: identity::identity(&object)?,
        display_name: format!("{username}: {certificates}"),
        object: include_resource.then_some(object),
    })
}

fn warning(mut problem: Diagnostic) -> ListEvent {
    problem.severity = Severity::Warning;
    ListEvent::Warning(problem)
}

/// The configuration for `-generate-config-out`, with which an imported certificate plans no change.
pub(super) fn generate_config(state: &Value) -> Value {
    let (object, _) = UserCertificate::decode(state);
    let would_renew = matches!(
        object.status,
        Attr::Known(Status::RenewalDue | Status::Expired | Status::Missing)
    );
    let config = UserCertificate {
        project_id: object.project_id,
        username: object.username,
        months_until_expiration: object.months_until_expiration,
        auto_renew: if would_renew { Attr::Known(false) } else { Attr::Null },
        ..UserCertificate::default()
    };
    config.into_value()
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

    #[test]
    fn the_generated_configuration_has_only_the_arguments_of_the_certificate() {
        for (status, auto_renew) in [
            (Status::Active, Value::Null),
            (Status::UserMissing, Value::Null),
            (Status::RenewalDue, false.into()),
            (Status::Expired, false.into()),
            (Status::Missing, false.into()),
        ] {
            let state = UserCertificate {
                status: Attr::Known(status),
                subject: Attr::Known("CN=app".to_owned()),
                ..UserCertificate::default()
            };
            let mut state = state.into_value();
            state.set("project_id", "32b6e34b3d91647abb20e7b8");
            state.set("username", "app");
            state.set("months_until_expiration", 3);
            let config = generate_config(&state);
            let mut expected = UserCertificate::default().into_value();
            expected.set("project_id", "32b6e34b3d91647abb20e7b8");
            expected.set("username", "app");
            expected.set("months_until_expiration", 3);
            expected.set("auto_renew", auto_renew);
            assert_eq!(config, expected);
        }
    }
}
