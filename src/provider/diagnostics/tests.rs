#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use local_atlas::{
    Answer, Credentials as Keys, Endpoint, Fault, LocalAtlas, Options, When, X509Type,
};
use serde_json::json;
use tf_provider::CancellationToken;

use super::*;
use crate::{
    atlas::{
        ApiVersion, BaseUrl, CallOptions, Client, Config, Credentials, Months, ProjectId, Username,
    },
    clock,
};

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

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

/// A local Atlas with one user, and a client that makes one attempt.
struct World {
    atlas: LocalAtlas,
    client: Client,
    user: UserId,
}

impl World {
    fn new() -> Self {
        Self::with(Duration::from_secs(60), |keys| Credentials::Token(keys.access_token.into()))
    }

    fn with(request_timeout: Duration, login: fn(Keys) -> Credentials) -> Self {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        atlas.control().add_user(PROJECT, "app", X509Type::Managed);
        let config = Config {
            base_url: BaseUrl::parse(&atlas.base_url()).unwrap(),
            api_version: ApiVersion::V1_0,
            credentials: login(atlas.control().credentials()),
            request_timeout,
            max_retries: 0,
            ca_bundle_pem: None,
            proxy: None,
            user_agent: "test".to_owned(),
        };
        let client = Client::new(config, clock::now, Arc::default()).unwrap();
        let (project, username) = (ProjectId::parse(PROJECT), Username::parse("app"));
        let user = UserId { project: project.unwrap(), username: username.unwrap() };
        Self { atlas, client, user }
    }

    /// The error of a certificate request with this response.
    async fn refused(&self, answer: Answer) -> Diagnostic {
        self.failed(Fault::on(Endpoint::IssueCertificate).always().refuse(answer)).await
    }

    /// The error of a certificate request with this fault.
    async fn failed(&self, fault: Fault) -> Diagnostic {
        self.atlas.control().add_fault(fault);
        let options = CallOptions::within(Duration::from_secs(30), &CancellationToken::new());
        let months = Months::parse(3).unwrap();
        let issued = self.client.issue(&self.user, months, &options).await;
        self.atlas.control().clear_faults();
        not_issued(&issued.expect_err("a refusal"), &self.user)
    }

    /// The error of listing the certificates.
    async fn unlisted(&self, fault: Fault) -> Diagnostic {
        self.atlas.control().add_fault(fault);
        let options = CallOptions::within(Duration::from_secs(30), &CancellationToken::new());
        let list = self.client.certificates(&self.user, &options).await;
        from_atlas(&list.unwrap_err(), &self.user)
    }
}

fn path(diagnostic: &Diagnostic) -> String {
    diagnostic.path.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn every_known_code_has_the_message_of_atlas_and_a_next_step() {
    let world = World::new();
    for (status, code, summary, at, next_step) in REFUSALS {
        let answer = Answer::api_error(status, code, "the message\u{1b}[31m of Atlas");
        let error = world.refused(answer).await;
        assert_eq!((error.summary.as_str(), path(&error).as_str()), (summary, at), "{code}");
        let status = status.to_string();
        for words in [
            next_step,
            code,
            &status,
            "The message",
            "\"app\"",
            PROJECT,
            "No certificate was issued.",
        ] {
            assert!(error.detail.contains(words), "{words:?} is missing for {code}: {error:?}");
        }
        assert!(!error.detail.contains('\u{1b}'), "{code}");
    }
    assert_eq!(world.atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn a_field_that_atlas_rejects_is_the_argument_to_blame() {
    let world = World::new();
    for (field, at) in [
        ("monthsUntilExpiration", "months_until_expiration"),
        ("username", "username"),
        ("groupId", "project_id"),
        ("somethingNew", ""),
    ] {
        let fields = json!([{ "field": field, "description": "must be something else" }]);
        let body = json!({
            "error": 400, "errorCode": "INVALID_ATTRIBUTE", "detail": "Invalid attribute.", "badRequestDetail": { "fields": fields },
        });
        let error = world.refused(Answer::text(400, "application/json", &body.to_string())).await;
        assert_eq!(path(&error), at);
        assert!(error.detail.contains(&format!("{field}: must be something else")), "{error:?}");
    }
}

#[tokio::test]
async fn the_first_line_of_a_page_is_shown_unless_a_certificate_was_requested() {
    let world = World::new();
    let page = || Answer::text(403, "text/html", "Blocked by the gatekeeper\nand more of that");
    let error = world.refused(page()).await;
    assert_eq!(error.summary, "Rejected by a proxy or firewall");
    assert!(!error.detail.contains("gatekeeper"), "{error:?}");
    let error = world.unlisted(Fault::on(Endpoint::ListCertificates).refuse(page())).await;
    let first_line = "The response begins with: Blocked by the gatekeeper";
    assert!(error.detail.contains(first_line) && !error.detail.contains("and more"), "{error:?}");
}

#[tokio::test]
async fn a_response_later_than_the_request_timeout_names_that_argument() {
    let world = World::with(Duration::from_millis(200), |keys| {
        Credentials::Token(keys.access_token.into())
    });
    let error = world.unlisted(Fault::on(Endpoint::ListCertificates).pause(When::Before)).await;
    assert_eq!(error.summary, "No response from Atlas");
    assert!(error.detail.contains("increase request_timeout"), "{error:?}");
}

#[tokio::test]
async fn rejected_credentials_name_the_arguments_of_their_kind() {
    type Login = fn(Keys) -> Credentials;
    let kinds: [(Login, &str, &str); 3] = [
        (
            |keys| Credentials::ServiceAccount {
                client_id: keys.client_id,
                client_secret: "wrong".into(),
            },
            "client_id and client_secret",
            "public_key",
        ),
        (
            |keys| Credentials::ApiKey { public_key: keys.public_key, private_key: "wrong".into() },
            "public_key and private_key",
            "client_id",
        ),
        (|_| Credentials::Token("wrong".into()), "access_token", "client_id"),
    ];
    for (login, names, others) in kinds {
        let world = World::with(Duration::from_secs(60), login);
        let error = world.unlisted(Fault::on(Endpoint::ReadUser)).await;
        assert_eq!(error.summary, "Atlas credentials rejected");
        assert!(error.detail.contains(names) && !error.detail.contains(others), "{error:?}");
        assert!(!error.detail.contains("wrong"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refused_service_account_is_reported_with_the_oauth_error() {
    let world = World::with(Duration::from_secs(60), |keys| Credentials::ServiceAccount {
        client_id: keys.client_id,
        client_secret: keys.client_secret.into(),
    });
    for (answer, title, words) in [
        (
            Answer::oauth_error(401, "invalid_client", "Invalid client secret."),
            "Atlas credentials rejected",
            "invalid_client",
        ),
        (
            Answer::oauth_error(403, "access_denied", "Token limit reached."),
            "Service account rejected",
            "100 active access tokens",
        ),
        (
            Answer::api_error(429, "RATE_LIMITED", "Resource is limited."),
            "Too many access tokens requested",
            "RATE_LIMITED",
        ),
        (
            Answer::api_error(404, "RESOURCE_NOT_FOUND", "Cannot find resource."),
            "No Atlas API at this address",
            "Check base_url",
        ),
    ] {
        let error = world.failed(Fault::on(Endpoint::IssueToken).always().refuse(answer)).await;
        assert_eq!(error.summary, title);
        assert!(error.detail.contains(words), "{error:?}");
        let secret = world.atlas.control().credentials().client_secret;
        assert!(!error.detail.contains(&secret));
    }
    assert_eq!(world.atlas.control().issued_count(), 0);
}

#[tokio::test]
async fn an_ambiguous_outcome_explains_how_to_check_it() {
    let code = "IP_ADDRESS_NOT_ON_ACCESS_LIST";
    let cases = [
        (Answer::api_error(403, code, "Not allowed."), code),
        (Answer::server_error(500), "HTTP 500"),
    ];
    let explained = async |(list, why)| {
        let world = World::new();
        let control = world.atlas.control();
        control.add_fault(Fault::on(Endpoint::ListCertificates).always().refuse(list));
        let error = world.failed(Fault::on(Endpoint::IssueCertificate).cut(When::After)).await;
        assert_eq!(error.summary, "Unknown whether a certificate was issued", "{error:?}");
        for words in
            [why, "atlas_user_certificates", "The request was not retried", "the connection broke"]
        {
            assert!(error.detail.contains(words), "{words}: {error:?}");
        }
        assert_eq!(control.request_count(Endpoint::IssueCertificate), 1);
    };
    join_all(cases.map(explained)).await;
}

#[tokio::test]
async fn a_canceled_run_is_named_as_the_reason() {
    let world = World::new();
    let (cancel, limit) = (CancellationToken::new(), Duration::from_secs(30));
    cancel.cancel();
    let options = CallOptions::within(limit, &cancel);
    let months = Months::parse(3).unwrap();
    let issued = world.client.issue(&world.user, months, &options).await;
    let error = not_issued(&issued.err().unwrap(), &world.user);
    assert_eq!(error.summary, "Canceled before the certificate was requested");
    let list = world.client.certificates(&world.user, &options).await;
    let error = from_atlas(&list.unwrap_err(), &world.user);
    assert_eq!(error.summary, "Operation canceled");
    assert_eq!(world.atlas.control().requests(), []);
}

#[tokio::test]
async fn a_certificate_of_another_client_is_not_blamed_unless_it_was_issued_at_the_same_moment() {
    let world = World::new();
    let control = world.atlas.control();
    let now = control.now();
    control.set_clock(now - jiff::SignedDuration::from_mins(5));
    let older = control.issue(PROJECT, "app", 3).id.to_string();
    control.set_clock(now);
    let error = world.failed(Fault::on(Endpoint::IssueCertificate).cut(When::Before)).await;
    assert_eq!(error.summary, "Certificate not issued");
    assert!(error.detail.contains("none was issued"), "{error:?}");
    assert!(!error.detail.contains(&older), "{error:?}");
}

#[tokio::test]
async fn a_server_clock_that_is_off_by_days_changes_no_verdict() {
    let unaffected = async |offset| {
        let world = World::new();
        let control = world.atlas.control();
        control.set_clock_offset(jiff::SignedDuration::from_hours(offset));
        let error = world.failed(Fault::on(Endpoint::IssueCertificate).cut(When::After)).await;
        assert_eq!(error.summary, "Certificate issued, but its private key was lost");
        let lost = &control.certificates(PROJECT, "app")[0];
        assert!(error.detail.contains(&lost.id.to_string()), "{error:?}");
    };
    join_all([-72, 72].map(unaffected)).await;
}
