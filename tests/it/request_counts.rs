//! How many requests Atlas gets: as few as the figures of the design allow, and never an outdated answer for it.

use local_atlas::{Endpoint, LocalAtlas, X509Type};
use tf_harness::cli::Workspace;

use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::diagnostics,
    terraform::workspace,
};

#[test]
fn twenty_creates_cost_twenty_posts_and_one_look_at_the_user_for_each_plan() {
    let (atlas, workspace) = twenty();
    workspace.apply(&["-parallelism=20"]).success();
    let count = |endpoint| atlas.control().request_count(endpoint);
    assert_eq!(count(Endpoint::IssueCertificate), 20);
    // The plan, and the plan that is made again before each create is carried out.
    assert_eq!(count(Endpoint::ReadUser), 2);
    assert_eq!(count(Endpoint::ListCertificates), 0);
    // A process for each.
    assert_eq!((count(Endpoint::IssueToken), count(Endpoint::RevokeToken)), (2, 2));
    assert!(atlas.control().tokens().iter().all(|token| token.revoked));
}

#[test]
fn twenty_resources_of_one_user_cost_one_list_a_refresh() {
    let (atlas, workspace) = twenty();
    workspace.apply(&["-parallelism=20"]).success();
    atlas.control().clear_requests();
    assert!(workspace.plans_nothing());
    let count = |endpoint| atlas.control().request_count(endpoint);
    assert_eq!(
        (count(Endpoint::ListCertificates), count(Endpoint::ReadUser), count(Endpoint::IssueToken)),
        (1, 0, 1)
    );
}

#[test]
fn resources_of_a_user_that_is_gone_share_the_look_at_the_user_too() {
    let (atlas, workspace) = twenty();
    workspace.apply(&["-parallelism=20"]).success();
    for certificate in atlas.control().all_certificates() {
        atlas.control().unlist_certificate(certificate.id);
    }
    atlas.control().advance(std::time::Duration::from_secs(11 * 60));
    atlas.control().clear_requests();
    assert!(!workspace.plans_nothing(), "all are missing");
    let count = |endpoint| atlas.control().request_count(endpoint);
    assert_eq!((count(Endpoint::ListCertificates), count(Endpoint::ReadUser)), (1, 1));
}

#[test]
fn a_user_that_is_not_managed_is_a_warning_in_the_plan_and_a_missing_one_is_nothing() {
    for (x509_type, warns) in [
        (Some(X509Type::None), true),
        (Some(X509Type::Customer), true),
        (Some(X509Type::Managed), false),
        (None, false),
    ] {
        let atlas = atlas(&[]);
        if let Some(x509_type) = x509_type {
            atlas.control().add_user(PROJECT, "app", x509_type);
        }
        let workspace = workspace(&atlas, &resources(1));
        let output = workspace.run(["plan", "-json"]).success();
        let shown = diagnostics(&output);
        let summaries: Vec<_> =
            shown.iter().map(|shown| (shown.is_error, shown.summary.as_str())).collect();
        let expected: &[_] =
            if warns { &[(false, "Database user is not Atlas-managed X.509")] } else { &[] };
        assert_eq!(summaries, expected, "{x509_type:?}");
    }
}

fn twenty() -> (LocalAtlas, Workspace) {
    let atlas = atlas(&["app"]);
    let workspace = workspace(&atlas, &resources(20));
    (atlas, workspace)
}

fn resources(count: usize) -> String {
    format!(
        r#"
resource "atlas_user_certificate" "app" {{
  count      = {count}
  project_id = "{PROJECT}"
  username   = "app"
}}
"#
    )
}
