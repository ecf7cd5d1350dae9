//! What destroying does not do.

use tf_provider::{Diagnostic, Value};

use super::{decision::is_raw, private::Private};
use crate::provider::diagnostics::named;

/// The warning at the end of an object: which certificates go on working, and what cuts them off. None where all of them
/// have expired.
pub(super) fn farewell(object: &Value, private: &Private) -> Option<Diagnostic> {
    let user = object.get("username").as_str().unwrap_or_default();
    let project = object.get("project_id").as_str().unwrap_or_default();
    let certificates: Vec<_> = present(object).into_iter().chain(older(object)).collect();
    let unread = private.unread_answers.len();
    if certificates.is_empty() && unread == 0 {
        return None;
    }
    let mut detail = format!(
        "Atlas cannot revoke certificates. For the database user {user:?} of project {project}"
    );
    if certificates.is_empty() {
        detail += " an answer was kept that could not be read.";
    } else {
        let when = match object.get("status").as_str() {
            Some("user_missing") => {
                "these work again wherever a copy of the key is, as soon as a user of that name is created before they end"
            }
            _ => "these may go on working wherever a copy of the key is, each until it ends",
        };
        detail += &format!(" {when}:\n  - {}", certificates.join("\n  - "));
    }
    if unread > 0 {
        detail += &format!(
            "\nThe private data of this resource in state holds what Atlas answered {unread} time(s) to a re-issue and could not be read. It goes \
             with the resource: look at it first (terraform state pull), it may hold a key."
        );
    }
    detail += match object.get("status").as_str() {
        Some("user_missing") => {
            "\nDo not create a user of that name before the last of these has ended."
        }
        _ => {
            "\nTo cut access off before that, delete the database user, and do not create one of the same name before the last of these has ended."
        }
    };
    Some(Diagnostic::warning(
        "Destroying does not revoke the certificate",
        detail,
    ))
}

fn present(object: &Value) -> Option<String> {
    match (
        object.get("certificate_id").as_str(),
        object.get("not_after").as_str(),
        object.get("status").as_str(),
    ) {
        (Some(_), Some(_), Some("expired")) => None,
        (Some(id), Some(end), Some("missing")) => Some(format!(
            "{} (Atlas does not list it any more)",
            named(id, end)
        )),
        (Some(id), Some(end), _) => Some(named(id, end)),
        _ if is_raw(object) => {
            Some("a certificate that could not be read when it was issued".to_owned())
        }
        // Moved here without a certificate, and Atlas lists none.
        _ => None,
    }
}

fn older(object: &Value) -> impl Iterator<Item = String> {
    let entries = object
        .get("superseded_certificates")
        .as_list()
        .unwrap_or_default();
    entries.iter().filter_map(|entry| {
        Some(named(
            entry.get("certificate_id").as_str()?,
            entry.get("not_after").as_str()?,
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::user_certificate::model::blank;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[test]
    fn only_what_goes_on_working_is_named() {
        let detail =
            |object: &Value| farewell(object, &Private::default()).map(|warning| warning.detail);
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
