//! Projects with their database users, and the certificates issued to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The X.509 authentication of a database user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum X509Type {
    /// None.
    None,
    /// Certificates of Atlas's own certificate authority.
    #[default]
    Managed,
    /// Certificates of the customer's certificate authority.
    Customer,
}

/// The response for a project that is not visible to the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingProject {
    /// 404 `GROUP_NOT_FOUND`.
    #[default]
    GroupNotFound,
    /// 404 `INVALID_GROUP_ID`.
    InvalidGroupId,
}

/// One project.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// By authentication database and name.
    pub(crate) users: BTreeMap<(String, String), X509Type>,
    /// Whether the customer's own certificate authority is set: Atlas then issues no certificates.
    pub(crate) customer_ca: bool,
    /// Set while every API request for the project is refused.
    pub(crate) hidden: Option<MissingProject>,
}

impl Project {
    /// A user of this name in any authentication database, `$external` first.
    pub(crate) fn any(&self, name: &str) -> Option<X509Type> {
        // `$` sorts before letters.
        self.users.iter().find(|((_, it), _)| it == name).map(|(_, kind)| *kind)
    }

    /// The user that a certificate with this common name logs in as. Only the subject decides.
    pub(crate) fn user_of(&self, common_name: &str) -> Option<String> {
        let mut users = self.users.iter().filter(|((database, name), kind)| {
            let external = database == EXTERNAL && **kind == X509Type::Managed;
            external && self::common_name(name) == common_name
        });
        users.next().map(|((_, name), _)| name.clone())
    }
}

/// The common name that Atlas puts into a certificate: the managed name without a leading `CN=`.
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

/// A certificate that was issued, expired or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// The project that issued it.
    pub project: String,
    /// The database user's name.
    pub user: String,
    /// Atlas's `_id`: the X.509 serial number.
    pub id: u64,
    /// The same in lower-case hex, in whole bytes.
    pub serial: String,
    /// `createdAt` of the list and `notBefore`: an hour before the issue.
    pub created_at: Timestamp,
    /// The expiry.
    pub not_after: Timestamp,
    /// The requested validity.
    pub months: u32,
    /// Whether it is missing from lists although it has not expired.
    pub unlisted: bool,
    /// The certificate alone.
    pub certificate_pem: String,
    /// Its private key, which Atlas would not keep.
    pub key_pem: String,
}

impl Certificate {
    /// The text of the 201 response: certificate, then key.
    pub fn combined_pem(&self) -> String {
        format!("{}{}", self.certificate_pem, self.key_pem)
    }

    /// The item of the list.
    pub(crate) fn item(&self) -> Value {
        json!({
            "_id": self.id,
            "createdAt": self.created_at.to_string(),
            "groupId": self.project,
            "notAfter": self.not_after.to_string(),
            "subject": format!("CN={}", escape(common_name(&self.user))),
        })
    }
}

/// An attribute value as RFC 2253 writes it.
fn escape(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (at, character) in value.chars().enumerate() {
        let space = character == ' ' && (at == 0 || at == last);
        if ",+\"\\<>;".contains(character) || space || (character == '#' && at == 0) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
