//! Ctrl-C while a certificate is on its way. Every other step and every harder end is in `kill`.
#![cfg(target_os = "linux")]

use local_atlas::{Endpoint, Fault, When};

use super::{certificate, log_in, only};
use crate::support::{
    atlas::atlas,
    processes::{Running, providers},
    terraform::workspace,
};

#[test]
fn ctrl_c_while_a_certificate_is_issued_still_brings_its_key_into_state() {
    for moment in [When::Before, When::After] {
        let atlas = atlas(&["app"]);
        let workspace = workspace(&atlas, &certificate("app", "  username = \"app\""));
        let paused = atlas
            .control()
            .add_fault(Fault::on(Endpoint::IssueCertificate).pause(moment));
        let mut run = Running::start(
            &workspace,
            &["apply", "-auto-approve", "-no-color", "-input=false"],
        );
        paused.reached_blocking();
        run.interrupt();
        run.await_line("Interrupt received");
        paused.release();
        run.finish();

        assert_eq!(log_in(&atlas, &only(&workspace)).unwrap().user, "app");
        assert_eq!(providers(&workspace), []);
        assert!(
            workspace.plans_nothing(),
            "the certificate is whole, and not tainted"
        );
        assert_eq!(atlas.control().issued_count(), 1);
    }
}
