//! The certificates of a whole project, through the real CLI: the data source without a username.

use local_atlas::{Answer, Endpoint, Fault, X509Type};
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::workspace,
};

const INVENTORY: &str = "data \"atlas_user_certificates\" \"all\" {\n  project_id = \"32b6e34b3d91647abb20e7b8\"\n}\n\
    output \"users\" {\n  value = data.atlas_user_certificates.all.certificates[*].username\n}\n";

#[test]
fn an_inventory_of_250_users_reads_each_list_once_in_a_run() {
    let atlas = atlas(&[]);
    let control = atlas.control();
    for number in 0..250 {
        control.add_user(PROJECT, &format!("user-{number}"), X509Type::Managed);
    }
    control.add_user_in(PROJECT, "admin", "password", X509Type::None);
    control.issue(PROJECT, "user-17", 2);
    control.issue(PROJECT, "user-3", 1);
    let again = "data \"atlas_user_certificate\" \"one\" {\n  project_id = \"32b6e34b3d91647abb20e7b8\"\n  username = \"user-3\"\n}\n";
    let workspace = workspace(&atlas, &format!("{INVENTORY}{again}"));
    assert_eq!(planned_users(&workspace), ["user-3", "user-17"], "sorted by expiry");
    assert_eq!(control.request_count(Endpoint::ListUsers), 1);
    assert_eq!(control.request_count(Endpoint::ListCertificates), 250);
}

#[test]
fn a_user_that_cannot_be_read_fails_the_inventory_by_name() {
    let atlas = atlas(&["app", "billing"]);
    let control = atlas.control();
    control.issue(PROJECT, "app", 1);
    let workspace = workspace(&atlas, INVENTORY);
    let list = || Fault::on(Endpoint::ListCertificates).user("billing");
    control.add_fault(list().refuse(Answer::api_error(403, "USER_UNAUTHORIZED", "no")));
    let text = workspace.plan(&[]).failure().text();
    assert!(text.contains("\"billing\"") && text.contains("USER_UNAUTHORIZED"), "{text}");
    control.add_fault(list().refuse(Answer::api_error(
        404,
        "USERNAME_NOT_FOUND",
        "deleted in the meantime",
    )));
    assert_eq!(planned_users(&workspace), ["app"]);
}

fn planned_users(workspace: &Workspace) -> Vec<String> {
    workspace.plan(&["-out=it.tfplan"]).success();
    let shown = workspace.run(["show", "-json", "it.tfplan"]).success();
    let plan: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let users =
        plan["planned_values"]["outputs"]["users"]["value"].as_array().expect("a list").iter();
    users.map(|user| user.as_str().expect("a name").to_owned()).collect()
}
