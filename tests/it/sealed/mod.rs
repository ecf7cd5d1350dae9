//! Keys out of state: what a sealed certificate leaves behind in its whole life, and when it is sealed or issued anew.

mod changes;
mod life;
mod unread;

use std::time::Duration;

use local_atlas::{Certificate, Endpoint, LocalAtlas};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use crate::support::{age::Pair, atlas::PROJECT};

fn provider_and(configuration: &str) -> String {
    format!("provider \"atlas\" {{}}\n\n{configuration}")
}

fn certificate(arguments: &str) -> String {
    format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = {PROJECT:?}\n  username = \"app\"\n  {arguments}\n}}\n"
    )
}

fn recipients(pairs: &[&Pair]) -> String {
    let list: Vec<&str> = pairs.iter().map(|pair| pair.recipient.as_str()).collect();
    format!("private_key_recipients = {list:?}")
}

#[track_caller]
fn only(workspace: &Workspace) -> Json {
    let mut all = workspace.instances("atlas_user_certificate");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn newest(atlas: &LocalAtlas) -> Certificate {
    atlas
        .control()
        .certificates(PROJECT, "app")
        .pop()
        .expect("a certificate")
}

fn posts(atlas: &LocalAtlas) -> usize {
    atlas
        .control()
        .requests_to(Endpoint::IssueCertificate)
        .len()
}

/// Into the renewal window of a certificate for three months.
const EIGHTY_DAYS: Duration = Duration::from_secs(80 * 24 * 60 * 60);
