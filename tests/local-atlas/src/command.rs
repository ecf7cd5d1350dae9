//! The control interface over HTTP: `GET` returns the whole state, `POST` takes one [`Command`].

use std::{collections::BTreeMap, time::Duration};

use hyper::{Method, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    control::Control,
    credentials::{Login, Role},
    faults::Fault,
    faulty_body::FaultyBody,
    response::json_response,
    stores::{EXTERNAL, MissingProject, Project, X509Type},
};

/// The path of the control interface. Atlas has nothing under it.
pub(crate) const PATH: &str = "/local-atlas";

/// A change of the server, for example `{"command":"advanceClock","days":60}`.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "command",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
enum Command {
    HideProject { project: String, as_missing: Option<MissingProject> },
    ShowProject { project: String },
    AddUser { project: String, database: Option<String>, user: String, x509_type: Option<X509Type> },
    RemoveUser { project: String, user: String },
    IssueCertificate { project: String, user: String, months: u32 },
    UnlistCertificate { id: u64 },
    SetClock { now: Timestamp },
    AdvanceClock { days: Option<u32>, seconds: Option<u32> },
    ChangeSettings { settings: Map<String, Value> },
    SetRole { login: Login, role: Role },
    ExpireTokens,
    AddFault { fault: Fault },
    ReleaseFault { id: u64 },
    RemoveFault { id: u64 },
    ClearFaults,
}

/// The response to a request to the control interface. Blocks while a certificate is signed.
pub(crate) fn respond(control: &Control, method: &Method, body: &[u8]) -> Response<FaultyBody> {
    // By way of a value: with arbitrary precision, a tagged type reads no numbers from text.
    let command = serde_json::from_slice::<Value>(body).and_then(serde_json::from_value::<Command>);
    let command = command.map_err(|error| error.to_string());
    let result = match *method {
        Method::GET => Ok(state(control)),
        Method::POST => command.and_then(|command| run(control, command)),
        _ => Err(format!("{method} is neither GET nor POST")),
    };
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
    };
    json_response(status, format!("{body:#}\n"))
}

/// Runs a command and returns its result; an empty object if it has none.
fn run(control: &Control, command: Command) -> Result<Value, String> {
    use Command as C;
    let found = |found: bool| {
        if found { Ok(json!({})) } else { Err("not found".to_owned()) }
    };
    match command {
        C::HideProject { project, as_missing } => {
            control.hide_project(&project, as_missing.unwrap_or_default());
        }
        C::ShowProject { project } => control.show_project(&project),
        C::AddUser { project, database, user, x509_type } => {
            let database = database.as_deref().unwrap_or(EXTERNAL);
            control.add_user_in(&project, database, &user, x509_type.unwrap_or_default());
        }
        C::RemoveUser { project, user } => return found(control.remove_user(&project, &user)),
        C::IssueCertificate { project, user, months } => {
            return Ok(json!(control.issue(&project, &user, months.clamp(1, 24))));
        }
        C::UnlistCertificate { id } => return found(control.unlist_certificate(id)),
        C::SetClock { now } => control.set_clock(now),
        C::AdvanceClock { days, seconds } => {
            let [days, seconds] = [days, seconds].map(|it| u64::from(it.unwrap_or_default()));
            control.advance(Duration::from_secs(days * 86_400 + seconds));
        }
        C::ChangeSettings { settings } => change_settings(control, settings)?,
        C::SetRole { login, role } => control.set_role(login, role),
        C::ExpireTokens => control.expire_tokens(),
        C::AddFault { fault } => return Ok(json!({ "id": control.add_fault(fault).id() })),
        C::ReleaseFault { id } => {
            let faults = control.state.faults.all();
            let fault = faults.iter().find(|fault| fault.id == id);
            return found(fault.map(|fault| fault.release()).is_some());
        }
        C::RemoveFault { id } => return found(control.remove_fault(id)),
        C::ClearFaults => control.clear_faults(),
    }
    Ok(json!({}))
}

/// Changes the given members of the settings.
fn change_settings(control: &Control, changes: Map<String, Value>) -> Result<(), String> {
    let mut settings = json!(control.settings());
    for (name, value) in changes {
        settings[name] = value;
    }
    let settings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    control.configure(|current| *current = settings);
    Ok(())
}

fn state(control: &Control) -> Value {
    let (clock, data) = (&control.state.clock, control.state.lock());
    let projects: BTreeMap<_, _> = data.projects.iter().map(|(id, it)| (id, project(it))).collect();
    let mut faults = Vec::new();
    for it in control.state.faults.all() {
        let (id, hits, held, used_up) = (it.id, it.hits(), it.held(), it.is_used_up());
        faults.push(json!({
            "id": id, "hits": hits, "held": held, "usedUp": used_up, "fault": it.fault,
        }));
    }
    let offset = clock.offset().as_secs();
    json!({
        "clock": { "now": clock.now().to_string(), "offsetSeconds": offset },
        "caPem": control.state.ca_pem,
        "settings": data.settings,
        "credentials": data.credentials,
        "projects": projects,
        "certificates": data.certificates,
        "tokens": data.tokens,
        "requests": data.requests,
        "faults": faults,
    })
}

fn project(project: &Project) -> Value {
    let users = project.users.iter().map(|((database, user), x509_type)| {
        json!({ "database": database, "user": user, "x509Type": x509_type })
    });
    let users: Vec<Value> = users.collect();
    json!({ "users": users, "hidden": project.hidden, "customerCa": project.customer_ca })
}
