//! Create, update and delete.

use tf_provider::{
    ApplyResponse, CreateRequest, DeleteRequest, Diagnostic, Diagnostics, Severity, UpdateRequest,
    Value,
};

use super::{
    UserCertificateResource,
    issue::{Failure, IssueRequest},
    key_storage::EncryptionFailed,
    model::UserCertificate,
    predecessors::{Predecessor, Successor},
    private_state::{PrivateState, destroy_warning},
    renewal, validate,
};
use crate::provider::{client::ProviderClient, diagnostics::named, timeouts};

/// Issues the first certificate. In a replacement that fails, the response contains the deleted object.
pub(super) async fn create(
    resource: &UserCertificateResource,
    request: CreateRequest,
) -> ApplyResponse {
    let UserCertificateResource { client, predecessors } = resource;
    client.mark_applying();
    let (planned, _) = UserCertificate::decode(&request.planned);
    let successor = Successor::new(&planned);
    let predecessor = predecessors.take(client.generation(), &successor);
    let same_user =
        predecessor.as_ref().filter(|predecessor| Successor::new(&predecessor.object) == successor);
    let issue = match late_problems(&planned, &request) {
        problems if problems.is_empty() => {
            IssueRequest::new(&request.planned, &request.config, "create")
        }
        problems => Err(problems),
    };
    let result = match issue {
        Ok(issue) => {
            let object = same_user.map(|predecessor| &predecessor.object);
            let result = issue.execute(client, object, &request.cancel).await;
            result.map_err(|failure| (failure, Some(issue)))
        }
        Err(problems) => Err((Failure::Other(problems), None)),
    };
    let (failure, issue) = match result {
        Ok((object, diagnostics)) => {
            let kept = same_user.map(|predecessor| predecessor.private.unparsed_responses.clone());
            return stored(object, &PrivateState::applied(kept.unwrap_or_default()), diagnostics);
        }
        Err(failure) => failure,
    };
    match predecessor.or_else(|| predecessors.take(client.generation(), &Successor::Unknown)) {
        Some(predecessor) => predecessor.returned_with(failure),
        None => created_without_certificate(failure, issue),
    }
}

/// Invalid arguments, which only Validate and Plan report unless a predecessor is held.
fn late_problems(planned: &UserCertificate, request: &CreateRequest) -> Diagnostics {
    let (config, problems) = UserCertificate::decode(&request.config);
    problems
        .into_iter()
        .chain(validate::arguments(&config))
        .chain(timeouts::validate(&request.config))
        .chain(renewal::window_exceeds_validity(planned))
        .collect()
}

impl Predecessor {
    /// The deleted object, because its successor was not created. Core marks it as tainted.
    fn returned_with(self, failure: Failure) -> ApplyResponse {
        let Self { object, private } = self;
        let mut responses = private.unparsed_responses;
        let problems = match failure {
            Failure::Unparsed { text, error } => {
                responses.push(text);
                with_detail(error, UNPARSED_ON_UPDATE).into()
            }
            Failure::Other(problems) => problems,
        };
        let certificate = object.certificate_id.known().zip(object.not_after.known());
        let certificate = certificate.map_or_else(String::new, |(id, expiry)| {
            format!(" ({})", named(id, &expiry.to_string()))
        });
        let note = format!(
            "\n\nThe certificate in state is still the old one{certificate}. It is marked as tainted: terraform apply replaces it, terraform untaint \
             ADDRESS keeps it."
        );
        let diagnostics = problems.into_iter().map(|problem| match problem.severity {
            Severity::Error => with_detail(problem, &note),
            Severity::Warning => problem,
        });
        stored(object, &PrivateState::applied(responses), diagnostics.collect())
    }
}

fn created_without_certificate(failure: Failure, issue: Option<IssueRequest>) -> ApplyResponse {
    match (failure, issue) {
        (Failure::Unparsed { text, error }, Some(issue)) => {
            let object = issue.state_with_unparsed_response(text);
            let error = with_detail(error, UNPARSED_ON_CREATE);
            stored(object, &PrivateState::default(), error.into())
        }
        (Failure::Unparsed { error, .. }, None) => failed(Value::Null, Vec::new(), error.into()),
        (Failure::Other(problems), _) => failed(Value::Null, Vec::new(), problems),
    }
}

/// Changes the object in place: by a new certificate, by storing the key in another form, or in state alone. If that
/// fails, the response contains the prior object unchanged.
pub(super) async fn update(client: &ProviderClient, request: UpdateRequest) -> ApplyResponse {
    client.mark_applying();
    let read = || {
        let issue = IssueRequest::new(&request.planned, &request.config, "update")?;
        let private = PrivateState::parse(&request.private)?;
        let kept = issue.storage.protect_kept(private.unparsed_responses);
        let kept = kept.map_err(kept_response_not_encrypted)?;
        Ok((UserCertificate::from_value(&request.prior)?, issue, kept))
    };
    let (prior, issue, mut responses) = match read() {
        Ok(parts) => parts,
        Err(problems) => return failed(request.prior, request.private, problems),
    };
    let result = if issue.planned.certificate_id.is_unknown() {
        issue.execute(client, Some(&prior), &request.cancel).await
    } else {
        issue.update_without_issuing(client, &prior).await
    };
    let problems = match result {
        Ok((object, diagnostics)) => {
            return stored(object, &PrivateState::applied(responses), diagnostics);
        }
        Err(Failure::Unparsed { text, error }) => {
            responses.push(text);
            with_detail(error, UNPARSED_ON_UPDATE).into()
        }
        Err(Failure::Other(problems)) => problems,
    };
    failed(request.prior, PrivateState::applied(responses).to_bytes(), problems)
}

/// Removes the object from state, and holds it if the plan has a successor for it. Atlas has no call that revokes a
/// certificate.
pub(super) fn delete(resource: &UserCertificateResource, request: DeleteRequest) -> ApplyResponse {
    let UserCertificateResource { client, predecessors } = resource;
    client.mark_applying();
    let read = || {
        let prior = UserCertificate::from_value(&request.prior)?;
        Ok((prior, PrivateState::parse(&request.private)?))
    };
    let (object, private) = match read() {
        Ok(parts) => parts,
        Err(problems) => return failed(request.prior, request.private, problems),
    };
    let warning = if private.destroy_warned { None } else { destroy_warning(&object, &private) };
    if !private.successor.is_none() {
        let successor = private.successor.clone();
        predecessors.hold(client.generation(), successor, Predecessor { object, private });
    }
    failed(Value::Null, Vec::new(), warning.into_iter().collect())
}

fn with_detail(error: Diagnostic, more: &str) -> Diagnostic {
    Diagnostic { detail: error.detail + more, ..error }
}

fn failed(state: Value, private: Vec<u8>, diagnostics: Diagnostics) -> ApplyResponse {
    ApplyResponse { state, private, diagnostics }
}

fn stored(
    object: UserCertificate,
    private: &PrivateState,
    diagnostics: Diagnostics,
) -> ApplyResponse {
    ApplyResponse { state: object.into_value(), private: private.to_bytes(), diagnostics }
}

fn kept_response_not_encrypted(problem: EncryptionFailed) -> Diagnostic {
    Diagnostic::error(
        "Kept response could not be sealed",
        format!(
            "The private data of this resource holds a response of Atlas in plain text, and it could not be encrypted to private_key_recipients: \
             {problem}. Nothing was changed and no certificate was issued."
        ),
    )
}

const UNPARSED_ON_CREATE: &str = "\n\nThe response is stored unchanged (as combined_pem, or sealed as sealed_pem), so nothing of it is lost. Terraform \
    marks the resource as tainted and would issue another certificate at the next apply. To keep the response instead, run: terraform untaint \
    ADDRESS. The provider then leaves it alone; look at it with: terraform state pull.";

const UNPARSED_ON_UPDATE: &str = "\n\nThe previous certificate and its key stay in place and keep working. The response is kept unchanged (sealed, in \
    sealed mode) in the private data of this resource in the state file (terraform state pull, base64 under \"private\"). The next apply requests \
    another certificate.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_response_that_cannot_be_sealed_is_an_error_that_issues_nothing() {
        let error = kept_response_not_encrypted(EncryptionFailed);
        assert_eq!(error.summary, "Kept response could not be sealed");
        assert!(error.detail.contains("no certificate was issued"), "{error:?}");
    }
}
