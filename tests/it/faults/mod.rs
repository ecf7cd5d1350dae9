//! What comes of every fault, for a first certificate, for the next one in place and for a refresh: how many certificates
//! exist, what is in state, and what the user reads.

mod check;
mod login;
mod lost;
mod rows;
mod unreachable;
mod walk;

use local_atlas::{Endpoint, Fault};

use self::{rows::rows, walk::Walk};

/// One thing that goes wrong.
struct Row {
    /// Also the name of the database user that it happens to.
    name: &'static str,
    fault: fn(Fault) -> Fault,
    issuing: Issuing,
    reading: Reading,
    says: &'static [&'static str],
    within: Option<(&'static str, &'static str)>,
}

/// What comes of a request that issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Issuing {
    /// The certificate is in state with its key.
    Done,
    /// An error with this summary; nothing was issued, and nothing had to be looked up for that.
    Refused(&'static str),
    /// An error: the outcome was uncertain, and a look showed that nothing was issued.
    Nothing,
    /// An error that names the certificate whose key is lost.
    Lost,
    /// The response is kept although it is not a certificate with its key, and there is an error.
    Raw,
}

/// What comes of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The object as it was.
    Quiet,
    /// An error with this summary; state as it was.
    Fails(&'static str),
    /// The object, marked.
    UserMissing,
    /// Removed from state with a warning.
    ProjectMissing,
    /// The fault means nothing to a list.
    NotAsked,
}

#[test]
fn a_fault_in_a_create_never_issues_twice_and_never_hides_a_certificate() {
    let walk = Walk::new(rows());
    walk.strike(Endpoint::IssueCertificate);
    let told = walk.run("apply", &["-refresh=false"]);
    for row in walk.rows() {
        check::created(row, &walk, &told);
    }
}

#[test]
fn a_fault_in_a_reissue_leaves_the_object_and_its_key_as_they_were() {
    let mut walk = Walk::new(rows());
    walk.run("apply", &[]).none();
    let before = walk.objects();
    walk.strike(Endpoint::IssueCertificate);
    walk.set_months(6);
    let told = walk.run("apply", &["-refresh=false"]);
    for row in walk.rows() {
        check::reissued(row, &walk, &told, &before[row.name]);
    }
}

#[test]
fn a_refresh_that_fails_says_why_and_leaves_state_alone() {
    let walk = Walk::new(
        rows().into_iter().filter(|row| matches!(row.reading, Reading::Fails(_))).collect(),
    );
    walk.run("apply", &[]).none();
    let before = walk.state_file();
    walk.strike(Endpoint::ListCertificates);
    let told = walk.run("apply", &["-refresh-only"]);
    for row in walk.rows() {
        check::failed_to_read(row, &walk, &told);
    }
    assert_eq!(walk.state_file(), before);
}

#[test]
fn a_refresh_that_gets_its_answer_in_the_end_knows_what_it_says() {
    let walk = Walk::new(
        rows()
            .into_iter()
            .filter(|row| !matches!(row.reading, Reading::Fails(_) | Reading::NotAsked))
            .collect(),
    );
    walk.run("apply", &[]).none();
    let before = walk.objects();
    walk.strike(Endpoint::ListCertificates);
    let told = walk.run("apply", &["-refresh-only"]);
    for row in walk.rows() {
        check::read(row, &walk, &told, &before[row.name]);
    }
}
