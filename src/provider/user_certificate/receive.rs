//! What Atlas sent becomes the object. Pure but for the randomness of encryption, and never loses what came.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{Timestamp, ToSpan};
use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Diagnostics, Path, Value};

use super::model::{advance_revision, describe, settle, superseded};
use crate::{
    atlas::{Issued, ProjectId, Username},
    pkcs12,
    provider::diagnostics::named,
    sealing::Recipients,
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

/// Turns the answer into the object that was planned. `predecessor` is null for a first certificate.
pub(super) fn receive(
    issued: &Issued,
    asked: &Asked<'_>,
    planned: Value,
    config: &Value,
    predecessor: &Value,
) -> Received {
    // A bug in reading must not cost the key.
    let read = catch_unwind(AssertUnwindSafe(|| x509::parse_bundle(&issued.pem)));
    let certificate = match read {
        Ok(Ok(certificate)) => certificate,
        Ok(Err(error)) => return unread(issued, asked, config, &error.to_string()),
        Err(_) => return unread(issued, asked, config, "reading it failed by a bug of the provider"),
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
    object.set("superseded_certificates", superseded(predecessor, &reason, now));
    object.set("status", "active");
    object.set("has_private_key", true);
    if let Err(error) = hold(&mut object, &issued.pem, config, &mut diagnostics) {
        return Received::Unread { text: String::new(), error: unsealable(&certificate, error) };
    }
    settle(&mut object, &super::schema::schema().block.ty());
    Received::Certificate(object, diagnostics)
}

/// Puts the key into the object in the form that the configuration wants.
pub(super) fn hold(
    object: &mut Value,
    pem: &SecretString,
    config: &Value,
    diagnostics: &mut Diagnostics,
) -> Result<(), &'static str> {
    if let Some(recipients) = recipients(config)? {
        object.set("sealed_pem", recipients.seal(pem)?);
        object.set("combined_pem", Value::Null);
        object.set("pkcs12_base64", Value::Null);
        return Ok(());
    }
    object.set("combined_pem", pem.expose_secret());
    object.set("sealed_pem", Value::Null);
    object.set("pkcs12_base64", archive(pem, config, diagnostics));
    Ok(())
}

/// The PKCS#12 archive that the configuration wants, or null and why not.
pub(super) fn archive(pem: &SecretString, config: &Value, diagnostics: &mut Diagnostics) -> Value {
    if config.get("pkcs12_password_wo_version").is_null() {
        return Value::Null;
    }
    let at = Path::attribute("pkcs12_password_wo_version");
    let Some(password) = config.get("pkcs12_password_wo").as_str().map(SecretString::from) else {
        diagnostics.push(
            Diagnostic::warning(
                "No password for the PKCS#12 archive",
                "pkcs12_password_wo_version is set and pkcs12_password_wo is null, so pkcs12_base64 stays null.",
            )
            .at(at),
        );
        return Value::Null;
    };
    let profile = config.get("pkcs12_profile").as_str().and_then(pkcs12::Profile::parse);
    match pkcs12::archive(pem, &password, profile.unwrap_or_default()) {
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

fn recipients(config: &Value) -> Result<Option<Sealer>, &'static str> {
    let Some(list) = config.get("private_key_recipients").as_list() else { return Ok(None) };
    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let recipients = Recipients::parse(&texts).map_err(|_| "private_key_recipients holds what is no recipient")?;
    Ok(Some(Sealer(recipients)))
}

struct Sealer(Recipients);

impl Sealer {
    fn seal(&self, pem: &SecretString) -> Result<String, &'static str> {
        crate::sealing::seal(pem, &self.0).map_err(|_| "encryption failed")
    }
}

fn unread(issued: &Issued, asked: &Asked<'_>, config: &Value, problem: &str) -> Received {
    let sealed = recipients(config).and_then(|sealer| match sealer {
        Some(sealer) => sealer.seal(&issued.pem),
        None => Ok(issued.pem.expose_secret().to_owned()),
    });
    let named = match x509::parse_certificate(issued.pem.expose_secret()) {
        Ok(certificate) => format!(
            " It contains {}.",
            self::named(&certificate.certificate_id, &certificate.not_after.to_string())
        ),
        Err(_) => String::new(),
    };
    Received::Unread {
        text: sealed.unwrap_or_default(),
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
                harmless(&certificate.subject)
            ),
        ));
    }
    if certificate.issuer_common_name.as_deref() != Some(asked.project.as_str()) {
        diagnostics.push(Diagnostic::warning(
            "Certificate is from another project's authority",
            format!(
                "Certificates of project {} are issued in its name; this one says \"{}\". It is stored with its key; check whether it logs in.",
                asked.project,
                harmless(&certificate.issuer)
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
            named(&certificate.certificate_id, &certificate.not_after.to_string())
        ),
    )
}

fn unsealable(certificate: &Certificate, problem: &str) -> Diagnostic {
    Diagnostic::error(
        "Private key could not be sealed",
        format!(
            "Atlas issued {}, but its key could not be sealed ({problem}), and it must not be stored in clear: the key is lost. The certificate \
             cannot be revoked; without the key nobody can use it.",
            named(&certificate.certificate_id, &certificate.not_after.to_string())
        ),
    )
}

/// Names in certificates are the issuer's: no control characters reach the terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
