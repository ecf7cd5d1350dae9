#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]
use serde_json::json;
use std::time::Duration;
use tf_host::core::*;
use tf_host::process::*;
use tf_host::provider::Provider;
use tf_host::value::unknown;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let binary = std::env::args().nth(1).unwrap();
    let provider = Provider::spawn(SpawnOptions::new(&binary).log("TRACE"))
        .await
        .unwrap();
    println!(
        "startup {:?} {:?}",
        provider.startup(),
        provider.handshake().unwrap().address
    );
    let h = provider.handshake().unwrap().clone();
    let cert = h.server_certificate.clone().unwrap();
    let right = provider.process().unwrap().identity.clone().unwrap();
    let other = ClientIdentity::generate().unwrap();
    for (what, id) in [
        ("none", None),
        ("other", Some(other.clone())),
        ("wrong key", Some(right.with_key_of(&other))),
        ("right", Some(right.clone())),
    ] {
        let tls = ClientTls::new(cert.clone(), id);
        println!(
            "{what}: 1.3 {} 1.2 {}",
            Connection::answers(&h.address, Some(&tls)).await,
            Connection::answers(&h.address, Some(&tls.clone().tls12())).await
        );
    }
    println!("plain: {}", Connection::answers(&h.address, None).await);
    let core = Core::new(provider.clone(), Settings::default())
        .await
        .unwrap();
    println!("{:?}", core.schema().capabilities);
    if !core.schema().resources.contains_key("fake_thing") {
        println!("{:?}", core.schema().resources.keys().collect::<Vec<_>>());
        println!("{:?}", core.schema().functions.keys().collect::<Vec<_>>());
        println!("configure: {:?}", core.configure(json!({})).await);
        println!("{:?}", provider.shutdown().await);
        println!(
            "stdio {:?} stdout {:?}",
            provider.stdio_chunks(),
            provider.process().unwrap().stdout.lines()
        );
        println!(
            "{:?}",
            provider
                .process()
                .unwrap()
                .stderr
                .records()
                .map(|r| r.len())
        );
        return;
    }
    core.configure(json!({})).await.unwrap().ok().unwrap();
    let mut i = None;
    let cfg = json!({"name": "a", "password_wo": "secret", "labels": {"k": "v"}});
    let plan = core
        .plan_config("fake_thing", None, json!({"name": unknown()}))
        .await
        .unwrap();
    println!("unknown plan: {:?} {:?}", plan.action, plan.planned);
    let o = core
        .resource("fake_thing")
        .apply(&mut i, plan, cfg.clone())
        .await;
    println!("other config than planned: {}", o.unwrap_err());
    let o = core
        .apply_config("fake_thing", &mut i, cfg.clone())
        .await
        .unwrap();
    println!("{:?} {:?} {}", o.action, o.applied, o.diagnostics);
    let o = core
        .apply_config("fake_thing", &mut i, cfg.clone())
        .await
        .unwrap();
    println!("again {:?}", o.action);
    let o = core
        .apply_config("fake_thing", &mut i, json!({"name":"a","note":"n"}))
        .await
        .unwrap();
    println!("note {:?}", o.action);
    let o = core
        .resource("fake_thing")
        .ignore_changes(["note"])
        .apply_config(&mut i, json!({"name":"a","note":"m"}))
        .await
        .unwrap();
    println!("ignored {:?}", o.action);
    let o = core
        .apply_config("fake_thing", &mut i, json!({"name":"b"}))
        .await
        .unwrap();
    println!("rename {:?} {:?}", o.action, o.plan.requires_replace);
    let o = core
        .resource("fake_thing")
        .create_before_destroy()
        .replace()
        .apply_config(&mut i, json!({"name":"b"}))
        .await
        .unwrap();
    println!("cbd {:?} deposed {:?}", o.action, o.deposed);
    let o = core
        .resource("fake_thing")
        .create_before_destroy()
        .replace()
        .apply_config(&mut i, json!({"name":"b"}))
        .await
        .unwrap();
    println!("cbd2 {:?} deposed {:?}", o.action, o.deposed);
    println!(
        "bad plan: {}",
        core.plan_config(
            "fake_thing",
            i.as_ref(),
            json!({"name":"b","note":"bad-plan"})
        )
        .await
        .unwrap_err()
    );
    let mut j = None;
    println!(
        "inconsistent: {} -> {:?}",
        core.apply_config(
            "fake_thing",
            &mut j,
            json!({"name":"b","note":"inconsistent"})
        )
        .await
        .unwrap_err(),
        j.as_ref().unwrap().tainted
    );
    let mut j = None;
    let o = core
        .apply_config("fake_thing", &mut j, json!({"name":"b","note":"fail"}))
        .await
        .unwrap();
    println!(
        "fail: {:?} {} tainted {:?}",
        o.action,
        o.apply_diagnostics,
        j.as_ref().unwrap().tainted
    );
    let o = core
        .apply_config("fake_thing", &mut j, json!({"name":"b"}))
        .await
        .unwrap();
    println!(
        "after taint: {:?} tainted {:?}",
        o.action,
        j.as_ref().unwrap().tainted
    );
    let mut k = None;
    println!(
        "panic: {:?}",
        core.apply_config("fake_thing", &mut k, json!({"name":"b","note":"panic"}))
            .await
            .map(|o| o.apply_diagnostics)
    );
    let im = core.import("fake_thing", "z").await.unwrap();
    println!("import {:?}", im.instance);
    println!(
        "refresh {:?}",
        core.refresh("fake_thing", &mut i).await.unwrap()
    );
    let o = core.destroy("fake_thing", &mut i).await.unwrap();
    println!("destroy {:?} {:?}", o.action, i);
    let big = "x".repeat(20_000_000);
    let o = core
        .apply_config("fake_thing", &mut i, json!({"name": big}))
        .await
        .unwrap();
    println!("big {:?}", o.action);
    // concurrency and latency
    let t = std::time::Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for n in 0..10 {
        let core = core.clone();
        set.spawn(async move {
            for m in 0..20 {
                let mut i = None;
                core.apply_config("fake_thing", &mut i, json!({"name": format!("{n}-{m}")}))
                    .await
                    .unwrap();
            }
        });
    }
    while let Some(r) = set.join_next().await {
        r.unwrap();
    }
    println!("200 applies of 5 rpcs in {:?}", t.elapsed());
    let held = provider.connection();
    println!("{:?}", provider.shutdown().await);
    drop(held);
    println!(
        "stdio {:?} stdout {:?}",
        provider.stdio_chunks(),
        provider.process().unwrap().stdout.lines()
    );
    match provider.process().unwrap().stderr.records() {
        Ok(r) => println!("{} records", r.len()),
        Err(e) => println!("{e}"),
    }
    println!(
        "after: {}",
        core.refresh("fake_thing", &mut i).await.unwrap_err()
    );
    // others
    let p =
        Provider::spawn(SpawnOptions::new(&binary).client_certificate(ClientCertificate::Absent))
            .await
            .unwrap();
    Core::new(p.clone(), Settings::default()).await.unwrap();
    println!("plain {:?}", p.shutdown().await);
    println!(
        "junk cert {}",
        Provider::spawn(
            SpawnOptions::new(&binary).client_certificate(ClientCertificate::Text("junk".into()))
        )
        .await
        .unwrap_err()
    );
    println!(
        "no cookie {}",
        Provider::spawn(SpawnOptions::new(&binary).cookie(None))
            .await
            .unwrap_err()
    );
    let p = Provider::spawn(SpawnOptions::new(&binary)).await.unwrap();
    p.abandon();
    println!(
        "orphan {:?}",
        p.process().unwrap().wait(Duration::from_secs(20)).await
    );
    let d = PluginProcess::start(SpawnOptions::by_hand(&binary).arg("-debug")).unwrap();
    let line = d
        .stdout
        .wait_for("TF_REATTACH_PROVIDERS=", Duration::from_secs(5))
        .await
        .unwrap();
    let r = Reattach::find(&line).unwrap();
    let p = Provider::reattach(&r[0]).await.unwrap();
    Core::new(p.clone(), Settings::default()).await.unwrap();
    println!("reattached {r:?} {:?}", p.shutdown().await);
    d.interrupt().unwrap();
    println!("debug end {:?}", d.wait(Duration::from_secs(5)).await);
}
