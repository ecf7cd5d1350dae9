//! Values that are not known yet when a plan is made.

use crate::support::{
    atlas::{atlas, login},
    fixture::{Fixture, certificate, only, resource},
    terraform::{bare_workspace, write_main},
};

/// The resource whose output is unknown in the plan of its creation.
fn later(input: &str) -> String {
    format!("resource \"terraform_data\" \"later\" {{\n  input = {input:?}\n}}\n\n")
}

#[test]
fn a_username_that_is_known_only_at_apply_is_used_then_or_refused() {
    let app = resource("app", "username = terraform_data.later.output");
    let t = Fixture::new(&(later("app") + &app));
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("+ username = (known after apply)"), "{plan}");
    assert_eq!(t.atlas.control().requests(), [], "there is no user to look up");
    t.workspace.apply(&[]).success();
    assert_eq!(t.log_in().expect("a login").user, "app");
    assert!(t.plans_nothing());

    let t = Fixture::new(&(later("..") + &app));
    t.workspace.plan(&[]).success();
    let printed = t.workspace.apply(&[]).failure().text();
    assert!(printed.contains("Error: Invalid username"), "{printed}");
    assert_eq!(t.posts(), 0);
}

#[test]
fn a_provider_block_that_is_not_known_yet_is_waited_for() {
    let atlas = atlas(&["app"]);
    let block = |url: &str| {
        let provider = "provider \"atlas\" {\n  base_url = terraform_data.later.output\n}\n\n";
        later(url) + provider + &certificate("")
    };
    let mut workspace = bare_workspace(&block(&atlas.base_url()));
    for (name, value) in login(&atlas).iter().filter(|it| it.0 != "MONGODB_ATLAS_BASE_URL") {
        workspace.set_env(name, value);
    }
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("2 to add"), "{plan}");
    assert_eq!(atlas.control().requests(), []);
    workspace.apply(&[]).success();
    let before = only(&workspace);
    assert!(workspace.plans_nothing());

    // The certificate exists now, and the address changes in this run.
    atlas.control().clear_requests();
    write_main(&workspace, &block(&format!("{}/", atlas.base_url())));
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("0 to add, 1 to change, 0 to destroy"), "{plan}");
    assert_eq!(atlas.control().requests(), [], "the address is unknown");
    workspace.apply(&[]).success();
    assert_eq!(only(&workspace), before);
    assert_eq!(atlas.control().issued_count(), 1);
}
