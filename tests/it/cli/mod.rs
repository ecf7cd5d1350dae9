//! The real CLI, the real provider and an Atlas that is as strict as the real one.

mod bad_input;
mod lifecycle;
mod many;
mod surroundings;
mod unknowns;

use local_atlas::{LocalAtlas, LoggedIn, LoginError};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use crate::support::atlas::PROJECT;

const TYPE: &str = "atlas_user_certificate";

/// A resource block with these lines besides the project.
fn certificate(name: &str, lines: &str) -> String {
    format!("resource \"{TYPE}\" \"{name}\" {{\n  project_id = \"{PROJECT}\"\n{lines}\n}}\n")
}

/// The attributes of the only certificate in state.
#[track_caller]
fn only(workspace: &Workspace) -> Json {
    let mut instances = workspace.instances(TYPE);
    assert_eq!(instances.len(), 1, "{instances:#?}");
    instances.remove(0)
}

fn text<'a>(attributes: &'a Json, name: &str) -> &'a str {
    attributes[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is no text"))
}

/// Opens a TLS connection to the database with the PEM that stands in state.
fn log_in(atlas: &LocalAtlas, attributes: &Json) -> Result<LoggedIn, LoginError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(atlas.log_in(text(attributes, "combined_pem")))
}
