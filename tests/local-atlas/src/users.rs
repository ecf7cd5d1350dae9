//! Projects and their database users.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::shared::Shared;

/// How a database user proves itself with X.509.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum X509Type {
    /// Not at all.
    #[default]
    None,
    /// With certificates of Atlas' own authority.
    Managed,
    /// With certificates of the customer's authority.
    Customer,
}

/// The response for a project that is not visible to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingProject {
    /// 404 `GROUP_NOT_FOUND`.
    GroupNotFound,
    /// 404 `INVALID_GROUP_ID`.
    InvalidGroupId,
}

/// All projects.
#[derive(Debug, Default)]
pub(crate) struct Directory(Shared<BTreeMap<String, Project>>);

/// One project.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// Keyed by authentication database and name.
    pub(crate) users: BTreeMap<(String, String), User>,
    /// The customer's own authorities; managed certificates cannot be issued while they are set.
    pub(crate) customer_ca: Option<String>,
    /// Set while every API request for the project is refused.
    pub(crate) hidden: Option<MissingProject>,
}

/// A database user: its members as the API shows them.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) x509_type: X509Type,
    pub(crate) members: Map<String, Value>,
}

impl Directory {
    pub(crate) fn add_project(&self, project: &str) {
        self.0.lock().entry(project.to_owned()).or_default();
    }

    pub(crate) fn remove_project(&self, project: &str) {
        self.0.lock().remove(project);
    }

    /// Runs `act` on the project; `None` if there is none of this id.
    pub(crate) fn project<T>(
        &self,
        project: &str,
        act: impl FnOnce(&mut Project) -> T,
    ) -> Option<T> {
        self.0.lock().get_mut(project).map(act)
    }

    pub(crate) fn projects(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }

    /// The user that a certificate with this common name logs in as: the subject decides, and
    /// nothing else.
    pub(crate) fn mapped(&self, project: &str, common_name: &str) -> Option<String> {
        let managed = |project: &mut Project| {
            let users = project.users.iter();
            let mut fitting = users.filter(|((database, name), user)| {
                let external = database == EXTERNAL && user.x509_type == X509Type::Managed;
                external && self::common_name(name) == common_name
            });
            fitting.next().map(|((_, name), _)| name.clone())
        };
        self.project(project, managed).flatten()
    }
}

impl Project {
    /// The X.509 user of this name, which lives in `$external`.
    pub(crate) fn external(&self, name: &str) -> Option<&User> {
        self.users.get(&(EXTERNAL.to_owned(), name.to_owned()))
    }

    /// A user of this name in any authentication database, `$external` first.
    pub(crate) fn any(&self, name: &str) -> Option<&User> {
        self.external(name).or_else(|| {
            self.users
                .iter()
                .find(|((_, it), _)| it == name)
                .map(|(_, user)| user)
        })
    }

    pub(crate) fn put(&mut self, database: &str, name: &str, user: User) {
        self.users
            .insert((database.to_owned(), name.to_owned()), user);
    }
}

impl User {
    /// A user as Terraform would have made it.
    pub(crate) fn new(project: &str, database: &str, name: &str, x509_type: X509Type) -> Self {
        let mut members = Self::defaults(project, database, name);
        members.insert(
            "roles".to_owned(),
            json!([{ "databaseName": "admin", "roleName": "atlasAdmin" }]),
        );
        members.insert("x509Type".to_owned(), json!(x509_type));
        Self { x509_type, members }
    }

    pub(crate) fn defaults(project: &str, database: &str, name: &str) -> Map<String, Value> {
        let members = json!({
            "awsIAMType": "NONE", "databaseName": database, "groupId": project, "labels": [],
            "ldapAuthType": "NONE", "oidcAuthType": "NONE", "roles": [], "scopes": [],
            "username": name, "x509Type": "NONE",
        });
        members.as_object().cloned().unwrap_or_default()
    }
}

/// The common name Atlas puts into a certificate: the managed name without a `CN=` in front.
pub(crate) fn common_name(username: &str) -> &str {
    match username.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("CN=") => &username[3..],
        _ => username,
    }
}

/// A managed name is a plain one or `CN=<name>`; further attributes make it a distinguished name.
pub(crate) fn is_managed_name(username: &str) -> bool {
    let parts: Vec<&str> = username.split(',').collect();
    let distinguished = parts.len() > 1 && parts.iter().all(|part| part.contains('='));
    !common_name(username).is_empty() && !distinguished
}

/// The authentication database of X.509 users.
pub(crate) const EXTERNAL: &str = "$external";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn tells_managed_names_from_distinguished_names() {
        for (name, managed, common) in [
            ("app-user", true, "app-user"),
            ("cn=app-user", true, "app-user"),
            ("a,b", true, "a,b"),
            ("CN=a,OU=b", false, "a,OU=b"),
            ("CN=", false, ""),
        ] {
            assert_eq!(is_managed_name(name), managed, "{name}");
            assert_eq!(common_name(name), common);
        }
    }
}
