//! More than one certificate: counted, and in several organizations.

use std::collections::BTreeSet;

use local_atlas::LocalAtlas;

use crate::support::{
    atlas::atlas,
    fixture::{Fixture, TYPE, log_in, resource},
    terraform::bare_workspace,
};

#[test]
fn each_of_ten_users_gets_a_certificate_whatever_letters_its_name_has() {
    let users = [
        "user-1",
        "user-2",
        "user-3",
        "user-4",
        "user-5",
        "ann@example.com",
        "CN of ops/team",
        "größe",
        "50%",
        "a+b?c#d",
    ];
    let all = format!("for_each = toset({users:?})\n  username = each.key");
    let t = Fixture::of(&users, &resource("all", &all));
    t.workspace.apply(&["-parallelism=10"]).success();
    let objects = t.workspace.instances(TYPE);
    let ids: BTreeSet<_> = objects.iter().map(|it| it["certificate_id"].as_str()).collect();
    assert_eq!((objects.len(), ids.len(), t.posts()), (10, 10, 10));
    for object in &objects {
        let user = log_in(&t.atlas, object).unwrap().user;
        assert_eq!(object["username"], user);
    }
    assert!(t.plans_nothing());
    let destroyed = t.workspace.destroy(&["-parallelism=10"]).success().text();
    assert!(destroyed.contains("10 destroyed"), "{destroyed}");
    assert!(t.is_empty());
}

#[test]
fn two_aliases_use_two_organizations() {
    let organizations = [atlas(&["app"]), atlas(&["app"])];
    let block = |atlas: &LocalAtlas, alias: &str| {
        let token = atlas.control().credentials().access_token;
        let url = atlas.base_url();
        format!(
            "provider \"atlas\" {{\n  {alias}\n  base_url = {url:?}\n  access_token = {token:?}\n}}\n"
        )
    };
    let workspace = bare_workspace(
        &[
            block(&organizations[0], ""),
            block(&organizations[1], "alias = \"other\""),
            resource("one", "username = \"app\""),
            resource("other", "provider = atlas.other\n  username = \"app\""),
        ]
        .concat(),
    );
    workspace.apply(&[]).success();
    let stored = workspace.instances(TYPE);
    let stored: BTreeSet<_> =
        stored.iter().map(|it| it["certificate_id"].as_str().unwrap().to_owned()).collect();
    let issued = organizations.each_ref().map(|it| it.control().all_certificates());
    assert_eq!(issued.each_ref().map(Vec::len), [1, 1]);
    assert_eq!(stored, issued.iter().flatten().map(|it| it.id.to_string()).collect());
    assert!(workspace.plans_nothing());
    workspace.destroy(&[]).success();
}
