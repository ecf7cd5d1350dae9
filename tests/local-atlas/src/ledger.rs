//! Every certificate ever issued. Nothing here is ever deleted: Atlas cannot revoke.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::authority::Signed;
use crate::clock::shifted;
use crate::hex;
use crate::shared::Shared;
use crate::users::common_name;

/// All certificates in the order of their issue.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Shared<Vec<Certificate>>);

/// A certificate that was issued, expired or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// The project it was issued in.
    pub project: String,
    /// The database user's name.
    pub user: String,
    /// Atlas' `_id`: the X.509 serial.
    pub id: u64,
    /// The same in lower-case hex, in whole bytes.
    pub serial: String,
    /// `createdAt` of the list and `notBefore`: an hour before the issue.
    pub created_at: Timestamp,
    /// When it expires.
    pub not_after: Timestamp,
    /// Months asked for.
    pub months: u32,
    /// Whether it no longer appears in lists although it has not expired.
    pub withdrawn: bool,
    /// The certificate alone.
    pub certificate_pem: String,
    /// Its private key, which Atlas would have forgotten.
    pub key_pem: String,
}

impl Ledger {
    /// Enters a new certificate, unless the user already has `limit` unexpired ones.
    pub(crate) fn enter(
        &self,
        certificate: Certificate,
        limit: Option<usize>,
        now: Timestamp,
    ) -> bool {
        let mut certificates = self.0.lock();
        let (project, user) = (&certificate.project, &certificate.user);
        if limit.is_some_and(|limit| live(&certificates, project, user, now) >= limit) {
            return false;
        }
        certificates.push(certificate);
        true
    }

    /// How many unexpired certificates a user has.
    pub(crate) fn live_count(&self, project: &str, user: &str, now: Timestamp) -> usize {
        live(&self.0.lock(), project, user, now)
    }

    /// Unexpired certificates of a user, oldest first.
    pub(crate) fn listed(&self, project: &str, user: &str, now: Timestamp) -> Vec<Certificate> {
        let mut found = self.of(project, user);
        found.retain(|certificate| certificate.is_listed(now));
        found.sort_by_key(|certificate| certificate.created_at);
        found
    }

    /// Every certificate of a user, expired and withdrawn ones too, in the order of their issue.
    pub(crate) fn of(&self, project: &str, user: &str) -> Vec<Certificate> {
        self.0
            .lock()
            .iter()
            .filter(|it| it.belongs_to(project, user))
            .cloned()
            .collect()
    }

    pub(crate) fn all(&self) -> Vec<Certificate> {
        self.0.lock().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Takes a certificate off the lists; false if there is none of this id.
    pub(crate) fn withdraw(&self, id: u64) -> bool {
        let mut certificates = self.0.lock();
        let found = certificates
            .iter_mut()
            .find(|certificate| certificate.id == id);
        found
            .map(|certificate| certificate.withdrawn = true)
            .is_some()
    }

    pub(crate) fn is_withdrawn(&self, id: u64) -> bool {
        self.0
            .lock()
            .iter()
            .any(|certificate| certificate.id == id && certificate.withdrawn)
    }
}

impl Certificate {
    pub(crate) fn new(project: &str, user: &str, months: u32, signed: Signed) -> Self {
        Self {
            project: project.to_owned(),
            user: user.to_owned(),
            id: signed.serial,
            serial: hex::whole_bytes(signed.serial),
            created_at: signed.not_before,
            not_after: signed.not_after,
            months,
            withdrawn: false,
            certificate_pem: signed.certificate_pem,
            key_pem: signed.key_pem,
        }
    }

    /// The text of the 201 answer: certificate, then key.
    pub fn combined_pem(&self) -> String {
        format!("{}{}", self.certificate_pem, self.key_pem)
    }

    /// When it was really issued.
    pub fn issued_at(&self) -> Timestamp {
        shifted(self.created_at, SignedDuration::from_hours(1))
    }

    /// The item of the list.
    pub(crate) fn item(&self) -> Value {
        json!({
            "_id": self.id,
            "createdAt": self.created_at.to_string(),
            "groupId": self.project,
            "notAfter": self.not_after.to_string(),
            "subject": format!("CN={}", escaped(common_name(&self.user))),
        })
    }

    fn belongs_to(&self, project: &str, user: &str) -> bool {
        self.project == project && self.user == user
    }

    fn is_listed(&self, now: Timestamp) -> bool {
        !self.withdrawn && now < self.not_after
    }
}

fn live(certificates: &[Certificate], project: &str, user: &str, now: Timestamp) -> usize {
    let live = |it: &&Certificate| it.belongs_to(project, user) && it.is_listed(now);
    certificates.iter().filter(live).count()
}

/// An attribute value as RFC 2253 writes it.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (at, character) in value.chars().enumerate() {
        let special = ",+\"\\<>;".contains(character)
            || (character == ' ' && (at == 0 || at == last))
            || (character == '#' && at == 0);
        if special {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn escapes_names_as_rfc_2253_does() {
        for (name, text) in [
            ("app-user", "app-user"),
            ("a,b+c", "a\\,b\\+c"),
            (" #a ", "\\ #a\\ "),
            ("#a", "\\#a"),
            ("Zoë", "Zoë"),
        ] {
            assert_eq!(escaped(name), text);
        }
    }
}
