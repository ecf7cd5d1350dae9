//! Lost responses beyond one row: several at once for one user, and a list that cannot be read either.

use std::collections::BTreeSet;

use local_atlas::{Answer, Endpoint, Fault, When};

use crate::support::{
    atlas::PROJECT,
    diagnostics::CliDiagnostic,
    fixture::{Fixture, TYPE, certificate},
};

#[test]
fn parallel_creates_for_one_user_never_blame_each_other() {
    let t = Fixture::new(&certificate("count = 12"));
    for nth in [3, 7] {
        t.fault(Fault::on(Endpoint::IssueCertificate).nth(nth).cut(When::After));
    }
    let shown = t.failed_apply(&["-parallelism=20"]);
    let issued: BTreeSet<_> = t.issued().iter().map(|issued| issued.id.to_string()).collect();
    let objects = t.workspace.instances(TYPE);
    let held: BTreeSet<_> =
        objects.iter().map(|it| it["certificate_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((issued.len(), held.len(), shown.len()), (12, 10, 2), "{shown:#?}");
    for error in &shown {
        assert_eq!(error.summary, "Certificate issued, but its private key was lost");
        // Which of the two belongs to which request cannot be known, so both are named.
        for id in &issued {
            assert_eq!(error.contains(id), !held.contains(id), "{id}: {error:#?}");
        }
    }
}

#[test]
fn a_certificate_of_another_client_is_not_blamed_unless_it_was_issued_at_the_same_moment() {
    let t = one();
    let control = t.atlas.control();
    let now = control.now();
    control.set_clock(now - jiff::SignedDuration::from_mins(5));
    let older = control.issue(PROJECT, "app", 3).id.to_string();
    control.set_clock(now);
    t.fault(Fault::on(Endpoint::IssueCertificate).cut(When::Before));
    let error = failed(&t);
    assert_eq!(error.summary, "Certificate not issued", "{error:#?}");
    assert!(error.contains("none was issued") && !error.contains(&older), "{error:#?}");
}

#[test]
fn a_server_clock_that_is_off_by_days_changes_no_verdict() {
    for offset in [-72, 72] {
        let t = one();
        t.atlas.control().set_clock_offset(jiff::SignedDuration::from_hours(offset));
        t.fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
        let error = failed(&t);
        assert_eq!(error.summary, "Certificate issued, but its private key was lost", "{error:#?}");
        assert!(error.contains(&t.newest().id.to_string()), "{error:#?}");
    }
}

#[test]
fn an_ambiguous_outcome_explains_how_to_check_it() {
    let code = "IP_ADDRESS_NOT_ON_ACCESS_LIST";
    for (list, why) in [
        (Answer::api_error(403, code, "Not allowed."), code),
        (Answer::server_error(500), "HTTP 500"),
    ] {
        let t = one();
        t.fault(Fault::on(Endpoint::IssueCertificate).cut(When::After));
        t.fault(Fault::on(Endpoint::ListCertificates).always().refuse(list));
        let error = failed(&t);
        assert_eq!(error.summary, "Unknown whether a certificate was issued", "{error:#?}");
        for words in
            [why, "atlas_user_certificates", "The request was not retried", "the connection broke"]
        {
            assert!(error.contains(words), "{words}: {error:#?}");
        }
        assert_eq!(t.posts(), 1);
    }
}

fn one() -> Fixture {
    let t = Fixture::new("");
    t.set_provider("max_retries = 1", &certificate(""));
    t
}

/// The only error of a create.
#[track_caller]
fn failed(t: &Fixture) -> CliDiagnostic {
    let mut errors = t.failed_apply(&[]);
    errors.retain(|shown| shown.is_error);
    assert!(errors.len() == 1 && t.is_empty(), "{errors:#?}");
    errors.remove(0)
}
