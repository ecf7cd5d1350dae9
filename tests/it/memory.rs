//! The memory of a provider holds keys and credentials: it ends up in no file, and nobody else can read it.
#![cfg(target_os = "linux")]

use std::{fs, os::unix::fs::MetadataExt as _};

use tf_host::{
    pb::tfplugin5::get_provider_schema,
    process::PluginProcess,
    provider::Provider,
};

use crate::support::plugin::{PATIENCE, Temporary};

#[tokio::test]
async fn a_provider_leaves_no_core_file() {
    let temporary = Temporary::new();
    let provider = served(&temporary).await;
    let process = provider.process().unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.pid)).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
}

#[tokio::test]
async fn the_memory_of_a_provider_is_closed_to_other_processes_of_its_user() {
    let temporary = Temporary::new();
    let provider = served(&temporary).await;
    // The kernel gives what is behind these files to root, so that their user may not open them.
    let memory = fs::metadata(format!("/proc/{}/mem", provider.process().unwrap().pid)).unwrap();
    assert_eq!(memory.uid(), 0);
    let opened = fs::read_link(format!("/proc/{}/exe", provider.process().unwrap().pid));
    assert!(opened.is_err() || is_root());
}

#[tokio::test]
async fn a_debugger_may_look_into_a_provider_in_debug_mode() {
    let temporary = Temporary::new();
    let process = PluginProcess::start(temporary.by_hand().arg("-debug")).unwrap();
    process.stdout.wait_for("TF_REATTACH_PROVIDERS", PATIENCE).await.expect("instructions");
    assert!(fs::read_link(format!("/proc/{}/exe", process.pid)).is_ok());
}

async fn served(temporary: &Temporary) -> Provider {
    let provider = Provider::spawn(temporary.options()).await.unwrap();
    provider.get_schema(get_provider_schema::Request {}).await.unwrap();
    provider
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
