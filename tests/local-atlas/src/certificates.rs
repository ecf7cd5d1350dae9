//! Issuing and listing certificates.

use hyper::StatusCode;
use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::api::{Allowed, object};
use crate::clock::shifted;
use crate::error::ApiError;
use crate::ledger::Certificate;
use crate::reply::Reply;
use crate::route::{Route, encode_segment};
use crate::settings::DeletedUsers;
use crate::users::{X509Type, is_managed_name};
use crate::version::ApiVersion;
use crate::world::World;

/// `POST …/certs`: user, managed mode, customer CA, months, limit; then a certificate.
pub(crate) fn issue(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let Route { project, user, .. } = call.route;
    let months = months_asked(&object(call.body, &["monthsUntilExpiration"])?)?;
    check_user(world, project, user)?;
    let months = check_months(months)?;
    let limit = world.settings().certificate_limit;
    let live = world.ledger.live_count(project, user, call.now);
    if limit.is_some_and(|limit| live >= limit) {
        return Err(ApiError::certificate_limit());
    }
    let signed = world.sign(project, user, months).map_err(|error| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNEXPECTED_ERROR",
            error.to_string(),
        )
    })?;
    let certificate = Certificate::new(project, user, months, signed);
    let (id, text) = (certificate.id, certificate.combined_pem());
    if !world.ledger.enter(certificate, limit, call.now) {
        return Err(ApiError::certificate_limit());
    }
    Ok(Reply::issued(id, text))
}

/// `GET …/certs`: one page of the unexpired ones.
pub(crate) fn list(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let Route { project, user, .. } = call.route;
    let exists = world
        .directory
        .project(project, |project| project.any(user).is_some())
        .unwrap_or(false);
    let settings = world.settings();
    let lag = SignedDuration::from_secs(settings.list_lag_seconds.into());
    let listed = match settings.deleted_users {
        DeletedUsers::NotFound if !exists => return Err(ApiError::username_not_found(user)),
        DeletedUsers::EmptyList if !exists => Vec::new(),
        _ => world.ledger.listed(project, user, call.now),
    };
    let listed = listed
        .iter()
        .filter(|it| call.now >= shifted(it.issued_at(), lag));
    let items = listed.map(Certificate::item).collect();
    let version = call.route.version.map_or("v2", ApiVersion::segment);
    let url = format!(
        "{}/api/atlas/{version}/groups/{project}/databaseUsers/{}/certs",
        call.base,
        encode_segment(user)
    );
    Ok(Reply::json(
        StatusCode::OK,
        call.query.page(items, settings.largest_page, &url),
    ))
}

/// The months in the body: an int32, 3 if there are none.
fn months_asked(body: &Map<String, Value>) -> Result<i32, ApiError> {
    match body.get("monthsUntilExpiration") {
        None | Some(Value::Null) => Ok(3),
        Some(value) => {
            let months = value.as_i64().and_then(|months| i32::try_from(months).ok());
            months.ok_or_else(|| ApiError::attribute_malformed("monthsUntilExpiration"))
        }
    }
}

fn check_user(world: &World, project: &str, user: &str) -> Result<(), ApiError> {
    let found = world.directory.project(project, |project| {
        (
            project.any(user).map(|user| user.x509_type),
            project.customer_ca.is_some(),
        )
    });
    let (x509_type, customer_ca) = found.ok_or_else(|| ApiError::group_not_found(project))?;
    match x509_type {
        None => Err(ApiError::username_not_found(user)),
        Some(X509Type::None | X509Type::Customer) => Err(ApiError::user_not_managed(user)),
        Some(X509Type::Managed) if !is_managed_name(user) => {
            Err(ApiError::managed_name_invalid(user))
        }
        Some(X509Type::Managed) if customer_ca => Err(ApiError::customer_ca_set()),
        Some(X509Type::Managed) => Ok(()),
    }
}

fn check_months(months: i32) -> Result<u32, ApiError> {
    match u32::try_from(months) {
        Ok(months @ 1..=24) => Ok(months),
        Ok(25..) => Err(ApiError::expiry_too_far()),
        _ => Err(ApiError::negative_or_zero("monthsUntilExpiration")),
    }
}
