//! The local Atlas that everything is measured against: ready-made keys, no limits.

use std::collections::BTreeMap;

use local_atlas::{LocalAtlas, Options, Settings, X509Type};

use crate::Failure;

/// The project of all certificates.
pub(super) const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

/// A server with the users `bench-0`, `bench-1` and so on.
pub(super) struct Server(LocalAtlas);

impl Server {
    pub(super) fn start(users: usize) -> Result<Self, Failure> {
        let options = Options {
            settings: Settings::unlimited(),
            ..Options::default()
        };
        let atlas = LocalAtlas::start(options)
            .map_err(|error| Failure::Failed(format!("the local Atlas does not start: {error}")))?;
        for index in 0..users {
            atlas
                .control()
                .add_user(PROJECT, &format!("bench-{index}"), X509Type::Managed);
        }
        // The first certificate of a project has its authority made, and each key of the pool is read once.
        atlas
            .control()
            .add_user(PROJECT, "warm-up", X509Type::Managed);
        for _ in 0..POOL {
            atlas.control().issue(PROJECT, "warm-up", 1);
        }
        Ok(Self(atlas))
    }

    /// The environment that logs in.
    pub(super) fn login(&self) -> Vec<(&'static str, String)> {
        let credentials = self.0.control().credentials();
        vec![
            ("MONGODB_ATLAS_BASE_URL", self.0.base_url()),
            ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
            ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
        ]
    }

    /// The requests since the last time, by endpoint.
    pub(super) fn take_requests(&self) -> Requests {
        let mut counts = Requests::new();
        for request in self.0.control().requests() {
            let name = request
                .endpoint
                .map_or_else(|| "unknown".to_owned(), |endpoint| format!("{endpoint:?}"));
            *counts.entry(name).or_default() += 1;
        }
        self.0.control().clear_requests();
        counts
    }
}

/// How many requests went to each endpoint.
pub(super) type Requests = BTreeMap<String, usize>;

/// As many as the local Atlas has ready-made keys.
const POOL: usize = 16;
