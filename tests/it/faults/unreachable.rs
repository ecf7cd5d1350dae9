//! The rows of the matrix for which no connection can be made, so that no scripted answer comes into play.

use local_atlas::{LocalAtlas, Options, Settings};

use super::{Issuing, Reading, Row, check, walk::Walk};

#[test]
fn a_refused_connection_is_told_and_nothing_is_issued() {
    let walk = Walk::new(vec![row(
        "refused connection",
        "Atlas cannot be reached",
        &["the connection was refused", "request reached Atlas", " to 127.0.0.1:"],
    )]);
    fails_everywhere(walk, |walk| walk.stop_listening(), |walk| walk.resume_listening());
}

#[test]
fn a_server_that_is_not_trusted_is_told_and_nothing_is_issued() {
    let (atlas, other) = (secure(), secure());
    let mut walk = Walk::over(
        atlas,
        vec![row(
            "untrusted server",
            "TLS connection to Atlas failed",
            &["peer certificate: ", "ca_bundle_pem"],
        )],
    );
    walk.trust_its_own();
    fails_everywhere(walk, |walk| walk.trust(other.ca_pem()), Walk::trust_its_own);
}

/// Creates, refreshes and re-issues, each while `broken`.
fn fails_everywhere(mut walk: Walk, broken: impl Fn(&mut Walk), mended: impl Fn(&mut Walk)) {
    broken(&mut walk);
    let told = walk.run("apply", &[]);
    check::created(&walk.rows()[0], &walk, &told);

    mended(&mut walk);
    walk.run("apply", &[]).none();
    walk.control().clear_requests();
    let (before, file) = (walk.objects(), walk.state_file());

    broken(&mut walk);
    let told = walk.run("apply", &["-refresh-only"]);
    check::failed_to_read(&walk.rows()[0], &walk, &told);
    assert_eq!(walk.state_file(), file);

    walk.set_months(6);
    let told = walk.run("apply", &["-refresh=false"]);
    let row = &walk.rows()[0];
    check::reissued(row, &walk, &told, &before[row.name]);
}

fn row(name: &'static str, summary: &'static str, says: &'static [&'static str]) -> Row {
    Row {
        name,
        fault: |fault| fault,
        issuing: Issuing::Refused(summary),
        reading: Reading::Fails(summary),
        says,
        within: None,
    }
}

fn secure() -> LocalAtlas {
    LocalAtlas::start(Options {
        https: true,
        settings: Settings::unlimited(),
        ..Options::default()
    })
    .expect("local Atlas starts on a free port")
}
