//! Moved: the official provider's object becomes ours, with its key and without a call.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tf_provider::{Diagnostic, Diagnostics, MoveRequest, MoveResponse, Value};

use super::{
    decision::Reason,
    model::{blank, describe, describe_listed, months_between},
    schema::schema,
};
use crate::{
    atlas::{ListedCertificate, ProjectId, Username},
    provider::arguments::to_sentence,
    x509,
};

const OFFICIAL_TYPE: &str = "mongodbatlas_x509_authentication_database_user";

/// Makes our object of another provider's, or says why not.
pub(super) fn take_over(request: &MoveRequest) -> Result<MoveResponse, Diagnostics> {
    let segments: Vec<&str> = request.source_provider.split('/').collect();
    match (&*request.source_type, &segments[..]) {
        (OFFICIAL_TYPE, ["mongodbatlas"] | [.., "mongodb" | "hashicorp" | "-", "mongodbatlas"]) => {
            Ok(official(&request.source_state)?)
        }
        (super::TYPE_NAME, [.., "atlas"]) => Ok(ours(request)?),
        _ => Err(Diagnostic::error(
            "Resource cannot be moved here",
            format!(
                "{} takes over {OFFICIAL_TYPE} of the provider mongodb/mongodbatlas, and its own kind; not {} of {} (schema version {}).",
                super::TYPE_NAME,
                request.source_type,
                request.source_provider,
                request.source_version
            ),
        )
        .into()),
    }
}

fn official(source: &Json) -> Result<MoveResponse, Diagnostic> {
    if !text(source, "customer_x509_cas").is_empty() {
        return Err(Diagnostic::error(
            "Customer certificate authority cannot be moved",
            "This object sets the project's own certificate authority (customer_x509_cas); it is not a certificate that Atlas issued. Leave it with the \
             official provider.",
        ));
    }
    let project = ProjectId::parse(text(source, "project_id"))
        .map_err(|error| unusable("project_id", &error.to_string()))?;
    let username = Username::parse(text(source, "username"))
        .map_err(|error| unusable("username", &error.to_string()))?;
    let mut state = blank(project.as_str(), username.as_str());
    state.set("issue_reason", Reason::Moved.as_str());
    state.set("status", "active");
    state.set("has_private_key", false);
    if let Some(months) = source
        .get("months_until_expiration")
        .and_then(Json::as_i64)
        .filter(|months| *months > 0)
    {
        state.set("months_until_expiration", months);
    }
    let mut diagnostics = Diagnostics::new();
    let pem = text(source, "current_certificate");
    if pem.trim().is_empty() {
        if let Some(listed) = newest(source) {
            describe_listed(&mut state, &listed);
        }
        diagnostics.push(Diagnostic::warning(
            "Moved without its private key",
            format!(
                "The official provider stored no certificate with a key for the database user \"{username}\" of project {project}, as after an import. \
                 combined_pem stays null until the next certificate is issued; terraform apply -replace=ADDRESS issues one at once."
            ),
        ));
    } else {
        hold(&mut state, &SecretString::from(pem), &mut diagnostics);
    }
    Ok(MoveResponse { state, diagnostics })
}

fn hold(state: &mut Value, pem: &SecretString, diagnostics: &mut Diagnostics) {
    state.set("combined_pem", pem.expose_secret());
    state.set("has_private_key", true);
    match x509::parse_bundle(pem) {
        Ok(certificate) => {
            describe(state, &certificate);
            if state.get("months_until_expiration").is_null() {
                state.set(
                    "months_until_expiration",
                    months_between(certificate.not_before, certificate.not_after),
                );
            }
        }
        Err(error) => diagnostics.push(Diagnostic::warning(
            "Moved certificate cannot be read",
            format!(
                "What the official provider stored as current_certificate is not a certificate with its key: {error}. It is kept unchanged as combined_pem, and \
                 nothing is issued for it; terraform apply -replace=ADDRESS issues a new certificate."
            ),
        )),
    }
}

/// The newest certificate that the official provider stored beside the key it may lack.
fn newest(source: &Json) -> Option<ListedCertificate> {
    let certificates = source.get("certificates")?.as_array()?.iter();
    let read = certificates.filter_map(|entry| {
        let id = match entry.get("id")? {
            Json::Number(number) => number.to_string(),
            other => other.as_str()?.to_owned(),
        };
        Some(ListedCertificate {
            certificate_id: Some(id)
                .filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))?,
            created_at: text(entry, "created_at").parse().ok()?,
            not_after: text(entry, "not_after").parse().ok()?,
            subject: text(entry, "subject").to_owned(),
        })
    });
    read.max_by_key(|certificate| certificate.created_at)
}

/// The same kind from another address: taken as it is, under the present schema.
fn ours(request: &MoveRequest) -> Result<MoveResponse, Diagnostic> {
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

/// The old SDK stores an empty text where there is no value.
fn text<'a>(source: &'a Json, name: &str) -> &'a str {
    source.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn unusable(name: &str, problem: &str) -> Diagnostic {
    Diagnostic::error(
        "Object cannot be moved",
        format!(
            "Its {name} is not one that Atlas issues certificates for. {} Leave the object with the official provider, or remove it from state.",
            to_sentence(problem)
        ),
    )
}
