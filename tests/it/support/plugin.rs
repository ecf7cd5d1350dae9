//! The provider's process, started as a host starts it, with a temporary folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use local_atlas::LocalAtlas;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tf_harness::{
    core::{Core, Settings},
    plugin::{Provider, SpawnOptions},
};

use super::{atlas::login, terraform::provider};

/// Longer than anything awaited takes on the busiest machine; a test that waits so long has failed.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The folder that a process takes for the system's temporary one: what it leaves behind is seen.
pub struct ScratchDir(TempDir);

impl ScratchDir {
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
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// A provider that may log in to `atlas` and is configured with an empty block.
pub async fn configured(atlas: &LocalAtlas, options: SpawnOptions) -> Core {
    let core = started(options.envs(login(atlas))).await;
    configure(&core, json!({})).await;
    core
}

/// A provider that has returned its schema and is not configured.
pub async fn started(options: SpawnOptions) -> Core {
    let provider = Provider::spawn(options).await;
    let core = Core::new(provider.expect("the provider starts"), Settings::default());
    core.await.expect("a valid schema")
}

/// Configures the provider with this block, which it accepts.
pub async fn configure(core: &Core, block: Json) {
    let diagnostics = core.configure(block).await.expect("a valid response");
    diagnostics.ok().unwrap_or_else(|refused| panic!("{refused}"));
}
