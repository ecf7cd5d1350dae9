//! Database users through the API.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::{Allowed, object};
use crate::error::ApiError;
use crate::reply::Reply;
use crate::route::{Route, encode_segment};
use crate::users::{EXTERNAL, User, X509Type, is_managed_name};
use crate::version::ApiVersion;
use crate::world::World;

/// `POST …/databaseUsers`
pub(crate) fn create(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let project = call.route.project.as_str();
    let body = object(call.body, &MEMBERS)?;
    let database = required(&body, "databaseName")?;
    let name = required(&body, "username")?;
    let x509_type = x509_type(&body)?.unwrap_or_default();
    check_new(&body, &database, &name, x509_type)?;

    let mut members = User::defaults(project, &database, &name);
    members.extend(body.into_iter().filter(|(member, _)| member != "password"));
    let user = User { x509_type, members };
    let shown = shown(&user, call, &database, &name);
    let limit = world.settings().user_limit;
    let entered = world.directory.project(project, |project| {
        if project
            .users
            .contains_key(&(database.clone(), name.clone()))
        {
            let detail = format!("A user with username {name} already exists.");
            return Err(ApiError::conflict("USER_ALREADY_EXISTS", detail).with(name.as_str()));
        }
        if project.users.len() >= limit {
            let detail = format!("Groups may have at most {limit} database users.");
            let error = ApiError::new(StatusCode::FORBIDDEN, "GROUP_USERS_LIMIT_EXCEEDED", detail);
            return Err(error.with(limit));
        }
        project.put(&database, &name, user);
        Ok(())
    });
    entered.unwrap_or_else(|| Err(ApiError::group_not_found(project)))?;
    Ok(Reply::json(StatusCode::CREATED, shown))
}

/// `GET …/databaseUsers`: one page of the users of every authentication database.
pub(crate) fn list(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let project = &call.route.project;
    let users = world.directory.project(project, |project| {
        let users = project.users.iter();
        users
            .map(|((database, name), user)| shown(user, call, database, name))
            .collect::<Vec<_>>()
    });
    let users = users.ok_or_else(|| ApiError::group_not_found(project))?;
    let version = call.route.version.map_or("v2", ApiVersion::segment);
    let url = format!(
        "{}/api/atlas/{version}/groups/{project}/databaseUsers",
        call.base
    );
    let page = call.query.page(users, world.settings().largest_page, &url);
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET …/databaseUsers/{databaseName}/{username}`
pub(crate) fn read(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let Route {
        project,
        database,
        user,
        ..
    } = call.route;
    let key = (database.clone(), user.clone());
    let found = world
        .directory
        .project(project, |project| project.users.get(&key).cloned());
    let found = found
        .flatten()
        .ok_or_else(|| ApiError::username_not_found(user))?;
    Ok(Reply::json(
        StatusCode::OK,
        shown(&found, call, database, user),
    ))
}

/// `PATCH …/databaseUsers/{databaseName}/{username}`: what identifies a user cannot be changed.
pub(crate) fn update(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let Route {
        project,
        database,
        user,
        ..
    } = call.route;
    let body = object(call.body, &MEMBERS)?;
    let wanted = x509_type(&body)?;
    let key = (database.clone(), user.clone());
    let changed = world.directory.project(project, |project| {
        let found = project
            .users
            .get_mut(&key)
            .ok_or_else(|| ApiError::username_not_found(user))?;
        let differs = |member: &str, value: &str| {
            body.get(member)
                .is_some_and(|new| new.as_str() != Some(value))
        };
        if differs("username", user) {
            return Err(fixed("DATABASE_USERNAME_CANNOT_BE_CHANGED", "The username"));
        }
        if differs("databaseName", database) {
            return Err(fixed(
                "DATABASE_NAME_CANNOT_BE_CHANGED",
                "The authentication database",
            ));
        }
        if wanted.is_some_and(|wanted| wanted != found.x509_type) {
            return Err(fixed(
                "AUTH_TYPE_CANNOT_BE_CHANGED",
                "The authentication type",
            ));
        }
        found.members.extend(
            body.clone()
                .into_iter()
                .filter(|(member, _)| member != "password"),
        );
        Ok(found.clone())
    });
    let changed = changed.unwrap_or_else(|| Err(ApiError::group_not_found(project)))?;
    Ok(Reply::json(
        StatusCode::OK,
        shown(&changed, call, database, user),
    ))
}

/// `DELETE …/databaseUsers/{databaseName}/{username}`: certificates stay.
pub(crate) fn delete(world: &World, call: &Allowed<'_>) -> Result<Reply, ApiError> {
    let Route {
        project,
        database,
        user,
        ..
    } = call.route;
    let key = (database.clone(), user.clone());
    let removed = world
        .directory
        .project(project, |project| project.users.remove(&key));
    removed
        .flatten()
        .ok_or_else(|| ApiError::username_not_found(user))?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn check_new(
    body: &Map<String, Value>,
    database: &str,
    name: &str,
    x509_type: X509Type,
) -> Result<(), ApiError> {
    if x509_type == X509Type::None {
        return Ok(());
    }
    let other = |member: &str| {
        body.get(member)
            .is_some_and(|value| !value.is_null() && value != "NONE")
    };
    let refused = |code: &str, detail: &str| Err(ApiError::bad_request(code, detail));
    if database != EXTERNAL {
        return refused(
            "DATABASE_NAME_INVALID_EXTERNAL",
            "X.509 users live in the database $external.",
        );
    }
    if other("deleteAfterDate") {
        return refused(
            "ATLAS_X509_USER_CANNOT_BE_TEMPORARY",
            "An X.509 user cannot be temporary.",
        );
    }
    if other("ldapAuthType") {
        return refused(
            "ATLAS_X509_USER_CANNOT_USE_LDAP",
            "An X.509 user cannot use LDAP.",
        );
    }
    if other("password") {
        return refused(
            "ATLAS_X509_USER_CANNOT_USE_SCRAM",
            "An X.509 user cannot use SCRAM.",
        );
    }
    if x509_type == X509Type::Managed && !is_managed_name(name) {
        return Err(ApiError::managed_name_invalid(name));
    }
    Ok(())
}

fn required(body: &Map<String, Value>, member: &str) -> Result<String, ApiError> {
    match body.get(member) {
        None | Some(Value::Null) => Err(ApiError::attribute_missing(member)),
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) => Err(ApiError::attribute_malformed(member)),
    }
}

fn x509_type(body: &Map<String, Value>) -> Result<Option<X509Type>, ApiError> {
    match body.get("x509Type").unwrap_or(&Value::Null) {
        Value::Null => Ok(None),
        Value::String(text) => match serde_json::from_value(json!(text)) {
            Ok(found) => Ok(Some(found)),
            Err(_) => Err(ApiError::enum_value_invalid(text, "x509Type")),
        },
        _ => Err(ApiError::attribute_malformed("x509Type")),
    }
}

fn fixed(code: &str, what: &str) -> ApiError {
    ApiError::conflict(
        code,
        format!("{what} of a database user cannot be changed."),
    )
}

/// The user with the link to itself, whose `$` stays as it is.
fn shown(user: &User, call: &Allowed<'_>, database: &str, name: &str) -> Value {
    let version = call.route.version.map_or("v2", ApiVersion::segment);
    let (base, project) = (call.base, &call.route.project);
    let (database, name) = (encode_segment(database), encode_segment(name));
    let href =
        format!("{base}/api/atlas/{version}/groups/{project}/databaseUsers/{database}/{name}");
    let mut members = user.members.clone();
    members.insert("links".to_owned(), json!([{ "href": href, "rel": "self" }]));
    Value::Object(members)
}

const MEMBERS: [&str; 13] = [
    "awsIAMType",
    "databaseName",
    "deleteAfterDate",
    "description",
    "groupId",
    "labels",
    "ldapAuthType",
    "oidcAuthType",
    "password",
    "roles",
    "scopes",
    "username",
    "x509Type",
];
