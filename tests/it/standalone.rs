//! The binary as a person runs it: it explains itself, and in debug mode it waits for a host.

#![cfg_attr(not(unix), allow(unused_imports, reason = "some tests are for other systems"))]

use serde_json::json;
use tf_harness::{
    core::{Core, Settings},
    plugin::{Address, PluginProcess, Provider, Reattach},
};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    fixture::TYPE,
    in_process::config,
    plugin::{ScratchDir, TIMEOUT},
};

#[tokio::test]
async fn started_by_hand_it_explains_itself_or_names_the_wrong_argument() {
    let scratch = ScratchDir::new();
    let version = concat!("terraform-provider-atlas ", env!("CARGO_PKG_VERSION"));
    let what_it_is =
        &["Terraform plugin", "not meant to be run by hand", "required_providers", "--help"][..];
    let help = &["required_providers", "-debug", "--version", "TF_LOG_PROVIDER_ATLAS"][..];
    let by_hand = |arguments: &[&'static str]| {
        arguments.iter().fold(scratch.by_hand(), |options, argument| options.arg(*argument))
    };
    let other_cookie = ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd");
    for (options, code, on_stdout, on_stderr) in [
        (by_hand(&[]), 1, &[][..], what_it_is),
        (scratch.options().without_cookie(), 1, &[], what_it_is),
        (scratch.options().envs([other_cookie]), 1, &[], what_it_is),
        (by_hand(&["--version"]), 0, &[version], &[]),
        (by_hand(&["--help"]), 0, help, &[]),
        (by_hand(&["--port=1"]), 2, &[], &["\"--port=1\"", "--help"]),
        (by_hand(&["-debug", "-debug"]), 2, &[], &["\"-debug\"", "--help"]),
        (by_hand(&[""]), 2, &[], &["\"\"", "--help"]),
        // Debug mode has no protection, so that it is refused where a host requires one.
        (scratch.options().arg("-debug"), 1, &[], &["PLUGIN_CLIENT_CERT"]),
    ] {
        let process = PluginProcess::start(options).unwrap();
        let status = process.wait(TIMEOUT).await.expect("it ends by itself");
        assert_eq!(status.code(), Some(code));
        for (stream, words) in [(&process.stdout, on_stdout), (&process.stderr, on_stderr)] {
            let text = stream.lines().join("\n");
            assert_eq!(text.is_empty(), words.is_empty(), "{text}");
            assert!(words.iter().all(|words| text.contains(words)), "{words:?}: {text}");
        }
    }
    assert!(scratch.entries().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn in_debug_mode_it_serves_one_host_after_the_other_until_ctrl_c() {
    let (scratch, atlas) = (ScratchDir::new(), atlas(&["one", "two"]));
    let options = scratch.by_hand().envs(login(&atlas)).arg("-debug");
    let process = PluginProcess::start(options).unwrap();
    let line = process.stdout.wait_for("TF_REATTACH_PROVIDERS", TIMEOUT).await;
    let found = Reattach::find(&line.expect("instructions")).expect("a line that hosts can use");
    let sources: Vec<_> = found.iter().map(|entry| entry.source.as_str()).collect();
    let registries = ["registry.opentofu.org/example/atlas", "registry.terraform.io/example/atlas"];
    assert_eq!(sources, registries);
    assert!(found.iter().all(|entry| entry.pid == i64::from(process.pid) && entry.version == 5));

    for username in ["one", "two"] {
        let provider = Provider::reattach(&found[0]).await.unwrap();
        let core = Core::new(provider, Settings::default()).await.unwrap();
        core.configure(json!({})).await.unwrap().ok().unwrap();
        let mut instance = None;
        let outcome = core.resource(TYPE).apply_config(&mut instance, config(username)).await;
        outcome.unwrap().ok().unwrap();
        assert_eq!(instance.unwrap().state["id"], format!("{PROJECT}/{username}"));
    }

    process.interrupt().unwrap();
    let status = process.wait(TIMEOUT).await.expect("it ends");
    assert_eq!(status.code(), Some(0), "{status}");
    let Address::Unix(socket) = &found[0].address else { panic!("{found:?}") };
    assert!(socket.starts_with(scratch.path()) && scratch.entries().is_empty());
}
