//! A local Atlas with the users that tests name.

use local_atlas::{LocalAtlas, Options, Settings, X509Type};

/// The project that tests use unless they need two.
pub const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

/// A local Atlas without rate limits, with these MANAGED users.
pub fn atlas(users: &[&str]) -> LocalAtlas {
    let atlas =
        LocalAtlas::start(Options { settings: Settings::unlimited(), ..Options::default() })
            .expect("local Atlas starts on a free port");
    atlas.control().add_project(PROJECT);
    for user in users {
        atlas.control().add_user(PROJECT, user, X509Type::Managed);
    }
    atlas
}

/// The environment that logs in with the service account.
pub fn login(atlas: &LocalAtlas) -> Vec<(&'static str, String)> {
    let credentials = atlas.control().credentials();
    vec![
        ("MONGODB_ATLAS_BASE_URL", atlas.base_url()),
        ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
        ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
    ]
}

/// Removes every certificate from the lists.
pub fn unlist_all(atlas: &LocalAtlas) {
    for certificate in atlas.control().all_certificates() {
        atlas.control().unlist_certificate(certificate.id);
    }
}
