//! Private state: bytes of the provider that Terraform stores beside the object; and the warning given at destroy.

use serde::{Deserialize, Serialize};
use tf_provider::Diagnostic;

use super::{
    model::{Attr, Status, UserCertificate},
    predecessors::Successor,
};
use crate::provider::{arguments::UserId, diagnostics::certificate_until};

/// What is stored between calls. No `Debug`: a response may contain a private key.
#[derive(Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PrivateState {
    /// The format; absent in what versions before 0.1 wrote.
    pub(super) version: u32,
    /// The plan gave the destroy warning, so that apply does not repeat it.
    #[serde(rename = "destroy_told", skip_serializing_if = "std::ops::Not::not")]
    pub(super) destroy_warned: bool,
    /// In the plan of a create: the planned object. Never stored in state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) successor: Option<Successor>,
    /// Responses to certificate requests in place that could not be parsed, encrypted if there are recipients.
    #[serde(rename = "unread_answers", skip_serializing_if = "Vec::is_empty")]
    pub(super) unparsed_responses: Vec<String>,
}

const VERSION: u32 = 1;

impl PrivateState {
    /// Reads the bytes. The caller returns those of another format unchanged, because they may contain a key.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Diagnostic> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_slice::<Self>(bytes) {
            Ok(private) if private.version <= VERSION => Ok(Self { version: 0, ..private }),
            _ => {
                let detail = "Terraform stores private data of the provider beside this resource, and this version of the provider cannot read it: \
                     another version wrote it, or it was changed. It may contain a response of Atlas with a private key, so it is kept unchanged and \
                     nothing is done. Use the provider version that wrote it. Or save it first (terraform state pull > state.json; the data is base64 \
                     under \"private\" of this resource); then terraform state rm ADDRESS and an import continue without it.";
                Err(Diagnostic::error("Private data of the resource cannot be read", detail))
            }
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        let stored = Self { version: VERSION, ..self.clone() };
        serde_json::to_vec(&stored).unwrap_or_default()
    }
}

/// The warning at the end of an object: which certificates go on working, and how access is ended.
pub(super) fn destroy_warning(
    object: &UserCertificate,
    private: &PrivateState,
) -> Option<Diagnostic> {
    let UserId { project, username } = object.user()?;
    let superseded = object.superseded_certificates.known().into_iter().flatten();
    let superseded =
        superseded.map(|other| certificate_until(&other.certificate_id, other.not_after));
    let certificates: Vec<_> = current_certificate(object).into_iter().chain(superseded).collect();
    let unparsed = private.unparsed_responses.len();
    if certificates.is_empty() && unparsed == 0 {
        return None;
    }
    let list = certificates.join("\n  - ");
    let user_missing = object.status == Attr::Known(Status::UserMissing);
    let which = match (certificates.is_empty(), user_missing) {
        (true, _) => "a response was kept that could not be parsed.".to_owned(),
        (false, true) => format!(
            "these work again with any copy of the key, as soon as a user of that name is created before they expire:\n  - {list}"
        ),
        (false, false) => format!(
            "these may go on working with any copy of the key, each until it expires:\n  - {list}"
        ),
    };
    let kept = match unparsed {
        0 => String::new(),
        count => format!(
            "\nThe private data of this resource in state holds {count} response(s) of Atlas to a re-issue that could not be parsed. They are \
             deleted with the resource: look at them first (terraform state pull), they may contain a key."
        ),
    };
    let next_step = if user_missing {
        "Do not create a user of that name before the last of these has expired."
    } else {
        "To end access before that, delete the database user, and do not create one of the same name before the last of these has expired."
    };
    let detail = format!(
        "Atlas cannot revoke certificates. For the database user \"{username}\" of project {project} {which}{kept}\n{next_step}"
    );
    Some(Diagnostic::warning("Destroying does not revoke the certificate", detail))
}

fn current_certificate(object: &UserCertificate) -> Option<String> {
    match (&object.certificate_id, object.not_after, object.status) {
        (Attr::Known(_), Attr::Known(_), Attr::Known(Status::Expired)) => None,
        (Attr::Known(id), Attr::Known(not_after), status) => {
            let is_missing = status == Attr::Known(Status::Missing);
            let note = if is_missing { " (Atlas does not list it any more)" } else { "" };
            Some(certificate_until(id, not_after) + note)
        }
        _ if object.is_unparsed() => {
            Some("a certificate whose response could not be parsed when it was issued".to_owned())
        }
        // Moved without a certificate, and Atlas lists none.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tf_provider::{CancellationToken, PlanRequest, Resource as _, Value};

    use super::*;
    use crate::{
        atlas::{ProjectId, Username},
        provider::user_certificate::{
            UserCertificateResource,
            model::{IssueReason, SupersededCertificate},
            schema::schema,
        },
    };

    #[test]
    fn private_state_is_read_as_it_was_written() {
        let private = PrivateState {
            destroy_warned: true,
            unparsed_responses: vec!["x".into()],
            ..PrivateState::default()
        };
        assert!(PrivateState::parse(&private.to_bytes()) == Ok(private));
        assert!(PrivateState::default().to_bytes().is_empty());
    }

    #[test]
    fn bytes_without_a_version_are_read_and_bytes_of_another_format_are_an_error_without_their_text()
     {
        let old = PrivateState::parse(br#"{"destroy_told":true,"unread_answers":["x"]}"#);
        assert!(old.is_ok_and(|old| old.destroy_warned && old.unparsed_responses == ["x"]));
        for bytes in [
            &b"junk"[..],
            br#"{"version":2}"#,
            br#"{"version":1,"later":"hunter2"}"#,
            br#"{"unread_answers":"hunter2"}"#,
            br#"{"version":1,"unread_answers":["hunter2"]"#,
        ] {
            let error = PrivateState::parse(bytes).err().unwrap();
            assert_eq!(error.summary, "Private data of the resource cannot be read");
            assert!(error.detail.contains("terraform state pull"));
            assert!(!error.detail.contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn a_plan_that_fails_keeps_the_bytes_of_private_data() {
        let block = schema().block;
        let request = |config: Value| PlanRequest {
            prior: block.empty(),
            proposed: None,
            config,
            private: b"of another version".to_vec(),
            cancel: CancellationToken::new(),
        };
        let (resource, mut invalid) = (UserCertificateResource::default(), block.empty());
        invalid.set("renew_before_days", -1);
        let unreadable = "Private data of the resource cannot be read";
        for (response, title) in [
            (resource.plan(request(block.empty())).await, unreadable),
            (resource.plan(request(invalid)).await, "Invalid renew_before_days"),
            (resource.plan_destroy(request(Value::Null)).await, unreadable),
        ] {
            let titles: Vec<_> = response.diagnostics.iter().map(|it| &*it.summary).collect();
            assert_eq!((&*response.private, titles), (&b"of another version"[..], vec![title]));
        }
    }

    #[test]
    fn the_destroy_warning_names_only_certificates_that_go_on_working() {
        let detail = |object: &UserCertificate| {
            destroy_warning(object, &PrivateState::default()).map(|warning| warning.detail)
        };
        let mut object = UserCertificate::new(UserId {
            project: ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap(),
            username: Username::parse("app").unwrap(),
        });
        assert_eq!(detail(&object), None, "moved without a certificate, and none is listed");
        object.combined_pem = Attr::Known("response".into());
        assert!(detail(&object).is_some_and(|text| text.contains("could not be parsed")));
        object.certificate_id = Attr::Known("17".into());
        object.not_after = Attr::Known("2026-06-01T00:00:00Z".parse().unwrap());
        object.status = Attr::Known(Status::UserMissing);
        assert!(
            detail(&object).is_some_and(
                |text| text.contains("certificate 17, valid until 2026-06-01T00:00:00Z")
            )
        );
        object.status = Attr::Known(Status::Expired);
        assert_eq!(detail(&object), None);
        object.superseded_certificates = Attr::Known(vec![SupersededCertificate {
            certificate_id: "16".into(),
            not_after: "2027-01-01T00:00:00Z".parse().unwrap(),
            reason: IssueReason::ValidityChanged,
        }]);
        assert!(
            detail(&object)
                .is_some_and(|text| text.contains("certificate 16") && !text.contains("17"))
        );
    }
}
