//! Lost responses beyond one row: certificates of other clients, and a wrong clock.

use local_atlas::{Endpoint, Fault, When};

use crate::support::{
    atlas::PROJECT,
    diagnostics::CliDiagnostic,
    fixture::{Fixture, certificate},
};

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
