//! What the certificate list shows after a certificate request with an uncertain outcome.

use jiff::Timestamp;

use crate::atlas::{Error, ErrorKind, ListedCertificate, Reconciliation, Username};

const SENT: &str = "The request was sent, but no certificate and key were received.";
const NOT_RETRIED: &str = "Its private key is lost, so it cannot be used. The request was not retried. Run apply again to issue another certificate.";

pub(crate) fn certificate_until(certificate_id: &str, not_after: Timestamp) -> String {
    format!("certificate {certificate_id}, valid until {not_after}")
}

/// The result for a response that does not identify its certificate, as a continuation of a sentence about it.
pub(crate) fn reconciled(reconciliation: &Reconciliation) -> String {
    match reconciliation {
        Reconciliation::Candidates(candidates) => format!(
            "\n\nThe user's certificate list now includes certificates that this run did not receive, most likely the one of this response:\n{}",
            listed(candidates)
        ),
        Reconciliation::KeyLost(issued) => {
            format!(" It contains {}.", certificate_until(&issued.certificate_id, issued.not_after))
        }
        Reconciliation::NoneFound => {
            " The user's certificate list, read afterwards, includes no new certificate.".to_owned()
        }
        Reconciliation::ListFailed(error) => format!(
            " Its certificate could not be identified, because reading the user's certificate list failed too: {error}."
        ),
    }
}

/// Summary and detail of the error for a request whose outcome was ambiguous.
pub(super) fn summary_and_detail(
    reconciliation: &Reconciliation,
    cause: &Error,
    username: &Username,
) -> (&'static str, String) {
    let is_slow = matches!(cause.kind(), ErrorKind::TimedOut(_) | ErrorKind::Deadline);
    let detail = match reconciliation {
        Reconciliation::NoneFound => {
            let conclusion = if is_slow {
                ". If Atlas was only slow, one may still appear: list the user's certificates (data source atlas_user_certificates) before you run apply again."
            } else {
                ": none was issued. Run apply again."
            };
            format!(
                "{SENT} The user's certificate list, read afterwards, includes no new certificate{conclusion}"
            )
        }
        Reconciliation::Candidates(candidates) => {
            let which = match candidates[..] {
                [_] => format!(
                    "This is most likely the one requested here, unless another one was issued for \"{username}\" within the same seconds: compare it with certificate_id of your resources."
                ),
                _ => format!(
                    "One of them is most likely the one requested here; the others were issued for \"{username}\" within the same seconds: compare them with certificate_id of your resources."
                ),
            };
            format!(
                "{SENT} The user's certificate list now includes certificates that this run did not receive:\n{}\n\n{which} {NOT_RETRIED}",
                listed(candidates)
            )
        }
        Reconciliation::KeyLost(issued) => format!(
            "The response broke off before the private key was complete; {} was issued. {NOT_RETRIED}",
            certificate_until(&issued.certificate_id, issued.not_after)
        ),
        Reconciliation::ListFailed(error) => format!(
            "{SENT} Reading the user's certificate list afterwards failed too: {error}. A certificate for \"{username}\" may exist whose private key \
             was lost.\n\nTo find out, list the user's certificates (data source atlas_user_certificates, or Database Access in Atlas) and look for one \
             issued just now. It cannot be used without its key. The request was not retried."
        ),
    };
    let summary = match reconciliation {
        Reconciliation::NoneFound if !is_slow => "Certificate not issued",
        Reconciliation::NoneFound | Reconciliation::ListFailed(_) => {
            "Unknown whether a certificate was issued"
        }
        Reconciliation::Candidates(_) | Reconciliation::KeyLost(_) => {
            "Certificate issued, but its private key was lost"
        }
    };
    (summary, detail)
}

fn listed(candidates: &[ListedCertificate]) -> String {
    let line = |certificate: &ListedCertificate| {
        format!("  - {}", certificate_until(&certificate.certificate_id, certificate.not_after))
    };
    candidates.iter().map(line).collect::<Vec<_>>().join("\n")
}
