#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use local_atlas::{Certificate, Endpoint, LocalAtlas, Login as Kind, Options, Role};
use tf_provider::{CancellationToken, ReadDataResponse};

use super::*;
use crate::{
    atlas::{ApiVersion, BaseUrl, Client, Config, Credentials},
    clock::SystemClock,
    provider::guardrails::Guardrails,
};

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

/// A server with a login that may read and nothing else.
struct World {
    atlas: LocalAtlas,
    client: Arc<ProviderClient>,
}

impl World {
    fn new() -> Self {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        let control = atlas.control();
        control.set_role(Kind::AccessToken, Role::ReadOnly);
        for user in ["none", "one", "many"] {
            control.add_user(PROJECT, user, local_atlas::X509Type::Managed);
        }
        let atlas_client = Client::new(
            Config {
                base_url: BaseUrl::parse(&atlas.base_url()).unwrap(),
                api_version: ApiVersion::V1_0,
                credentials: Credentials::Token(control.credentials().access_token.into()),
                request_timeout: Duration::from_secs(60),
                max_retries: 0,
                ca_bundle_pem: None,
                proxy: None,
                user_agent: "test".to_owned(),
            },
            Arc::new(SystemClock),
            Arc::default(),
        );
        let client = Arc::new(ProviderClient::default());
        client.set_client(Session::new(
            atlas_client.unwrap(),
            Guardrails::default(),
            Arc::new(SystemClock),
        ));
        Self { atlas, client }
    }

    fn issue(&self, user: &str, months: u32) -> Certificate {
        self.atlas.control().issue(PROJECT, user, months)
    }

    async fn many(&self, user: &str, days: Option<i64>) -> ReadDataResponse {
        self.read(
            &UserCertificates(self.client.clone()),
            user,
            "expiring_within_days",
            days,
        )
        .await
    }

    async fn one(&self, user: &str, id: Option<&str>) -> ReadDataResponse {
        self.read(
            &UserCertificate(self.client.clone()),
            user,
            "certificate_id",
            id,
        )
        .await
    }

    async fn read(
        &self,
        source: &dyn DataSource,
        user: &str,
        argument: &str,
        value: impl Into<Value>,
    ) -> ReadDataResponse {
        let mut config = source.schema().block.empty();
        config.set("project_id", PROJECT);
        config.set("username", user);
        config.set(argument, value);
        source
            .read(ReadDataRequest {
                config,
                cancel: CancellationToken::new(),
            })
            .await
    }
}

fn state(response: ReadDataResponse) -> Value {
    assert!(
        !response.diagnostics.has_errors(),
        "{:?}",
        response.diagnostics
    );
    assert!(response.state.is_wholly_known());
    response.state
}

fn ids(response: ReadDataResponse) -> Vec<String> {
    let state = state(response);
    let objects = state.get("certificates").as_list().unwrap().iter();
    objects
        .map(|object| object.get("certificate_id").as_str().unwrap().to_owned())
        .collect()
}

fn whole_bytes(hex: &str) -> String {
    if hex.len().is_multiple_of(2) {
        hex.to_owned()
    } else {
        format!("0{hex}")
    }
}

/// Where the error points, and all its words.
fn error(response: ReadDataResponse) -> (String, String) {
    let error = response
        .diagnostics
        .into_iter()
        .find(|d| d.severity == tf_provider::Severity::Error);
    let error = error.expect("an error");
    let path = error.path.map(|path| path.to_string()).unwrap_or_default();
    (path, format!("{} {}", error.summary, error.detail))
}

#[tokio::test]
async fn lists_none_one_and_more_than_a_page_with_a_read_only_login() {
    let world = World::new();
    let only = world.issue("one", 3);
    let mut all: Vec<_> = (0..600).map(|_| world.issue("many", 3)).collect();
    all.sort_by_key(|certificate| (certificate.not_after, certificate.id));
    assert_eq!(ids(world.many("none", None).await), Vec::<String>::new());
    assert_eq!(
        ids(world.many("many", None).await),
        all.iter().map(|c| c.id.to_string()).collect::<Vec<_>>()
    );
    let state = state(world.many("one", None).await);
    let [object] = state.get("certificates").as_list().unwrap() else {
        panic!("one certificate")
    };
    for (name, wanted) in [
        ("certificate_id", only.id.to_string()),
        ("serial_number", whole_bytes(&only.serial)),
        ("subject", "CN=one".to_owned()),
        ("not_before", only.created_at.to_string()),
        ("not_after", only.not_after.to_string()),
    ] {
        assert_eq!(object.get(name).as_str(), Some(wanted.as_str()), "{name}");
    }
}

#[tokio::test]
async fn now_is_the_time_of_the_server() {
    let world = World::new();
    let far: Timestamp = "2040-01-01T12:00:00Z".parse().unwrap();
    world.atlas.control().set_clock(far);
    let (short, long) = (world.issue("many", 1), world.issue("many", 2));
    let (short, long) = (short.id.to_string(), long.id.to_string());
    assert_eq!(
        ids(world.many("many", Some(30)).await),
        Vec::<String>::new()
    );
    assert_eq!(ids(world.many("many", Some(31)).await), [short]);
    assert_eq!(
        ids(world.many("many", Some(i64::MAX)).await).last(),
        Some(&long)
    );
    let told = world.many("none", None).await;
    assert!(
        told.diagnostics.is_empty(),
        "a clock that is off is told once"
    );
}

#[tokio::test]
async fn finds_the_newest_or_the_one_that_is_named() {
    let world = World::new();
    let old = world.issue("many", 24);
    world.atlas.control().advance(Duration::from_secs(60));
    let new = world.issue("many", 1);
    for (asked, found) in [(None, &new), (Some(old.id.to_string()), &old)] {
        let state = state(world.one("many", asked.as_deref()).await);
        assert_eq!(
            state.get("certificate_id").as_str(),
            Some(found.id.to_string().as_str())
        );
        assert_eq!(
            state.get("serial_number").as_str(),
            Some(whole_bytes(&found.serial).as_str())
        );
        assert_eq!(state.get("username").as_str(), Some("many"));
    }
}

#[tokio::test]
async fn nothing_found_is_an_error_that_says_what_to_do() {
    let world = World::new();
    world.issue("one", 1);
    let (path, text) = error(world.one("none", None).await);
    assert_eq!(path, "username");
    assert!(
        text.contains("Issue one") && text.contains("none"),
        "{text}"
    );
    let (path, text) = error(world.one("one", Some("123")).await);
    assert_eq!(path, "certificate_id");
    assert!(
        text.contains("123") && text.contains("atlas_user_certificates"),
        "{text}"
    );
    world.atlas.control().remove_project(PROJECT);
    assert!(
        error(world.many("many", None).await)
            .1
            .contains("GROUP_NOT_FOUND")
    );
}

#[tokio::test]
async fn many_lookups_of_one_user_ask_atlas_once() {
    let world = World::new();
    world.issue("one", 1);
    let (many, one) = tokio::join!(world.many("one", None), world.one("one", None));
    assert_eq!(
        ids(many),
        [state(one).get("certificate_id").as_str().unwrap()]
    );
    assert_eq!(
        world
            .atlas
            .control()
            .requests_to(Endpoint::ListCertificates)
            .len(),
        1
    );
}

#[tokio::test]
async fn an_unknown_provider_configuration_is_named() {
    let world = World::new();
    world.client.set_deferred("client_secret");
    assert!(
        error(world.many("one", None).await)
            .1
            .contains("client_secret")
    );
}
