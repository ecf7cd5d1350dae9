//! The errors of these endpoints, as atlas-api.md section 7 lists them.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::response::{Content, Reply};

/// An error response.
pub(crate) type Refusal = Reply;

/// The error with this code of [`ERRORS`]; each parameter replaces one `{}` of its detail.
pub(crate) fn error(code: &str, parameters: &[&str]) -> Refusal {
    let (status, code, detail) = row(code);
    let detail =
        parameters.iter().fold(detail.to_owned(), |detail, it| detail.replacen("{}", it, 1));
    // Atlas writes null for a code without parameters.
    let parameters = if parameters.is_empty() { Value::Null } else { json!(parameters) };
    Reply::json(status, error_body(status, code, &detail, &parameters))
}

/// An error about one attribute of the request's body.
pub(crate) fn attribute_error(code: &str, attribute: &str, description: &str) -> Refusal {
    let mut refusal = error(code, &[attribute]);
    if let Content::Json(body) = &mut refusal.content {
        let field = json!({ "description": description, "field": attribute });
        body["badRequestDetail"] = json!({ "fields": [field] });
    }
    refusal
}

/// The 401 of missing or wrong credentials, in the layout that Atlas gives it for every request.
pub(crate) fn unauthorized(challenge: &str) -> Refusal {
    let reply = Reply::new(StatusCode::UNAUTHORIZED, Content::Text(UNAUTHORIZED.to_owned()));
    reply.header("www-authenticate", challenge)
}

pub(crate) fn error_body(status: u16, code: &str, detail: &str, parameters: &Value) -> Value {
    let reason = StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
    json!({ "detail": detail, "error": status, "errorCode": code, "parameters": parameters, "reason": reason })
}

/// Status, `errorCode` and detail of a code.
pub(crate) fn row(code: &str) -> (u16, &'static str, &'static str) {
    let row = ERRORS.iter().find(|(_, it, _)| *it == code).copied();
    row.unwrap_or((500, "UNEXPECTED_ERROR", "An unexpected error occurred."))
}

pub(crate) const UNAUTHORIZED: &str = r#"{
  "error" : 401,
  "reason" : "Unauthorized",
  "detail" : "You are not authorized for this resource.",
  "errorCode" : "UNEXPECTED_ERROR"
}"#;

/// Status, `errorCode` and detail.
#[rustfmt::skip]
const ERRORS: [(u16, &str, &str); 27] = [
    (400, "ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED", "The limit on generated certificates per user has been reached."),
    (400, "ATLAS_MANAGED_X509_NAME_INVALID", "{} is invalid: it must be CN=<username> without additional OIDs."),
    (400, "ATTRIBUTE_NEGATIVE_OR_ZERO", "Attribute {} cannot be negative or zero."),
    (400, "CANNOT_GENERATE_CERT_IF_ADVANCED_X509", "Cannot create managed certificates if advanced mode is on."),
    (400, "CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS", "Certificates can have a maximum expiration of 24 months."),
    (400, "INVALID_ATTRIBUTE", "Invalid attribute {} specified."),
    (400, "INVALID_JSON", "Received JSON does not match expected format."),
    (400, "INVALID_JSON_ATTRIBUTE", "Received JSON for the {} attribute does not match expected format."),
    (400, "INVALID_QUERY_PARAMETER", "Invalid query parameter {} specified."),
    (400, "MALFORMED_JSON", "Received JSON is malformed."),
    (400, "PATH_PARAM_PARSE_ERROR", "The path parameter {} could not be parsed."),
    (400, "USER_NOT_MANAGED_X509", "User {} does not have managed mode X509 enabled."),
    (401, "NOT_IN_GROUP", "The current user is not in the group, or the group with ID {} cannot be accessed."),
    (401, "USER_UNAUTHORIZED", "The current user is not authorized to perform this action."),
    (403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP address {} is not allowed to access this resource."),
    (403, "ORG_REQUIRES_ACCESS_LIST", "This organization requires access through an access list of IP addresses."),
    (404, "GROUP_NOT_FOUND", "No group with ID {} exists."),
    (404, "INVALID_GROUP_ID", "An invalid group ID {} was specified."),
    (404, "RESOURCE_NOT_FOUND", "Cannot find resource {}."),
    (404, "USERNAME_NOT_FOUND", "No user with username {} exists."),
    (405, "METHOD_NOT_ALLOWED", "The method {} is not allowed for this resource."),
    (405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", "Writes are not allowed while the application is being upgraded."),
    (406, "INVALID_VERSION_DATE", "Accept {} names no version of this resource: application/vnd.atlas.YYYY-MM-DD+json is required."),
    (410, "VERSION_GONE", "Version {} of {} is no longer available."),
    (415, "UNSUPPORTED_MEDIA_TYPE", "Content type {} is not supported for this resource and version."),
    (500, "UNEXPECTED_ERROR", "An unexpected error occurred."),
    (503, "SERVICE_UNAVAILABLE", "The service is unavailable."),
];
