//! More than one certificate: counted, in modules, in several organizations.

use std::collections::HashSet;

use local_atlas::{Endpoint, LocalAtlas, X509Type};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    fixture::{TYPE, log_in, resource},
    terraform::{bare_workspace, workspace, write_main},
};

#[test]
fn ten_users_at_once_get_a_certificate_each() {
    let users: Vec<String> = (0..10).map(|number| format!("user-{number:02}")).collect();
    let atlas = atlas(&users.iter().map(String::as_str).collect::<Vec<_>>());
    let lines =
        "for_each = toset([for n in range(10) : format(\"user-%02d\", n)])\n  username = each.key";
    let workspace = workspace(&atlas, &resource("all", lines));
    workspace.apply(&["-parallelism=10"]).success();
    let instances = workspace.instances(TYPE);
    assert_eq!(instances.len(), 10);
    let ids: HashSet<_> =
        instances.iter().map(|attributes| attributes["certificate_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 10);
    for attributes in &instances {
        assert_eq!(
            log_in(&atlas, attributes).unwrap().user,
            attributes["username"].as_str().unwrap()
        );
    }
    assert_eq!(atlas.control().request_count(Endpoint::IssueCertificate), 10);

    assert!(workspace.plans_nothing());
    let destroyed = workspace.destroy(&["-parallelism=10"]).success().text();
    assert!(destroyed.contains("10 destroyed"), "{destroyed}");
    assert!(workspace.instances(TYPE).is_empty());
}

#[test]
fn two_aliases_ask_two_organizations() {
    let (one, other) = (atlas(&["app"]), atlas(&["app"]));
    let login = |atlas: &LocalAtlas| {
        let credentials = atlas.control().credentials();
        format!(
            "  base_url      = \"{}\"\n  client_id     = \"{}\"\n  client_secret = \"{}\"\n",
            atlas.base_url(),
            credentials.client_id,
            credentials.client_secret
        )
    };
    let configuration = format!(
        "provider \"atlas\" {{\n{}}}\n\nprovider \"atlas\" {{\n  alias = \"other\"\n{}}}\n\n{}\n{}",
        login(&one),
        login(&other),
        resource("one", "username = \"app\""),
        resource("other", "provider = atlas.other\n  username = \"app\"")
    );
    let workspace = bare_workspace(&configuration);
    workspace.apply(&[]).success();
    assert_eq!((one.control().issued_count(), other.control().issued_count()), (1, 1));
    let mut stored = workspace
        .instances(TYPE)
        .iter()
        .map(|it| it["certificate_id"].as_str().unwrap().to_owned())
        .collect::<Vec<_>>();
    let mut issued =
        [&one, &other].map(|atlas| atlas.control().all_certificates()[0].id.to_string()).to_vec();
    stored.sort();
    issued.sort();
    assert_eq!(stored, issued);
    assert!(workspace.plans_nothing());
    workspace.destroy(&[]).success();
}

#[test]
fn names_with_unusual_letters_reach_atlas_as_they_are() {
    let names = ["ann@example.com", "CN of ops/team", "größe", "50%", "a+b?c#d"];
    let atlas = atlas(&[]);
    for name in names {
        atlas.control().add_user(PROJECT, name, X509Type::Managed);
    }
    let set = names.map(|name| format!("{name:?}")).join(", ");
    let lines = format!("for_each = toset([{set}])\n  username = each.key");
    let mut workspace = bare_workspace("");
    for (name, value) in login(&atlas) {
        workspace.set_env(name, &value);
    }
    write_main(&workspace, &resource("all", &lines));
    workspace.apply(&[]).success();
    for attributes in workspace.instances(TYPE) {
        assert_eq!(
            log_in(&atlas, &attributes).unwrap().user,
            attributes["username"].as_str().unwrap()
        );
    }
    assert_eq!(workspace.instances(TYPE).len(), names.len());
    assert!(workspace.plans_nothing());
}
