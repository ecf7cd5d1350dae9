//! The renewal window: what it may be, and what changing it does.

use serde_json::json;

use crate::support::{
    diagnostics::diagnostics,
    fixture::{Fixture, certificate, changed, destroy_warnings, expect_error, expect_warning},
};

#[test]
fn a_window_longer_than_half_a_life_is_refused_before_the_first_certificate() {
    let t = Fixture::new(&certificate("renew_before_days = 43"));
    let shown = t.failed_plan(&[]);
    let error = expect_error(&shown, "Renewal window too long");
    assert!(
        error.contains("42 days") && error.contains("terraform destroy -refresh=false"),
        "{error:?}"
    );
    let shown = t.workspace.plan(&[]).failure().text();
    assert!(shown.contains("renew_before_days = 43"), "at the argument: {shown}");
    assert_eq!(t.posts(), 0);

    t.set_config(&certificate("renew_before_days = 42"));
    t.apply(&[]);
    assert!(t.plans_nothing());
}

#[test]
fn a_window_too_long_for_the_stored_life_is_cut_with_a_warning_and_never_in_the_way() {
    let t = Fixture::applied(&certificate("months_until_expiration = 1"));
    let first = t.object();
    t.set_config(&certificate("renew_before_days = 100"));
    let shown = t.apply(&[]);
    let warning = expect_warning(&shown, "Renewal window longer than half the certificate's life");
    assert!(warning.contains("100"), "{warning:?}");
    let cut = t.object();
    assert_eq!(changed(&first, &cut), ["renew_before_days", "renewal_time"]);
    let time = |name: &str| cut[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let (from, opens, to) = (time("not_before"), time("renewal_time"), time("not_after"));
    assert!(
        (opens.duration_since(from) - to.duration_since(opens)).abs()
            <= jiff::SignedDuration::from_secs(1)
    );
    assert!(t.plans_nothing());
    assert_eq!(t.posts(), 1);

    t.advance_days(20);
    t.apply(&[]);
    assert_eq!((t.posts(), t.object()["issue_reason"].clone()), (2, json!("renewal")));
    assert!(t.plans_nothing(), "the next one is not due at once");
    assert_eq!(destroy_warnings(&t.destroy(&[])), 1);
}

#[test]
fn a_create_that_is_refused_stands_in_the_way_of_destroy_only_until_refresh_is_left_out() {
    let t = Fixture::applied(&certificate(""));
    let other = certificate("renew_before_days = 43").replace("\"app\" {", "\"other\" {");
    t.set_config(&(certificate("") + &other));
    let shown = diagnostics(&t.workspace.destroy(&["-json"]).failure());
    let error = expect_error(&shown, "Renewal window too long");
    assert!(error.contains("terraform destroy -refresh=false"), "{error:?}");
    assert_eq!(destroy_warnings(&t.destroy(&["-refresh=false"])), 1);
    assert!(t.is_empty());
}

#[test]
fn a_smaller_window_postpones_a_renewal_that_is_due() {
    let t = Fixture::applied(&certificate(""));
    t.advance_days(70);
    t.apply(&["-refresh-only"]);
    let due = t.object();
    t.set_config(&certificate("renew_before_days = 10"));
    t.apply(&[]);
    let postponed = t.object();
    assert_eq!(changed(&due, &postponed), ["renew_before_days", "renewal_time", "status"]);
    assert_eq!((postponed["status"].clone(), t.posts()), (json!("active"), 1));
    assert!(t.plans_nothing());
    t.advance_days(12);
    t.apply(&[]);
    assert_eq!(t.posts(), 2);
}
