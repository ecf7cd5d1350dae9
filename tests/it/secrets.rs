//! With everything logged that can be: no log, no printed text and no plan of a state-only change holds a secret.

use local_atlas::{Endpoint, Fault, LocalAtlas, Rewrite, When};
use serde_json::Value as Json;
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas},
    leak_scanner::{LeakScanner, Secret},
    terraform::{bare_workspace, write_main},
};

#[test]
fn a_service_account_leaves_no_secret_in_any_log() {
    leaves_no_secret(|atlas| {
        let credentials = atlas.control().credentials();
        vec![
            ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
            ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
        ]
    });
}

#[test]
fn an_api_key_leaves_no_secret_in_any_log() {
    leaves_no_secret(|atlas| {
        let credentials = atlas.control().credentials();
        vec![
            ("MONGODB_ATLAS_PUBLIC_API_KEY", credentials.public_key),
            ("MONGODB_ATLAS_PRIVATE_API_KEY", credentials.private_key),
        ]
    });
}

#[test]
fn an_access_token_leaves_no_secret_in_any_log() {
    leaves_no_secret(|atlas| {
        vec![("MONGODB_ATLAS_ACCESS_TOKEN", atlas.control().credentials().access_token)]
    });
}

/// Plan, apply, refresh, a change, answers that cannot be used, and destroy.
fn leaves_no_secret(login: impl Fn(&LocalAtlas) -> Vec<(&'static str, String)>) {
    let atlas = atlas(&["app"]);
    let mut workspace = bare_workspace(&configuration(3));
    workspace.set_env("MONGODB_ATLAS_BASE_URL", &atlas.base_url());
    let login = login(&atlas);
    for (name, value) in &login {
        workspace.set_env(name, value);
    }
    let mut traces = LeakScanner::start(&mut workspace);
    let mut keys = Vec::new();

    let planned = workspace.plan(&["-out=first.tfplan"]).success();
    traces.collect(&workspace, &planned);
    traces.collect(&workspace, &workspace.apply(&["first.tfplan"]).success());
    keys.push(stored_key(&workspace));
    traces.collect(&workspace, &workspace.apply(&["-refresh-only"]).success());
    write_main(&workspace, &configuration(6));
    traces.collect(&workspace, &workspace.apply(&[]).success());
    keys.push(stored_key(&workspace));

    write_main(&workspace, &configuration(9));
    for fault in [
        Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::Truncated { bytes: 3000 }),
        Fault::on(Endpoint::IssueCertificate).rewrite(Rewrite::ForeignKey),
        Fault::on(Endpoint::IssueCertificate).cut(When::After),
    ] {
        atlas.control().add_fault(fault);
        traces.collect(&workspace, &workspace.apply(&[]).failure());
    }
    atlas.control().assert_all_faults_used();
    workspace.set_env(login.last().unwrap().0, &wrong(&login.last().unwrap().1));
    traces.collect(&workspace, &workspace.plan(&[]).failure());
    workspace.set_env(login.last().unwrap().0, &login.last().unwrap().1);
    traces.collect(&workspace, &workspace.destroy(&[]).success());

    assert!(traces.all_occurrences().contains(&"trace.log"));
    for key in keys {
        let places = traces.occurrences(&Secret::key(&key));
        assert!(
            places.contains(&"terraform.tfstate"),
            "the search does not even find what is there: {places:?}"
        );
        let hidden = places.iter().all(|place| is_state(place));
        assert!(hidden, "a private key is in {places:?}");
    }
    for issued in atlas.control().all_certificates() {
        let places = traces.occurrences(&Secret::key(&issued.key_pem));
        assert!(places.iter().all(|place| is_state(place)), "a private key is in {places:?}");
    }
    let tokens = atlas.control().tokens().into_iter().map(|token| token.value);
    let public = ["MONGODB_ATLAS_CLIENT_ID", "MONGODB_ATLAS_PUBLIC_API_KEY"];
    let secrets =
        login.into_iter().filter(|(name, _)| !public.contains(name)).map(|(_, value)| value);
    for secret in secrets.chain(tokens) {
        assert_eq!(
            traces.occurrences(&Secret::text(&secret)),
            Vec::<&str>::new(),
            "a login is left behind"
        );
    }
}

/// State files, and the copies of state in plan files.
fn is_state(place: &str) -> bool {
    place.starts_with("terraform.tfstate") || place.contains(":tfstate")
}

fn configuration(months: u32) -> String {
    format!(
        "provider \"atlas\" {{}}\n\nresource \"atlas_user_certificate\" \"app\" {{\n  project_id = \"{PROJECT}\"\n  username   = \"app\"\n  \
         months_until_expiration = {months}\n}}\n"
    )
}

/// The private key that stands in state.
fn stored_key(workspace: &Workspace) -> String {
    let attributes = workspace.instances("atlas_user_certificate").remove(0);
    let Json::String(pem) = &attributes["combined_pem"] else { panic!("no key in state") };
    let begin = pem.find("-----BEGIN PRIVATE KEY-----").expect("a key");
    pem[begin..].to_owned()
}

/// A login of the same shape that Atlas does not know.
fn wrong(secret: &str) -> String {
    secret.chars().rev().collect()
}
