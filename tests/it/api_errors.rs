//! Every error code that the API is known to give, as the user reads it.

use local_atlas::{Answer, Endpoint, Fault, LocalAtlas};
use serde_json::json;
use tf_harness::{core::Core, diagnostic::Diagnostic};

use crate::support::{
    atlas::{PROJECT, atlas},
    plugin::{ScratchDir, configured},
};

/// Status, code, title, the argument to blame, and words of the next step.
type Refusal = (u16, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip] // a refusal a line
const REFUSALS: [Refusal; 40] = [
    (400, "USER_NOT_MANAGED_X509", "Database user is not Atlas-managed X.509", "username", "x509_type = \"MANAGED\""),
    (400, "CANNOT_GENERATE_CERT_IF_ADVANCED_X509", "Project uses its own certificate authority", "project_id", "self-managed X.509"),
    (400, "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED", "Too many certificates for this user", "username", "another database user"),
    (400, "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS", "Validity too long", "months_until_expiration", "24 months"),
    (400, "ATLAS_MANAGED_X509_NAME_INVALID", "Username not accepted", "username", "plain name"),
    (400, "ATLAS_INVALID_USERNAME", "Username not accepted", "username", "plain name"),
    (400, "ATLAS_INVALID_DN_METACHARACTERS", "Username not accepted", "username", "plain name"),
    (400, "ATLAS_INVALID_LDAP_NAME", "Username not accepted", "username", "plain name"),
    (400, "ATLAS_X509_USER_CANNOT_BE_TEMPORARY", "Request rejected", "", "its message is above"),
    (400, "INVALID_ATTRIBUTE", "Request rejected", "", "provider bug"),
    (400, "VALIDATION_ERROR", "Request rejected", "", "provider bug"),
    (400, "MALFORMED_JSON", "Atlas could not parse the request", "", "provider bug"),
    (400, "INVALID_JSON", "Atlas could not parse the request", "", "provider bug"),
    (400, "INVALID_QUERY_PARAMETER", "Atlas could not parse the request", "", "provider bug"),
    (400, "INVALID_PATH_PARAMETER", "Atlas could not parse the request", "", "unusual characters"),
    (400, "PATH_PARAM_PARSE_ERROR", "Atlas could not parse the request", "", "unusual characters"),
    (400, "EXPIRED_X509_CA_CERTIFICATE", "Certificate authority expired", "", "security settings"),
    (401, "UNEXPECTED_ERROR", "Atlas credentials rejected", "", "MONGODB_ATLAS_"),
    (401, "USER_UNAUTHORIZED", "Missing role", "", "Project Owner"),
    (401, "NOT_IN_GROUP", "No access to the project", "project_id", "another organization"),
    (401, "USER_CANNOT_ACCESS_GROUP", "No access to the project", "project_id", "another organization"),
    (401, "NOT_ORG_GROUP_CREATOR", "No access to the project", "project_id", "another organization"),
    (401, "NO_CURRENT_USER", "No access to the project", "project_id", "another organization"),
    (402, "ACCOUNT_SUSPENDED", "Atlas account suspended or unpaid", "", "billing"),
    (402, "NO_PAYMENT_INFORMATION_FOUND", "Atlas account suspended or unpaid", "", "billing"),
    (403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP address not on the API access list", "", "API access list"),
    (403, "IP_ADDRESS_NOT_ON_WHITELIST", "IP address not on the API access list", "", "API access list"),
    (403, "ORG_REQUIRES_ACCESS_LIST", "API access list required", "", "Add one"),
    (403, "RESOURCE_REQUIRES_ACCESS_LIST", "API access list required", "", "Add one"),
    (403, "ACCESS_FORBIDDEN", "Access denied", "", "Project Owner"),
    (404, "GROUP_NOT_FOUND", "Project not found", "project_id", "deleted"),
    (404, "INVALID_GROUP_ID", "Project not found", "project_id", "deleted"),
    (404, "USERNAME_NOT_FOUND", "Database user not found", "username", "Create the user first"),
    (404, "USER_NOT_IN_GROUP", "Database user not found", "username", "Create the user first"),
    (404, "RESOURCE_NOT_FOUND", "Not found", "", "base_url"),
    (405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", "Atlas is under maintenance", "", "in a few minutes"),
    (405, "SOMETHING_NEW", "Request not allowed", "", "in a few minutes"),
    (409, "AUTH_TYPE_CANNOT_BE_CHANGED", "Conflict", "", "Check the user"),
    (410, "VERSION_GONE", "Atlas API version was removed", "", "Upgrade the provider"),
    (429, "RATE_LIMITED", "Atlas rate limit reached", "", "-parallelism"),
];

#[tokio::test]
async fn every_known_code_is_told_with_atlas_own_words_and_a_next_step() {
    let (atlas, core, _temporary) = started().await;
    for (status, code, summary, at, says) in REFUSALS {
        // The words are the user's to read, whatever characters are in them.
        let answer = Answer::api_error(status, code, "what Atlas says\u{1b}[31m about it");
        let error = refused(&atlas, &core, answer).await;
        assert_eq!(error.summary, summary, "{code}: {error:?}");
        assert_eq!(error.path, at, "{code}");
        for words in [
            says,
            code,
            &status.to_string(),
            "What Atlas says",
            "\"app\"",
            PROJECT,
            "No certificate was issued.",
        ] {
            assert!(error.contains(words), "{words:?} is missing for {code}: {error:?}");
        }
        assert!(!error.detail.contains('\u{1b}'), "{code}");
    }
    assert_eq!(atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn a_field_that_atlas_blames_is_the_argument_that_is_blamed() {
    let (atlas, core, _temporary) = started().await;
    for (field, at) in [
        ("monthsUntilExpiration", "months_until_expiration"),
        ("username", "username"),
        ("groupId", "project_id"),
        ("somethingNew", ""),
    ] {
        let body = json!({
            "error": 400, "errorCode": "INVALID_ATTRIBUTE", "detail": "Invalid attribute.", "reason": "Bad Request", "parameters": null,
            "badRequestDetail": { "fields": [{ "field": field, "description": "must be something else" }] }
        });
        let error =
            refused(&atlas, &core, Answer::text(400, "application/json", &body.to_string())).await;
        assert_eq!(error.path, at);
        assert!(error.contains(field) && error.contains("must be something else"), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_of_an_unknown_kind_shows_its_first_line_unless_a_certificate_was_asked_for() {
    let (atlas, core, _temporary) = started().await;
    let page = || Answer::text(403, "text/html", "Blocked by the gatekeeper\nand more of that");
    let error = refused(&atlas, &core, page()).await;
    assert_eq!(error.summary, "Rejected by a proxy or firewall");
    assert!(!error.contains("gatekeeper"), "{error:?}");

    atlas.control().add_fault(Fault::on(Endpoint::ListCertificates).refuse(page()));
    let imported = core
        .resource("atlas_user_certificate")
        .import(&format!("{PROJECT}/app"))
        .await
        .expect("a sound answer");
    let error = imported.diagnostics.errors().next().expect("an error");
    assert!(
        error.contains("The response begins with: Blocked by the gatekeeper")
            && !error.contains("and more"),
        "{error:?}"
    );
}

async fn started() -> (LocalAtlas, Core, ScratchDir) {
    let atlas = atlas(&["app"]);
    let temporary = ScratchDir::new();
    let core = configured(&atlas, temporary.options()).await;
    core.configure(json!({ "max_retries": 0 }))
        .await
        .expect("a sound answer")
        .ok()
        .expect("a login");
    (atlas, core, temporary)
}

/// The only error of a create that Atlas answers so.
async fn refused(atlas: &LocalAtlas, core: &Core, answer: Answer) -> Diagnostic {
    atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).always().refuse(answer));
    let config = json!({ "project_id": PROJECT, "username": "app" });
    let outcome = core
        .apply_config("atlas_user_certificate", &mut None, config)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    atlas.control().clear_faults();
    let errors: Vec<_> = outcome.diagnostics.errors().cloned().collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().expect("one error")
}
