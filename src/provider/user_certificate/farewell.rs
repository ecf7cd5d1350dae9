//! What destroying does not do.

use tf_provider::{Diagnostic, Value};

use super::decision::is_raw;
use crate::provider::diagnostics::named;

/// The warning at the end of an object: which certificates go on working, and what cuts them off. None where all of them
/// have expired.
pub(super) fn farewell(object: &Value) -> Option<Diagnostic> {
    let user = object.get("username").as_str().unwrap_or_default();
    let project = object.get("project_id").as_str().unwrap_or_default();
    let present = match (
        object.get("certificate_id").as_str(),
        object.get("not_after").as_str(),
    ) {
        (Some(_), Some(_)) if object.get("status").as_str() == Some("expired") => None,
        (Some(id), Some(end)) => Some(named(id, end)),
        _ if is_raw(object) => {
            Some("a certificate that could not be read when it was issued".to_owned())
        }
        // Moved here without a certificate, and Atlas lists none.
        _ => None,
    };
    let older = object
        .get("superseded_certificates")
        .as_list()
        .unwrap_or_default();
    let older = older.iter().filter_map(|entry| {
        Some(named(
            entry.get("certificate_id").as_str()?,
            entry.get("not_after").as_str()?,
        ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::user_certificate::model::blank;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[test]
    fn only_what_goes_on_working_is_named() {
        let detail = |object: &Value| farewell(object).map(|warning| warning.detail);
        let mut object = blank(PROJECT, "app");
        assert_eq!(
            detail(&object),
            None,
            "moved without a certificate, and none is listed"
        );
        object.set("combined_pem", "what came");
        assert!(detail(&object).is_some_and(|text| text.contains("could not be read")));
        object.set("certificate_id", "17");
        object.set("not_after", "2026-06-01T00:00:00Z");
        object.set("status", "user_missing");
        assert!(
            detail(&object).is_some_and(
                |text| text.contains("certificate 17, valid until 2026-06-01T00:00:00Z")
            )
        );
        object.set("status", "expired");
        assert_eq!(detail(&object), None);
        let entry = [
            ("certificate_id", "16"),
            ("not_after", "2027-01-01T00:00:00Z"),
            ("reason", "validity_changed"),
        ];
        let entry = Value::object(entry.map(|(name, value)| (name, Value::from(value))));
        object.set("superseded_certificates", Value::List(vec![entry]));
        assert!(
            detail(&object)
                .is_some_and(|text| text.contains("certificate 16") && !text.contains("17"))
        );
    }
}
