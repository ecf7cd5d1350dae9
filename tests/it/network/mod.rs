//! How Atlas is reached: HTTP versions, proxies and certificate authorities.

mod proxy;

use local_atlas::{Endpoint, LocalAtlas, Options, Settings, X509Type};

use self::proxy::Proxy;
use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::CliDiagnostic,
    fixture::{Fixture, certificate},
    terraform::version,
};

#[test]
fn an_authority_in_ca_bundle_pem_is_trusted_and_http_2_is_used() {
    let t = secure(true, None);
    t.workspace.apply(&[]).success();
    assert!(t.plans_nothing());
    t.workspace.destroy(&[]).success();
    let requests = t.atlas.control().requests();
    assert!(requests.iter().all(|request| request.protocol == "HTTP/2.0"), "{requests:?}");
    assert_eq!(t.posts(), 1);
}

#[test]
fn authorities_in_ssl_cert_file_are_trusted_and_a_machine_without_any_gets_advice() {
    let mut t = secure(false, None);
    let nothing = t.workspace.path().join("nothing").display().to_string();
    t.workspace.set_env("SSL_CERT_FILE", &nothing);
    t.workspace.set_env("SSL_CERT_DIR", &nothing);
    let error = refused(&t);
    assert_eq!(error.summary, "No trusted certificate authorities", "{error:#?}");
    assert!(error.contains("ca-certificates") && error.contains("SSL_CERT_FILE"), "{error:#?}");
    t.workspace.write("nothing", t.atlas.ca_pem()).expect("a file");
    t.workspace.apply(&[]).success();
    assert_eq!(t.posts(), 1);
}

#[test]
fn a_proxy_of_the_environment_is_used_with_its_credentials_unless_no_proxy_names_the_host() {
    let proxy = Proxy::start(false);
    let mut t = secure(true, Some("atlas.example"));
    t.workspace.set_env("HTTPS_PROXY", &format!("http://me:secret@{}", proxy.address()));
    t.workspace.apply(&[]).success();
    let seen = proxy.seen();
    let host = t.atlas.base_url().replace("https://127.0.0.1", "atlas.example");
    assert!(!seen.is_empty() && seen.iter().all(|connect| connect.target == host), "{seen:?}");
    // me:secret
    assert!(seen.iter().all(|connect| connect.authorization == "Basic bWU6c2VjcmV0"), "{seen:?}");

    // Without the proxy the name has no address.
    t.workspace.set_env("NO_PROXY", "localhost, atlas.example");
    let shown = t.failed_apply(&["-replace=atlas_user_certificate.app"]);
    assert!(shown[0].contains("its name could not be resolved"), "{shown:#?}");
    assert_eq!(proxy.seen().len(), seen.len(), "the proxy was used again");
    assert_eq!(t.posts(), 1);
}

#[test]
fn a_proxy_that_refuses_is_reported_as_such() {
    let proxy = Proxy::start(true);
    let mut t = secure(true, Some("atlas.example"));
    t.workspace.set_env("HTTPS_PROXY", &format!("http://me:secret@{}", proxy.address()));
    let error = refused(&t);
    assert_eq!(error.summary, "Proxy did not connect to Atlas", "{error:#?}");
    assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error:#?}");
    assert_eq!(t.atlas.control().requests(), []);
}

#[test]
fn every_request_names_its_program() {
    let t = Fixture::over(atlas(&["app"]), &certificate(""));
    t.atlas.control().configure(|settings| settings.gzip = true);
    t.workspace.apply(&[]).success();
    assert!(t.plans_nothing());
    let version = version();
    // OpenTofu 1.12 configures providers with the version of Terraform with which it is compatible.
    let terraform = if version.tofu { "1." } else { version.text.as_str() };
    let agent =
        format!("terraform-provider-atlas/{} Terraform/{terraform}", env!("CARGO_PKG_VERSION"));
    assert!(t.count(Endpoint::IssueToken) > 0);
    for request in t.atlas.control().requests() {
        assert!(request.headers["user-agent"].starts_with(&agent), "{}", request.target);
        assert!(!request.headers.contains_key("referer"));
    }
}

/// The only error of an apply that issues nothing.
#[track_caller]
fn refused(t: &Fixture) -> CliDiagnostic {
    let mut errors = t.failed_apply(&[]);
    errors.retain(|shown| shown.is_error);
    assert!(errors.len() == 1 && t.is_empty(), "{errors:#?}");
    errors.remove(0)
}

/// One certificate of an Atlas with https, which is known by this host name; its authority is trusted or not.
fn secure(is_trusted: bool, host: Option<&str>) -> Fixture {
    let options = Options { https: true, settings: Settings::unlimited(), ..Options::default() };
    let atlas = LocalAtlas::start(options).expect("local Atlas starts on a free port");
    atlas.control().add_user(PROJECT, "app", X509Type::Managed);
    let base_url = atlas.base_url().replace("127.0.0.1", host.unwrap_or("127.0.0.1"));
    let mut t = Fixture::over(atlas, "");
    let variable = "variable \"ca\" {\n  default = null\n}\n";
    let block = format!("base_url = {base_url:?}\n  ca_bundle_pem = var.ca\n  max_retries = 0");
    t.set_provider(&block, &format!("{variable}{}", certificate("")));
    if is_trusted {
        let ca_pem = t.atlas.ca_pem().to_owned();
        t.set_var("ca", &ca_pem);
    }
    t
}
