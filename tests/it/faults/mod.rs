//! Every fault, for a first certificate, for the next one in place and for a refresh: how many certificates exist, what is in
//! state, and what the user reads.

mod check;
mod matrix;
mod rows;

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, Options, Settings};
use serde_json::json;
use tf_harness::core::ResourceInstance;
use tokio::task::JoinSet;

use self::{matrix::FaultMatrix, rows::rows};
use crate::support::{
    atlas::{atlas, login, unlist_all},
    fixture::TYPE,
    in_process::{config, with},
    plugin::{ScratchDir, configure, started},
};

/// One fault.
struct Row {
    /// Also the name of the database user whose requests it applies to.
    name: &'static str,
    fault: fn(Fault) -> Fault,
    issuing: Issuing,
    reading: Reading,
    says: &'static [&'static str],
    within: Option<(&'static str, &'static str)>,
}

/// The outcome of a certificate request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Issuing {
    /// The certificate is in state with its key.
    Done,
    /// An error with this summary; nothing was issued, and nothing had to be looked up for that.
    Refused(&'static str),
    /// An error: the outcome was ambiguous, and the list showed that nothing was issued.
    Nothing,
    /// An error that names the certificate whose key is lost.
    Lost,
    /// The response is kept although it is not a certificate with its key, and there is an error.
    Raw,
}

/// The outcome of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The object as it was.
    Quiet,
    /// An error with this summary; state as it was.
    Fails(&'static str),
    UserMissing,
    /// With a warning.
    ProjectMissing,
    /// The fault means nothing to a list.
    NotAsked,
}

#[test]
fn a_fault_in_a_create_never_issues_twice_and_never_hides_a_certificate() {
    let matrix = FaultMatrix::new(rows());
    matrix.arm(Endpoint::IssueCertificate);
    let run = matrix.apply(&["-refresh=false"]);
    for row in &matrix.rows {
        check::created(row, &matrix, &run);
    }
}

#[test]
fn a_fault_in_a_reissue_leaves_the_object_and_its_key_as_they_were() {
    let mut matrix = FaultMatrix::new(rows());
    matrix.apply(&[]).is_clean();
    let before = matrix.objects();
    matrix.arm(Endpoint::IssueCertificate);
    matrix.set_months("6");
    let run = matrix.apply(&["-refresh=false"]);
    for row in &matrix.rows {
        check::reissued(row, &matrix, &run, &before[row.name]);
    }
}

#[test]
fn a_refresh_that_fails_is_an_error_and_changes_no_byte_of_state() {
    refreshes(|row| matches!(row.reading, Reading::Fails(_)), true);
}

#[test]
fn a_refresh_that_gets_a_response_in_the_end_stores_its_finding() {
    refreshes(|row| !matches!(row.reading, Reading::Fails(_) | Reading::NotAsked), false);
}

fn refreshes(is_included: fn(&Row) -> bool, fails: bool) {
    let matrix = FaultMatrix::new(rows().into_iter().filter(is_included).collect());
    matrix.apply(&[]).is_clean();
    let (before, file) = (matrix.objects(), matrix.state_file());
    matrix.arm(Endpoint::ListCertificates);
    let run = matrix.apply(&["-refresh-only"]);
    for row in &matrix.rows {
        check::read(row, &matrix, &run, &before[row.name]);
    }
    assert!(!fails || matrix.state_file() == file);
}

/// Runs alone: a new token for this row would be one for every other row.
#[test]
fn a_401_gets_one_new_token_and_one_retry() {
    let row = |name| Row {
        fault: |fault| fault.refuse(Answer::unauthorized(false)),
        issuing: Issuing::Done,
        reading: Reading::Quiet,
        ..unreachable(name, "", &[])
    };
    let mut matrix = FaultMatrix::over(atlas(&[]), vec![row("401 once")], true);
    matrix.arm(Endpoint::IssueCertificate);
    let run = matrix.apply(&[]);
    check::created(&matrix.rows[0], &matrix, &run);
    refresh_and_reissue(&mut matrix, FaultMatrix::arm);
    assert_eq!(matrix.posts_of(&matrix.rows[0]), 2);
}

#[test]
fn a_refused_connection_is_an_error_and_nothing_is_issued() {
    let says = &["the connection was refused", "request reached Atlas", " to 127.0.0.1:"];
    let row = unreachable("refused connection", "Atlas cannot be reached", says);
    fails_everywhere(FaultMatrix::new(vec![row]), |matrix, broken| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let control = matrix.atlas.control();
        runtime.block_on(async {
            if broken { control.stop_listening().await } else { control.resume_listening().await }
        });
    });
}

#[test]
fn a_server_that_is_not_trusted_is_an_error_and_nothing_is_issued() {
    let secure = || {
        let settings = Settings::unlimited();
        LocalAtlas::start(Options { https: true, settings, ..Options::default() })
            .expect("local Atlas starts on a free port")
    };
    let says = &["peer certificate: ", "ca_bundle_pem"];
    let row = unreachable("untrusted server", "TLS connection to Atlas failed", says);
    let other = secure();
    fails_everywhere(FaultMatrix::over(secure(), vec![row], false), |matrix, broken| {
        if broken { matrix.trust(other.ca_pem()) } else { matrix.trust_its_own() }
    });
}

/// A row without a scripted fault: no connection can be made.
fn unreachable(name: &'static str, summary: &'static str, says: &'static [&'static str]) -> Row {
    let (issuing, reading) = (Issuing::Refused(summary), Reading::Fails(summary));
    Row { name, fault: |fault| fault, issuing, reading, says, within: None }
}

/// Creates, refreshes and re-issues while the connection is broken.
fn fails_everywhere(mut matrix: FaultMatrix, set_broken: impl Fn(&mut FaultMatrix, bool)) {
    set_broken(&mut matrix, true);
    let run = matrix.apply(&[]);
    check::created(&matrix.rows[0], &matrix, &run);
    set_broken(&mut matrix, false);
    matrix.apply(&[]).is_clean();
    matrix.atlas.control().clear_requests();
    set_broken(&mut matrix, true);
    refresh_and_reissue(&mut matrix, |_, _| ());
}

/// Refreshes and re-issues the only row.
fn refresh_and_reissue(matrix: &mut FaultMatrix, arm: impl Fn(&FaultMatrix, Endpoint)) {
    let (before, file) = (matrix.objects(), matrix.state_file());
    arm(matrix, Endpoint::ListCertificates);
    let run = matrix.apply(&["-refresh-only"]);
    let row = &matrix.rows[0];
    check::read(row, matrix, &run, &before[row.name]);
    assert!(row.reading == Reading::Quiet || matrix.state_file() == file);
    arm(matrix, Endpoint::IssueCertificate);
    matrix.set_months("6");
    let run = matrix.apply(&["-refresh=false"]);
    let row = &matrix.rows[0];
    check::reissued(row, matrix, &run, &before[row.name]);
}

/// In process, for each request that a refresh may send: the token, the list, and the user of an unlisted certificate.
#[tokio::test]
async fn no_response_of_the_matrix_makes_a_refresh_remove_an_object_or_its_key() {
    let rows = rows();
    let users: Vec<_> = rows.iter().map(|row| row.name).collect();
    let (scratch, atlas) = (ScratchDir::new(), atlas(&users));
    let core = started(scratch.options().envs(login(&atlas))).await;
    let block = || json!({ "max_retries": 0 });
    configure(&core, block()).await;
    let mut instances = Vec::new();
    for user in users {
        let config = with(&config(user), json!({ "timeouts": { "read": "1s" } }));
        let mut instance = None;
        core.resource(TYPE).apply_config(&mut instance, config).await.unwrap().ok().unwrap();
        instances.push(instance.unwrap());
    }
    let refresh = async |instances: &[ResourceInstance], what: &str| {
        let mut refreshing = JoinSet::new();
        for before in instances.iter().cloned() {
            let (core, what) = (core.clone(), format!("{what}, {}", before.state["username"]));
            refreshing.spawn(async move {
                let mut after = Some(before.clone());
                let refreshed = core.resource(TYPE).refresh(&mut after).await.unwrap();
                assert!(!refreshed.removed, "{what}");
                let after = after.unwrap();
                for name in ["certificate_id", "combined_pem", "not_after"] {
                    assert_eq!(after.state[name], before.state[name], "{what}: {name}");
                }
                assert_eq!(after.private, before.private, "{what}");
            });
        }
        refreshing.join_all().await;
    };
    let control = atlas.control();
    for (number, row) in rows.iter().enumerate() {
        control.expire_tokens();
        let fault = control.add_fault((row.fault)(Fault::on(Endpoint::IssueToken)).before_login());
        refresh(&instances[number..=number], &format!("token, {}", row.name)).await;
        control.remove_fault(fault.id());
    }
    for endpoint in [Endpoint::ListCertificates, Endpoint::ReadUser] {
        configure(&core, block()).await;
        for row in &rows {
            control.add_fault((row.fault)(Fault::on(endpoint).user(row.name)));
        }
        refresh(&instances, &format!("{endpoint:?}")).await;
        control.clear_faults();
        unlist_all(&atlas);
        control.advance(std::time::Duration::from_secs(11 * 60));
    }
}
