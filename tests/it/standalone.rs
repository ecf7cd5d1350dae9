//! The binary as a person runs it: it explains itself, and it waits for a host that a developer brings.

use serde_json::json;
use tf_harness::{
    core::{Core, Settings},
    plugin::{Address, PluginProcess, Provider, Reattach, SpawnOptions},
};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    plugin::{ScratchDir, TIMEOUT},
};

#[tokio::test]
async fn run_without_a_host_it_says_what_it_is() {
    let temporary = ScratchDir::new();
    for options in [
        temporary.by_hand(),
        temporary.options().cookie(None),
        temporary.options().cookie(Some("d602bf8f470bc67ca7faa0386276bbdd")),
    ] {
        let (code, stdout, stderr) = run(options).await;
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        for words in
            ["Terraform plugin", "not meant to be run by hand", "required_providers", "--help"]
        {
            assert!(stderr.contains(words), "{words} is not in: {stderr}");
        }
    }
    assert!(temporary.entries().is_empty());
}

#[tokio::test]
async fn tells_its_version() {
    let (code, stdout, stderr) = run(ScratchDir::new().by_hand().arg("--version")).await;
    let expected = format!("terraform-provider-atlas {}", env!("CARGO_PKG_VERSION"));
    assert_eq!((code, stdout, stderr.as_str()), (Some(0), expected, ""));
}

#[tokio::test]
async fn tells_how_it_is_used() {
    let (code, stdout, stderr) = run(ScratchDir::new().by_hand().arg("--help")).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for words in ["required_providers", "-debug", "--version", "TF_LOG_PROVIDER_ATLAS"] {
        assert!(stdout.contains(words), "{words} is not in: {stdout}");
    }
}

#[tokio::test]
async fn refuses_an_argument_that_it_does_not_know() {
    for arguments in [&["--port=1"][..], &["-debug", "-debug"], &[""]] {
        let options = arguments
            .iter()
            .fold(ScratchDir::new().by_hand(), |options, argument| options.arg(*argument));
        let (code, stdout, stderr) = run(options).await;
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(
            stderr.contains(&format!("{:?}", arguments.last().unwrap()))
                && stderr.contains("--help"),
            "{stderr}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn in_debug_mode_it_serves_one_host_after_the_other_until_ctrl_c() {
    let (temporary, atlas) = (ScratchDir::new(), atlas(&["one", "two"]));
    let options = temporary.by_hand().envs(login(&atlas)).arg("-debug");
    let process = PluginProcess::start(options).unwrap();
    let line =
        process.stdout.wait_for("TF_REATTACH_PROVIDERS", TIMEOUT).await.expect("instructions");
    let found = Reattach::find(&line).expect("a line that hosts can use");
    let sources: Vec<_> = found.iter().map(|entry| entry.source.as_str()).collect();
    assert_eq!(
        sources,
        ["registry.opentofu.org/example/atlas", "registry.terraform.io/example/atlas"]
    );
    assert!(found.iter().all(|entry| entry.pid == i64::from(process.pid) && entry.version == 5));

    for username in ["one", "two"] {
        let provider = Provider::reattach(&found[0]).await.unwrap();
        let core = Core::new(provider, Settings::default()).await.unwrap();
        core.configure(json!({})).await.unwrap().ok().unwrap();
        let config = json!({ "project_id": PROJECT, "username": username });
        let mut instance = None;
        core.apply_config("atlas_user_certificate", &mut instance, config)
            .await
            .unwrap()
            .ok()
            .unwrap();
        assert_eq!(instance.unwrap().state["id"], format!("{PROJECT}/{username}").as_str());
    }

    process.interrupt().unwrap();
    let status = process.wait(TIMEOUT).await.expect("it ends");
    assert_eq!(status.code(), Some(0), "{status}");
    let Address::Unix(socket) = &found[0].address else { panic!("{found:?}") };
    assert!(socket.starts_with(temporary.path()) && temporary.entries().is_empty());
}

#[tokio::test]
async fn debug_mode_never_drops_the_protection_that_a_host_asks_for() {
    let temporary = ScratchDir::new();
    let (code, stdout, stderr) = run(temporary.options().arg("-debug")).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("PLUGIN_CLIENT_CERT"), "{stderr}");
}

/// Exit code, standard output and standard error, both without the last line feed.
async fn run(options: SpawnOptions) -> (Option<i32>, String, String) {
    let process = PluginProcess::start(options).unwrap();
    let status = process.wait(TIMEOUT).await.expect("it ends by itself");
    (status.code(), process.stdout.lines().join("\n"), process.stderr.lines().join("\n"))
}
