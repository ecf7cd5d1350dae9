//! The renewal window: what it may be, and what changing it does.

use serde_json::json;

use super::{Life, certificate, changed, failed, farewells, refused, warned};

#[test]
fn a_window_longer_than_half_a_life_is_refused_before_the_first_certificate() {
    let life = Life::planned(&certificate("renew_before_days = 43"));
    let told = refused(life.workspace.plan(&["-json"]));
    let error = failed(&told, "Renewal window too long");
    assert!(
        error.contains("42 days") && error.contains("terraform destroy -refresh=false"),
        "{error:?}"
    );
    let shown = life.workspace.plan(&[]).failure().text();
    assert!(
        shown.contains("renew_before_days = 43"),
        "at the argument: {shown}"
    );
    assert_eq!(life.posts(), 0);

    life.now(&certificate("renew_before_days = 42"));
    life.apply(&[]);
    assert!(life.workspace.plans_nothing());
}

#[test]
fn a_window_too_long_for_the_stored_life_is_cut_with_a_warning_and_never_in_the_way() {
    let life = Life::begun(&certificate("months_until_expiration = 1"));
    let first = life.object();
    life.now(&certificate("renew_before_days = 100"));
    let told = life.apply(&[]);
    let warning = warned(
        &told,
        "Renewal window longer than half the certificate's life",
    );
    assert!(warning.contains("100"), "{warning:?}");
    let cut = life.object();
    assert_eq!(changed(&first, &cut), ["renew_before_days", "renewal_time"]);
    let time = |name: &str| {
        cut[name]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let (from, opens, to) = (time("not_before"), time("renewal_time"), time("not_after"));
    assert!(
        (opens.duration_since(from) - to.duration_since(opens)).abs()
            <= jiff::SignedDuration::from_secs(1)
    );
    assert!(life.workspace.plans_nothing());
    assert_eq!(life.posts(), 1);

    life.days(20);
    life.apply(&[]);
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("renewal"))
    );
    assert!(
        life.workspace.plans_nothing(),
        "the next one is not due at once"
    );
    assert_eq!(farewells(&life.destroy(&[])), 1);
}

#[test]
fn a_create_that_is_refused_stands_in_the_way_of_destroy_only_until_refresh_is_left_out() {
    let life = Life::begun(&certificate(""));
    let other = certificate("renew_before_days = 43").replace("\"app\" {", "\"other\" {");
    life.now(&(certificate("") + &other));
    let told = refused(life.workspace.destroy(&["-json"]));
    assert!(failed(&told, "Renewal window too long").contains("terraform destroy -refresh=false"));
    assert_eq!(farewells(&life.destroy(&["-refresh=false"])), 1);
    assert!(
        life.workspace
            .instances("atlas_user_certificate")
            .is_empty()
    );
}

#[test]
fn a_window_of_no_days_renews_only_what_has_expired() {
    let life = Life::begun(&certificate("renew_before_days = 0"));
    let first = life.object();
    assert_eq!(first["renewal_time"], first["not_after"]);
    let end = life.issued()[0].not_after;
    life.atlas
        .control()
        .set_clock(end - jiff::SignedDuration::from_mins(30));
    assert!(life.workspace.plans_nothing());
    life.atlas
        .control()
        .set_clock(end + jiff::SignedDuration::from_mins(30));
    life.apply(&[]);
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("renewal"))
    );
}

#[test]
fn a_smaller_window_postpones_a_renewal_that_is_due() {
    let life = Life::begun(&certificate(""));
    life.days(70);
    life.apply(&["-refresh-only"]);
    let due = life.object();
    life.now(&certificate("renew_before_days = 10"));
    life.apply(&[]);
    let postponed = life.object();
    assert_eq!(
        changed(&due, &postponed),
        ["renew_before_days", "renewal_time", "status"]
    );
    assert_eq!(
        (postponed["status"].clone(), life.posts()),
        (json!("active"), 1)
    );
    assert!(life.workspace.plans_nothing());
    life.days(12);
    life.apply(&[]);
    assert_eq!(life.posts(), 2);
}

#[test]
fn a_larger_window_decides_at_the_refresh_after_it_is_stored() {
    let life = Life::begun(&certificate("renew_before_days = 5"));
    life.days(60);
    life.now(&certificate("renew_before_days = 40"));
    life.apply(&[]);
    assert_eq!(
        (life.object()["status"].clone(), life.posts()),
        (json!("active"), 1)
    );
    life.apply(&[]);
    assert_eq!(life.posts(), 2);
    assert!(life.workspace.plans_nothing());
}

#[test]
fn a_window_does_not_keep_what_has_expired() {
    let life = Life::begun(&certificate(""));
    life.days(100);
    life.now(&certificate("renew_before_days = 10"));
    life.apply(&[]);
    assert_eq!(
        (life.posts(), life.object()["issue_reason"].clone()),
        (2, json!("renewal"))
    );
}
