//! The provider's process, started as a host starts it, with a temporary folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use local_atlas::LocalAtlas;
use serde_json::json;
use tempfile::TempDir;
use tf_harness::{
    core::{Core, Settings},
    plugin::{Provider, SpawnOptions},
};

use super::{atlas::login, terraform::provider};

/// Longer than anything awaited takes on the busiest machine; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The folder that a process takes for the system's temporary one: what it leaves behind is seen.
pub struct Temporary(TempDir);

impl Temporary {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The provider, started as a host does.
    pub fn options(&self) -> SpawnOptions {
        SpawnOptions::new(provider()).env("TMPDIR", self.0.path())
    }

    /// The provider, started as a person does.
    pub fn by_hand(&self) -> SpawnOptions {
        SpawnOptions::standalone(provider()).env("TMPDIR", self.0.path())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Everything directly in it.
    pub fn entries(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path()).expect("the folder is there");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

/// A provider that may log in to `atlas` and is configured with an empty block.
pub async fn configured(atlas: &LocalAtlas, options: SpawnOptions) -> Core {
    let provider = Provider::spawn(options.envs(login(atlas)))
        .await
        .expect("the provider starts");
    let core = Core::new(provider, Settings::default())
        .await
        .expect("a sound schema");
    core.configure(json!({}))
        .await
        .expect("a sound answer")
        .ok()
        .expect("a login");
    core
}
