//! Issuing: a planned object becomes a request to Atlas, and its response becomes the new object.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{CancellationToken, Diagnostic, Diagnostics, Value};

use super::{
    adopt,
    certificate::judged_at,
    key_storage::{EncryptionFailed, KeyStorage, StoredKey, catch_panic},
    model::{Attr, Status, UserCertificate},
};
use crate::{
    atlas::{IssuedCertificate, Months, ProjectId, Username, printable},
    provider::{
        client::{self, ProviderClient, Session},
        diagnostics::{named, since},
    },
    x509::{self, Certificate},
};

/// The new object, and warnings.
pub(super) type IssueResult = Result<(UserCertificate, Diagnostics), Failure>;

/// Why there is no new object.
pub(super) enum Failure {
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
pub(super) struct IssueRequest {
    pub(super) planned: UserCertificate,
    adopt_pem: Attr<SecretString>,
    pub(super) storage: KeyStorage,
    operation: &'static str,
}

/// The request to Atlas.
struct IssueTarget<'a> {
    project: &'a ProjectId,
    username: &'a Username,
    months: Months,
}

impl IssueRequest {
    pub(super) fn new(
        planned: &Value,
        config: &Value,
        operation: &'static str,
    ) -> Result<Self, Diagnostics> {
        let planned = UserCertificate::from_value(planned)?;
        let config = UserCertificate::from_value(config)?;
        let storage = KeyStorage::new(&planned, &config)?;
        Ok(Self { planned, adopt_pem: config.adopt_pem_wo, storage, operation })
    }

    /// Sends the request and builds the new object from the response.
    pub(super) async fn execute(
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
            (Some((project, username)), Attr::Known(months)) => {
                Ok(IssueTarget { project, username, months })
            }
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
        let diagnostics = mismatches(certificate, target).chain(expired).chain(warnings);
        Ok((object.with_key(key).with_unknown_null(), diagnostics.collect()))
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
            Err(_) => issued.reconciliation.as_ref().map(since).unwrap_or_default(),
        };
        let mut error = Diagnostic::error(
            "Cannot parse the issued certificate",
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
    pub(super) fn state_with_unparsed_response(&self, text: String) -> UserCertificate {
        let object = UserCertificate {
            superseded_certificates: Attr::Known(Vec::new()),
            ..self.planned.clone().with_issued_null()
        };
        object.with_key(self.storage.store_unparsed(text)).with_unknown_null()
    }

    /// Stores the key in another form, or changes arguments only. Sends no request.
    pub(super) async fn update_without_issuing(
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
    let IssueTarget { project, username, .. } = target;
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

fn named_certificate(certificate: &Certificate) -> String {
    named(&certificate.certificate_id, &certificate.not_after.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_with_an_unknown_argument_is_an_error_before_the_request() {
        let planned = UserCertificate::default().into_value();
        let request = IssueRequest::new(&planned, &planned, "create").ok().unwrap();
        assert_eq!(request.target().err().unwrap().summary, "Plan cannot be applied");
    }

    #[test]
    fn a_key_that_cannot_be_sealed_is_an_error_that_names_its_certificate() {
        let made = rcgen::generate_simple_self_signed(vec![]).unwrap();
        let certificate = x509::parse_certificate(&made.cert.pem()).unwrap();
        let error = key_lost(&certificate, EncryptionFailed);
        assert_eq!(error.summary, "Private key could not be sealed");
        assert!(error.detail.contains(&certificate.certificate_id), "{error:?}");
    }
}
