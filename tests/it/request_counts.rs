//! The number and the times of requests: as few as promised, never an outdated response for it, and waits as Atlas demands.

use std::{
    collections::BTreeMap,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use jiff::Timestamp;
use local_atlas::{Answer, Endpoint, Fault, Rate, RetryAfter, When, X509Type};
use serde_json::json;

use crate::support::{
    atlas::{PROJECT, atlas, login, unlist_all},
    fixture::{Fixture, TYPE, certificate, resource},
    in_process::{InProcess, config, in_process},
    plugin::{ScratchDir, configure, started},
};

#[test]
fn twenty_creates_for_one_user_cost_twenty_posts_and_one_read_of_the_user_for_each_plan() {
    let t = twenty();
    assert_eq!(t.posts(), 20);
    // The plan, and the plan that is made again before each create.
    assert_eq!(t.count(Endpoint::ReadUser), 2);
    assert_eq!(t.count(Endpoint::ListCertificates), 0);
    // A process for each.
    assert_eq!((t.count(Endpoint::IssueToken), t.count(Endpoint::RevokeToken)), (2, 2));
    assert!(t.atlas.control().tokens().iter().all(|token| token.revoked));
}

#[test]
fn twenty_resources_and_two_data_sources_of_one_user_cost_one_list_a_refresh() {
    let t = twenty();
    let data = |kind: &str| {
        resource("app", "username = \"app\"").replace("resource \"atlas_user_certificate\"", kind)
    };
    let data = data("data \"atlas_user_certificate\"") + &data("data \"atlas_user_certificates\"");
    t.set_config(&(certificate("count = 20") + &data));
    t.atlas.control().clear_requests();
    assert!(t.plans_nothing());
    let counts = [Endpoint::ListCertificates, Endpoint::ReadUser, Endpoint::IssueToken];
    assert_eq!(counts.map(|endpoint| t.count(endpoint)), [1, 0, 1]);
    // The user of unlisted certificates is read once, too.
    unlist_all(&t.atlas);
    t.atlas.control().advance(std::time::Duration::from_secs(11 * 60));
    t.set_config(&certificate("count = 20"));
    t.atlas.control().clear_requests();
    assert!(!t.plans_nothing(), "all are missing");
    assert_eq!(counts.map(|endpoint| t.count(endpoint)), [1, 1, 1]);
}

fn twenty() -> Fixture {
    let t = Fixture::new(&certificate("count = 20"));
    t.workspace.apply(&["-parallelism=20"]).success();
    t
}

#[test]
fn an_apply_of_100_certificates_sends_100_posts_and_at_most_110_other_requests() {
    let t = many(100);
    t.workspace.apply(&[]).success();
    assert_eq!(t.posts(), 100);
    assert_eq!(t.count(Endpoint::ListCertificates), 0);
    let reads = t.count(Endpoint::ReadUser);
    assert!((100..=110).contains(&reads), "{reads}");
}

/// Each attempt ends after ten seconds, and later ones are not made: the plan ends in less than 15 seconds.
#[test]
fn a_plan_of_100_certificates_makes_one_attempt_for_each_parallel_operation_without_a_network() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let connections = Arc::<Mutex<Vec<TcpStream>>>::default();
    let accepted = Arc::clone(&connections);
    thread::spawn(move || {
        silent.incoming().flatten().for_each(|it| accepted.lock().unwrap().push(it));
    });
    let mut t = many(100);
    t.workspace.set_env("MONGODB_ATLAS_BASE_URL", &format!("http://{address}"));
    t.clear_credentials();
    t.workspace.set_env("MONGODB_ATLAS_ACCESS_TOKEN", "unread");
    let shown = t.plan(&[]);
    assert!(shown.is_empty(), "{shown:#?}");
    let attempts = connections.lock().unwrap().len();
    assert!((1..=10).contains(&attempts), "{attempts} connections");
}

/// As many certificates, of one user each.
fn many(count: usize) -> Fixture {
    let t = Fixture::of(&[], &each(count));
    for number in 0..count {
        t.atlas.control().add_user(PROJECT, &format!("user-{number}"), X509Type::Managed);
    }
    t
}

fn each(count: usize) -> String {
    let users = format!("for_each = toset([for n in range({count}) : \"user-${{n}}\"])");
    resource("each", &format!("{users}\n  username = each.key"))
}

/// Whether the plan fails, and the title; `None` for a plan without diagnostics.
type Expected = Option<(bool, &'static str)>;

/// The read of the user in the plan of a create.
#[tokio::test]
async fn each_response_to_the_preflight_fails_warns_or_is_silent_as_documented() {
    const MAY_NOT_READ: Expected = Some((false, "Credentials may not read the database user"));
    const NOT_MANAGED: Expected = Some((false, "Database user is not Atlas-managed X.509"));
    let (atlas, host) = in_process(&["app"]).await;
    let control = atlas.control();
    let on = || Fault::on(Endpoint::ReadUser).always();
    let api = |status, code| on().refuse(Answer::api_error(status, code, "No."));
    let rejected = Some((true, "Atlas credentials rejected"));
    for (name, fault, expected) in [
        ("rejected", on().refuse(Answer::unauthorized(false)), rejected),
        ("no project", api(404, "GROUP_NOT_FOUND"), Some((true, "Project not found"))),
        ("401 role", api(401, "USER_UNAUTHORIZED"), MAY_NOT_READ),
        ("403 role", api(403, "USER_UNAUTHORIZED"), MAY_NOT_READ),
        ("403", api(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), MAY_NOT_READ),
        ("no user", api(404, "USERNAME_NOT_FOUND"), None),
        ("other 404", api(404, "RESOURCE_NOT_FOUND"), None),
        ("429", on().refuse(Answer::rate_limited(None)), None),
        ("500", on().refuse(Answer::server_error(500)), None),
        ("cut", on().cut(When::Before), None),
    ] {
        control.add_fault(fault);
        check_preflight(&host, name, expected).await;
        control.clear_faults();
    }
    control.remove_user(PROJECT, "app");
    check_preflight(&host, "missing", None).await;
    for (x509_type, expected) in [
        (X509Type::None, NOT_MANAGED),
        (X509Type::Customer, NOT_MANAGED),
        (X509Type::Managed, None),
    ] {
        control.add_user(PROJECT, "app", x509_type);
        check_preflight(&host, &format!("{x509_type:?}"), expected).await;
    }
    assert_eq!(control.request_count(Endpoint::IssueCertificate), 0);
}

async fn check_preflight(host: &InProcess, name: &str, expected: Expected) {
    let shown = host.plan(None, &config("app")).await.diagnostics;
    let titles: Vec<_> = shown.iter().map(|it| (it.is_error, it.summary.as_str())).collect();
    assert_eq!(titles, Vec::from_iter(expected), "{name}: {shown}");
    if shown.has_errors() {
        assert!(shown.find("terraform destroy -refresh=false").is_some(), "{name}: {shown}");
    }
}

#[test]
fn forty_creates_against_a_rate_limit_of_twenty_wait_as_atlas_demands_and_issue_forty() {
    let (each, t) = (each(40), many(40));
    let rate = Some(Rate::per_second(20, 10));
    t.atlas.control().configure(|settings| settings.certificate_rate = rate);
    // No retries of our own: every wait is one that Atlas demands.
    t.set_provider("max_retries = 0", &each);
    t.workspace.apply(&["-parallelism=40"]).success();
    assert_eq!(t.atlas.control().issued_count(), 40);
    assert_eq!(t.workspace.instances(TYPE).len(), 40);
    let mut refused_at: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut refusals = 0;
    for post in t.atlas.control().requests_to(Endpoint::IssueCertificate) {
        if let Some(refused_at) = refused_at.remove(&post.user) {
            let waited = post.received_at.duration_since(refused_at).as_millis();
            assert!(waited >= 1000, "{} was sent again after {waited} ms", post.user);
        }
        if post.status == Some(429) {
            refusals += 1;
            refused_at.insert(post.user, post.received_at);
        } else {
            assert_eq!(post.status, Some(201), "{}", post.user);
        }
    }
    assert!(refusals > 0, "the limit was never reached");
}

#[tokio::test]
async fn a_wait_for_the_rate_limit_is_as_long_as_atlas_demands_and_logged_once() {
    let (atlas, scratch) = (atlas(&["app"]), ScratchDir::new());
    let answer = Answer::rate_limited(Some(RetryAfter::Date(6)));
    atlas.control().add_fault(Fault::on(Endpoint::IssueCertificate).refuse(answer));
    let core = started(scratch.options().envs(login(&atlas)).env("TF_LOG", "INFO")).await;
    configure(&core, json!({ "max_retries": 0 })).await;
    core.resource(TYPE).apply_config(&mut None, config("app")).await.unwrap().ok().unwrap();
    let posts = atlas.control().requests_to(Endpoint::IssueCertificate);
    let waited = posts[1].received_at.duration_since(posts[0].received_at).as_secs();
    assert!((5..60).contains(&waited), "{waited}");
    let lines = core.provider.log_lines();
    let mut logged = lines.iter().filter(|it| it.contains("Atlas limits the rate of requests"));
    let (Some(only), None) = (logged.next(), logged.next()) else { panic!("{lines:#?}") };
    assert!(only.contains("info") && only.contains("waiting"), "{only}");
}
