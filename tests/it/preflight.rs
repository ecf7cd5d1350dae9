//! The request for the database user that a planned create sends: what each response means for the plan.

use std::fmt::Write as _;

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas, When, X509Type};

use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::diagnostics,
    terraform::workspace,
};

const MAY_NOT_READ: &str = "Credentials may not read the database user";

/// Whether the plan fails, and the title; `None` for a silent plan.
type Expected = Option<(bool, &'static str)>;

#[test]
fn each_response_fails_warns_or_is_silent_as_documented() {
    let api = |status: u16, code: &str| Answer::api_error(status, code, "No.");
    let rows: [(&str, Fault, Expected); 10] = [
        (
            "rejected",
            on().refuse(Answer::unauthorized(false)),
            Some((true, "Atlas credentials rejected")),
        ),
        ("no project", on().refuse(api(404, "GROUP_NOT_FOUND")), Some((true, "Project not found"))),
        ("401 role", on().refuse(api(401, "USER_UNAUTHORIZED")), Some((false, MAY_NOT_READ))),
        ("403 role", on().refuse(api(403, "USER_UNAUTHORIZED")), Some((false, MAY_NOT_READ))),
        (
            "403",
            on().refuse(api(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST")),
            Some((false, MAY_NOT_READ)),
        ),
        ("no user", on().refuse(api(404, "USERNAME_NOT_FOUND")), None),
        ("other 404", on().refuse(api(404, "RESOURCE_NOT_FOUND")), None),
        ("429", on().refuse(Answer::rate_limited(None)), None),
        ("500", on().refuse(Answer::server_error(500)), None),
        ("cut", on().cut(When::Before), None),
    ];
    for (name, fault, expected) in rows {
        let atlas = atlas(&["app"]);
        atlas.control().add_fault(fault);
        let output = workspace(&atlas, &one("app")).run(["plan", "-json"]);
        let shown = diagnostics(&output);
        let summaries: Vec<_> =
            shown.iter().map(|shown| (shown.is_error, shown.summary.as_str())).collect();
        assert_eq!(summaries, Vec::from_iter(expected), "{name}: {shown:#?}");
        if expected.is_some_and(|(is_error, _)| is_error) {
            assert!(shown[0].contains("terraform destroy -refresh=false"), "{name}: {shown:#?}");
        }
        assert_eq!(atlas.control().issued_count(), 0);
    }
}

#[test]
fn a_plan_of_a_hundred_creates_waits_once_for_a_server_that_does_not_respond() {
    let (atlas, users) = many(100);
    atlas.control().add_fault(on().pause(When::Before));
    workspace(&atlas, &users).plan(&[]).success();
    let requests = atlas.control().request_count(Endpoint::ReadUser);
    assert!(requests <= 10, "{requests}: at most one for each parallel operation");
}

#[test]
fn an_apply_looks_at_the_users_in_the_plan_and_hardly_again() {
    let (atlas, users) = many(40);
    workspace(&atlas, &users).apply(&[]).success();
    let count = |endpoint| atlas.control().request_count(endpoint);
    assert_eq!(count(Endpoint::IssueCertificate), 40);
    let reads = count(Endpoint::ReadUser);
    assert!((40..=50).contains(&reads), "{reads}");
}

fn on() -> Fault {
    Fault::on(Endpoint::ReadUser).always()
}

fn many(count: usize) -> (LocalAtlas, String) {
    let atlas = atlas(&[]);
    let mut configuration = String::new();
    for number in 0..count {
        let user = format!("user-{number}");
        atlas.control().add_user(PROJECT, &user, X509Type::Managed);
        writeln!(configuration, "{}", one(&user)).expect("text");
    }
    (atlas, configuration)
}

fn one(user: &str) -> String {
    format!(
        "resource \"atlas_user_certificate\" {user:?} {{\n  project_id = {PROJECT:?}\n  username = {user:?}\n}}\n"
    )
}
