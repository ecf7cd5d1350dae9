//! What Atlas sent becomes the object. Pure but for the randomness of encryption, and never loses what came.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{Timestamp, ToSpan};
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Diagnostics, Path, Value};

use super::model::{advance_revision, describe, settle, superseded};
use crate::{
    atlas::{IssuedCertificate, ProjectId, Username, printable},
    pkcs12,
    provider::diagnostics::{named, since},
    sealing::{self, Recipients},
    x509::{self, Certificate},
};

/// What was made of an answer.
pub(super) enum Received {
    /// A certificate with its key; the diagnostics are warnings.
    Certificate(Value, Diagnostics),
    /// Something else. The text is what came, sealed in sealed mode.
    Unread { text: String, error: Diagnostic },
    /// What came could not be sealed, and must not be kept in clear.
    Lost(Diagnostic),
}

/// Whom the certificate is for, as asked.
pub(super) struct Asked<'a> {
    pub(super) project: &'a ProjectId,
    pub(super) username: &'a Username,
}

/// In which form the key is to be kept. Read before anything is issued, so that nothing can be wrong with it afterwards.
pub(super) struct Form {
    recipients: Option<Recipients>,
    archived: bool,
    password: Option<SecretString>,
    profile: pkcs12::Profile,
}

impl Form {
    /// Everything from the plan but the password, which is in configurations alone: `ignore_changes` hides changes from
    /// plans, and the configuration at apply shows them all the same.
    ///
    /// # Errors
    /// A recipient that is none.
    pub(super) fn of(planned: &Value, config: &Value) -> Result<Self, Diagnostic> {
        Ok(Self {
            recipients: recipients(planned.get("private_key_recipients"))?,
            archived: !planned.get("pkcs12_password_wo_version").is_null(),
            password: config
                .get("pkcs12_password_wo")
                .as_str()
                .map(SecretString::from),
            profile: planned
                .get("pkcs12_profile")
                .as_str()
                .and_then(pkcs12::Profile::parse)
                .unwrap_or_default(),
        })
    }

    /// Whether state must not hold the key in clear.
    pub(super) fn is_sealed(&self) -> bool {
        self.recipients.is_some()
    }

    /// Seals texts that were kept in clear before there were recipients.
    pub(super) fn seal_all(&self, texts: &mut [String]) {
        for text in texts.iter_mut().filter(|text| !text.starts_with(SEALED)) {
            if let Ok(Some(sealed)) = self.seal(&SecretString::from(text.as_str())) {
                *text = sealed;
            }
        }
    }

    /// The ciphertext; `None` where the key is kept in clear.
    fn seal(&self, pem: &SecretString) -> Result<Option<String>, Unsealable> {
        let Some(recipients) = &self.recipients else {
            return Ok(None);
        };
        guarded(|| sealing::seal(pem, recipients))
            .and_then(Result::ok)
            .map(Some)
            .ok_or(Unsealable)
    }
}

/// Encryption failed, which it does for no recipient that was parsed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("encryption failed")]
pub(super) struct Unsealable;

fn recipients(list: &Value) -> Result<Option<Recipients>, Diagnostic> {
    let Some(list) = list.as_list() else {
        return Ok(None);
    };
    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    match Recipients::parse(&texts) {
        Ok(recipients) if texts.len() == list.len() && !recipients.is_empty() => {
            Ok(Some(recipients))
        }
        _ => Err(Diagnostic::error(
            "Invalid recipient",
            "private_key_recipients holds what is no recipient. Nothing was issued.",
        )
        .at(Path::attribute("private_key_recipients"))),
    }
}

/// Runs what must not cost a key, even if it has a bug.
fn guarded<T>(action: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(action)).ok()
}

/// Turns the answer into the object that was planned. `predecessor` is null for a first certificate.
pub(super) fn receive(
    issued: &IssuedCertificate,
    asked: &Asked<'_>,
    planned: &Value,
    form: &Form,
    predecessor: &Value,
) -> Received {
    guarded(|| read(issued, asked, planned.clone(), form, predecessor)).unwrap_or_else(|| {
        unread(
            issued,
            asked,
            form,
            "reading it failed by a bug of the provider",
        )
    })
}

fn read(
    issued: &IssuedCertificate,
    asked: &Asked<'_>,
    planned: Value,
    form: &Form,
    predecessor: &Value,
) -> Received {
    let certificate = match &issued.certificate {
        Ok(certificate) => certificate,
        Err(error) => return unread(issued, asked, form, &error.to_string()),
    };
    let mut object = planned;
    let mut diagnostics = mismatches(certificate, asked);
    describe(&mut object, certificate);
    advance_revision(&mut object, predecessor);
    // The certificate itself says when it was issued: a wrong `Date` must not make older ones look expired.
    let issued_at = certificate.not_before + 1.hour();
    let now = issued
        .server_time
        .map_or(issued_at, |date| date.min(issued_at));
    if now >= certificate.not_after {
        diagnostics.push(expired_already(certificate, now));
    }
    let reason = object.get("issue_reason").clone();
    object.set(
        "superseded_certificates",
        superseded(predecessor, &reason, now),
    );
    object.set("status", "active");
    object.set("has_private_key", true);
    if let Err(error) = hold(&mut object, &issued.pem, form, &mut diagnostics) {
        return Received::Lost(unsealable(certificate, error));
    }
    settle(&mut object, super::schema::object_type());
    Received::Certificate(object, diagnostics)
}

/// Puts the key into the object in the planned form.
pub(super) fn hold(
    object: &mut Value,
    pem: &SecretString,
    form: &Form,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsealable> {
    if let Some(sealed) = form.seal(pem)? {
        object.set("sealed_pem", sealed);
        object.set("combined_pem", Value::Null);
        object.set("pkcs12_base64", Value::Null);
        return Ok(());
    }
    object.set("combined_pem", pem.expose_secret());
    object.set("sealed_pem", Value::Null);
    object.set("pkcs12_base64", archive(pem, form, diagnostics));
    Ok(())
}

/// The PKCS#12 archive that was planned, or null and why not.
pub(super) fn archive(pem: &SecretString, form: &Form, diagnostics: &mut Diagnostics) -> Value {
    if !form.archived {
        return Value::Null;
    }
    let at = Path::attribute("pkcs12_password_wo_version");
    let Some(password) = &form.password else {
        diagnostics.push(
            Diagnostic::warning(
                "No password for the PKCS#12 archive",
                "pkcs12_password_wo_version is set and pkcs12_password_wo is null, so pkcs12_base64 stays null.",
            )
            .at(at),
        );
        return Value::Null;
    };
    let made = guarded(|| pkcs12::archive(pem, password, form.profile).map_err(|e| e.to_string()));
    match made.unwrap_or_else(|| Err("a bug of the provider".to_owned())) {
        Ok(base64) => base64.expose_secret().into(),
        Err(error) => {
            diagnostics.push(
                Diagnostic::warning(
                    "PKCS#12 archive not made",
                    format!(
                        "The certificate and its key are stored as combined_pem, but no archive could be made of them: {error}. Change \
                         pkcs12_password_wo_version to try again; nothing is issued for that."
                    ),
                )
                .at(at),
            );
            Value::Null
        }
    }
}

fn unread(issued: &IssuedCertificate, asked: &Asked<'_>, form: &Form, problem: &str) -> Received {
    let named = match x509::parse_certificate(issued.pem.expose_secret()) {
        Ok(certificate) => format!(
            " It contains {}.",
            self::named(
                &certificate.certificate_id,
                &certificate.not_after.to_string()
            )
        ),
        Err(_) => issued
            .reconciliation
            .as_ref()
            .map(since)
            .unwrap_or_default(),
    };
    let mut error = Diagnostic::error(
        "Atlas' answer cannot be read",
        format!(
            "Atlas said that it issued a certificate for the database user \"{}\" of project {}, but its answer is not a certificate with its \
             private key: {problem}.{named}",
            asked.username, asked.project
        ),
    );
    match form.seal(&issued.pem) {
        Ok(sealed) => Received::Unread {
            text: sealed.unwrap_or_else(|| issued.pem.expose_secret().to_owned()),
            error,
        },
        Err(problem) => {
            error.detail +=
                &format!("\n\nIt must not be kept in clear, and {problem}: what came is lost.");
            Received::Lost(error)
        }
    }
}

fn mismatches(certificate: &Certificate, asked: &Asked<'_>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if !x509::subject_matches(asked.username.as_str(), certificate) {
        diagnostics.push(Diagnostic::warning(
            "Certificate is for another name",
            format!(
                "A certificate for the database user \"{}\" was asked for, and Atlas sent one for the subject \"{}\". It is stored with its key; check whether \
                 it logs in as the right user.",
                asked.username,
                printable(&certificate.subject, LONGEST_NAME)
            ),
        ));
    }
    if certificate.issuer_common_name.as_deref() != Some(asked.project.as_str()) {
        diagnostics.push(Diagnostic::warning(
            "Certificate is from another project's authority",
            format!(
                "Certificates of project {} are issued in its name; this one says \"{}\". It is stored with its key; check whether it logs in.",
                asked.project,
                printable(&certificate.issuer, LONGEST_NAME)
            ),
        ));
    }
    diagnostics
}

fn expired_already(certificate: &Certificate, now: Timestamp) -> Diagnostic {
    Diagnostic::warning(
        "Certificate has expired already",
        format!(
            "Atlas issued {}, and its own clock says {now:.0}. The next plan renews it.",
            named(
                &certificate.certificate_id,
                &certificate.not_after.to_string()
            )
        ),
    )
}

fn unsealable(certificate: &Certificate, problem: Unsealable) -> Diagnostic {
    Diagnostic::error(
        "Private key could not be sealed",
        format!(
            "Atlas issued {}, but its key could not be sealed ({problem}), and it must not be stored in clear: the key is lost. The certificate \
             cannot be revoked; without the key nobody can use it.",
            named(
                &certificate.certificate_id,
                &certificate.not_after.to_string()
            )
        ),
    )
}

/// How armored ciphertext begins.
const SEALED: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// Names in certificates are as long as their issuer likes.
const LONGEST_NAME: usize = 1100;
