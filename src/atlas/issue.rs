//! Issues a certificate: one request, and the reconciliation with the list if its outcome is uncertain.
//!
//! Atlas cannot revoke a certificate and returns its key once. So a request that was sent is never sent again, and never
//! abandoned before its response or its time limit; if its outcome is uncertain, the list is read once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::{Instant, sleep_until};

use super::{
    config::{CallOptions, Retry},
    error::{Error, ErrorKind},
    http::Response,
    issued_ids::{IssuedIds, PendingIssue},
    lists::Lists,
    params::{Months, ProjectId, UserKey, Username},
    response,
    values::{CertificateList, ListedCertificate},
};
use crate::x509;

/// An issued certificate.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate and its private key as text, or whatever else the response contained. A body that is not text is
    /// a `data:` URL.
    pub pem: SecretString,
    /// The certificate, if the text is a certificate with its private key.
    pub certificate: Result<x509::Certificate, x509::Error>,
    /// The server's clock.
    pub server_time: Option<Timestamp>,
    /// The result of the reconciliation, if the response does not identify its certificate.
    pub reconciliation: Option<Reconciliation>,
}

/// Why no certificate was received.
#[derive(Clone, Debug, Error)]
pub enum IssueError {
    /// The caller canceled before the request was sent; nothing was issued.
    #[error("issuing a certificate was stopped before the request was sent")]
    Cancelled,
    /// The request was refused or not sent; nothing was issued.
    #[error(transparent)]
    NotIssued(Error),
    /// The request was sent and may have taken effect.
    #[error("whether a certificate was issued is not certain")]
    Ambiguous {
        /// Why there is no certificate.
        #[source]
        cause: Error,
        /// What the list shows.
        reconciliation: Reconciliation,
    },
}

/// What is known about a certificate request with an uncertain outcome.
#[derive(Clone, Debug)]
pub enum Reconciliation {
    /// The list contains no new certificate: none was issued.
    NoneFound,
    /// The list contains these certificates, issued since the request was sent and not received by this process.
    Candidates(Vec<ListedCertificate>),
    /// The response broke off after this certificate, so its private key is lost.
    KeyLost(Box<x509::Certificate>),
    /// The list could not be read.
    ListFailed(Error),
}

/// One certificate request.
pub(super) struct IssueCall<'a> {
    pub(super) lists: &'a Lists,
    pub(super) issued_ids: &'a Arc<IssuedIds>,
    pub(super) project: &'a ProjectId,
    pub(super) user: &'a Username,
    pub(super) options: &'a CallOptions,
}

impl IssueCall<'_> {
    pub(super) async fn run(&self, months: Months) -> Result<IssuedCertificate, IssueError> {
        let request = self.lists.auth.endpoints.issue(self.project, self.user, months);
        let pending = self.issued_ids.start(self.key());
        let (cause, sent_at, partial) = match self.lists.auth.send(&request, self.options).await {
            Ok(response) if response.is_success() => {
                let sent_at = sent_at(&response);
                match self.accept(&response, &pending) {
                    Some(Accepted { issued, is_identified: true }) => return Ok(issued),
                    Some(Accepted { issued, .. }) => {
                        drop(pending);
                        let reconciliation = Some(self.reconcile(sent_at).await);
                        return Ok(IssuedCertificate { reconciliation, ..issued });
                    }
                    None => (response.status_error(&request), sent_at, None),
                }
            }
            Ok(response) if is_ambiguous_status(response.status) => {
                (response.status_error(&request), sent_at(&response), None)
            }
            Ok(response) => return Err(IssueError::NotIssued(response.status_error(&request))),
            Err(failure) => match failure.sent_at {
                Some(sent_at) => (failure.error, sent_at, failure.partial),
                None if failure.error.is_cancelled() => return Err(IssueError::Cancelled),
                None => return Err(IssueError::NotIssued(failure.error)),
            },
        };
        if let Some(partial) = partial
            && let Some(result) = self.recover_partial(&partial, &pending, &cause)
        {
            return result;
        }
        drop(pending); // it receives nothing more, so other calls need not wait for it
        let reconciliation = self.reconcile(sent_at).await;
        Err(IssueError::Ambiguous { cause, reconciliation })
    }

    /// Accepts the body of a successful response as the certificate. With another status than 201, only a certificate
    /// with its key is one: other bodies come from a gateway. `None` if the body cannot be a certificate.
    fn accept(&self, response: &Response, pending: &PendingIssue) -> Option<Accepted> {
        let pem = response::issued(&response.body);
        let certificate = parse(|| x509::Bundle::parse(&pem)).map(|bundle| bundle.certificate);
        let is_issued = certificate.is_ok()
            || response.status == 201 && response::can_be_certificate(&response.body);
        if !is_issued {
            return None;
        }
        self.lists.invalidate(&self.key());
        // The serial number identifies the certificate even if the key is unusable.
        let certificate_id = match &certificate {
            Ok(certificate) => Some(certificate.certificate_id.clone()),
            Err(_) => parse(|| x509::parse_certificate(pem.expose_secret()))
                .ok()
                .map(|certificate| certificate.certificate_id),
        };
        let is_identified = certificate_id.is_some();
        if let Some(id) = certificate_id {
            pending.received(id);
        }
        Some(Accepted {
            issued: IssuedCertificate {
                pem,
                certificate,
                server_time: response.server_time,
                reconciliation: None,
            },
            is_identified,
        })
    }

    /// The result of a successful response that broke off: the certificate if it is complete with its key, or the
    /// certificate whose key is lost.
    fn recover_partial(
        &self,
        partial: &Response,
        pending: &PendingIssue,
        cause: &Error,
    ) -> Option<Result<IssuedCertificate, IssueError>> {
        let pem = response::issued(&partial.body);
        if parse(|| x509::Bundle::parse(&pem)).is_ok() {
            return self.accept(partial, pending).map(|accepted| Ok(accepted.issued));
        }
        let text = pem.expose_secret();
        let end = text.find(CERTIFICATE_END)? + CERTIFICATE_END.len();
        let certificate = parse(|| x509::parse_certificate(&text[..end])).ok()?;
        self.lists.invalidate(&self.key());
        Some(Err(IssueError::Ambiguous {
            cause: cause.clone(),
            reconciliation: Reconciliation::KeyLost(Box::new(certificate)),
        }))
    }

    /// Reads the list, with a request that is made after the settle delay, and then waits for the other requests of this
    /// process whose certificates can be in it.
    async fn reconcile(&self, sent_at: Instant) -> Reconciliation {
        let settled_at = sent_at + self.lists.auth.sender.timing.settle_delay;
        let time_for_list = self.lists.auth.sender.http.request_timeout();
        let options = CallOptions {
            deadline: self.options.deadline.max(settled_at.max(Instant::now()) + time_for_list),
            cancel: self.options.cancel.clone(),
            retry: Retry::Default,
        };
        tokio::select! {
            () = sleep_until(settled_at) => {}
            () = options.cancel.cancelled() => {
                let list = self.lists.auth.endpoints.certificates(self.project, self.user, 1);
                return Reconciliation::ListFailed(Error::new(&list.info, 0, ErrorKind::Cancelled));
            }
        }
        let list =
            self.lists.certificates_since(settled_at, self.project, self.user, &options).await;
        let list = match list {
            Ok(list) => list,
            Err(error) => return Reconciliation::ListFailed(error),
        };
        let key = self.key();
        tokio::select! {
            () = self.issued_ids.wait_for_pending(&key) => {}
            () = options.cancel.cancelled() => {}
            () = sleep_until(options.deadline) => {}
        }
        match unaccounted_for(&list, sent_at, |id| self.issued_ids.contains(&key, id)) {
            candidates if candidates.is_empty() => Reconciliation::NoneFound,
            candidates => Reconciliation::Candidates(candidates),
        }
    }

    fn key(&self) -> UserKey {
        self.lists.auth.endpoints.user_key(self.project, self.user)
    }
}

struct Accepted {
    issued: IssuedCertificate,
    /// Whether the serial number of the certificate is known.
    is_identified: bool,
}

/// Parses a response. A panic of the parser becomes an error, so that the caller can still store the private key.
fn parse<T>(action: impl FnOnce() -> Result<T, x509::Error>) -> Result<T, x509::Error> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or(Err(x509::Error::NotACertificate))
}

/// When the request of a response was sent; if the server responded before, when it responded.
fn sent_at(response: &Response) -> Instant {
    response.sent_at.unwrap_or(response.received_at)
}

/// Whether a response that is not a success leaves it open whether the request took effect.
fn is_ambiguous_status(status: u16) -> bool {
    status >= 500 || status == 408 || status < 200
}

/// The certificates in the list that were issued since the request was sent and that no call of this process received.
///
/// The server's clock at the time of sending is that of the list less the time since then by the local monotonic clock,
/// so the difference between the two clocks does not matter.
fn unaccounted_for(
    list: &CertificateList,
    sent_at: Instant,
    is_received: impl Fn(&str) -> bool,
) -> Vec<ListedCertificate> {
    let since = list.fetched_at.saturating_duration_since(sent_at).as_secs();
    let earliest = list
        .server_time
        .as_second()
        .saturating_sub_unsigned(since)
        .saturating_sub(CREATED_AT_OFFSET + ROUNDING);
    let is_candidate = |certificate: &&ListedCertificate| {
        certificate.created_at.as_second() >= earliest && !is_received(&certificate.certificate_id)
    };
    list.certificates.iter().filter(is_candidate).cloned().collect()
}

/// `createdAt` is this many seconds before the time of issue.
const CREATED_AT_OFFSET: i64 = 3600;
/// Three times are rounded to seconds (the date, `createdAt`, the time since sending), and the date of a response is a
/// little earlier than its receipt.
const ROUNDING: i64 = 2;
const CERTIFICATE_END: &str = "-----END CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn listed(id: &str, created_at: &str) -> ListedCertificate {
        ListedCertificate {
            certificate_id: id.into(),
            created_at: created_at.parse().unwrap(),
            not_after: "2026-11-10T03:00:00Z".parse().unwrap(),
            subject: "CN=app".into(),
        }
    }

    #[tokio::test]
    async fn candidates_were_issued_since_the_request_and_not_received() {
        let sent_at = Instant::now();
        let fetched_at = sent_at + Duration::from_secs(10);
        let list = CertificateList {
            certificates: vec![
                listed("1", "2026-08-10T01:00:00Z"),
                listed("2", "2026-08-10T01:59:47Z"),
                listed("3", "2026-08-10T01:59:48Z"),
                listed("4", "2026-08-10T02:00:05Z"),
                listed("5", "2026-08-10T02:00:05Z"),
            ],
            // Ten seconds after the request by the server's clock.
            server_time: "2026-08-10T03:00:00Z".parse().unwrap(),
            fetched_at,
            requested_at: fetched_at,
        };
        let found = unaccounted_for(&list, sent_at, |id| id == "4");
        let ids: Vec<_> = found.iter().map(|c| c.certificate_id.as_str()).collect();
        assert_eq!(ids, ["3", "5"]);
    }

    #[test]
    fn no_date_of_a_list_panics() {
        for date in [Timestamp::MIN, Timestamp::MAX] {
            let mut certificate = listed("1", "2026-08-10T01:00:00Z");
            certificate.created_at = date;
            let list = CertificateList {
                certificates: vec![certificate],
                server_time: date,
                fetched_at: Instant::now(),
                requested_at: Instant::now(),
            };
            assert_eq!(unaccounted_for(&list, Instant::now(), |_| false).len(), 1);
            assert!(list.newest().is_none_or(|certificate| certificate.is_valid_at(date)));
        }
    }

    #[test]
    fn a_panic_of_the_parser_is_an_error() {
        let result: Result<(), _> = parse(|| panic!("a defect"));
        assert!(result.is_err());
    }

    #[test]
    fn only_a_refusal_is_certain() {
        for status in [302, 400, 401, 403, 404, 405, 409, 410, 429] {
            assert!(!is_ambiguous_status(status), "{status}");
        }
        for status in [101, 408, 500, 502, 503, 504, 599, 999] {
            assert!(is_ambiguous_status(status), "{status}");
        }
    }
}
