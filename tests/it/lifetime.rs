//! How long a provider's process lives, what ends it, and that it leaves nothing behind.

use std::time::Duration;

use local_atlas::{Endpoint, Fault, LocalAtlas, When};
use tf_harness::{
    core::{Core, Error, Outcome},
    pb::tfplugin5,
    plugin::Provider,
};
use tokio::task::JoinHandle;
#[cfg(target_os = "linux")]
use {std::process::Stdio, tokio::io::AsyncWriteExt as _};

use crate::support::{
    atlas::atlas,
    fixture::TYPE,
    in_process::config,
    plugin::{ScratchDir, TIMEOUT, configured},
};

#[tokio::test]
async fn a_token_that_cannot_be_revoked_does_not_keep_the_process() {
    let (atlas, core, _scratch) = configured_once().await;
    core.resource(TYPE).apply_config(&mut None, config("app")).await.unwrap().ok().unwrap();
    atlas.control().add_fault(Fault::on(Endpoint::RevokeToken).pause(When::Before).always());
    let exit = core.provider.shutdown().await.unwrap();
    assert!(!exit.killed && exit.status.success(), "{exit:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_is_left_to_the_host() {
    let scratch = ScratchDir::new();
    let provider = Provider::spawn(scratch.options().env("TF_LOG", "DEBUG")).await.unwrap();
    let process = provider.process().unwrap();
    for _ in 0..3 {
        process.interrupt().unwrap();
    }
    assert!(process.stderr.wait_for("interrupt ignored", TIMEOUT).await.is_some());
    alive(&provider).await;
    assert!(!provider.shutdown().await.unwrap().killed);
}

#[tokio::test]
async fn an_orphan_finishes_the_request_it_has_sent_and_ends() {
    let (atlas, busy, scratch) = configured_once().await;
    let idle = configured(&atlas, scratch.options()).await;
    let paused =
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).pause(When::After));
    let applying = start(&busy);
    paused.reached().await;

    busy.provider.disconnect_abruptly();
    idle.provider.disconnect_abruptly();
    applying.await.unwrap().expect_err("the connection is gone");
    let (busy, idle) = (busy.provider.process().unwrap(), idle.provider.process().unwrap());
    assert!(idle.wait(TIMEOUT).await.expect("an idle orphan ends").success());
    assert!(busy.wait(Duration::ZERO).await.is_none(), "ended before the response");
    paused.release();
    assert!(busy.wait(TIMEOUT).await.expect("it ends").success());
    assert!(scratch.entries().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminated_process_returns_the_response_to_a_sent_request_first() {
    let (atlas, scratch) = (atlas(&["app"]), ScratchDir::new());
    let core = configured(&atlas, scratch.options().env("TF_LOG", "DEBUG")).await;
    let paused =
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).pause(When::After));
    let applying = start(&core);
    paused.reached().await;
    let process = core.provider.process().unwrap();
    process.terminate().unwrap();
    assert!(process.stderr.wait_for("shutting down", TIMEOUT).await.is_some());
    paused.release();
    let applied = applying.await.unwrap().unwrap().ok().unwrap().applied.expect("an object");
    assert_eq!(applied["has_private_key"], true);
    assert!(process.wait(TIMEOUT).await.expect("it ends").success());
}

#[cfg(target_os = "linux")] // Elsewhere the writer cannot see how much is left in a pipe.
#[tokio::test]
async fn the_input_that_a_user_types_for_the_host_is_never_read() {
    let scratch = ScratchDir::new();
    let mut options = scratch.options();
    options.command.stdin(Stdio::piped());
    let provider = Provider::spawn(options).await.unwrap();
    let mut terminal = provider.process().unwrap().take_stdin().await.unwrap();
    terminal.write_all(b"yes\n").await.unwrap();
    alive(&provider).await;
    assert_eq!(rustix::io::ioctl_fionread(&terminal).unwrap(), 4, "the input was read");
    drop(terminal);
    alive(&provider).await;
    assert!(!provider.shutdown().await.unwrap().killed);
}

async fn configured_once() -> (LocalAtlas, Core, ScratchDir) {
    let (atlas, scratch) = (atlas(&["app"]), ScratchDir::new());
    let core = configured(&atlas, scratch.options()).await;
    (atlas, core, scratch)
}

fn start(core: &Core) -> JoinHandle<Result<Outcome, Error>> {
    let core = core.clone();
    tokio::spawn(async move { core.resource(TYPE).apply_config(&mut None, config("app")).await })
}

#[cfg(unix)]
async fn alive(provider: &Provider) {
    let request = tfplugin5::get_functions::Request {};
    provider.client().get_functions(request).await.expect("a response");
}
