//! What is not known yet when a plan is made.

use local_atlas::Endpoint;

use crate::support::{
    atlas::{atlas, login},
    fixture::{Fixture, certificate, log_in, only, resource},
    terraform::{bare_workspace, write_main},
};

#[test]
fn a_username_that_is_made_in_the_same_apply_is_waited_for() {
    let block = format!(
        "resource \"terraform_data\" \"name\" {{\n  input = \"app\"\n}}\n\n{}",
        resource("app", "username = terraform_data.name.output")
    );
    let t = Fixture::new(&block);
    let plan = t.workspace.plan(&[]).success().text();
    assert!(plan.contains("+ username = (known after apply)"), "{plan}");
    assert_eq!(
        t.atlas.control().requests().len(),
        0,
        "nobody can be asked about a user without a name"
    );

    t.workspace.apply(&[]).success();
    assert_eq!(log_in(&t.atlas, &t.object()).unwrap().user, "app");
    assert!(t.plans_nothing());
}

#[test]
fn a_bad_username_that_is_known_only_at_apply_is_refused_then_and_nothing_is_issued() {
    let block = format!(
        "resource \"terraform_data\" \"name\" {{\n  input = \"..\"\n}}\n\n{}",
        resource("app", "username = terraform_data.name.output")
    );
    let t = Fixture::new(&block);
    t.workspace.plan(&[]).success();
    let printed = t.workspace.apply(&[]).failure().text();
    assert!(printed.contains("Error: Invalid username"), "{printed}");
    assert!(t.atlas.control().requests_to(Endpoint::IssueCertificate).is_empty());
}

#[test]
fn a_provider_block_that_is_not_known_yet_is_waited_for() {
    let atlas = atlas(&["app"]);
    let block = |url: &str| {
        format!(
            "resource \"terraform_data\" \"url\" {{\n  input = \"{url}\"\n}}\n\nprovider \"atlas\" {{\n  base_url = terraform_data.url.output\n}}\n\n{}",
            certificate("")
        )
    };
    let mut workspace = bare_workspace(&block(&atlas.base_url()));
    for (name, value) in login(&atlas) {
        if name != "MONGODB_ATLAS_BASE_URL" {
            workspace.set_env(name, &value);
        }
    }
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("2 to add"), "{plan}");
    assert_eq!(atlas.control().requests().len(), 0);
    workspace.apply(&[]).success();
    let before = only(&workspace);
    assert_eq!(log_in(&atlas, &before).unwrap().user, "app");
    assert!(workspace.plans_nothing());

    // The certificate exists now, and the address changes in this run.
    atlas.control().clear_requests();
    let slash = format!("{}/", atlas.base_url());
    write_main(&workspace, &block(&slash));
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("0 to add, 1 to change, 0 to destroy"), "{plan}");
    assert_eq!(atlas.control().requests().len(), 0, "nobody knows whom to ask");
    workspace.apply(&[]).success();
    assert_eq!(only(&workspace), before);
    assert_eq!(atlas.control().issued_count(), 1);
}
