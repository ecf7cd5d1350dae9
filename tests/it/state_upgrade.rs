//! Frozen state of released schema versions: every later build reads it and plans nothing.

use std::{collections::BTreeSet, fs, path::PathBuf};

use local_atlas::{Answer, Endpoint, Fault};
use serde_json::{Value as Json, json};
use tf_harness::{
    core::{Action, ResourceInstance},
    value::changed_attributes,
};

use crate::support::{atlas::atlas, fixture::TYPE, in_process::InProcess};

#[tokio::test]
async fn state_of_every_released_version_is_read_refreshed_and_planned_without_a_change() {
    let mut read = BTreeSet::new();
    for path in samples() {
        let sample: Json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let atlas = atlas(&["app"]);
        atlas.control().set_clock(sample["now"].as_str().unwrap().parse().unwrap());
        let list = Answer::text(200, "application/json", &sample["list"].to_string());
        atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).refuse(list).always());
        let host = InProcess::new(&atlas, json!({})).await;
        let stored = ResourceInstance::from_json(&sample["instance"]).unwrap();

        let mut instance = Some(stored.clone());
        let refreshed = host.refresh(&mut instance).await;
        assert!(!refreshed.diagnostics.has_errors(), "{name}:{}", refreshed.diagnostics);
        assert_eq!((refreshed.removed, refreshed.changed), (false, Vec::new()), "{name}");
        let instance = instance.unwrap();
        for (attribute, value) in sample["instance"]["attributes"].as_object().unwrap() {
            assert_eq!(instance.state[attribute], *value, "{name}: {attribute}");
        }
        assert_eq!(instance.private, stored.private, "{name}");
        let plan = host.plan(Some(&instance), &sample["config"]).await;
        assert!(!plan.diagnostics.has_errors(), "{name}:{}", plan.diagnostics);
        assert_eq!(
            plan.action,
            Action::NoOp,
            "{name}: {:?}",
            changed_attributes(&plan.planned, &instance.state)
        );
        assert!(atlas.control().requests_to(Endpoint::IssueCertificate).is_empty(), "{name}");

        let mut left = Some(instance);
        host.resource(TYPE).destroy(&mut left).await.unwrap().ok().unwrap();
        assert_eq!(left, None, "{name}");
        read.insert(name);
    }
    let named = "archived every-argument imported moved plain renewed sealed sealed-every-argument unread \
        unread-sealed";
    let expected: BTreeSet<String> = named.split(' ').map(|name| format!("0-{name}")).collect();
    assert!(read.is_superset(&expected), "samples are never removed: {read:?}");
}

/// The files of `tests/states`.
fn samples() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/states");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    samples.sort();
    samples
}
