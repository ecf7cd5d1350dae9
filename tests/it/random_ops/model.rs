//! The state of Atlas, and which certificates must not be lost.

use std::{collections::HashSet, time::Duration};

use fastrand::Rng;
use local_atlas::{Certificate, DeletedUsers, LocalAtlas, X509Type};
use serde_json::Value as Json;

use super::{choice, oracle::time};
use crate::support::atlas::{PROJECT, atlas};

pub struct AtlasModel {
    pub atlas: LocalAtlas,
    has_user: bool,
    /// Whether Atlas lists the certificates of a deleted user.
    lists_leftovers: bool,
    /// Issued for another client.
    foreign: HashSet<u64>,
    /// Named to the user.
    reported: HashSet<u64>,
}

impl AtlasModel {
    pub fn new(seed: u64) -> Self {
        let atlas = atlas(&["app"]);
        let response = match seed % 3 {
            0 => DeletedUsers::NotFound,
            1 => DeletedUsers::EmptyList,
            _ => DeletedUsers::Leftovers,
        };
        atlas.control().configure(|settings| settings.deleted_users = response);
        Self {
            atlas,
            has_user: true,
            lists_leftovers: response == DeletedUsers::Leftovers,
            foreign: HashSet::new(),
            reported: HashSet::new(),
        }
    }

    pub fn advance(&self, days: u64, minutes: u64) {
        let minutes = days * 24 * 60 + minutes;
        self.atlas.control().advance(Duration::from_secs(minutes * 60));
    }

    pub fn toggle_user(&mut self) {
        let control = self.atlas.control();
        if self.has_user {
            control.remove_user(PROJECT, "app");
        } else {
            control.add_user(PROJECT, "app", X509Type::Managed);
        }
        self.has_user = !self.has_user;
    }

    pub fn has_user(&self) -> bool {
        self.has_user
    }

    pub fn unlist(&self, rng: &mut Rng) {
        self.advance(0, 11); // within ten minutes of its issue, an unlisted certificate counts as active
        let valid: Vec<_> = self.valid().map(|certificate| certificate.id).collect();
        if !valid.is_empty() {
            self.atlas.control().unlist_certificate(choice(rng, &valid));
        }
    }

    pub fn issue_elsewhere(&mut self) {
        if self.has_user {
            let certificate = self.atlas.control().issue(PROJECT, "app", 3);
            self.foreign.insert(certificate.id);
        }
    }

    /// Whether Atlas lists the certificate.
    pub fn lists(&self, id: &str) -> bool {
        let listed = self.has_user || self.lists_leftovers;
        listed && self.valid().any(|certificate| certificate.id.to_string() == id)
    }

    /// Whether the certificate of the object authenticates, or will once the user exists again.
    pub fn is_valid(&self, object: &Json) -> bool {
        let ids = self.valid().map(|certificate| certificate.id.to_string());
        ids.into_iter().any(|id| object["certificate_id"] == id)
    }

    /// An import id, if there is a certificate to import.
    pub fn importable(&self, rng: &mut Rng) -> Option<String> {
        let valid: Vec<_> = self.valid().map(|certificate| certificate.id).collect();
        if valid.is_empty() || !self.has_user {
            return None;
        }
        Some(match rng.u8(0..3) {
            0 => format!("{PROJECT}/app"),
            1 => format!("{PROJECT}-app"),
            _ => format!("{PROJECT}/app/{}", choice(rng, &valid)),
        })
    }

    /// Records the certificates that are named in a text shown to the user.
    pub fn record_reported(&mut self, text: &str) {
        let all = self.atlas.control().certificates(PROJECT, "app");
        let ids = all.iter().map(|certificate| certificate.id);
        self.reported.extend(ids.filter(|id| text.contains(&id.to_string())));
    }

    /// The certificates that authenticate, and are neither in the object nor reported.
    pub fn lost(&self, object: Option<&Json>) -> Vec<u64> {
        let in_state = |certificate: &Certificate| {
            object.is_some_and(|object| {
                let id = certificate.id.to_string();
                let mut superseded = object["superseded_certificates"].as_array().unwrap().iter();
                let held = object["certificate_id"] == id
                    && object["combined_pem"] == certificate.combined_pem();
                held || superseded.any(|entry| {
                    entry["certificate_id"] == id
                        && time(&entry["not_after"]) == certificate.not_after
                })
            })
        };
        let ours =
            |it: &Certificate| !self.foreign.contains(&it.id) && !self.reported.contains(&it.id);
        let lost = self.valid().filter(|it| ours(it) && !in_state(it));
        lost.map(|certificate| certificate.id).collect()
    }

    fn valid(&self) -> impl Iterator<Item = Certificate> {
        let now = self.atlas.control().now();
        let all = self.atlas.control().certificates(PROJECT, "app").into_iter();
        all.filter(move |certificate| !certificate.unlisted && certificate.not_after > now)
    }
}
