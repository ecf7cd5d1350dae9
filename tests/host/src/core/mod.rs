//! Terraform core: its call sequences, its checks of every answer, and what it would store.
//!
//! An `Err` means that core would blame the provider (or the test: a configuration that core itself
//! refuses). Refusals by the provider are diagnostics in an `Ok`.

mod apply;
mod calls;
mod data;
mod ephemeral;
mod error;
mod function;
mod import;
mod instance;
mod lifecycle;
mod plan;
mod provider;
mod refresh;
mod resource;
mod settings;
mod settle;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub use self::apply::Outcome;
pub use self::data::DataRead;
pub use self::ephemeral::{Ephemeral, Opened};
pub use self::error::Error;
pub use self::function::FunctionError;
pub use self::import::{Imported, MoveSource};
pub use self::instance::ResourceInstance;
pub use self::lifecycle::{IgnoreChanges, Lifecycle};
pub use self::plan::{Action, Plan};
pub use self::refresh::Refreshed;
pub use self::resource::Resource;
pub use self::settings::{Capabilities, Host, Settings, Walk};

use crate::provider::Provider;
use crate::schema::ProviderSchema;
use crate::value::Value;

/// Core with one provider process. Clones share everything; calls may run at once.
#[derive(Clone, Debug)]
pub struct Core {
    provider: Provider,
    schema: Arc<ProviderSchema>,
    settings: Arc<Settings>,
    /// Every function result so far: core holds functions to being pure.
    results: Arc<Mutex<Results>>,
}

/// By function name and arguments.
type Results = BTreeMap<(String, Vec<Value>), Value>;
