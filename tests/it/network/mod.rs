//! How Atlas is reached: over which connections, through which proxies, trusting whom, and never anywhere else.

mod proxy;

use local_atlas::{Endpoint, LocalAtlas, Options, Settings, X509Type};
use tf_harness::cli::Workspace;

use self::proxy::Proxy;
use crate::support::{
    atlas::{PROJECT, atlas, login},
    diagnostics::{CliDiagnostic, diagnostics},
    terraform::{bare_workspace, version},
};

#[test]
fn an_authority_in_ca_bundle_pem_is_trusted_and_http_2_is_spoken() {
    let atlas = secure();
    let workspace = one_certificate(&atlas, &atlas.base_url(), Some(atlas.ca_pem()));
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    workspace.destroy(&[]).success();
    let requests = atlas.control().requests();
    assert!(
        requests.iter().all(|request| request.protocol == "HTTP/2.0"),
        "{:?}",
        requests[0].protocol
    );
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn a_machine_without_authorities_is_told_what_to_install() {
    let atlas = secure();
    let mut workspace = one_certificate(&atlas, &atlas.base_url(), None);
    let nothing = workspace.path().join("nothing").display().to_string();
    workspace.set_env("SSL_CERT_FILE", &nothing);
    workspace.set_env("SSL_CERT_DIR", &nothing);
    let error = refused(&workspace);
    assert_eq!(error.summary, "No trusted certificate authorities", "{error:#?}");
    assert!(error.contains("ca-certificates") && error.contains("SSL_CERT_FILE"), "{error:#?}");
}

#[test]
fn authorities_in_ssl_cert_file_are_trusted() {
    let atlas = secure();
    let mut workspace = one_certificate(&atlas, &atlas.base_url(), None);
    workspace.write("authority.pem", atlas.ca_pem()).expect("a file");
    let file = workspace.path().join("authority.pem").display().to_string();
    workspace.set_env("SSL_CERT_FILE", &file);
    workspace.apply(&[]).success();
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn a_proxy_of_the_environment_is_used_with_its_credentials_unless_no_proxy_names_the_host() {
    let atlas = secure();
    let proxy = Proxy::start();
    let base_url = atlas.base_url().replace("127.0.0.1", "atlas.example");
    let mut workspace = one_certificate(&atlas, &base_url, Some(atlas.ca_pem()));
    workspace.set_env("HTTPS_PROXY", &format!("http://me:secret@{}", proxy.address()));
    workspace.apply(&[]).success();
    let seen = proxy.seen();
    let host = base_url.trim_start_matches("https://");
    assert!(!seen.is_empty() && seen.iter().all(|connect| connect.target == host), "{seen:?}");
    // me:secret
    assert!(seen.iter().all(|connect| connect.authorization == "Basic bWU6c2VjcmV0"), "{seen:?}");

    // Without the proxy the name has no address.
    let mut excluded = one_certificate(&atlas, &base_url, Some(atlas.ca_pem()));
    excluded.set_env("HTTPS_PROXY", &format!("http://{}", proxy.address()));
    excluded.set_env("NO_PROXY", "localhost, atlas.example");
    let error = refused(&excluded);
    assert!(error.contains("its name could not be resolved"), "{error:#?}");
    assert_eq!(proxy.seen().len(), seen.len(), "the proxy was used again");
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn a_proxy_that_refuses_is_told_as_such() {
    let atlas = secure();
    let proxy = Proxy::refusing();
    let base_url = atlas.base_url().replace("127.0.0.1", "atlas.example");
    let mut workspace = one_certificate(&atlas, &base_url, Some(atlas.ca_pem()));
    workspace.set_env("HTTPS_PROXY", &format!("http://me:secret@{}", proxy.address()));
    let error = refused(&workspace);
    assert_eq!(error.summary, "Proxy did not connect to Atlas", "{error:#?}");
    assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error:#?}");
    assert_eq!(atlas.control().requests(), []);
}

#[test]
fn a_proxy_is_not_used_within_this_computer_over_http() {
    let atlas = atlas(&["app"]);
    let proxy = Proxy::start();
    let mut workspace = one_certificate(&atlas, &atlas.base_url(), None);
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"] {
        workspace.set_env(name, &format!("http://{}", proxy.address()));
    }
    workspace.apply(&[]).success();
    assert!(proxy.seen().is_empty());
}

#[test]
fn every_request_says_who_asks() {
    let atlas = atlas(&["app"]);
    atlas.control().configure(|settings| settings.gzip = true);
    let workspace = one_certificate(&atlas, &atlas.base_url(), None);
    workspace.apply(&[]).success();
    assert!(workspace.plans_nothing());
    let agent = format!(
        "terraform-provider-atlas/{} Terraform/{}",
        env!("CARGO_PKG_VERSION"),
        version().text
    );
    let requests = atlas.control().requests();
    assert!(requests.iter().any(|request| request.endpoint == Some(Endpoint::IssueToken)));
    for request in requests {
        assert_eq!(request.headers["user-agent"], agent, "{}", request.target);
        assert!(!request.headers.contains_key("referer"));
    }
}

/// The only error of an apply that issues nothing.
fn refused(workspace: &Workspace) -> CliDiagnostic {
    let output = workspace.run(["apply", "-auto-approve", "-json"]).failure();
    let mut errors: Vec<_> =
        diagnostics(&output).into_iter().filter(|shown| shown.is_error).collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(workspace.instances("atlas_user_certificate").is_empty());
    errors.remove(0)
}

fn secure() -> LocalAtlas {
    let atlas = LocalAtlas::start(Options {
        https: true,
        settings: Settings::unlimited(),
        ..Options::default()
    })
    .expect("local Atlas starts on a free port");
    atlas.control().add_user(PROJECT, "app", X509Type::Managed);
    atlas
}

/// One certificate from an Atlas under this address.
fn one_certificate(atlas: &LocalAtlas, base_url: &str, ca_pem: Option<&str>) -> Workspace {
    let mut workspace = bare_workspace(&format!(
        r#"
variable "ca" {{
  type    = string
  default = null
}}

provider "atlas" {{
  base_url      = "{base_url}"
  ca_bundle_pem = var.ca
  max_retries   = 0
}}

resource "atlas_user_certificate" "app" {{
  project_id = "{PROJECT}"
  username   = "app"
}}
"#
    ));
    for (name, value) in login(atlas) {
        workspace.set_env(name, &value);
    }
    if let Some(ca_pem) = ca_pem {
        workspace.set_env("TF_VAR_ca", ca_pem);
    }
    workspace
}
