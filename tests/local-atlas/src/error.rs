//! The errors these endpoints give, as atlas-api.md 7 lists them.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

/// An error body with its status.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: Box<str>,
    pub(crate) detail: String,
    /// Atlas writes null for a code without parameters.
    pub(crate) parameters: Option<Vec<Value>>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Whether the body comes pretty-printed and short, as 401 does.
    pub(crate) unauthorized: bool,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            parameters: None,
            fields: Vec::new(),
            headers: Vec::new(),
            unauthorized: false,
        }
    }

    /// The 401 of missing or wrong credentials.
    pub(crate) fn unauthorized(challenge: String) -> Self {
        let detail = "You are not authorized for this resource.";
        let mut error = Self::new(StatusCode::UNAUTHORIZED, "UNEXPECTED_ERROR", detail);
        error.unauthorized = true;
        error.headers.push(("www-authenticate", challenge));
        error
    }

    pub(crate) fn role_missing() -> Self {
        let detail = "The current user is not authorized to perform this action.";
        Self::new(StatusCode::UNAUTHORIZED, "USER_UNAUTHORIZED", detail)
    }

    pub(crate) fn not_in_group(project: &str) -> Self {
        let detail = format!(
            "The current user is not in the group, or the group with ID {project} cannot be accessed."
        );
        Self::new(StatusCode::UNAUTHORIZED, "NOT_IN_GROUP", detail).with(project)
    }

    pub(crate) fn address_not_listed(address: &str) -> Self {
        let detail = format!("IP address {address} is not allowed to access this resource.");
        Self::new(
            StatusCode::FORBIDDEN,
            "IP_ADDRESS_NOT_ON_ACCESS_LIST",
            detail,
        )
        .with(address)
    }

    pub(crate) fn access_list_missing() -> Self {
        let detail = "This organization requires access through an access list of IP addresses.";
        Self::new(StatusCode::FORBIDDEN, "ORG_REQUIRES_ACCESS_LIST", detail)
    }

    pub(crate) fn group_not_found(project: &str) -> Self {
        let detail = format!("No group with ID {project} exists.");
        Self::new(StatusCode::NOT_FOUND, "GROUP_NOT_FOUND", detail).with(project)
    }

    pub(crate) fn group_id_invalid(project: &str) -> Self {
        let detail = format!("An invalid group ID {project} was specified.");
        Self::new(StatusCode::NOT_FOUND, "INVALID_GROUP_ID", detail).with(project)
    }

    pub(crate) fn username_not_found(name: &str) -> Self {
        let detail = format!("No user with username {name} exists.");
        Self::new(StatusCode::NOT_FOUND, "USERNAME_NOT_FOUND", detail).with(name)
    }

    pub(crate) fn resource_not_found(path: &str) -> Self {
        let detail = format!("Cannot find resource {path}.");
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", detail).with(path)
    }

    pub(crate) fn method_not_allowed(method: &str) -> Self {
        let detail = format!("The method {method} is not allowed for this resource.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail).with(method)
    }

    pub(crate) fn path_unreadable(segment: &str) -> Self {
        let detail = format!("The path parameter {segment} could not be parsed.");
        Self::bad_request("PATH_PARAM_PARSE_ERROR", detail).with(segment)
    }

    pub(crate) fn query_invalid(name: &str) -> Self {
        let detail = format!("Invalid query parameter {name} specified.");
        Self::bad_request("INVALID_QUERY_PARAMETER", detail).with(name)
    }

    pub(crate) fn user_not_managed(name: &str) -> Self {
        let detail = format!("User {name} does not have managed mode X509 enabled.");
        Self::bad_request("USER_NOT_MANAGED_X509", detail)
    }

    pub(crate) fn customer_ca_set() -> Self {
        let detail = "Cannot create managed certificates if advanced mode is on.";
        Self::bad_request("CANNOT_GENERATE_CERT_IF_ADVANCED_X509", detail)
    }

    pub(crate) fn certificate_limit() -> Self {
        let detail = "The limit on generated certificates per user has been reached.";
        Self::bad_request("ATLAS_GENERATED_CERTS_LIMIT_EXCEEDED", detail)
    }

    pub(crate) fn expiry_too_far() -> Self {
        let detail = "Certificates can have a maximum expiration of 24 months.";
        Self::bad_request("CERT_EXPIRY_CANNOT_EXCEED_TWO_YEARS", detail)
            .on("monthsUntilExpiration", "must be less than or equal to 24")
    }

    pub(crate) fn managed_name_invalid(name: &str) -> Self {
        let detail =
            format!("{name} is invalid: it must be CN=<username> without additional OIDs.");
        Self::bad_request("ATLAS_MANAGED_X509_NAME_INVALID", detail).with(name)
    }

    pub(crate) fn negative_or_zero(attribute: &str) -> Self {
        let detail = format!("Attribute {attribute} cannot be negative or zero.");
        Self::bad_request("ATTRIBUTE_NEGATIVE_OR_ZERO", detail)
            .with(attribute)
            .on(attribute, "must be greater than 0")
    }

    pub(crate) fn attribute_unknown(attribute: &str) -> Self {
        let detail = format!("Invalid attribute {attribute} specified.");
        Self::bad_request("INVALID_ATTRIBUTE", detail)
            .with(attribute)
            .on(attribute, "unknown or read-only attribute")
    }

    pub(crate) fn attribute_malformed(attribute: &str) -> Self {
        let detail =
            format!("Received JSON for the {attribute} attribute does not match expected format.");
        Self::bad_request("INVALID_JSON_ATTRIBUTE", detail)
            .with(attribute)
            .on(attribute, "unexpected type or value")
    }

    pub(crate) fn attribute_missing(attribute: &str) -> Self {
        let detail = format!("The required attribute {attribute} was not specified.");
        Self::bad_request("MISSING_ATTRIBUTE", detail)
            .with(attribute)
            .on(attribute, "required")
    }

    pub(crate) fn enum_value_invalid(value: &str, attribute: &str) -> Self {
        let detail = format!("An invalid enumeration value {value} was specified.");
        Self::bad_request("INVALID_ENUM_VALUE", detail)
            .with(value)
            .on(attribute, "not one of the values")
    }

    pub(crate) fn json_malformed() -> Self {
        Self::bad_request("MALFORMED_JSON", "Received JSON is malformed.")
    }

    pub(crate) fn json_unexpected() -> Self {
        Self::bad_request(
            "INVALID_JSON",
            "Received JSON does not match expected format.",
        )
    }

    pub(crate) fn media_type_unsupported(found: &str) -> Self {
        let detail =
            format!("Content type {found} is not supported for this resource and version.");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            detail,
        )
        .with(found)
    }

    pub(crate) fn version_unacceptable(found: &str) -> Self {
        let detail = format!(
            "Accept {found} names no version of this resource: application/vnd.atlas.YYYY-MM-DD+json is required."
        );
        Self::new(StatusCode::NOT_ACCEPTABLE, "INVALID_VERSION_DATE", detail).with(found)
    }

    pub(crate) fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn conflict(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn with(mut self, parameter: impl Into<Value>) -> Self {
        self.parameters
            .get_or_insert_default()
            .push(parameter.into());
        self
    }

    pub(crate) fn on(mut self, field: &str, description: &str) -> Self {
        self.fields.push((field.to_owned(), description.to_owned()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        if !self.fields.is_empty() {
            let field = |(field, description): &(String, String)| json!({ "description": description, "field": field });
            let fields: Vec<Value> = self.fields.iter().map(field).collect();
            body.insert("badRequestDetail".to_owned(), json!({ "fields": fields }));
        }
        body.insert("detail".to_owned(), json!(self.detail));
        body.insert("error".to_owned(), json!(self.status.as_u16()));
        body.insert("errorCode".to_owned(), json!(self.code));
        body.insert("parameters".to_owned(), json!(self.parameters));
        body.insert(
            "reason".to_owned(),
            json!(self.status.canonical_reason().unwrap_or_default()),
        );
        Value::Object(body)
    }
}
