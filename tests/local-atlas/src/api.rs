//! The API's endpoints: the checks they share, in the order of atlas-api.md 14.

use std::net::IpAddr;

use hyper::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::bucket::{Empty, Remaining};
use crate::certificates;
use crate::credentials::{Login, Role};
use crate::database_users;
use crate::error::ApiError;
use crate::query::Query;
use crate::reply::Reply;
use crate::route::{Endpoint, Route};
use crate::settings::{AccessList, Rate};
use crate::users::MissingProject;
use crate::version::ApiVersion;
use crate::world::World;

/// A request with valid credentials.
pub(crate) struct Call<'a> {
    pub(crate) login: Login,
    pub(crate) address: IpAddr,
    pub(crate) route: Result<Route, ApiError>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    /// Scheme and authority, for links.
    pub(crate) base: &'a str,
    pub(crate) now: Timestamp,
}

/// A call whose project exists and whose login may do what it asks.
pub(crate) struct Allowed<'a> {
    pub(crate) route: &'a Route,
    pub(crate) query: Query,
    pub(crate) body: &'a [u8],
    pub(crate) base: &'a str,
    pub(crate) now: Timestamp,
}

/// Does what a call asks for. Blocks while it signs.
pub(crate) fn answer(world: &World, call: &Call<'_>) -> Reply {
    let (route, version) = match admit(world, call) {
        Ok(admitted) => admitted,
        Err(error) => return Reply::from(error),
    };
    let remaining = match take_token(world, &route, call.now) {
        Ok(remaining) => remaining,
        Err(error) => return Reply::from(error),
    };
    let reply = perform(world, call, &route).unwrap_or_else(Reply::from);
    match remaining.filter(|_| version == ApiVersion::V2) {
        Some(left) => reply
            .header("ratelimit-limit", left.capacity.to_string())
            .header("ratelimit-remaining", left.tokens.to_string()),
        None => reply,
    }
}

/// Access list, path and media types.
fn admit(world: &World, call: &Call<'_>) -> Result<(Route, ApiVersion), ApiError> {
    match world.settings().access_list {
        AccessList::Missing => return Err(ApiError::access_list_missing()),
        AccessList::Only(listed) if !listed.contains(&call.address) => {
            return Err(ApiError::address_not_listed(&call.address.to_string()));
        }
        _ => {}
    }
    let route = call.route.clone()?;
    // Only the token endpoints have no version, and they do not come here.
    let version = route.version.unwrap_or(ApiVersion::V1);
    version.check_media_types(call.headers, route.endpoint.has_body())?;
    Ok((route, version))
}

fn take_token(world: &World, route: &Route, now: Timestamp) -> Result<Option<Remaining>, ApiError> {
    let certificates = matches!(
        route.endpoint,
        Endpoint::IssueCertificate | Endpoint::ListCertificates
    );
    let settings = world.settings();
    let (rate, set) = if certificates {
        (settings.certificate_rate, "databaseUsers/{username}/certs")
    } else {
        (settings.user_rate, "databaseUsers")
    };
    let Some(rate) = rate else { return Ok(None) };
    let version = route.version.map_or("v2", ApiVersion::segment);
    let path = format!("api/atlas/{version}/groups/{{groupId}}/{set}");
    let taken = world
        .buckets
        .take(&format!("{set} {}", route.project), rate, now);
    taken
        .map(Some)
        .map_err(|empty| rate_limited(&path, rate, empty))
}

fn rate_limited(path: &str, rate: Rate, empty: Empty) -> ApiError {
    let Rate {
        capacity,
        refill,
        period_seconds,
        retry_after,
    } = rate;
    let seconds = empty.seconds;
    let detail = format!(
        "Rate limit exceeded for {path}. Please retry after {seconds} seconds. \
         Request capacity: {capacity}. Refill rate: {refill} per {period_seconds} seconds."
    );
    let mut error = ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "RATE_LIMITED_TOKEN_BUCKET",
        detail,
    )
    .with(path)
    .with(seconds)
    .with(capacity)
    .with(refill)
    .with(period_seconds)
    .header("ratelimit-limit", capacity.to_string())
    .header("ratelimit-remaining", "0");
    if retry_after {
        error = error.header("retry-after", seconds.to_string());
    }
    error
}

/// Project, role and query, and then the endpoint's own checks.
fn perform(world: &World, call: &Call<'_>, route: &Route) -> Result<Reply, ApiError> {
    check_project(world, &route.project)?;
    match world.logins.role(call.login, &route.project) {
        Role::None => return Err(ApiError::not_in_group(&route.project)),
        Role::ReadOnly if route.endpoint.writes() => return Err(ApiError::role_missing()),
        _ => {}
    }
    let query = Query::parse(route.endpoint, call.query)?;
    let call = Allowed {
        route,
        query,
        body: call.body,
        base: call.base,
        now: call.now,
    };
    match route.endpoint {
        Endpoint::IssueCertificate => certificates::issue(world, &call),
        Endpoint::ListCertificates => certificates::list(world, &call),
        Endpoint::CreateUser => database_users::create(world, &call),
        Endpoint::ListUsers => database_users::list(world, &call),
        Endpoint::ReadUser => database_users::read(world, &call),
        Endpoint::UpdateUser => database_users::update(world, &call),
        Endpoint::DeleteUser => database_users::delete(world, &call),
        Endpoint::ReadSecurity => read_security(world, route),
        Endpoint::IssueToken | Endpoint::RevokeToken => {
            Err(ApiError::resource_not_found(call.base))
        }
    }
}

fn check_project(world: &World, project: &str) -> Result<(), ApiError> {
    let well_formed = project.len() == 24
        && project
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !well_formed {
        return Err(ApiError::group_id_invalid(project));
    }
    let hidden = world.directory.project(project, |project| project.hidden);
    match hidden.unwrap_or(Some(MissingProject::GroupNotFound)) {
        None => Ok(()),
        Some(MissingProject::GroupNotFound) => Err(ApiError::group_not_found(project)),
        Some(MissingProject::InvalidGroupId) => Err(ApiError::group_id_invalid(project)),
    }
}

fn read_security(world: &World, route: &Route) -> Result<Reply, ApiError> {
    let customer_ca = world
        .directory
        .project(&route.project, |project| project.customer_ca.clone());
    let customer_ca = customer_ca.ok_or_else(|| ApiError::group_not_found(&route.project))?;
    let x509 = customer_ca.map_or_else(|| json!({}), |cas| json!({ "cas": cas }));
    Ok(Reply::json(
        StatusCode::OK,
        json!({ "customerX509": x509, "ldap": {}, "links": [] }),
    ))
}

/// A body that is a JSON object and has no other members than these.
pub(crate) fn object(body: &[u8], members: &[&str]) -> Result<Map<String, Value>, ApiError> {
    if body.is_empty() {
        return Err(ApiError::json_unexpected());
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| ApiError::json_malformed())?;
    let Value::Object(object) = value else {
        return Err(ApiError::json_unexpected());
    };
    match object.keys().find(|name| !members.contains(&name.as_str())) {
        Some(unknown) => Err(ApiError::attribute_unknown(unknown)),
        None => Ok(object),
    }
}
