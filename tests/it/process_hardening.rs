//! The memory of a provider holds keys and credentials: it ends up in no file, and nobody else can read it.
#![cfg(target_os = "linux")]

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
};

use serde_json::json;
use tf_harness::{
    pb::tfplugin5::get_provider_schema,
    plugin::{PluginProcess, Provider},
};

use crate::support::{
    atlas::{PROJECT, atlas},
    cli_process::entries,
    plugin::{ScratchDir, TIMEOUT, configured},
};

const TYPE: &str = "atlas_user_certificate";

#[tokio::test]
async fn a_provider_leaves_no_core_file() {
    let temporary = ScratchDir::new();
    let provider = served(&temporary).await;
    let process = provider.process().unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.pid)).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
}

#[tokio::test]
async fn the_memory_of_a_provider_is_closed_to_other_processes_of_its_user() {
    let temporary = ScratchDir::new();
    let provider = served(&temporary).await;
    // The kernel gives what is behind these files to root, so that their user may not open them.
    let memory = fs::metadata(format!("/proc/{}/mem", provider.process().unwrap().pid)).unwrap();
    assert_eq!(memory.uid(), 0);
    let opened = fs::read_link(format!("/proc/{}/exe", provider.process().unwrap().pid));
    assert!(opened.is_err() || is_root());
}

#[tokio::test]
async fn a_provider_writes_no_file() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let home = tempfile::tempdir().unwrap();
    let options = temporary.options().folder(home.path()).env("HOME", home.path()).log("TRACE");
    let core = configured(&atlas, options).await;
    let mut instance = None;
    let config = json!({ "project_id": PROJECT, "username": "app" });
    core.apply_config(TYPE, &mut instance, config).await.unwrap().ok().unwrap();
    core.refresh(TYPE, &mut instance).await.unwrap();
    core.destroy(TYPE, &mut instance).await.unwrap().ok().unwrap();
    let [directory] = &temporary.entries()[..] else { panic!("{:?}", temporary.entries()) };
    let [socket] = &entries(directory)[..] else { panic!("{:?}", entries(directory)) };
    assert!(fs::metadata(socket).unwrap().file_type().is_socket());
    core.provider().shutdown().await.unwrap();
    assert_eq!((temporary.entries(), entries(home.path())), (vec![], vec![]));
}

#[tokio::test]
async fn a_debugger_may_look_into_a_provider_in_debug_mode() {
    let temporary = ScratchDir::new();
    let process = PluginProcess::start(temporary.by_hand().arg("-debug")).unwrap();
    process.stdout.wait_for("TF_REATTACH_PROVIDERS", TIMEOUT).await.expect("instructions");
    assert!(fs::read_link(format!("/proc/{}/exe", process.pid)).is_ok());
}

async fn served(temporary: &ScratchDir) -> Provider {
    let provider = Provider::spawn(temporary.options()).await.unwrap();
    provider.client().get_schema(get_provider_schema::Request {}).await.unwrap();
    provider
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
