//! How long a provider's process lives, what ends it, and that it leaves nothing behind.

use std::time::Duration;

use local_atlas::{Endpoint, Fault, When};
use serde_json::json;
use tf_harness::{
    core::{Core, Error, Outcome},
    pb::tfplugin5,
    plugin::Provider,
};
use tokio::task::JoinHandle;
#[cfg(target_os = "linux")]
use {tf_harness::plugin::Stdin, tokio::io::AsyncWriteExt as _};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{ScratchDir, TIMEOUT, configured},
};

/// Hosts kill after two seconds. Ours takes some milliseconds, but a busy machine is no bug.

#[tokio::test]
async fn gives_back_its_token_before_it_ends() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    core.apply_config("atlas_user_certificate", &mut None, certificate("app"))
        .await
        .unwrap()
        .ok()
        .unwrap();
    let exit = core.provider().shutdown().await.unwrap();
    assert!(!exit.killed && exit.status.success(), "{exit:?}");
    let tokens = atlas.control().tokens();
    assert!(
        tokens.iter().all(|token| token.revoked) && !tokens.is_empty(),
        "{} tokens",
        tokens.len()
    );
}

#[tokio::test]
async fn a_token_that_cannot_be_given_back_does_not_keep_it() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options()).await;
    core.apply_config("atlas_user_certificate", &mut None, certificate("app"))
        .await
        .unwrap()
        .ok()
        .unwrap();
    atlas.control().add_fault(Fault::on(Endpoint::RevokeToken).pause(When::Before).always());
    let exit = core.provider().shutdown().await.unwrap();
    assert!(!exit.killed && exit.status.success(), "{exit:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn leaves_an_interrupt_to_its_host() {
    let temporary = ScratchDir::new();
    let provider = Provider::spawn(temporary.options().log("DEBUG")).await.unwrap();
    let process = provider.process().unwrap();
    for _ in 0..3 {
        process.interrupt().unwrap();
    }
    assert!(process.stderr.wait_for("interrupt ignored", TIMEOUT).await.is_some());
    alive(&provider).await;
    assert!(!provider.shutdown().await.unwrap().killed);
}

#[tokio::test]
async fn does_not_outlive_its_host() {
    let temporary = ScratchDir::new();
    let provider = Provider::spawn(temporary.options().log("TRACE")).await.unwrap();
    alive(&provider).await;
    provider.disconnect_abruptly();
    let status = provider.process().unwrap().wait(TIMEOUT).await.expect("an orphan ends");
    assert!(status.success(), "{status}");
    assert!(temporary.entries().is_empty());
}

#[tokio::test]
async fn finishes_what_it_has_sent_before_it_dies_as_an_orphan() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let busy = configured(&atlas, temporary.options()).await;
    let idle = configured(&atlas, temporary.options()).await;
    let paused =
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).pause(When::After));
    let applying = start(&busy, "app");
    paused.reached().await;

    busy.provider().disconnect_abruptly();
    idle.provider().disconnect_abruptly();
    applying.await.unwrap().expect_err("the connection is gone");
    let (busy, idle) = (busy.provider().process().unwrap(), idle.provider().process().unwrap());
    assert!(idle.wait(TIMEOUT).await.expect("an idle orphan ends").success());
    assert!(busy.wait(Duration::ZERO).await.is_none(), "ended although an answer was to come");
    paused.release();
    assert!(busy.wait(TIMEOUT).await.expect("it ends").success());
    assert!(temporary.entries().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn brings_home_what_it_has_sent_before_it_terminates() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app"]));
    let core = configured(&atlas, temporary.options().log("DEBUG")).await;
    let paused =
        atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).pause(When::After));
    let applying = start(&core, "app");
    paused.reached().await;
    let process = core.provider().process().unwrap();
    process.terminate().unwrap();
    assert!(process.stderr.wait_for("shutting down", TIMEOUT).await.is_some());
    paused.release();
    let applied = applying.await.unwrap().unwrap().ok().unwrap().applied.expect("an object");
    assert_eq!(applied["has_private_key"], true);
    assert!(process.wait(TIMEOUT).await.expect("it ends").success());
}

#[tokio::test]
async fn stop_ends_waits_but_not_the_service() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["app", "other"]));
    let core = configured(&atlas, temporary.options()).await;
    let paused =
        atlas.control().add_fault(Fault::on(Endpoint::ReadUser).user("app").pause(When::Before));
    let host = core.clone();
    let planning = tokio::spawn(async move {
        host.plan_config("atlas_user_certificate", None, certificate("app")).await
    });
    paused.reached().await;
    core.stop().await.unwrap();
    // Only serves a warning, so that stopping it is no error.
    planning.await.unwrap().unwrap();
    let mut instance = None;
    let outcome = core
        .apply_config("atlas_user_certificate", &mut instance, certificate("other"))
        .await
        .unwrap();
    outcome.ok().expect("calls that begin after a stop are not stopped by it");
    assert_eq!(instance.unwrap().state["status"], "active");
    paused.release();
}

#[cfg(target_os = "linux")] // Elsewhere the writer cannot see how much is left in a pipe.
#[tokio::test]
async fn never_reads_what_the_user_types_for_the_host() {
    let temporary = ScratchDir::new();
    let provider = Provider::spawn(temporary.options().stdin(Stdin::Piped)).await.unwrap();
    let mut terminal = provider.process().unwrap().take_stdin().unwrap();
    terminal.write_all(b"yes\n").await.unwrap();
    alive(&provider).await;
    assert_eq!(rustix::io::ioctl_fionread(&terminal).unwrap(), 4, "somebody has read the answer");
    drop(terminal);
    alive(&provider).await;
    assert!(!provider.shutdown().await.unwrap().killed);
}

fn start(core: &Core, username: &'static str) -> JoinHandle<Result<Outcome, Error>> {
    let core = core.clone();
    tokio::spawn(async move {
        core.apply_config("atlas_user_certificate", &mut None, certificate(username)).await
    })
}

fn certificate(username: &str) -> serde_json::Value {
    json!({ "project_id": PROJECT, "username": username })
}

async fn alive(provider: &Provider) {
    provider.client().get_functions(tfplugin5::get_functions::Request {}).await.expect("an answer");
}
