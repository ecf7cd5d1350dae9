//! Issuing: a planned object becomes a request to Atlas, and its response becomes the new object.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use tf_provider::{CancellationToken, Diagnostic, Diagnostics};

use super::{
    adopt,
    certificate::expiry_reference,
    key_storage::{KeyStorage, catch_panic},
    model::{Attr, Status, UserCertificate},
    preflight::guardrails,
};
use crate::{
    atlas::{CallOptions, IssuedCertificate, printable},
    provider::{
        arguments::UserId,
        client::ProviderClient,
        diagnostics::{certificate_until, reconciled},
    },
    x509::{self, Certificate},
};

pub(super) type IssueResult = Result<(UserCertificate, Diagnostics), Failure>;

pub(super) struct Failure {
    pub(super) problems: Diagnostics,
    /// The planned object with a response that could not be parsed in the place of the key.
    pub(super) unparsed: Option<Box<UserCertificate>>,
}

impl<T: Into<Diagnostics>> From<T> for Failure {
    fn from(problems: T) -> Self {
        Self { problems: problems.into(), unparsed: None }
    }
}

/// A planned object, its configuration, the object that it replaces, if any, and how its key is stored.
pub(super) struct IssueRequest<'a> {
    pub(super) planned: UserCertificate,
    config: UserCertificate,
    pub(super) predecessor: Option<&'a UserCertificate>,
    pub(super) storage: KeyStorage,
}

impl IssueRequest<'_> {
    pub(super) fn new(
        planned: UserCertificate,
        config: UserCertificate,
    ) -> Result<Self, Diagnostics> {
        let storage = KeyStorage::new(&planned, &config)?;
        Ok(Self { planned, config, predecessor: None, storage })
    }

    /// Sends the request and builds the new object from the response.
    pub(super) async fn execute(
        &self,
        operation: &str,
        provider: &ProviderClient,
        cancel: &CancellationToken,
    ) -> IssueResult {
        let session = provider.session()?;
        let (Some(user), Attr::Known(months)) =
            (self.planned.user(), self.planned.months_until_expiration)
        else {
            let detail =
                "An argument is unknown at apply. Please report this as a bug of the provider.";
            return Err(Diagnostic::error("Plan cannot be applied", detail).into());
        };
        let issued = session
            .issue(
                &user,
                months,
                self.storage.recipients.as_ref(),
                self.predecessor.into_iter().flat_map(UserCertificate::certificate_ids),
                &CallOptions::within(self.planned.timeout(operation), cancel),
            )
            .await?;
        let (object, mut diagnostics) = self.store(&issued, &user).await?;
        diagnostics.extend(session.warnings(issued.server_time));
        Ok((object, diagnostics))
    }

    /// Builds the new object. Whatever the response is, it is not lost.
    async fn store(&self, issued: &IssuedCertificate, user: &UserId) -> IssueResult {
        let certificate = match &issued.certificate {
            Ok(certificate) => certificate,
            Err(error) => return Err(self.unparsed(issued, user, &error.to_string())),
        };
        let built = catch_panic(|| {
            let mut object = self.planned.clone();
            object.set_certificate(certificate);
            object.status = Attr::Known(Status::Active);
            object.has_private_key = Attr::Known(true);
            let now = expiry_reference(certificate.not_before, issued.server_time);
            object.set_predecessor(self.predecessor, now);
            (object, now)
        });
        let Some((object, now)) = built else {
            let problem = "parsing it failed because of a bug of the provider";
            return Err(self.unparsed(issued, user, problem));
        };
        let stored = self.storage.store(object, &issued.pem).await;
        let (object, warning) = stored.ok_or_else(|| key_lost(certificate))?;
        let warnings = catch_panic(|| warnings(certificate, user, now)).unwrap_or_default();
        Ok((object.with_unknown_null(), warnings.into_iter().chain(warning).collect()))
    }

    fn unparsed(&self, issued: &IssuedCertificate, user: &UserId, problem: &str) -> Failure {
        let certificate = match catch_panic(|| x509::parse_certificate(issued.pem.expose_secret()))
        {
            Some(Ok(certificate)) => format!(" It contains {}.", named(&certificate)),
            _ => issued.reconciliation.as_ref().map(reconciled).unwrap_or_default(),
        };
        let detail = format!(
            "Atlas reported a new certificate for {user}, but the response is not a certificate with its private key: {problem}.{certificate}"
        );
        let mut error = Diagnostic::error("Cannot parse the issued certificate", detail);
        let Some(text) = self.storage.protect(&issued.pem) else {
            error.detail += "\n\nIt must not be stored in plain text, and encryption failed: the response is lost.";
            return error.into();
        };
        let object = UserCertificate {
            superseded_certificates: Attr::Known(Vec::new()),
            ..self.planned.clone()
        };
        let object = self.storage.store_protected(object, text).with_unknown_null();
        Failure { problems: error.into(), unparsed: Some(Box::new(object)) }
    }

    /// Stores the key in another form, or changes arguments only. Sends no request.
    pub(super) async fn update_without_issuing(
        &self,
        client: &ProviderClient,
        prior: &UserCertificate,
    ) -> IssueResult {
        let mut object = self.planned.clone();
        let mut key = prior.combined_pem.known();
        if adopt::is_planned(prior, &object) {
            let refused = guardrails(client, Some(prior), &object);
            if refused.iter().any(Diagnostic::is_error) {
                return Err(refused.into());
            }
            let certificate = adopt::check(prior, &self.config.adopt_pem_wo)?;
            object.issuer = Attr::Known(certificate.issuer);
            object.fingerprint_sha256 = Attr::Known(certificate.fingerprint_sha256);
            key = self.config.adopt_pem_wo.known();
        }
        let is_storage_planned = object.combined_pem.is_unknown()
            || object.sealed_pem.is_unknown()
            || object.pkcs12_base64.is_unknown();
        let (object, warning) = match key {
            Some(pem) if is_storage_planned => {
                let stored = self.storage.store(object, pem).await;
                stored.ok_or_else(|| not_sealed("State is unchanged: encryption failed."))?
            }
            _ => (object, None),
        };
        Ok((object.with_unknown_null(), warning.into_iter().collect()))
    }
}

fn warnings(certificate: &Certificate, user: &UserId, now: Timestamp) -> Diagnostics {
    let UserId { project, username } = user;
    let mut warnings = Diagnostics::new();
    if !x509::subject_matches(username.as_str(), certificate) {
        let detail = format!(
            "A certificate was requested for the database user \"{username}\", and the subject of the issued one is \"{}\". It is stored \
             with its key; check whether it logs in as the right user.",
            printable(&certificate.subject, MAX_NAME)
        );
        warnings.push(Diagnostic::warning("Certificate is for another name", detail));
    }
    if certificate.issuer_common_name.as_deref() != Some(project.as_str()) {
        let detail = format!(
            "The issuer of certificates of project {project} has the project's id in its name; the issuer of this one is \"{}\". It is \
             stored with its key; check whether it logs in.",
            printable(&certificate.issuer, MAX_NAME)
        );
        let summary = "Certificate is from another project's authority";
        warnings.push(Diagnostic::warning(summary, detail));
    }
    if now >= certificate.not_after {
        let detail = format!(
            "Atlas issued {}, and the time of its response is {now:.0}. The next plan renews it.",
            named(certificate)
        );
        warnings.push(Diagnostic::warning("Certificate has expired already", detail));
    }
    warnings
}

/// Names in certificates can have any length.
const MAX_NAME: usize = 1100;

fn key_lost(certificate: &Certificate) -> Diagnostic {
    not_sealed(format!(
        "Atlas issued {}, but its key could not be encrypted, and it must not be stored in plain text: the key is lost. The certificate cannot be \
         revoked; without the key it cannot be used.",
        named(certificate)
    ))
}

fn not_sealed(detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error("Private key could not be sealed", detail)
}

fn named(certificate: &Certificate) -> String {
    certificate_until(&certificate.certificate_id, certificate.not_after)
}

#[cfg(test)]
mod tests {
    use local_atlas::{Endpoint, Fault, LocalAtlas, Options, When, X509Type};

    use super::*;
    use crate::{
        atlas::{Months, ProjectId, Username},
        provider::{
            testing,
            user_certificate::model::{IssueReason, SupersededCertificate},
        },
    };

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[tokio::test]
    async fn a_plan_with_an_unknown_argument_is_an_error_before_the_request() {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        let planned = UserCertificate::default();
        let request = IssueRequest::new(planned.clone(), planned).unwrap();
        let client = testing::client(&atlas);
        let issued = request.execute("create", &client, &CancellationToken::new()).await;
        let problem = issued.err().unwrap().problems.into_iter().next().unwrap();
        assert_eq!(problem.summary, "Plan cannot be applied");
        assert_eq!(atlas.control().requests(), []);
    }

    #[tokio::test]
    async fn certificates_in_state_are_not_reported_as_lost() {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        let control = atlas.control();
        control.add_user(PROJECT, "app", X509Type::Managed);
        let issued = [control.issue(PROJECT, "app", 3), control.issue(PROJECT, "app", 3)];
        let [present, older] = issued.map(|certificate| certificate.id.to_string());
        let superseded = SupersededCertificate {
            certificate_id: older,
            not_after: Timestamp::MAX,
            reason: IssueReason::Created,
        };
        let predecessor = UserCertificate {
            certificate_id: Attr::Known(present),
            superseded_certificates: Attr::Known(vec![superseded]),
            ..UserCertificate::default()
        };
        let planned = UserCertificate {
            project_id: ProjectId::parse(PROJECT).ok().into(),
            username: Username::parse("app").ok().into(),
            months_until_expiration: Months::parse(3).ok().into(),
            ..UserCertificate::default()
        };
        control.add_fault(Fault::on(Endpoint::IssueCertificate).cut(When::Before));
        let mut request = IssueRequest::new(planned.clone(), planned).unwrap();
        request.predecessor = Some(&predecessor);
        let (client, cancel) = (testing::client(&atlas), CancellationToken::new());
        let issued = request.execute("update", &client, &cancel).await;
        let problem = issued.err().unwrap().problems.into_iter().next().unwrap();
        assert_eq!(problem.summary, "Certificate not issued", "{problem:?}");
    }

    #[test]
    fn a_key_that_cannot_be_sealed_is_an_error_that_names_its_certificate() {
        let made = rcgen::generate_simple_self_signed(vec![]).unwrap();
        let certificate = x509::parse_certificate(&made.cert.pem()).unwrap();
        let error = key_lost(&certificate);
        assert_eq!(error.summary, "Private key could not be sealed");
        assert!(error.detail.contains(&certificate.certificate_id), "{error:?}");
    }
}
