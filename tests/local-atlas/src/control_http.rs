//! The control surface over HTTP, for whoever does not write Rust.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::control::Control;
use crate::credentials::{Login, Role};
use crate::delivery::Delivery;
use crate::faults::{Armed, Fault};
use crate::jackson;
use crate::route::decode;
use crate::settings::Settings;
use crate::users::X509Type;

/// Where the control surface is; Atlas has nothing under it.
pub(crate) const PREFIX: &str = "/local-atlas";

/// Answers a request to the control surface.
pub(crate) fn answer(control: &Control, parts: &Parts, body: &Bytes) -> Response<Delivery> {
    let segments = decode(parts.uri.path()).unwrap_or_default();
    let segments: Vec<&str> = segments
        .iter()
        .skip(1)
        .map(String::as_str)
        .filter(|it| !it.is_empty())
        .collect();
    let (status, body) = match perform(control, parts.method.as_str(), &segments, body) {
        Ok(body) => (StatusCode::OK, body),
        Err(Refusal(status, message)) => (status, json!({ "error": message })),
    };
    let mut response = Response::new(Delivery::whole(
        (jackson::pretty(&body) + "\n").into_bytes(),
    ));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

struct Refusal(StatusCode, String);

fn perform(control: &Control, method: &str, path: &[&str], body: &[u8]) -> Result<Value, Refusal> {
    match (method, path) {
        ("GET", []) => Ok(description()),
        ("GET", ["credentials"]) => Ok(json!(control.credentials())),
        ("PUT", ["credentials"]) => read(body).map(|it| control.set_credentials(it)).map(done),
        ("PUT", ["roles"]) => read(body).map(|it: RoleChange| it.apply(control)).map(done),
        ("GET", ["projects"]) => Ok(json!(control.projects())),
        ("PUT", ["projects", project]) => Ok(act(|| control.add_project(project))),
        ("DELETE", ["projects", project]) => Ok(act(|| control.remove_project(project))),
        ("GET", ["projects", project, "ca"]) => {
            Ok(json!({ "pem": control.project_ca_pem(project) }))
        }
        ("PUT", ["projects", project, "customerCa"]) => read(body)
            .map(|it: CustomerCa| control.set_customer_ca(project, it.pem.as_deref()))
            .map(done),
        ("PUT", ["projects", project, "users", user]) => read(body)
            .map(|it: NewUser| control.add_user(project, user, it.x509_type))
            .map(done),
        ("DELETE", ["projects", project, "users", user]) => {
            found(control.remove_user(project, user))
        }
        ("GET", ["projects", project, "users", user, "certificates"]) => {
            Ok(json!(control.certificates(project, user)))
        }
        ("POST", ["projects", project, "users", user, "certificates"]) => read(body)
            .map(|it: NewCertificate| json!(control.issue(project, user, it.months.clamp(1, 24)))),
        ("GET", ["certificates"]) => Ok(json!(control.all_certificates())),
        ("DELETE", ["certificates", id]) => {
            found(control.withdraw_certificate(id.parse().unwrap_or(0)))
        }
        ("GET", ["clock"]) => Ok(clock(control)),
        ("PUT", ["clock"]) => read(body)
            .map(|it: ClockChange| it.apply(control))
            .map(|()| clock(control)),
        ("GET", ["settings"]) => Ok(json!(control.settings())),
        ("PATCH", ["settings"]) => patch_settings(control, body),
        ("GET", ["tokens"]) => Ok(json!(control.tokens())),
        ("DELETE", ["tokens"]) => Ok(act(|| control.expire_tokens())),
        ("DELETE", ["nonces"]) => Ok(act(|| control.expire_nonces())),
        ("GET", ["requests"]) => Ok(json!(control.requests())),
        ("DELETE", ["requests"]) => Ok(act(|| control.clear_requests())),
        ("DELETE", ["connections"]) => Ok(act(|| control.close_connections())),
        ("GET", ["faults"]) => Ok(control
            .world
            .faults
            .all()
            .iter()
            .map(|armed| fault(armed))
            .collect()),
        ("POST", ["faults"]) => {
            read(body).map(|it: Fault| json!({ "id": control.add_fault(it).id() }))
        }
        ("DELETE", ["faults"]) => Ok(act(|| control.clear_faults())),
        ("DELETE", ["faults", id]) => found(control.remove_fault(id.parse().unwrap_or(0))),
        ("POST", ["faults", id, "release"]) => found(release(control, id)),
        _ => Err(Refusal(
            StatusCode::NOT_FOUND,
            format!("{method} {} is not offered", path.join("/")),
        )),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewUser {
    #[serde(default = "NewUser::managed")]
    x509_type: X509Type,
}

impl NewUser {
    fn managed() -> X509Type {
        X509Type::Managed
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    months: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerCa {
    pem: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleChange {
    login: Login,
    project: Option<String>,
    role: Role,
}

impl RoleChange {
    fn apply(self, control: &Control) {
        match self.project {
            Some(project) => control.set_project_role(self.login, &project, self.role),
            None => control.set_role(self.login, self.role),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockChange {
    now: Option<Timestamp>,
    offset_seconds: Option<i64>,
    advance_seconds: Option<u64>,
    date_skew_seconds: Option<i64>,
}

impl ClockChange {
    fn apply(self, control: &Control) {
        if let Some(now) = self.now {
            control.set_clock(now);
        }
        if let Some(offset) = self.offset_seconds {
            control.set_clock_offset(SignedDuration::from_secs(offset));
        }
        if let Some(by) = self.advance_seconds {
            control.advance(Duration::from_secs(by));
        }
        if let Some(skew) = self.date_skew_seconds {
            control.set_date_skew(SignedDuration::from_secs(skew));
        }
    }
}

fn clock(control: &Control) -> Value {
    json!({
        "now": control.now().to_string(),
        "offsetSeconds": control.clock_offset().as_secs(),
        "dateSkewSeconds": control.world.clock.date_skew().as_secs(),
    })
}

/// Changes the members that are given; an unknown one is refused.
fn patch_settings(control: &Control, body: &[u8]) -> Result<Value, Refusal> {
    let changes: serde_json::Map<String, Value> = read(body)?;
    let mut settings = json!(control.settings());
    if let Value::Object(members) = &mut settings {
        members.extend(changes);
    }
    let settings: Settings = read(settings.to_string().as_bytes())?;
    control.configure(|current| *current = settings);
    Ok(json!(control.settings()))
}

fn release(control: &Control, id: &str) -> bool {
    let all = control.world.faults.all();
    let armed = all.iter().find(|armed| armed.id.to_string() == id);
    armed.map(|armed| armed.release()).is_some()
}

fn fault(armed: &Armed) -> Value {
    json!({ "id": armed.id, "hits": armed.hits(), "held": armed.held(), "usedUp": armed.is_used_up(), "fault": armed.fault })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, error.to_string()))
}

fn act(change: impl FnOnce()) -> Value {
    change();
    done(())
}

fn found(it: bool) -> Result<Value, Refusal> {
    if it {
        Ok(json!({ "done": true }))
    } else {
        Err(Refusal(StatusCode::NOT_FOUND, "there is none".to_owned()))
    }
}

fn done((): ()) -> Value {
    json!({ "done": true })
}

fn description() -> Value {
    let offers: Vec<Value> = OFFERS
        .iter()
        .map(|(call, meaning)| json!({ "call": call, "meaning": meaning }))
        .collect();
    json!({ "what": "the control surface of local Atlas; see tests/local-atlas/README.md", "offers": offers })
}

const OFFERS: [(&str, &str); 29] = [
    ("GET credentials", "what logs in"),
    ("PUT credentials", "replace it"),
    ("PUT roles {login, project?, role}", "what a login may do"),
    ("GET projects", "all project ids"),
    ("PUT projects/{project}", "add a project"),
    ("DELETE projects/{project}", "remove it"),
    (
        "GET projects/{project}/ca",
        "the certificate of its authority",
    ),
    (
        "PUT projects/{project}/customerCa {pem}",
        "switch to self-managed X.509; null switches back",
    ),
    (
        "PUT projects/{project}/users/{user} {x509Type?}",
        "add a database user, MANAGED if not said",
    ),
    (
        "DELETE projects/{project}/users/{user}",
        "remove it; its certificates stay",
    ),
    (
        "GET projects/{project}/users/{user}/certificates",
        "all ever issued to it",
    ),
    (
        "POST projects/{project}/users/{user}/certificates {months}",
        "issue one as somebody else",
    ),
    ("GET certificates", "all ever issued"),
    (
        "DELETE certificates/{id}",
        "take one off the lists before it expires",
    ),
    ("GET clock", "the server's time"),
    (
        "PUT clock {now?, offsetSeconds?, advanceSeconds?, dateSkewSeconds?}",
        "move it",
    ),
    ("GET settings", "limits, rates, lifetimes, switches"),
    ("PATCH settings {…}", "change some"),
    ("GET tokens", "every access token ever issued"),
    ("DELETE tokens", "expire them all"),
    ("DELETE nonces", "make every digest nonce stale"),
    ("GET requests", "every request so far"),
    ("DELETE requests", "empty that record"),
    (
        "DELETE connections",
        "close every connection of the API, this one too",
    ),
    ("GET faults", "all faults with their counts"),
    ("POST faults {…}", "add a fault, answers with its id"),
    ("DELETE faults", "forget all"),
    ("DELETE faults/{id}", "forget one"),
    ("POST faults/{id}/release", "let go what it holds"),
];
