//! What Atlas sent becomes the object. Pure but for the randomness of encryption, and never loses what came.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{Timestamp, ToSpan};
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Diagnostics, Path, Value};

use super::model::{advance_revision, describe, settle, superseded};
use crate::{
    atlas::{Issued, ProjectId, Username, harmless},
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
}

/// Whom the certificate is for, as asked.
pub(super) struct Asked<'a> {
    pub(super) project: &'a ProjectId,
    pub(super) username: &'a Username,
}

/// In which form the key is to be kept.
pub(super) struct Form {
    recipients: Value,
    archived: bool,
    password: Option<SecretString>,
    profile: pkcs12::Profile,
}

impl Form {
    /// Everything from the plan but the password, which is in configurations alone: `ignore_changes` hides changes from
    /// plans, and the configuration at apply shows them all the same.
    pub(super) fn of(planned: &Value, config: &Value) -> Self {
        Self {
            recipients: planned.get("private_key_recipients").clone(),
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
        }
    }

    /// Whether state must not hold the key in clear.
    pub(super) fn is_sealed(&self) -> bool {
        !self.recipients.is_null()
    }

    /// The ciphertext; `None` where the key is kept in clear.
    fn seal(&self, pem: &SecretString) -> Result<Option<String>, &'static str> {
        let Some(list) = self.recipients.as_list() else {
            return Ok(None);
        };
        let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
        let recipients = Recipients::parse(&texts)
            .map_err(|_| "private_key_recipients holds what is no recipient")?;
        sealing::seal(pem, &recipients)
            .map(Some)
            .map_err(|_| "encryption failed")
    }
}

/// Turns the answer into the object that was planned. `predecessor` is null for a first certificate.
pub(super) fn receive(
    issued: &Issued,
    asked: &Asked<'_>,
    planned: Value,
    form: &Form,
    predecessor: &Value,
) -> Received {
    // A bug in reading must not cost the key.
    let read = catch_unwind(AssertUnwindSafe(|| x509::parse_bundle(&issued.pem)));
    let certificate = match read {
        Ok(Ok(certificate)) => certificate,
        Ok(Err(error)) => return unread(issued, asked, form, &error.to_string()),
        Err(_) => {
            return unread(
                issued,
                asked,
                form,
                "reading it failed by a bug of the provider",
            );
        }
    };
    let mut object = planned;
    let mut diagnostics = mismatches(&certificate, asked);
    describe(&mut object, &certificate);
    advance_revision(&mut object, predecessor);
    let now = issued.date.unwrap_or(certificate.not_before + 1.hour());
    if now >= certificate.not_after {
        diagnostics.push(expired_already(&certificate, now));
    }
    let reason = object.get("issue_reason").clone();
    object.set(
        "superseded_certificates",
        superseded(predecessor, &reason, now),
    );
    object.set("status", "active");
    object.set("has_private_key", true);
    if let Err(error) = hold(&mut object, &issued.pem, form, &mut diagnostics) {
        return Received::Unread {
            text: String::new(),
            error: unsealable(&certificate, error),
        };
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
) -> Result<(), &'static str> {
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
    match pkcs12::archive(pem, password, form.profile) {
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

fn unread(issued: &Issued, asked: &Asked<'_>, form: &Form, problem: &str) -> Received {
    let text = form
        .seal(&issued.pem)
        .map(|sealed| sealed.unwrap_or_else(|| issued.pem.expose_secret().to_owned()));
    let named = match x509::parse_certificate(issued.pem.expose_secret()) {
        Ok(certificate) => format!(
            " It contains {}.",
            self::named(
                &certificate.certificate_id,
                &certificate.not_after.to_string()
            )
        ),
        Err(_) => issued.finding.as_ref().map(since).unwrap_or_default(),
    };
    Received::Unread {
        text: text.unwrap_or_default(),
        error: Diagnostic::error(
            "Atlas' answer cannot be read",
            format!(
                "Atlas said that it issued a certificate for the database user \"{}\" of project {}, but its answer is not a certificate with its \
                 private key: {problem}.{named}",
                asked.username, asked.project
            ),
        ),
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
                harmless(&certificate.subject, LONGEST_NAME)
            ),
        ));
    }
    if certificate.issuer_common_name.as_deref() != Some(asked.project.as_str()) {
        diagnostics.push(Diagnostic::warning(
            "Certificate is from another project's authority",
            format!(
                "Certificates of project {} are issued in its name; this one says \"{}\". It is stored with its key; check whether it logs in.",
                asked.project,
                harmless(&certificate.issuer, LONGEST_NAME)
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

fn unsealable(certificate: &Certificate, problem: &str) -> Diagnostic {
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

/// Names in certificates are as long as their issuer likes.
const LONGEST_NAME: usize = 1100;
