//! Move: the object of the official provider becomes one of this provider, with its key and without a request.

use std::fmt::Display;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value as Json;
use tf_provider::{Diagnostic, Diagnostics, MoveRequest, MoveResponse};

use super::{
    TYPE_NAME,
    model::{Attr, IssueReason, Status, UserCertificate},
    schema::schema,
};
use crate::{
    atlas::{ListedCertificate, Months, ProjectId, Username},
    provider::arguments::{UserId, is_certificate_id, to_sentence},
    x509::Bundle,
};

const OFFICIAL_TYPE: &str = "mongodbatlas_x509_authentication_database_user";

/// Converts the object of another provider address or resource type.
///
/// If one plan moves several instances, hosts name our address as the source of the official type, or the official
/// address as the source of ours. So either type is accepted from either address, and the shape of the state decides.
pub(super) fn move_state(request: &MoveRequest) -> Result<MoveResponse, Diagnostics> {
    let segments: Vec<&str> = request.source_provider.split('/').collect();
    let known_address = matches!(
        segments[..],
        ["mongodbatlas"] | [.., "mongodb" | "hashicorp" | "-", "mongodbatlas"] | [.., "atlas"]
    );
    if !known_address || ![OFFICIAL_TYPE, TYPE_NAME].contains(&&*request.source_type) {
        let MoveRequest { source_type, source_provider, source_version, .. } = request;
        let detail = format!(
            "{TYPE_NAME} accepts {OFFICIAL_TYPE} of the provider mongodb/mongodbatlas, and its own type; not {source_type} of {source_provider} \
             (schema version {source_version})."
        );
        return Err(Diagnostic::error("Resource cannot be moved here", detail).into());
    }
    let has = |name: &str| request.source_state.get(name).is_some();
    if has("certificate_id") && !has("current_certificate") {
        Ok(from_atlas(request)?)
    } else {
        Ok(from_mongodbatlas(&request.source_state)?)
    }
}

/// The state of `mongodbatlas_x509_authentication_database_user`. Old versions of it store empty text for null.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Official {
    project_id: Option<String>,
    username: Option<String>,
    months_until_expiration: Option<Json>,
    customer_x509_cas: Option<String>,
    current_certificate: Option<String>,
    certificates: Option<Vec<Json>>,
}

fn from_mongodbatlas(source: &Json) -> Result<MoveResponse, Diagnostic> {
    let source = Official::deserialize(source)
        .map_err(|_| unusable("state", "it has an unexpected shape"))?;
    if source.customer_x509_cas.is_some_and(|text| !text.is_empty()) {
        let detail = "This object sets the project's own certificate authority (customer_x509_cas); it is not a certificate that Atlas issued. Leave \
             it with the official provider.";
        return Err(Diagnostic::error("Customer certificate authority cannot be moved", detail));
    }
    let user = UserId {
        project: ProjectId::parse(&source.project_id.unwrap_or_default())
            .map_err(|error| unusable("project_id", error))?,
        username: Username::parse(&source.username.unwrap_or_default())
            .map_err(|error| unusable("username", error))?,
    };
    let pem = source.current_certificate.filter(|pem| !pem.trim().is_empty());
    let months = source.months_until_expiration.as_ref().and_then(Json::as_i64);
    let mut object = UserCertificate {
        months_until_expiration: months.and_then(|months| Months::parse(months).ok()).into(),
        issue_reason: Attr::Known(IssueReason::Moved),
        status: Attr::Known(Status::Active),
        has_private_key: Attr::Known(pem.is_some()),
        ..UserCertificate::new(user.clone())
    };
    let warning = if let Some(pem) = pem.map(SecretString::from) {
        let bundle = Bundle::parse(&pem);
        object.combined_pem = Attr::Known(pem);
        let certificate = bundle.map(|bundle| object.set_certificate(&bundle.certificate));
        certificate.err().map(|error| {
            let detail = format!(
                "The value that the official provider stored as current_certificate is not a certificate with its key: {error}. It is kept \
                 unchanged as combined_pem, and no certificate is issued for it; terraform apply -replace=ADDRESS issues a new one."
            );
            Diagnostic::warning("Moved certificate cannot be read", detail)
        })
    } else {
        let certificates = source.certificates.unwrap_or_default();
        let listed = certificates.iter().filter_map(listed_certificate);
        if let Some(newest) = listed.max_by_key(|certificate| certificate.created_at) {
            object.set_listed_certificate(&newest);
        }
        let detail = format!(
            "The official provider stored no certificate with a key for {user}, as after an import. combined_pem stays null until the next certificate \
             is issued; terraform apply -replace=ADDRESS issues one at once."
        );
        Some(Diagnostic::warning("Moved without its private key", detail))
    };
    Ok(MoveResponse { state: object.into_value(), diagnostics: warning.into_iter().collect() })
}

/// An entry of `certificates`; `None` if it does not describe a certificate.
fn listed_certificate(entry: &Json) -> Option<ListedCertificate> {
    let text = |name: &str| entry.get(name).and_then(Json::as_str);
    let id = match entry.get("id")? {
        Json::Number(number) => number.to_string(),
        other => other.as_str()?.to_owned(),
    };
    Some(ListedCertificate {
        certificate_id: Some(id).filter(|id| is_certificate_id(id))?,
        created_at: text("created_at")?.parse().ok()?,
        not_after: text("not_after")?.parse().ok()?,
        subject: text("subject").unwrap_or_default().to_owned(),
    })
}

/// An object of this resource type from another provider address.
fn from_atlas(request: &MoveRequest) -> Result<MoveResponse, Diagnostic> {
    let current = schema();
    if request.source_version != current.version {
        let detail = format!(
            "The object was stored under schema version {}, this provider has {}. Bring both provider addresses to the same version first.",
            request.source_version, current.version
        );
        return Err(Diagnostic::error("State of another version", detail));
    }
    let state = current.read_state(&request.source_state)?;
    Ok(MoveResponse { state, diagnostics: Diagnostics::new() })
}

fn unusable(name: &str, problem: impl Display) -> Diagnostic {
    let detail = format!(
        "Atlas issues no certificates for its {name}. {} Leave the object with the official provider, or remove it from state.",
        to_sentence(problem)
    );
    Diagnostic::error("Object cannot be moved", detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
    const MONGODB: &str = "registry.terraform.io/mongodb/mongodbatlas";

    /// A move of an object without a certificate.
    fn request(provider: &str, kind: &str, changes: &[(&str, Json)]) -> MoveRequest {
        let mut source_state = json!({
            "id": "x", "project_id": PROJECT, "username": "app", "months_until_expiration": 3,
            "customer_x509_cas": null, "current_certificate": "", "certificates": [],
        });
        for (name, value) in changes {
            source_state[*name] = value.clone();
        }
        MoveRequest {
            source_provider: provider.to_owned(),
            source_type: kind.to_owned(),
            source_version: 7,
            source_state,
        }
    }

    fn refused(request: &MoveRequest) -> Diagnostic {
        move_state(request).err().unwrap().into_iter().next().unwrap()
    }

    #[test]
    fn the_source_is_known_by_namespace_and_type_whatever_the_host() {
        for address in [
            "mongodbatlas",
            "mongodb/mongodbatlas",
            MONGODB,
            "registry.opentofu.org/mongodb/mongodbatlas",
            "mirror.example.com:8443/mongodb/mongodbatlas",
            // Hosts name our address for the second instance that moves in one plan.
            "registry.terraform.io/example/atlas",
        ] {
            assert!(move_state(&request(address, OFFICIAL_TYPE, &[])).is_ok(), "{address}");
        }
        for (address, kind) in [
            ("registry.terraform.io/someone/mongodbatlas", OFFICIAL_TYPE),
            ("registry.terraform.io/mongodb/mongodbatlas/", OFFICIAL_TYPE),
            ("", OFFICIAL_TYPE),
            (MONGODB, "mongodbatlas_database_user"),
            ("registry.terraform.io/hashicorp/tls", "tls_private_key"),
            ("registry.terraform.io/hashicorp/tls", TYPE_NAME),
        ] {
            let refusal = refused(&request(address, kind, &[]));
            assert_eq!(refusal.summary, "Resource cannot be moved here");
            for named in [address, kind, "schema version 7"] {
                assert!(refusal.detail.contains(named), "{refusal:?}");
            }
        }
    }

    #[test]
    fn an_object_without_a_managed_user_is_refused_with_the_reason() {
        let title = "Object cannot be moved";
        let authority = json!("-----BEGIN CERTIFICATE-----");
        let customer = "Customer certificate authority cannot be moved";
        for (name, value, title, reason) in [
            ("customer_x509_cas", authority, customer, "official provider"),
            ("username", json!(""), title, "username"),
            ("username", Json::Null, title, "username"),
            ("username", json!("CN=app,OU=x"), title, "distinguished name"),
            ("project_id", json!("nope"), title, "project_id"),
            ("project_id", Json::Null, title, "project_id"),
        ] {
            let key = ("current_certificate", json!("hunter2"));
            let refusal = refused(&request(MONGODB, OFFICIAL_TYPE, &[key, (name, value)]));
            assert_eq!(refusal.summary, title);
            assert!(refusal.detail.contains(reason), "{refusal:?}");
            assert!(!refusal.detail.contains("hunter2"), "no key in a refusal");
        }
    }
}
