//! The API's endpoints, with their checks in the order of atlas-api.md section 14.

use std::net::IpAddr;

use hyper::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    clock::shifted,
    credentials::{Login, Role},
    error::{Refusal, attribute_error, error, error_body},
    handler::Received,
    response::{Content, Reply},
    route::{ApiVersion, Endpoint, Query, Route, encode_segment},
    settings::{AccessList, DeletedUsers, Rate},
    state::State,
    stores::{Certificate, MissingProject, X509Type, is_managed_name},
};

/// Acts on a request. Blocks while it signs.
pub(crate) fn respond(
    state: &State,
    received: &Received,
    login: Login,
    route: Result<Route, Refusal>,
) -> Result<Reply, Refusal> {
    check_access_list(state, received.address)?;
    let route = route?;
    let issues = route.endpoint == Endpoint::IssueCertificate;
    if let Some(version) = route.version {
        version.check_media_types(received, issues)?;
    }
    let left = take_token(state, &route)?;
    let reply = perform(state, received, login, &route).unwrap_or_else(|refusal| refusal);
    Ok(match left.filter(|_| route.version == Some(ApiVersion::V2)) {
        Some((rate, left)) => with_rate(reply, rate, left),
        None => reply,
    })
}

fn check_access_list(state: &State, address: IpAddr) -> Result<(), Refusal> {
    match &state.lock().settings.access_list {
        AccessList::Missing => Err(error("ORG_REQUIRES_ACCESS_LIST", &[])),
        AccessList::Only(listed) if !listed.contains(&address) => {
            Err(error("IP_ADDRESS_NOT_ON_ACCESS_LIST", &[&address.to_string()]))
        }
        _ => Ok(()),
    }
}

fn with_rate(reply: Reply, rate: Rate, left: u32) -> Reply {
    reply.header("ratelimit-limit", &rate.capacity).header("ratelimit-remaining", &left)
}

/// The rate and the tokens that are left of it.
fn take_token(state: &State, route: &Route) -> Result<Option<(Rate, u32)>, Refusal> {
    let mut data = state.lock();
    let (rate, set) = match route.endpoint {
        Endpoint::IssueCertificate | Endpoint::ListCertificates => {
            (data.settings.certificate_rate, "databaseUsers/{username}/certs")
        }
        _ => (data.settings.user_rate, "databaseUsers"),
    };
    let Some(rate) = rate else { return Ok(None) };
    let name = format!("{set} {}", route.project);
    let taken = data.buckets.take(&name, rate, state.clock.now());
    taken.map(|left| Some((rate, left))).map_err(|seconds| {
        let version = route.version.map_or("v2", ApiVersion::segment);
        let path = format!("api/atlas/{version}/groups/{{groupId}}/{set}");
        let Rate { capacity, refill, period_seconds, retry_after } = rate;
        let detail = format!(
            "Rate limit exceeded for {path}. Please retry after {seconds} seconds. \
             Request capacity: {capacity}. Refill rate: {refill} per {period_seconds} seconds."
        );
        let parameters = json!([path, seconds, capacity, refill, period_seconds]);
        let body = error_body(429, "RATE_LIMITED_TOKEN_BUCKET", &detail, &parameters);
        let refusal = with_rate(Reply::json(429, body), rate, 0);
        if retry_after { refusal.header("retry-after", &seconds) } else { refusal }
    })
}

/// Project, role and query, and then the endpoint's own checks.
fn perform(
    state: &State,
    received: &Received,
    login: Login,
    route: &Route,
) -> Result<Reply, Refusal> {
    check_project(state, &route.project)?;
    match state.lock().roles.get(&login) {
        Some(Role::None) => return Err(error("NOT_IN_GROUP", &[&route.project])),
        Some(Role::ReadOnly) if route.endpoint == Endpoint::IssueCertificate => {
            return Err(error("USER_UNAUTHORIZED", &[]));
        }
        _ => {}
    }
    let query = Query::parse(route.endpoint, received.query())?;
    let users = route.users_url(&received.base());
    match route.endpoint {
        Endpoint::IssueCertificate => issue(state, &received.body, route),
        Endpoint::ListCertificates => list_certificates(state, &users, route, &query),
        Endpoint::ListUsers => Ok(list_users(state, &users, route, &query)),
        Endpoint::ReadUser => read_user(state, &users, route),
        Endpoint::IssueToken | Endpoint::RevokeToken => Err(error("UNEXPECTED_ERROR", &[])),
    }
}

fn check_project(state: &State, project: &str) -> Result<(), Refusal> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if project.len() != 24 || !project.bytes().all(hex) {
        return Err(error("INVALID_GROUP_ID", &[project]));
    }
    let data = state.lock();
    let project_missing = Some(MissingProject::GroupNotFound);
    match data.projects.get(project).map_or(project_missing, |project| project.hidden) {
        None => Ok(()),
        Some(MissingProject::GroupNotFound) => Err(error("GROUP_NOT_FOUND", &[project])),
        Some(MissingProject::InvalidGroupId) => Err(error("INVALID_GROUP_ID", &[project])),
    }
}

/// `POST …/certs`: user, managed mode, customer CA, months, limit; then a certificate.
fn issue(state: &State, body: &[u8], route: &Route) -> Result<Reply, Refusal> {
    let Route { project, user, .. } = route;
    let months = requested_months(body)?;
    check_user(state, project, user)?;
    let months = check_months(months)?;
    let now = state.clock.now();
    let certificate = state.authorities.sign(project, user, months, now);
    let certificate = certificate.map_err(|_| error("UNEXPECTED_ERROR", &[]))?;
    let mut data = state.lock();
    // After signing, because other requests may have used the last place meanwhile.
    let limit = data.settings.certificate_limit;
    if limit.is_some_and(|limit| data.listed(project, user, now).len() >= limit) {
        return Err(error("ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED", &[]));
    }
    let mut reply = Reply::new(StatusCode::CREATED, Content::Text(certificate.combined_pem()));
    reply.issued = Some(certificate.id);
    data.certificates.push(certificate);
    Ok(reply)
}

/// `GET …/certs`: one page of the unexpired certificates, oldest first.
fn list_certificates(
    state: &State,
    users: &str,
    route: &Route,
    query: &Query,
) -> Result<Reply, Refusal> {
    let (Route { project, user, .. }, now) = (route, state.clock.now());
    let data = state.lock();
    let exists = data.projects.get(project).is_some_and(|project| project.any(user).is_some());
    // It was created an hour before its issue.
    let lag = SignedDuration::from_secs(3600 + i64::from(data.settings.list_lag_seconds));
    let mut listed: Vec<&Certificate> = match data.settings.deleted_users {
        DeletedUsers::NotFound if !exists => return Err(error("USERNAME_NOT_FOUND", &[user])),
        DeletedUsers::EmptyList if !exists => Vec::new(),
        _ => data.listed(project, user, now),
    };
    listed.retain(|certificate| now >= shifted(certificate.created_at, lag));
    listed.sort_by_key(|certificate| certificate.created_at);
    let items = listed.into_iter().map(Certificate::item).collect();
    let url = format!("{users}/{}/certs", encode_segment(user));
    Ok(Reply::json(200, query.page(items, data.settings.largest_page, &url)))
}

/// `GET …/databaseUsers`: one page of the users of every authentication database.
fn list_users(state: &State, users: &str, route: &Route, query: &Query) -> Reply {
    let data = state.lock();
    let project = data.projects.get(&route.project);
    let items = project.into_iter().flat_map(|project| &project.users);
    let items =
        items.map(|((database, name), kind)| user_item(users, route, database, name, *kind));
    Reply::json(200, query.page(items.collect(), data.settings.largest_page, users))
}

/// `GET …/databaseUsers/{databaseName}/{username}`
fn read_user(state: &State, users: &str, route: &Route) -> Result<Reply, Refusal> {
    let Route { project, database, user, .. } = route;
    let data = state.lock();
    let key = (database.clone(), user.clone());
    let kind = data.projects.get(project).and_then(|project| project.users.get(&key));
    let kind = kind.ok_or_else(|| error("USERNAME_NOT_FOUND", &[user]))?;
    Ok(Reply::json(200, user_item(users, route, database, user, *kind)))
}

/// A database user as Terraform would have created it, with a link to itself.
fn user_item(users: &str, route: &Route, database: &str, name: &str, kind: X509Type) -> Value {
    let href = format!("{users}/{}/{}", encode_segment(database), encode_segment(name));
    json!({
        "awsIAMType": "NONE", "databaseName": database, "groupId": route.project, "labels": [],
        "ldapAuthType": "NONE", "links": [{ "href": href, "rel": "self" }], "oidcAuthType": "NONE",
        "roles": [{ "databaseName": "admin", "roleName": "atlasAdmin" }], "scopes": [],
        "username": name, "x509Type": kind,
    })
}

/// The months in the body, an object without other members: an int32, 3 if omitted.
fn requested_months(body: &[u8]) -> Result<i32, Refusal> {
    if body.is_empty() {
        return Err(error("INVALID_JSON", &[]));
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| error("MALFORMED_JSON", &[]))?;
    let object = value.as_object().ok_or_else(|| error("INVALID_JSON", &[]))?;
    if let Some(name) = object.keys().find(|name| *name != MONTHS) {
        return Err(attribute_error("INVALID_ATTRIBUTE", name, "unknown or read-only attribute"));
    }
    let months = object.get(MONTHS).filter(|value| !value.is_null());
    let Some(months) = months else { return Ok(3) };
    let months = months.as_i64().and_then(|months| i32::try_from(months).ok());
    let refusal = || attribute_error("INVALID_JSON_ATTRIBUTE", MONTHS, "unexpected type or value");
    months.ok_or_else(refusal)
}

fn check_user(state: &State, project: &str, user: &str) -> Result<(), Refusal> {
    let data = state.lock();
    let found = data.projects.get(project).ok_or_else(|| error("GROUP_NOT_FOUND", &[project]))?;
    match found.any(user) {
        None => Err(error("USERNAME_NOT_FOUND", &[user])),
        Some(X509Type::None | X509Type::Customer) => Err(error("USER_NOT_MANAGED_X509", &[user])),
        Some(X509Type::Managed) if !is_managed_name(user) => {
            Err(error("ATLAS_MANAGED_X509_NAME_INVALID", &[user]))
        }
        Some(X509Type::Managed) if found.customer_ca => {
            Err(error("CANNOT_GENERATE_CERT_IF_ADVANCED_X509", &[]))
        }
        Some(X509Type::Managed) => Ok(()),
    }
}

fn check_months(months: i32) -> Result<u32, Refusal> {
    let (code, description) = match months {
        1..=24 => return Ok(months.unsigned_abs()),
        25.. => ("CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS", "must be at most 24"),
        _ => ("ATTRIBUTE_NEGATIVE_OR_ZERO", "must be greater than 0"),
    };
    Err(attribute_error(code, MONTHS, description))
}

const MONTHS: &str = "monthsUntilExpiration";
