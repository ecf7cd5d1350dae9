//! Move: the official provider's object becomes ours, with its key and without a request.

use secrecy::SecretString;
use serde_json::Value as Json;
use tf_provider::{Diagnostic, Diagnostics, MoveRequest, MoveResponse};

use super::{
    TYPE_NAME,
    model::{Attr, IssueReason, Status, UserCertificate},
    schema::schema,
};
use crate::{
    atlas::{ListedCertificate, Months, ProjectId, Username},
    provider::arguments::to_sentence,
    x509::Bundle,
};

const OFFICIAL_TYPE: &str = "mongodbatlas_x509_authentication_database_user";

/// Converts the object of another provider address or resource type.
pub(super) fn move_state(request: &MoveRequest) -> Result<MoveResponse, Diagnostics> {
    let segments: Vec<&str> = request.source_provider.split('/').collect();
    match (&*request.source_type, &segments[..]) {
        (OFFICIAL_TYPE, ["mongodbatlas"] | [.., "mongodb" | "hashicorp" | "-", "mongodbatlas"]) => {
            Ok(from_mongodbatlas(&request.source_state)?)
        }
        (TYPE_NAME, [.., "atlas"]) => Ok(from_atlas(request)?),
        _ => Err(not_movable(request).into()),
    }
}

/// The object of `mongodbatlas_x509_authentication_database_user`.
fn from_mongodbatlas(source: &Json) -> Result<MoveResponse, Diagnostic> {
    if !text(source, "customer_x509_cas").is_empty() {
        return Err(customer_authority());
    }
    let project = text(source, "project_id");
    let project =
        ProjectId::parse(project).map_err(|error| unusable("project_id", &error.to_string()))?;
    let username = text(source, "username");
    let username =
        Username::parse(username).map_err(|error| unusable("username", &error.to_string()))?;
    let pem = text(source, "current_certificate");
    let months = source.get("months_until_expiration").and_then(Json::as_i64);
    let object = UserCertificate {
        months_until_expiration: months.and_then(|months| Months::parse(months).ok()).into(),
        issue_reason: Attr::Known(IssueReason::Moved),
        status: Attr::Known(Status::Active),
        has_private_key: Attr::Known(!pem.trim().is_empty()),
        ..UserCertificate::new(project, username)
    };
    let (object, warning) = if pem.trim().is_empty() {
        without_key(object, source)
    } else {
        with_key(object, &SecretString::from(pem))
    };
    Ok(MoveResponse {
        state: object.into_value(),
        diagnostics: warning.into_iter().collect(),
    })
}

fn with_key(
    mut object: UserCertificate,
    pem: &SecretString,
) -> (UserCertificate, Option<Diagnostic>) {
    object.combined_pem = Attr::Known(pem.clone());
    let warning = match Bundle::parse(pem) {
        Ok(bundle) => {
            object.set_certificate(&bundle.certificate);
            None
        }
        Err(error) => Some(Diagnostic::warning(
            "Moved certificate cannot be read",
            format!(
                "The value that the official provider stored as current_certificate is not a certificate with its key: {error}. It is kept \
                 unchanged as combined_pem, and no certificate is issued for it; terraform apply -replace=ADDRESS issues a new one."
            ),
        )),
    };
    (object, warning)
}

fn without_key(
    mut object: UserCertificate,
    source: &Json,
) -> (UserCertificate, Option<Diagnostic>) {
    if let Some(listed) = newest(source) {
        object.set_listed_certificate(&listed);
    }
    let user = object
        .target()
        .map(|(project, username)| format!("\"{username}\" of project {project}"));
    let warning = Diagnostic::warning(
        "Moved without its private key",
        format!(
            "The official provider stored no certificate with a key for the database user {}, as after an import. combined_pem stays null \
             until the next certificate is issued; terraform apply -replace=ADDRESS issues one at once.",
            user.unwrap_or_default()
        ),
    );
    (object, Some(warning))
}

/// The newest entry of the list that the official provider stored.
fn newest(source: &Json) -> Option<ListedCertificate> {
    let certificates = source.get("certificates")?.as_array()?.iter();
    certificates
        .filter_map(listed)
        .max_by_key(|certificate| certificate.created_at)
}

fn listed(entry: &Json) -> Option<ListedCertificate> {
    let id = match entry.get("id")? {
        Json::Number(number) => number.to_string(),
        other => other.as_str()?.to_owned(),
    };
    let is_decimal = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    Some(ListedCertificate {
        certificate_id: is_decimal.then_some(id)?,
        created_at: text(entry, "created_at").parse().ok()?,
        not_after: text(entry, "not_after").parse().ok()?,
        subject: text(entry, "subject").to_owned(),
    })
}

/// An object of this resource type from another provider address.
fn from_atlas(request: &MoveRequest) -> Result<MoveResponse, Diagnostic> {
    let current = schema();
    if request.source_version != current.version {
        return Err(Diagnostic::error(
            "State of another version",
            format!(
                "The object was stored under schema version {}, this provider has {}. Bring both provider addresses to the same version first.",
                request.source_version, current.version
            ),
        ));
    }
    let state = current.read_state(&request.source_state)?;
    Ok(MoveResponse {
        state,
        diagnostics: Diagnostics::new(),
    })
}

/// A string of the source; empty if absent, because old SDK versions store empty text for that.
fn text<'a>(source: &'a Json, name: &str) -> &'a str {
    source.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn customer_authority() -> Diagnostic {
    Diagnostic::error(
        "Customer certificate authority cannot be moved",
        "This object sets the project's own certificate authority (customer_x509_cas); it is not a certificate that Atlas issued. Leave it \
         with the official provider.",
    )
}

fn unusable(name: &str, problem: &str) -> Diagnostic {
    Diagnostic::error(
        "Object cannot be moved",
        format!(
            "Atlas issues no certificates for its {name}. {} Leave the object with the official provider, or remove it from state.",
            to_sentence(problem)
        ),
    )
}

fn not_movable(request: &MoveRequest) -> Diagnostic {
    let MoveRequest {
        source_type,
        source_provider,
        source_version,
        ..
    } = request;
    Diagnostic::error(
        "Resource cannot be moved here",
        format!(
            "{TYPE_NAME} accepts {OFFICIAL_TYPE} of the provider mongodb/mongodbatlas, and its own type; not {source_type} of {source_provider} \
             (schema version {source_version})."
        ),
    )
}
