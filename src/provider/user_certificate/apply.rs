//! Create, update and delete.

use secrecy::ExposeSecret;
use tf_provider::{ApplyRequest, Diagnostic, Diagnostics, ObjectResponse, Severity, Value};

use super::{
    UserCertificateResource, applied,
    issue::{Failure, IssueRequest},
    model::UserCertificate,
    predecessors::{Predecessor, Successor},
    private_state::destroy_warning,
    renewal, stored, validate,
};
use crate::provider::{client::ProviderClient, diagnostics::certificate_until};

/// Issues the first certificate. In a replacement that fails, the response contains the deleted object.
pub(super) async fn create(
    resource: &UserCertificateResource,
    request: ApplyRequest,
) -> ObjectResponse {
    let UserCertificateResource { client, predecessors } = resource;
    client.mark_applying();
    let (planned, invalid_plan) = UserCertificate::decode(&request.planned);
    let (config, mut problems) = UserCertificate::decode(&request.config);
    // Validate and Plan leave errors to the create while a predecessor is held.
    problems.extend(validate::arguments(&config));
    problems.extend(renewal::window_exceeds_validity(&planned));
    if problems.is_empty() {
        problems = invalid_plan;
    }
    let successor = Successor::new(&planned);
    let predecessor = predecessors.take(&successor);
    let same_user =
        predecessor.as_ref().filter(|predecessor| Successor::new(&predecessor.object) == successor);
    let result = async {
        if !problems.is_empty() {
            return Err(Failure::from(problems));
        }
        let mut issue = IssueRequest::new(planned, config)?;
        issue.predecessor = same_user.map(|predecessor| &predecessor.object);
        let kept = same_user.map(|predecessor| predecessor.private.unparsed_responses.clone());
        let kept = issue.storage.protect_kept(kept.unwrap_or_default())?;
        let (object, warnings) = issue.execute("create", client, &request.cancel).await?;
        Ok(applied(object.into_value(), kept, warnings))
    };
    let failure = match result.await {
        Ok(created) => return created,
        Err(failure) => failure,
    };
    let own = predecessor.or_else(|| predecessors.take(&Successor::Unknown));
    if let Some(predecessor) = own {
        return predecessor.returned_with(failure, "The certificate in state is still the old one");
    }
    let mut successors = [&successor, &Successor::Unknown].into_iter();
    if let Some(other) = successors.find_map(|it| predecessors.taken(it)) {
        return other.returned_with(failure, RETURNED_AGAIN);
    }
    match failure.unparsed {
        Some(object) => {
            let problems = with_detail(failure.problems, UNPARSED_ON_CREATE);
            applied(object.into_value(), Vec::new(), problems)
        }
        None => applied(Value::Null, Vec::new(), failure.problems),
    }
}

impl Failure {
    /// The kept responses with that of the failed request, and the problems.
    fn keep_response(self, mut kept: Vec<String>) -> (Vec<String>, Diagnostics) {
        match self.unparsed {
            Some(object) => {
                let plain = object.combined_pem.known().map(|text| text.expose_secret().to_owned());
                kept.extend(plain.or(object.sealed_pem.into_known()));
                (kept, with_detail(self.problems, UNPARSED_ON_UPDATE))
            }
            None => (kept, self.problems),
        }
    }
}

impl Predecessor {
    /// The deleted object, because its successor was not created. Core marks it as tainted.
    fn returned_with(self, failure: Failure, origin: &str) -> ObjectResponse {
        let Self { object, private } = self;
        let (kept, problems) = failure.keep_response(private.unparsed_responses);
        let certificate = object.certificate_id.known().zip(object.not_after.known());
        let certificate = certificate.map_or_else(String::new, |(id, expiry)| {
            format!(" ({})", certificate_until(id, *expiry))
        });
        let note = format!(
            "\n\n{origin}{certificate}. It is marked as tainted: terraform apply replaces it, terraform untaint \
             ADDRESS keeps it (after a change of username or project_id, revert that change too)."
        );
        applied(object.into_value(), kept, with_detail(problems, &note))
    }
}

/// Changes the object in place: by a new certificate, by storing the key in another form, or in state alone. If that
/// fails, the response contains the prior object unchanged.
pub(super) async fn update(client: &ProviderClient, request: ApplyRequest) -> ObjectResponse {
    client.mark_applying();
    let ApplyRequest { prior, planned, config, private, cancel } = request;
    let read = || {
        let planned = UserCertificate::from_value(&planned)?;
        let issue = IssueRequest::new(planned, UserCertificate::from_value(&config)?)?;
        let (object, private) = stored(&prior, &private)?;
        let kept = issue.storage.protect_kept(private.unparsed_responses)?;
        Ok((object, issue, kept))
    };
    let (object, mut issue, kept) = match read() {
        Ok(parts) => parts,
        Err(diagnostics) => return ObjectResponse { state: prior, private, diagnostics },
    };
    issue.predecessor = Some(&object);
    let result = if issue.planned.certificate_id.is_unknown() {
        issue.execute("update", client, &cancel).await
    } else {
        issue.update_without_issuing(client, &object).await
    };
    match result {
        Ok((object, warnings)) => applied(object.into_value(), kept, warnings),
        Err(failure) => {
            let (kept, problems) = failure.keep_response(kept);
            applied(prior, kept, problems)
        }
    }
}

/// Removes the object from state (Atlas cannot revoke a certificate), and holds it if the plan has a successor for it.
pub(super) fn delete(resource: &UserCertificateResource, request: ApplyRequest) -> ObjectResponse {
    let UserCertificateResource { client, predecessors } = resource;
    client.mark_applying();
    let ApplyRequest { prior, private, .. } = request;
    let (object, private) = match stored(&prior, &private) {
        Ok(parts) => parts,
        Err(diagnostics) => return ObjectResponse { state: prior, private, diagnostics },
    };
    let warning = if private.destroy_warned { None } else { destroy_warning(&object, &private) };
    if let Some(successor) = private.successor.clone() {
        predecessors.hold(successor, Predecessor { object, private });
    }
    applied(Value::Null, Vec::new(), warning.into_iter().collect())
}

fn with_detail(problems: Diagnostics, more: &str) -> Diagnostics {
    let explained = |problem: Diagnostic| match problem.severity {
        Severity::Error => Diagnostic { detail: problem.detail + more, ..problem },
        Severity::Warning => problem,
    };
    problems.into_iter().map(explained).collect()
}

const RETURNED_AGAIN: &str = "The certificate in state is one that this run deleted for a replacement, of this resource or of another one. It is \
    returned so that its key is not lost";

const UNPARSED_ON_CREATE: &str = "\n\nThe response is stored unchanged (as combined_pem, or encrypted as sealed_pem), so nothing of it is lost. Terraform \
    marks the resource as tainted and would issue another certificate at the next apply. To keep the response instead, run: terraform untaint \
    ADDRESS. The provider then leaves it alone; look at it with: terraform state pull.";

const UNPARSED_ON_UPDATE: &str = "\n\nThe previous certificate and its key stay in place and keep working. The response is kept (encrypted if \
    private_key_recipients is set) in the private data of this resource in the state file (terraform state pull, base64 under \"private\"). The next apply requests \
    another certificate.";

#[cfg(test)]
mod tests {
    use local_atlas::{LocalAtlas, Options, X509Type};
    use tf_provider::CancellationToken;

    use super::*;
    use crate::{
        atlas::{ProjectId, Username},
        provider::{
            testing,
            user_certificate::{
                model::{Attr, RecipientList},
                plan::plan_create,
                private_state::PrivateState,
            },
        },
    };

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
    const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn resource(atlas: &LocalAtlas) -> UserCertificateResource {
        let client = testing::client(atlas);
        UserCertificateResource { client, ..UserCertificateResource::default() }
    }

    fn config() -> UserCertificate {
        UserCertificate {
            project_id: ProjectId::parse(PROJECT).ok().into(),
            username: Username::parse("app").ok().into(),
            ..UserCertificate::default()
        }
    }

    #[tokio::test]
    async fn another_resource_of_the_user_takes_no_key_from_a_replacement_that_fails_later() {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        atlas.control().add_user(PROJECT, "app", X509Type::Managed);
        let resource = resource(&atlas);
        let config = config();
        let object =
            UserCertificate { combined_pem: Attr::Known("hunter2".into()), ..config.clone() };
        let successor = Successor::new(&config);
        resource
            .predecessors
            .hold(successor, Predecessor { object, private: PrivateState::default() });
        let request = || ApplyRequest {
            prior: Value::Null,
            planned: plan_create(&config).0.into_value(),
            config: config.clone().into_value(),
            private: Vec::new(),
            cancel: CancellationToken::new(),
        };
        let other = create(&resource, request()).await;
        assert!(!other.diagnostics.iter().any(Diagnostic::is_error), "{:?}", other.diagnostics);
        atlas.control().remove_user(PROJECT, "app");
        let failed = create(&resource, request()).await;
        assert!(failed.diagnostics.iter().any(Diagnostic::is_error));
        assert_eq!(failed.state.get("combined_pem").as_str(), Some("hunter2"));
    }

    #[tokio::test]
    async fn a_response_kept_by_the_predecessor_is_encrypted_if_the_successor_is_sealed() {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        atlas.control().add_user(PROJECT, "app", X509Type::Managed);
        let resource = resource(&atlas);
        let config = UserCertificate {
            private_key_recipients: Attr::Known(RecipientList(vec![Attr::Known(RECIPIENT.into())])),
            ..config()
        };
        let predecessor = Predecessor {
            object: config.clone(),
            private: PrivateState {
                unparsed_responses: vec!["hunter2".to_owned()],
                ..PrivateState::default()
            },
        };
        resource.predecessors.hold(Successor::new(&config), predecessor);
        let request = ApplyRequest {
            prior: Value::Null,
            planned: plan_create(&config).0.into_value(),
            config: config.into_value(),
            private: Vec::new(),
            cancel: CancellationToken::new(),
        };
        let created = create(&resource, request).await;
        assert!(!created.diagnostics.iter().any(Diagnostic::is_error), "{:?}", created.diagnostics);
        assert!(created.state.get("sealed_pem").as_str().is_some());
        let private = String::from_utf8(created.private).unwrap();
        assert!(private.contains("AGE ENCRYPTED FILE") && !private.contains("hunter2"));
    }
}
