//! Create, update and delete.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{
    ApplyResponse, CancellationToken, CreateRequest, DeleteRequest, Diagnostic, Diagnostics,
    Severity, UpdateRequest, Value,
};

use super::{
    UserCertificateResource, adopt,
    certificate::judged_at,
    key_storage::{EncryptionFailed, KeyStorage, StoredKey, catch_panic},
    model::{Attr, Status, UserCertificate},
    predecessors::{Predecessor, Successor},
    private_state::{PrivateState, destroy_warning},
    renewal, validate,
};
use crate::{
    atlas::{IssuedCertificate, Months, ProjectId, Username, printable},
    provider::{
        client::{self, ProviderClient, Session},
        diagnostics::{named, since},
        timeouts,
    },
    x509::{self, Certificate},
};

/// Issues the first certificate. In a replacement that fails, the response contains the deleted object.
pub(super) async fn create(
    resource: &UserCertificateResource,
    request: CreateRequest,
) -> ApplyResponse {
    let UserCertificateResource {
        client,
        predecessors,
    } = resource;
    client.mark_applying();
    let (planned, _) = UserCertificate::decode(&request.planned);
    let successor = Successor::new(&planned);
    let predecessor = predecessors.take(client.generation(), &successor);
    let same_user = predecessor
        .as_ref()
        .filter(|predecessor| Successor::new(&predecessor.object) == successor);
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
            return stored(
                object,
                &PrivateState::applied(kept.unwrap_or_default()),
                diagnostics,
            );
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
        stored(
            object,
            &PrivateState::applied(responses),
            diagnostics.collect(),
        )
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
    failed(
        request.prior,
        PrivateState::applied(responses).to_bytes(),
        problems,
    )
}

/// Removes the object from state, and holds it if the plan has a successor for it. Atlas has no call that revokes a
/// certificate.
pub(super) fn delete(resource: &UserCertificateResource, request: DeleteRequest) -> ApplyResponse {
    let UserCertificateResource {
        client,
        predecessors,
    } = resource;
    client.mark_applying();
    let read = || {
        let prior = UserCertificate::from_value(&request.prior)?;
        Ok((prior, PrivateState::parse(&request.private)?))
    };
    let (object, private) = match read() {
        Ok(parts) => parts,
        Err(problems) => return failed(request.prior, request.private, problems),
    };
    let warning = if private.destroy_warned {
        None
    } else {
        destroy_warning(&object, &private)
    };
    if !private.successor.is_none() {
        let successor = private.successor.clone();
        predecessors.hold(
            client.generation(),
            successor,
            Predecessor { object, private },
        );
    }
    failed(Value::Null, Vec::new(), warning.into_iter().collect())
}

fn with_detail(error: Diagnostic, more: &str) -> Diagnostic {
    Diagnostic {
        detail: error.detail + more,
        ..error
    }
}

fn failed(state: Value, private: Vec<u8>, diagnostics: Diagnostics) -> ApplyResponse {
    ApplyResponse {
        state,
        private,
        diagnostics,
    }
}

fn stored(
    object: UserCertificate,
    private: &PrivateState,
    diagnostics: Diagnostics,
) -> ApplyResponse {
    ApplyResponse {
        state: object.into_value(),
        private: private.to_bytes(),
        diagnostics,
    }
}

/// The new object, and warnings.
type IssueResult = Result<(UserCertificate, Diagnostics), Failure>;

/// Why there is no new object.
enum Failure {
    /// The response could not be parsed. The text is in the form in which state may hold it.
    Unparsed { text: String, error: Diagnostic },
    /// There is nothing new to store.
    Other(Diagnostics),
}

impl From<Diagnostic> for Failure {
    fn from(error: Diagnostic) -> Self {
        Self::Other(error.into())
    }
}

/// A planned object, and how its key is stored.
struct IssueRequest {
    planned: UserCertificate,
    adopt_pem: Attr<SecretString>,
    storage: KeyStorage,
    operation: &'static str,
}

/// The request to Atlas.
struct IssueTarget<'a> {
    project: &'a ProjectId,
    username: &'a Username,
    months: Months,
}

impl IssueRequest {
    fn new(planned: &Value, config: &Value, operation: &'static str) -> Result<Self, Diagnostics> {
        let planned = UserCertificate::from_value(planned)?;
        let config = UserCertificate::from_value(config)?;
        let storage = KeyStorage::new(&planned, &config)?;
        Ok(Self {
            planned,
            adopt_pem: config.adopt_pem_wo,
            storage,
            operation,
        })
    }

    /// Sends the request and builds the new object from the response.
    async fn execute(
        &self,
        provider: &ProviderClient,
        predecessor: Option<&UserCertificate>,
        cancel: &CancellationToken,
    ) -> IssueResult {
        let session = provider.session()?;
        let target = self.target()?;
        let call = Session::call(cancel, self.planned.timeout(self.operation));
        let request = client::IssueRequest {
            project: target.project,
            username: target.username,
            months: target.months,
            is_sealed: self.storage.is_sealed(),
            predecessor_id: predecessor
                .and_then(|object| object.certificate_id.known())
                .map(String::as_str),
        };
        let issued = session.issue(&request, &call).await?;
        let (object, mut diagnostics) = self.store(&issued, &target, predecessor).await?;
        diagnostics.extend(session.warnings(issued.server_time));
        Ok((object, diagnostics))
    }

    fn target(&self) -> Result<IssueTarget<'_>, Diagnostic> {
        match (self.planned.target(), self.planned.months_until_expiration) {
            (Some((project, username)), Attr::Known(months)) => Ok(IssueTarget {
                project,
                username,
                months,
            }),
            _ => Err(Diagnostic::error(
                "Plan cannot be applied",
                "An argument is unknown at apply. Please report this as a bug of the provider.",
            )),
        }
    }

    /// Builds the new object. Whatever the response is, it is not lost.
    async fn store(
        &self,
        issued: &IssuedCertificate,
        target: &IssueTarget<'_>,
        predecessor: Option<&UserCertificate>,
    ) -> IssueResult {
        let certificate = match &issued.certificate {
            Ok(certificate) => certificate,
            Err(error) => return Err(self.unparsed(issued, target, &error.to_string())),
        };
        let built = catch_panic(|| self.object(certificate, issued.server_time, predecessor));
        let Some((object, expired)) = built else {
            let problem = "parsing it failed because of a bug of the provider";
            return Err(self.unparsed(issued, target, problem));
        };
        let stored = self.storage.store(&issued.pem).await;
        let (key, warnings) = stored.map_err(|error| key_lost(certificate, error))?;
        let diagnostics = mismatches(certificate, target)
            .chain(expired)
            .chain(warnings);
        Ok((
            object.with_key(key).with_unknown_null(),
            diagnostics.collect(),
        ))
    }

    /// The object without its key, and a warning if the certificate has expired.
    fn object(
        &self,
        certificate: &Certificate,
        server_time: Option<Timestamp>,
        predecessor: Option<&UserCertificate>,
    ) -> (UserCertificate, Option<Diagnostic>) {
        let mut object = self.planned.clone();
        object.set_certificate(certificate);
        object.status = Attr::Known(Status::Active);
        object.has_private_key = Attr::Known(true);
        let now = judged_at(certificate.not_before, server_time);
        object.set_predecessor(predecessor, now);
        let expired = now >= certificate.not_after;
        (object, expired.then(|| already_expired(certificate, now)))
    }

    fn unparsed(
        &self,
        issued: &IssuedCertificate,
        target: &IssueTarget<'_>,
        problem: &str,
    ) -> Failure {
        let certificate = match x509::parse_certificate(issued.pem.expose_secret()) {
            Ok(certificate) => format!(" It contains {}.", named_certificate(&certificate)),
            Err(_) => issued
                .reconciliation
                .as_ref()
                .map(since)
                .unwrap_or_default(),
        };
        let mut error = Diagnostic::error(
            "Atlas' answer cannot be read",
            format!(
                "Atlas reported a new certificate for the database user \"{}\" of project {}, but the response is not a certificate with its \
                 private key: {problem}.{certificate}",
                target.username, target.project
            ),
        );
        match self.storage.protect(&issued.pem) {
            Ok(text) => Failure::Unparsed { text, error },
            Err(problem) => {
                error.detail += &format!(
                    "\n\nIt must not be stored in plain text, and {problem}: the response is lost."
                );
                error.into()
            }
        }
    }

    /// An object with the arguments and the unchanged response, and without attributes of a certificate.
    fn state_with_unparsed_response(&self, text: String) -> UserCertificate {
        let object = UserCertificate {
            superseded_certificates: Attr::Known(Vec::new()),
            ..self.planned.clone().with_issued_null()
        };
        object
            .with_key(self.storage.store_unparsed(text))
            .with_unknown_null()
    }

    /// Stores the key in another form, or changes arguments only. Sends no request.
    async fn update_without_issuing(
        &self,
        client: &ProviderClient,
        prior: &UserCertificate,
    ) -> IssueResult {
        let mut object = self.planned.clone();
        let mut diagnostics = Diagnostics::new();
        let mut key = prior.combined_pem.known();
        if adopt::is_planned(prior, &object) {
            if let Some(refused) = adopt::refused_by_guardrail(client, prior, &object) {
                return Err(refused.into());
            }
            let certificate = adopt::check(prior, &self.adopt_pem)?;
            object.issuer = Attr::Known(certificate.issuer);
            object.fingerprint_sha256 = Attr::Known(certificate.fingerprint_sha256);
            key = self.adopt_pem.known();
        }
        match key {
            Some(pem) if object.sealed_pem.is_unknown() || object.combined_pem.is_unknown() => {
                let stored = self.storage.store(pem).await.map_err(|problem| {
                    let detail = format!("State is unchanged: {problem}.");
                    Diagnostic::error("Private key could not be sealed", detail)
                })?;
                object = object.with_key(stored.0);
                diagnostics.extend(stored.1);
            }
            Some(pem) if object.pkcs12_base64.is_unknown() => {
                let archive = self.storage.archive(pem).await;
                object.pkcs12_base64 = archive.0;
                diagnostics.extend(archive.1);
            }
            _ => {}
        }
        Ok((object.with_unknown_null(), diagnostics))
    }
}

impl UserCertificate {
    fn with_key(self, key: StoredKey) -> Self {
        Self {
            combined_pem: key.combined_pem,
            sealed_pem: key.sealed_pem,
            pkcs12_base64: key.pkcs12_base64,
            ..self
        }
    }
}

fn mismatches(
    certificate: &Certificate,
    target: &IssueTarget<'_>,
) -> impl Iterator<Item = Diagnostic> {
    let IssueTarget {
        project, username, ..
    } = target;
    let subject = (!x509::subject_matches(username.as_str(), certificate)).then(|| {
        Diagnostic::warning(
            "Certificate is for another name",
            format!(
                "A certificate was requested for the database user \"{username}\", and the subject of the issued one is \"{}\". It is stored \
                 with its key; check whether it logs in as the right user.",
                printable(&certificate.subject, MAX_NAME)
            ),
        )
    });
    let issuer = (certificate.issuer_common_name.as_deref() != Some(project.as_str())).then(|| {
        Diagnostic::warning(
            "Certificate is from another project's authority",
            format!(
                "The issuer of certificates of project {project} has the project's id in its name; the issuer of this one is \"{}\". It is \
                 stored with its key; check whether it logs in.",
                printable(&certificate.issuer, MAX_NAME)
            ),
        )
    });
    subject.into_iter().chain(issuer)
}

/// Names in certificates can have any length.
const MAX_NAME: usize = 1100;

fn already_expired(certificate: &Certificate, now: Timestamp) -> Diagnostic {
    Diagnostic::warning(
        "Certificate has expired already",
        format!(
            "Atlas issued {}, and the time of its response is {now:.0}. The next plan renews it.",
            named_certificate(certificate)
        ),
    )
}

fn key_lost(certificate: &Certificate, problem: EncryptionFailed) -> Diagnostic {
    Diagnostic::error(
        "Private key could not be sealed",
        format!(
            "Atlas issued {}, but its key could not be encrypted ({problem}), and it must not be stored in plain text: the key is lost. The \
             certificate cannot be revoked; without the key it cannot be used.",
            named_certificate(certificate)
        ),
    )
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

fn named_certificate(certificate: &Certificate) -> String {
    named(
        &certificate.certificate_id,
        &certificate.not_after.to_string(),
    )
}

const UNPARSED_ON_CREATE: &str = "\n\nThe response is stored unchanged (as combined_pem, or sealed as sealed_pem), so nothing of it is lost. Terraform \
    marks the resource as tainted and would issue another certificate at the next apply. To keep the response instead, run: terraform untaint \
    ADDRESS. The provider then leaves it alone; look at it with: terraform state pull.";

const UNPARSED_ON_UPDATE: &str = "\n\nThe previous certificate and its key stay in place and keep working. The response is kept unchanged (sealed, in \
    sealed mode) in the private data of this resource in the state file (terraform state pull, base64 under \"private\"). The next apply requests \
    another certificate.";
