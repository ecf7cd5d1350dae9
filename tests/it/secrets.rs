//! With everything logged that can be: no log, no printed text and no plan of a state-only change holds a secret.

use local_atlas::{Credentials, Endpoint, Fault, Rewrite, When};

use crate::support::{
    atlas::atlas,
    fixture::{Fixture, certificate},
    leak_scanner::{LeakScanner, Secret},
};

/// Environment variables: the public half of the credentials, if there is one, and the secret.
type Login = fn(Credentials) -> Vec<(&'static str, String)>;

#[test]
fn no_credentials_leave_a_secret_in_any_log() {
    let service_account: Login = |keys| {
        let id = ("MONGODB_ATLAS_CLIENT_ID", keys.client_id);
        vec![id, ("MONGODB_ATLAS_CLIENT_SECRET", keys.client_secret)]
    };
    let api_key: Login = |keys| {
        let public = ("MONGODB_ATLAS_PUBLIC_API_KEY", keys.public_key);
        vec![public, ("MONGODB_ATLAS_PRIVATE_API_KEY", keys.private_key)]
    };
    let access_token: Login = |keys| vec![("MONGODB_ATLAS_ACCESS_TOKEN", keys.access_token)];
    std::thread::scope(|scope| {
        for login in [service_account, api_key, access_token] {
            scope.spawn(move || leaves_no_secret(login));
        }
    });
}

/// Plan, apply, refresh, a change, responses that cannot be used, wrong credentials, and destroy.
fn leaves_no_secret(login: Login) {
    let months = |months| certificate(&format!("months_until_expiration = {months}"));
    let mut t = Fixture::over(atlas(&["app"]), &months(3));
    t.clear_credentials();
    let login = login(t.atlas.control().credentials());
    t.set_envs(&login);
    let mut traces = LeakScanner::start(&mut t.workspace);
    let mut keys = Vec::new();

    traces.collect(&t.workspace, &t.workspace.plan(&["-out=first.tfplan"]).success());
    traces.collect(&t.workspace, &t.workspace.apply(&["first.tfplan"]).success());
    keys.push(stored_key(&t));
    traces.collect(&t.workspace, &t.workspace.apply(&["-refresh-only"]).success());
    t.set_config(&months(6));
    traces.collect(&t.workspace, &t.workspace.apply(&[]).success());
    keys.push(stored_key(&t));
    t.set_config(&months(9));
    let post = || Fault::on(Endpoint::IssueCertificate);
    for fault in [
        post().rewrite(Rewrite::Truncated { bytes: 3000 }),
        post().rewrite(Rewrite::ForeignKey),
        post().cut(When::After),
    ] {
        t.fault(fault);
        traces.collect(&t.workspace, &t.workspace.apply(&[]).failure());
    }
    t.atlas.control().assert_all_faults_used();
    let (name, secret) = login.last().unwrap();
    // Credentials of the same form that Atlas does not know.
    t.workspace.set_env(name, &secret.chars().rev().collect::<String>());
    traces.collect(&t.workspace, &t.workspace.plan(&[]).failure());
    t.workspace.set_env(name, secret);
    traces.collect(&t.workspace, &t.workspace.destroy(&[]).success());

    assert!(traces.all_occurrences().contains(&"trace.log"));
    for key in &keys {
        let places = traces.occurrences(&Secret::key(key));
        assert!(places.contains(&"terraform.tfstate"), "the search finds nothing: {places:?}");
    }
    keys.extend(t.atlas.control().all_certificates().into_iter().map(|it| it.key_pem));
    for key in keys {
        let places = traces.occurrences(&Secret::key(&key));
        assert!(places.iter().all(|place| is_state(place)), "a private key is in {places:?}");
    }
    let tokens = t.atlas.control().tokens().into_iter().map(|token| token.value);
    for secret in tokens.chain([secret.clone()]) {
        assert_eq!(traces.occurrences(&Secret::text(&secret)), Vec::<&str>::new());
    }
}

/// State files, and the copies of state in plan files.
fn is_state(place: &str) -> bool {
    place.starts_with("terraform.tfstate") || place.contains(":tfstate")
}

/// The private key in state.
fn stored_key(t: &Fixture) -> String {
    let pem = t.object()["combined_pem"].as_str().expect("a key in state").to_owned();
    let begin = pem.find("-----BEGIN PRIVATE KEY-----").expect("a key");
    pem[begin..].to_owned()
}
