//! What is true at Atlas, and which certificates must not be lost.

use std::{cell::RefCell, collections::HashSet, time::Duration};

use local_atlas::{Certificate, DeletedUsers, LocalAtlas, X509Type};
use serde_json::Value as Json;

use super::{random::Random, stage::Report, table::time};
use crate::support::atlas::{PROJECT, atlas};

pub struct World {
    pub atlas: LocalAtlas,
    has_user: bool,
    leftovers: bool,
    /// Issued by somebody else.
    foreign: HashSet<u64>,
    /// Named to the user.
    told: RefCell<HashSet<u64>>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let atlas = atlas(&["app"]);
        let answers = [
            DeletedUsers::NotFound,
            DeletedUsers::EmptyList,
            DeletedUsers::Leftovers,
        ];
        let answer = answers[usize::try_from(seed % 3).unwrap()];
        atlas
            .control()
            .configure(|settings| settings.deleted_users = answer);
        let leftovers = answer == DeletedUsers::Leftovers;
        Self {
            atlas,
            has_user: true,
            leftovers,
            foreign: HashSet::new(),
            told: RefCell::default(),
        }
    }

    pub fn pass(&self, days: u64, minutes: u64) {
        self.atlas
            .control()
            .advance(Duration::from_secs((days * 24 * 60 + minutes) * 60));
    }

    pub fn toggle_user(&mut self) {
        if self.has_user {
            self.atlas.control().remove_user(PROJECT, "app");
        } else {
            self.atlas
                .control()
                .add_user(PROJECT, "app", X509Type::Managed);
        }
        self.has_user = !self.has_user;
    }

    pub fn has_user(&self) -> bool {
        self.has_user
    }

    pub fn withdraw(&self, random: &mut Random) {
        // Within ten minutes of its issue, an unlisted certificate counts as active.
        self.atlas
            .control()
            .advance(std::time::Duration::from_secs(11 * 60));
        let valid: Vec<_> = self.valid().map(|certificate| certificate.id).collect();
        if !valid.is_empty() {
            self.atlas.control().unlist_certificate(random.of(&valid));
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
        (self.has_user || self.leftovers)
            && self
                .valid()
                .any(|certificate| certificate.id.to_string() == id)
    }

    /// Whether the certificate of the object authenticates, or will when the user is back.
    pub fn is_valid(&self, object: &Json) -> bool {
        let id = object["certificate_id"].as_str().unwrap();
        self.valid()
            .any(|certificate| certificate.id.to_string() == id)
    }

    /// An id to import by, if there is a certificate to import.
    pub fn importable(&self, random: &mut Random) -> Option<String> {
        let valid: Vec<_> = self.valid().map(|certificate| certificate.id).collect();
        if valid.is_empty() || !self.has_user {
            return None;
        }
        Some(match random.below(3) {
            0 => format!("{PROJECT}/app"),
            1 => format!("{PROJECT}-app"),
            _ => format!("{PROJECT}/app/{}", random.of(&valid)),
        })
    }

    /// Remembers which certificates errors and farewells named.
    pub fn note(&self, report: &Report) {
        let text = report.text();
        let named = self
            .atlas
            .control()
            .certificates(PROJECT, "app")
            .into_iter()
            .map(|certificate| certificate.id);
        self.told
            .borrow_mut()
            .extend(named.filter(|id| text.contains(&id.to_string())));
    }

    /// Certificates that authenticate and that neither the object nor anything told accounts for.
    pub fn lost(&self, object: Option<&Json>) -> Vec<u64> {
        let in_state = |certificate: &Certificate| {
            object.is_some_and(|object| {
                let id = certificate.id.to_string();
                let held = object["certificate_id"] == id
                    && object["combined_pem"] == certificate.combined_pem();
                let ledger = object["superseded_certificates"].as_array().unwrap();
                held || ledger.iter().any(|entry| {
                    entry["certificate_id"] == id
                        && time(&entry["not_after"]) == certificate.not_after
                })
            })
        };
        self.valid()
            .filter(|certificate| {
                !self.foreign.contains(&certificate.id)
                    && !self.told.borrow().contains(&certificate.id)
            })
            .filter(|certificate| !in_state(certificate))
            .map(|certificate| certificate.id)
            .collect()
    }

    fn valid(&self) -> impl Iterator<Item = Certificate> {
        let now = self.atlas.control().now();
        let all = self
            .atlas
            .control()
            .certificates(PROJECT, "app")
            .into_iter();
        all.filter(move |certificate| !certificate.unlisted && certificate.not_after > now)
    }
}
