//! Adoption: a PEM that was stored elsewhere becomes the key of an object without one. No request is sent.

use secrecy::SecretString;
use tf_provider::Diagnostic;

use super::{
    key_storage::plan_key,
    model::{Attr, Status, UserCertificate},
};
use crate::{
    provider::arguments::UserId,
    x509::{self, Bundle, Certificate},
};

/// Whether the configuration calls for an adoption; `None` while the version is unknown.
pub(super) fn is_requested(
    prior: Option<&UserCertificate>,
    config: &UserCertificate,
) -> Option<bool> {
    let version = &config.adopt_pem_wo_version;
    match version {
        Attr::Unknown => None,
        Attr::Null => Some(false),
        Attr::Known(_) => Some(prior.is_none_or(|prior| prior.adopt_pem_wo_version != *version)),
    }
}

pub(super) fn is_planned(prior: &UserCertificate, planned: &UserCertificate) -> bool {
    let unknown = planned.combined_pem.is_unknown() || planned.sealed_pem.is_unknown();
    unknown && !planned.certificate_id.is_unknown() && !prior.has_key()
}

pub(super) fn plan(planned: UserCertificate, config: &UserCertificate) -> UserCertificate {
    let is_certain = !config.adopt_pem_wo_version.is_unknown();
    UserCertificate {
        issuer: Attr::Unknown,
        fingerprint_sha256: Attr::Unknown,
        has_private_key: if is_certain { Attr::Known(true) } else { Attr::Unknown },
        ..plan_key(planned, config)
    }
}

/// Why this object cannot adopt a key.
pub(super) fn refused(prior: &UserCertificate) -> Option<Diagnostic> {
    prior.has_key().then(|| {
        error("The object has a private key already, and a key is never overwritten. Remove adopt_pem_wo and adopt_pem_wo_version.")
    })
}

/// The error for a key that would be stored in plain text although the provider block requires recipients.
pub(super) fn recipients_required() -> Diagnostic {
    let detail = "The adopted private key would be stored in plain text, and require_private_key_recipients is set in the provider block. Set \
         private_key_recipients in the same change.";
    Diagnostic::error("Private key recipients required by the provider configuration", detail)
        .at("private_key_recipients")
}

/// The certificate of the PEM, if it is the one in state and comes with its key.
pub(super) fn check(
    prior: &UserCertificate,
    pem: &Attr<SecretString>,
) -> Result<Certificate, Diagnostic> {
    if let Some(refused) = refused(prior) {
        return Err(refused);
    }
    let pem = pem.known().ok_or_else(|| error("adopt_pem_wo is null."))?;
    let bundle = Bundle::parse(pem).map_err(|problem| {
        error(&format!("adopt_pem_wo is not one certificate with its private key: {problem}."))
    })?;
    let UserId { project, username } =
        prior.user().ok_or_else(|| error("State contains no project or no user."))?;
    let certificate = bundle.certificate;
    let (id, expiry) = (&certificate.certificate_id, certificate.not_after);
    let stored = prior.certificate_id.known();
    let problem = if stored != Some(id) {
        let stored = stored.map_or("no certificate".to_owned(), |id| format!("certificate {id}"));
        format!(
            "It contains certificate {id}, valid until {expiry}, and state has {stored}. To adopt that one, import it: {project}/{}/{id}.",
            username.encoded()
        )
    } else if !x509::subject_matches(username.as_str(), &certificate) {
        format!("It contains certificate {id}, which is not for the database user \"{username}\".")
    } else if certificate.issuer_common_name.as_deref() != Some(project.as_str()) {
        format!("It contains certificate {id}, which was not issued in project {project}.")
    } else if prior.status == Attr::Known(Status::Expired) {
        format!("Certificate {id} expired on {expiry}: its key is of no use.")
    } else {
        return Ok(certificate);
    };
    Err(error(&problem))
}

/// The warning for an adoption that is skipped because a certificate is issued.
pub(super) fn skipped() -> Diagnostic {
    let detail = "The same plan issues a new certificate, which comes with its key, so adopt_pem_wo is ignored.";
    Diagnostic::warning("Nothing is adopted", detail).at("adopt_pem_wo_version")
}

fn error(problem: &str) -> Diagnostic {
    let detail = format!("{problem} The object is unchanged and no request was sent.");
    Diagnostic::error("Private key cannot be adopted", detail).at("adopt_pem_wo")
}

#[cfg(test)]
mod tests {
    use local_atlas::{LocalAtlas, Options};

    use super::*;
    use crate::{
        atlas::{ProjectId, Username},
        provider::user_certificate::model::IssueReason,
    };

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
    const OTHER_PROJECT: &str = "0123456789abcdef01234567";

    fn imported(project: &str, user: &str, id: u64, status: Status) -> UserCertificate {
        UserCertificate {
            certificate_id: Attr::Known(id.to_string()),
            status: Attr::Known(status),
            has_private_key: Attr::Known(false),
            issue_reason: Attr::Known(IssueReason::Imported),
            ..UserCertificate::new(UserId {
                project: ProjectId::parse(project).unwrap(),
                username: Username::parse(user).unwrap(),
            })
        }
    }

    #[test]
    fn a_pem_is_adopted_only_if_it_is_the_certificate_in_state_with_its_key() {
        let atlas = LocalAtlas::start(Options::default()).unwrap();
        let issue = |user: &str| atlas.control().issue(PROJECT, user, 3);
        let (app, other) = (issue("app"), issue("app"));
        let prior = imported(PROJECT, "app", app.id, Status::Active);
        let (certificate, key) = (&app.certificate_pem, &app.key_pem);
        let check = |prior: &UserCertificate, pem: &str| check(prior, &Attr::Known(pem.into()));

        for pem in [
            app.combined_pem(),
            format!("{key}{certificate}"),
            app.combined_pem().replace('\n', "\r\n"),
        ] {
            let adopted = check(&prior, &pem).unwrap();
            assert_eq!(adopted.certificate_id, app.id.to_string());
        }

        let has_key = UserCertificate { combined_pem: Attr::Known("pem".into()), ..prior.clone() };
        let sealed = UserCertificate { sealed_pem: Attr::Known("age".into()), ..prior.clone() };
        let without_certificate = UserCertificate { certificate_id: Attr::Null, ..prior.clone() };
        let import_that_one = format!("{PROJECT}/app/{}", other.id);
        for (object, pem, problem) in [
            (prior.clone(), other.combined_pem(), &*import_that_one),
            (without_certificate, app.combined_pem(), "no certificate"),
            (
                imported(PROJECT, "bob", app.id, Status::Active),
                app.combined_pem(),
                "not for the database user \"bob\"",
            ),
            (
                imported(OTHER_PROJECT, "app", app.id, Status::Active),
                app.combined_pem(),
                "not issued in project",
            ),
            (imported(PROJECT, "app", app.id, Status::Expired), app.combined_pem(), "expired on"),
            (prior.clone(), certificate.clone(), "there is no private key"),
            (prior.clone(), key.clone(), "there is no certificate"),
            (prior.clone(), format!("{certificate}{}", other.key_pem), "does not belong"),
            (
                prior.clone(),
                format!("{certificate}{}{key}", other.certificate_pem),
                "more than one certificate",
            ),
            (prior.clone(), "hunter2".to_owned(), "there is no certificate"),
            (has_key, app.combined_pem(), "never overwritten"),
            (sealed, app.combined_pem(), "never overwritten"),
        ] {
            let refused = check(&object, &pem).unwrap_err();
            assert!(refused.detail.contains(problem), "{problem}: {}", refused.detail);
            assert!(!refused.detail.contains("PRIVATE KEY") && !refused.detail.contains("hunter2"));
        }
        assert!(super::check(&prior, &Attr::Null).is_err());
    }

    #[test]
    fn a_changed_version_calls_for_an_adoption() {
        let with = |version: Attr<i64>| UserCertificate {
            adopt_pem_wo_version: match version {
                Attr::Known(version) => Attr::Known(version.into()),
                Attr::Null => Attr::Null,
                Attr::Unknown => Attr::Unknown,
            },
            ..UserCertificate::default()
        };
        for (stored, configured, expected) in [
            (Attr::Null, Attr::Null, Some(false)),
            (Attr::Null, Attr::Known(1), Some(true)),
            (Attr::Known(1), Attr::Known(1), Some(false)),
            (Attr::Known(1), Attr::Known(2), Some(true)),
            (Attr::Known(1), Attr::Null, Some(false)),
            (Attr::Known(1), Attr::Unknown, None),
        ] {
            assert_eq!(is_requested(Some(&with(stored)), &with(configured)), expected);
        }
        assert_eq!(is_requested(None, &with(Attr::Known(1))), Some(true));
    }
}
