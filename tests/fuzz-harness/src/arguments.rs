//! Texts of users, and of the host that starts the provider.

use std::{
    ffi::OsString,
    sync::{Arc, OnceLock},
};

use terraform_provider_atlas::provider::AtlasProvider;
use tf_provider::{
    CancellationToken, Function, ImportRequest, ImportTarget, Provider as _, Resource,
    ValidateRequest, Value,
};
use tokio::runtime::{Builder, Runtime};

use crate::assert_harmless;

/// An import id. There are no credentials, so every import fails.
///
/// # Panics
/// If an import succeeds.
pub fn import_id(data: &[u8]) {
    let id = String::from_utf8_lossy(data).into_owned();
    let imported =
        runtime().block_on(resource().import(ImportRequest {
            target: ImportTarget::Id(id),
            cancel: CancellationToken::new(),
        }));
    for error in &imported.err().expect("no import without credentials") {
        assert_harmless(&error.summary);
    }
}

/// A duration of the block `timeouts`.
pub fn duration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut config = resource().schema().block.empty();
    config.set("project_id", "32b6e34b3d91647abb20e7b8");
    config.set("username", "app");
    config.set(
        "timeouts",
        Value::object([
            ("create", text.as_ref().into()),
            ("read", Value::Null),
            ("update", Value::Null),
        ]),
    );
    let _ = resource().validate(&ValidateRequest { config, write_only_allowed: true });
}

/// A connection string.
pub fn uri(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = function("x509_uri").call(vec![text.as_ref().into()]) {
        assert_harmless(&error.text);
    }
}

/// The environment of a start: the first byte of each part chooses the variable whose value is the rest.
///
/// # Panics
/// If the handshake is not exactly one line.
pub fn handshake(data: &[u8]) {
    let variables: Vec<_> = data
        .split(|byte| *byte == 0)
        .filter_map(|part| {
            let (choice, text) = part.split_first()?;
            Some((VARIABLES[usize::from(*choice) % VARIABLES.len()], os_string(text)))
        })
        .collect();
    let line = tf_provider::fuzzing::handshake(&variables);
    assert!(
        line.starts_with("1|5|unix|") && line.ends_with('\n') && line.lines().count() == 1,
        "{line:?}"
    );
}

const VARIABLES: [&str; 8] = [
    "PLUGIN_CLIENT_CERT",
    "TF_PLUGIN_MAGIC_COOKIE",
    "PLUGIN_PROTOCOL_VERSIONS",
    "PLUGIN_MIN_PORT",
    "PLUGIN_MAX_PORT",
    "PLUGIN_UNIX_SOCKET_DIR",
    "PLUGIN_UNIX_SOCKET_GROUP",
    "TF_LOG",
];

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn resource() -> &'static dyn Resource {
    static RESOURCE: OnceLock<Arc<dyn Resource>> = OnceLock::new();
    &**RESOURCE.get_or_init(|| AtlasProvider::default().resources().remove(0))
}

fn function(name: &str) -> &'static dyn Function {
    static FUNCTIONS: OnceLock<Vec<Arc<dyn Function>>> = OnceLock::new();
    let functions = FUNCTIONS.get_or_init(|| AtlasProvider::default().functions());
    &**functions.iter().find(|function| function.name() == name).expect("a function of this name")
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_current_thread().build().expect("a runtime"))
}
