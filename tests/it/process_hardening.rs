//! The memory of a provider holds keys and credentials: it is written to no file, and other processes cannot read it.
#![cfg(target_os = "linux")]

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
};

use tf_harness::{
    pb::tfplugin5::get_provider_schema,
    plugin::{PluginProcess, Provider},
};

use crate::support::{
    atlas::atlas,
    cli_process::entries,
    fixture::TYPE,
    in_process::config,
    plugin::{ScratchDir, TIMEOUT, configured},
};

#[tokio::test]
async fn a_provider_leaves_no_core_file_and_closes_its_memory_to_processes_of_its_user() {
    let scratch = ScratchDir::new();
    let provider = Provider::spawn(scratch.options()).await.unwrap();
    provider.client().get_schema(get_provider_schema::Request {}).await.unwrap();
    let process = format!("/proc/{}", provider.process().unwrap().pid);
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // The kernel gives these files to root, so that their user may not open them.
    assert_eq!(fs::metadata(format!("{process}/mem")).unwrap().uid(), 0);
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    assert!(fs::read_link(format!("{process}/exe")).is_err() || is_root);
}

#[tokio::test]
async fn a_provider_writes_no_file() {
    let (scratch, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let home = tempfile::tempdir().unwrap();
    let mut options = scratch.options().env("HOME", home.path()).env("TF_LOG", "TRACE");
    options.command.current_dir(home.path());
    let core = configured(&atlas, options).await;
    let mut instance = None;
    core.resource(TYPE).apply_config(&mut instance, config("app")).await.unwrap().ok().unwrap();
    core.resource(TYPE).refresh(&mut instance).await.unwrap();
    core.resource(TYPE).destroy(&mut instance).await.unwrap().ok().unwrap();
    let [directory] = &scratch.entries()[..] else { panic!("{:?}", scratch.entries()) };
    let [socket] = &entries(directory)[..] else { panic!("{:?}", entries(directory)) };
    assert!(fs::metadata(socket).unwrap().file_type().is_socket());
    core.provider.shutdown().await.unwrap();
    assert_eq!((scratch.entries(), entries(home.path())), (vec![], vec![]));
}

#[tokio::test]
async fn a_debugger_may_read_the_memory_of_a_provider_in_debug_mode() {
    let scratch = ScratchDir::new();
    let process = PluginProcess::start(scratch.by_hand().arg("-debug")).unwrap();
    process.stdout.wait_for("TF_REATTACH_PROVIDERS", TIMEOUT).await.expect("instructions");
    assert!(fs::read_link(format!("/proc/{}/exe", process.pid)).is_ok());
}
