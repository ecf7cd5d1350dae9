//! What destroying does not do.

use tf_provider::{Diagnostic, Value};

use crate::provider::diagnostics::named;

/// The warning at the end of an object: which certificates go on working, and what cuts them off. None where all of them
/// have expired.
pub(super) fn farewell(object: &Value) -> Option<Diagnostic> {
    let user = object.get("username").as_str().unwrap_or_default();
    let project = object.get("project_id").as_str().unwrap_or_default();
    let present = match (object.get("certificate_id").as_str(), object.get("not_after").as_str()) {
        (Some(_), Some(_)) if object.get("status").as_str() == Some("expired") => None,
        (Some(id), Some(end)) => Some(named(id, end)),
        _ => Some("a certificate that could not be read when it was issued".to_owned()),
    };
    let older = object.get("superseded_certificates").as_list().unwrap_or_default();
    let older = older.iter().filter_map(|entry| {
        Some(named(entry.get("certificate_id").as_str()?, entry.get("not_after").as_str()?))
    });
    let certificates: Vec<_> = present.into_iter().chain(older).collect();
    if certificates.is_empty() {
        return None;
    }
    Some(Diagnostic::warning(
        "Destroying does not revoke the certificate",
        format!(
            "Atlas cannot revoke certificates. For the database user {user:?} of project {project} these go on working wherever a copy of the key is:\n  \
             - {}\nTo cut access off before that, delete the database user, and do not create one of the same name before the certificate has expired.",
            certificates.join("\n  - ")
        ),
    ))
}
