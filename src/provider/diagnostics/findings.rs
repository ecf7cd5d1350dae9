//! What is known about a certificate that may exist although nobody received it.

use crate::atlas::{Error, ErrorKind, ListedCertificate, Reconciliation, Username};

/// A certificate and its end, for texts.
pub(crate) fn named(certificate_id: &str, not_after: &str) -> String {
    format!("certificate {certificate_id}, valid until {not_after}")
}

/// What was found about an answer that does not say which certificate it is.
pub(crate) fn since(finding: &Reconciliation) -> String {
    match finding {
        Reconciliation::Candidates(suspects) => format!(
            "\n\nAtlas' list, read afterwards, shows what nobody here received, and so most likely what came:\n{}",
            listed(suspects)
        ),
        Reconciliation::KeyLost(certificate) => {
            format!(
                " It contains {}.",
                named(
                    &certificate.certificate_id,
                    &certificate.not_after.to_string()
                )
            )
        }
        Reconciliation::NoneFound => {
            " Atlas' list, read afterwards, shows no new certificate.".to_owned()
        }
        Reconciliation::ListFailed(error) => format!(
            " Which certificate it is could not be found out, because Atlas' list could not be read afterwards either: {error}."
        ),
    }
}

/// Title and text of an error after a request whose outcome was uncertain.
pub(super) fn found(
    finding: &Reconciliation,
    cause: &Error,
    username: &Username,
) -> (&'static str, String) {
    match finding {
        Reconciliation::NoneFound => ("Certificate not issued", nothing(cause)),
        Reconciliation::Candidates(suspects) => (LOST, suspected(suspects, username)),
        Reconciliation::KeyLost(certificate) => (
            LOST,
            format!(
                "Atlas' answer broke off before the private key was whole, and {} was issued. {HARMLESS}",
                named(
                    &certificate.certificate_id,
                    &certificate.not_after.to_string()
                )
            ),
        ),
        Reconciliation::ListFailed(error) => (
            "Unknown whether a certificate was issued",
            format!(
                "{SENT} Atlas' list could not be read afterwards either: {error}. So a certificate for \"{username}\" may exist whose key \
                 nobody has.\n\nTo find out, list the user's certificates (data source atlas_user_certificates, or Database Access in \
                 Atlas) and look for one issued just now. Without its key nobody can use it. Nothing was sent twice."
            ),
        ),
    }
}

fn nothing(cause: &Error) -> String {
    let slow = matches!(
        cause.kind(),
        ErrorKind::TimedOut { .. } | ErrorKind::Deadline
    );
    let next_step = if slow {
        "If Atlas was only slow, one may still appear: list the user's certificates (data source atlas_user_certificates) before you run \
         this again."
    } else {
        "Run this again."
    };
    format!(
        "{SENT} Atlas' list, read afterwards, shows no new one: nothing was issued. {next_step}"
    )
}

fn suspected(suspects: &[ListedCertificate], username: &Username) -> String {
    let which = match suspects {
        [_] => format!(
            "It is most likely what was asked for here, unless somebody else issued it for \"{username}\" at the same moment."
        ),
        _ => format!(
            "One of them is most likely what was asked for here; the others were issued for \"{username}\" at the same moment."
        ),
    };
    format!(
        "{SENT} Atlas' list, read afterwards, shows what nobody here received:\n{}\n\n{which} {HARMLESS}",
        listed(suspects)
    )
}

fn listed(certificates: &[ListedCertificate]) -> String {
    let lines = certificates
        .iter()
        .map(|c| format!("  - {}", named(&c.certificate_id, &c.not_after.to_string())));
    lines.collect::<Vec<_>>().join("\n")
}

const LOST: &str = "Certificate issued, but its key was lost";
const SENT: &str = "The request was sent, and no certificate with its key came back.";
const HARMLESS: &str = "Atlas shows a key once and cannot revoke a certificate, but without the key nobody can use it. Nothing was sent twice. Run \
    this again to issue another one.";
