use std::time::Duration;

use jiff::Timestamp;
use local_atlas::{
    Answer, Certificate, Endpoint, Fault, LocalAtlas, Login as Kind, Options, Role, When, X509Type,
};
use tf_provider::{CancellationToken, ReadDataResult};

use super::*;
use crate::provider::{client::State, testing::client};

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

/// A local Atlas with credentials that may only read.
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
            control.add_user(PROJECT, user, X509Type::Managed);
        }
        let client = client(&atlas);
        Self { atlas, client }
    }

    fn issue(&self, user: &str, months: u32) -> Certificate {
        self.atlas.control().issue(PROJECT, user, months)
    }

    async fn many(&self, user: &str, days: Option<i64>) -> ReadDataResult {
        self.read(&UserCertificates(self.client.clone()), user, "expiring_within_days", days).await
    }

    async fn inventory(&self, days: Option<i64>) -> ReadDataResult {
        let source = UserCertificates(self.client.clone());
        self.read(&source, Value::Null, "expiring_within_days", days).await
    }

    async fn one(&self, user: &str, id: Option<&str>) -> ReadDataResult {
        self.read(&UserCertificate(self.client.clone()), user, "certificate_id", id).await
    }

    async fn read(
        &self,
        source: &dyn DataSource,
        user: impl Into<Value>,
        argument: &'static str,
        value: impl Into<Value>,
    ) -> ReadDataResult {
        let mut config = source.schema().block.empty();
        config.set("project_id", PROJECT);
        config.set("username", user);
        config.set(argument, value);
        source.read(config, CancellationToken::new()).await
    }
}

fn state(result: ReadDataResult) -> Value {
    let (state, _) = result.unwrap();
    assert!(state.is_wholly_known());
    state
}

fn ids(result: ReadDataResult) -> Vec<String> {
    let state = state(result);
    let objects = state.get("certificates").as_list().unwrap().iter();
    objects.map(|object| object.get("certificate_id").as_str().unwrap().to_owned()).collect()
}

fn whole_bytes(hex: &str) -> String {
    if hex.len().is_multiple_of(2) { hex.to_owned() } else { format!("0{hex}") }
}

/// Where the error points, and all its words.
fn error(result: ReadDataResult) -> (String, String) {
    let error = result.unwrap_err().remove(0);
    let path = error.path.map(|path| path.to_string()).unwrap_or_default();
    (path, format!("{} {}", error.summary, error.detail))
}

#[tokio::test]
async fn none_one_and_more_than_a_page_of_certificates_are_listed_with_read_only_credentials() {
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
    let [object] = state.get("certificates").as_list().unwrap() else { panic!("one certificate") };
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
async fn the_present_time_is_that_of_the_server() {
    let world = World::new();
    let far: Timestamp = "2040-01-01T12:00:00Z".parse().unwrap();
    world.atlas.control().set_clock(far);
    let (short, long) = (world.issue("many", 1), world.issue("many", 2));
    let (short, long) = (short.id.to_string(), long.id.to_string());
    assert_eq!(ids(world.many("many", Some(30)).await), Vec::<String>::new());
    assert_eq!(ids(world.many("many", Some(31)).await), [short]);
    assert_eq!(ids(world.many("many", Some(i64::MAX)).await).last(), Some(&long));
    let (_, warnings) = world.many("none", None).await.unwrap();
    assert_eq!(warnings, [], "the clock warning is given once");
}

#[tokio::test]
async fn the_newest_certificate_or_the_one_with_the_id_is_found() {
    let world = World::new();
    let old = world.issue("many", 24);
    world.atlas.control().advance(Duration::from_secs(60));
    let new = world.issue("many", 1);
    for (asked, found) in [(None, &new), (Some(old.id.to_string()), &old)] {
        let state = state(world.one("many", asked.as_deref()).await);
        assert_eq!(state.get("certificate_id").as_str(), Some(found.id.to_string().as_str()));
        assert_eq!(state.get("serial_number").as_str(), Some(whole_bytes(&found.serial).as_str()));
        assert_eq!(state.get("username").as_str(), Some("many"));
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_exist_is_an_error_with_the_next_step() {
    let world = World::new();
    world.issue("one", 1);
    let source = UserCertificate(world.client.clone());
    let unknown = world.read(&source, Value::Unknown, "certificate_id", None::<&str>).await;
    let (path, text) = error(unknown);
    assert!(path == "username" && text.starts_with("Incomplete arguments"), "{path}: {text}");
    let (path, text) = error(world.one("none", None).await);
    assert_eq!(path, "username");
    assert!(text.contains("Issue one") && text.contains("none"), "{text}");
    let (path, text) = error(world.one("one", Some("123")).await);
    assert_eq!(path, "certificate_id");
    assert!(text.contains("123") && text.contains("atlas_user_certificates"), "{text}");
    world.atlas.control().remove_project(PROJECT);
    assert!(error(world.many("many", None).await).1.contains("GROUP_NOT_FOUND"));
}

#[tokio::test]
async fn several_lookups_of_one_user_share_one_request() {
    let world = World::new();
    world.issue("one", 1);
    let (many, one) = tokio::join!(world.many("one", None), world.one("one", None));
    assert_eq!(ids(many), [state(one).get("certificate_id").as_str().unwrap()]);
    assert_eq!(world.atlas.control().requests_to(Endpoint::ListCertificates).len(), 1);
}

#[tokio::test]
async fn an_unknown_provider_configuration_is_named() {
    let world = World::new();
    world.client.set(State::Deferred("client_secret"));
    assert!(error(world.many("one", None).await).1.contains("client_secret"));
}

fn elements(result: ReadDataResult) -> Vec<(String, String)> {
    let state = state(result);
    let text = |object: &Value, name: &str| object.get(name).as_str().unwrap().to_owned();
    let objects = state.get("certificates").as_list().unwrap().iter();
    objects.map(|object| (text(object, "username"), text(object, "certificate_id"))).collect()
}

#[tokio::test]
async fn without_a_username_the_certificates_of_every_managed_user_are_listed_by_expiry() {
    let world = World::new();
    let control = world.atlas.control();
    control.add_user(PROJECT, "customer", X509Type::Customer);
    control.add_user_in(PROJECT, "admin", "password", X509Type::None);
    let (long, short) = (world.issue("one", 3), world.issue("many", 1));
    let second = world.issue("many", 2);
    let of = |user: &str, certificate: &Certificate| (user.to_owned(), certificate.id.to_string());
    assert_eq!(
        elements(world.inventory(None).await),
        [of("many", &short), of("many", &second), of("one", &long)]
    );
    assert_eq!(elements(world.inventory(Some(40)).await), [of("many", &short)]);
    let lists = control.requests_to(Endpoint::ListCertificates);
    let mut users: Vec<_> = lists.iter().map(|request| request.user.as_str()).collect();
    users.sort_unstable();
    assert_eq!(users, ["many", "none", "one"], "one list for each managed user");
    assert_eq!(elements(world.many("one", None).await), [of("one", &long)]);
}

#[tokio::test]
async fn an_inventory_reads_eight_lists_at_a_time() {
    let world = World::new();
    let control = world.atlas.control();
    for number in 0..20 {
        control.add_user(PROJECT, &format!("user{number}"), X509Type::Managed);
    }
    let paused = Fault::on(Endpoint::ListCertificates).pause(When::Before).always();
    let paused = control.add_fault(paused);
    let released = async {
        paused.reached_times(8).await;
        assert_eq!(paused.hits(), 8);
        paused.release();
    };
    let (result, ()) = tokio::join!(world.inventory(None), released);
    assert_eq!(elements(result), []);
    assert_eq!(control.request_count(Endpoint::ListCertificates), 23);
}

#[tokio::test]
async fn a_user_that_cannot_be_read_fails_the_inventory_and_a_deleted_one_does_not() {
    let world = World::new();
    let control = world.atlas.control();
    let issued = world.issue("many", 1);
    let list_of_one = || Fault::on(Endpoint::ListCertificates).user("one");
    control.add_fault(list_of_one().refuse(Answer::api_error(
        404,
        "USERNAME_NOT_FOUND",
        "no such user",
    )));
    let found = elements(world.inventory(None).await);
    assert_eq!(found, [("many".to_owned(), issued.id.to_string())]);
    control.add_fault(list_of_one().refuse(Answer::server_error(500)));
    let (_, text) = error(world.inventory(None).await);
    assert!(text.contains("\"one\"") && text.contains(PROJECT), "{text}");
    control.add_user(PROJECT, "..", X509Type::Managed);
    let (_, text) = error(world.inventory(None).await);
    assert!(text.starts_with("Unusable username"), "{text}");
    control.remove_project(PROJECT);
    let (_, text) = error(world.inventory(None).await);
    assert!(text.contains("Listing the database users of project"), "{text}");
}
