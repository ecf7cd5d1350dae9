//! Issues a certificate: one request, and the reconciliation with the list if its outcome is uncertain.
//!
//! Atlas cannot revoke a certificate and returns its key once. So a request that was sent is never sent again, and never
//! abandoned before its response or its time limit; if its outcome is uncertain, the list is read once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::{Instant, sleep_until};

use super::{
    client::Client,
    config::CallOptions,
    error::Error,
    http::{Response, SendError},
    params::{Months, UserId},
    request::{self, UserKey},
    response::{self, CertificateList, ListedCertificate},
};
use crate::x509;

#[derive(Clone, Debug)]
pub(crate) struct IssuedCertificate {
    /// The certificate and its key as text, or any other content of the response (as a `data:` URL if it is not text).
    pub(crate) pem: SecretString,
    /// The certificate, if the text is a certificate with its private key.
    pub(crate) certificate: Result<x509::Certificate, x509::Error>,
    pub(crate) server_time: Option<Timestamp>,
    /// What is known about the certificate if it cannot be used.
    pub(crate) reconciliation: Option<Reconciliation>,
}

/// Why no certificate was received.
#[derive(Clone, Debug, Error)]
pub(crate) enum IssueError {
    /// The request was refused, or canceled or failed before it was sent; nothing was issued.
    #[error(transparent)]
    NotIssued(Error),
    /// The request was sent and may have taken effect.
    #[error("whether a certificate was issued is not certain")]
    Ambiguous {
        #[source]
        cause: Error,
        reconciliation: Reconciliation,
    },
}

/// What is known about a certificate request with an uncertain outcome.
#[derive(Clone, Debug)]
pub(crate) enum Reconciliation {
    /// The list contains no new certificate: none was issued.
    NoneFound,
    /// The list contains these certificates, issued since the request was sent and not received by this process.
    Candidates(Vec<ListedCertificate>),
    /// The response contains this certificate without its private key, which is lost.
    KeyLost(Box<x509::Certificate>),
    ListFailed(Error),
}

impl Client {
    /// Issues one certificate for a database user.
    ///
    /// Never issues two: the request is retried only if the previous attempt certainly had no effect. Do not drop the
    /// future after the request was sent, because the private key would be lost.
    pub(crate) async fn issue(
        &self,
        user: &UserId,
        months: Months,
        options: &CallOptions,
    ) -> Result<IssuedCertificate, IssueError> {
        let config = &self.auth.http.config;
        let (key, request) = (UserKey::new(config, user), request::issue(config, user, months));
        let pending = self.issued_ids.start(&key);
        let (cause, sent_at) = match self.auth.send(&request, options).await {
            Ok(response) => {
                if let Some(mut issued) = self.accept(&response, &key) {
                    if issued.certificate.is_err() && issued.reconciliation.is_none() {
                        drop(pending);
                        let found = self.reconcile(user, response.sent_at, options).await;
                        issued.reconciliation = Some(found);
                    }
                    return Ok(issued);
                }
                let cause = response.status_error(&request);
                if !is_ambiguous_status(response.status) {
                    return Err(IssueError::NotIssued(cause));
                }
                (cause, response.sent_at)
            }
            Err(SendError { error, sent_at: None, .. }) => {
                return Err(IssueError::NotIssued(error));
            }
            Err(SendError { error: cause, sent_at: Some(sent_at), partial }) => {
                match partial.and_then(|partial| self.recover(&partial, &key)) {
                    Some(Ok(issued)) => return Ok(issued),
                    Some(Err(reconciliation)) => {
                        return Err(IssueError::Ambiguous { cause, reconciliation });
                    }
                    None => (cause, sent_at),
                }
            }
        };
        drop(pending); // it receives nothing more, so other calls need not wait for it
        let reconciliation = self.reconcile(user, sent_at, options).await;
        Err(IssueError::Ambiguous { cause, reconciliation })
    }

    /// Accepts the body of a successful response as the certificate. With another status than 201, only a certificate
    /// with its key is one: other bodies come from a gateway. `None` if the body cannot be a certificate.
    fn accept(&self, response: &Response, key: &UserKey) -> Option<IssuedCertificate> {
        let pem = response::issued(&response.body);
        let certificate = parse(|| x509::Bundle::parse(&pem)).map(|bundle| bundle.certificate);
        let is_issued = response.is_success() && certificate.is_ok()
            || response.status == 201 && response::can_be_certificate(&response.body);
        if !is_issued {
            return None;
        }
        self.lists.remove(key);
        // The serial number identifies the certificate even if the key is unusable.
        let identified =
            certificate.clone().or_else(|_| parse(|| x509::parse_certificate(pem.expose_secret())));
        if let Ok(certificate) = &identified {
            self.issued_ids.insert(key.clone(), &certificate.certificate_id);
        }
        let key_lost = |certificate| Reconciliation::KeyLost(Box::new(certificate));
        let reconciliation = identified.ok().filter(|_| certificate.is_err()).map(key_lost);
        let server_time = response.server_time;
        Some(IssuedCertificate { pem, certificate, server_time, reconciliation })
    }

    /// The result of a successful response that broke off: a complete certificate and key, or one whose key is lost.
    fn recover(
        &self,
        partial: &Response,
        key: &UserKey,
    ) -> Option<Result<IssuedCertificate, Reconciliation>> {
        let pem = response::issued(&partial.body);
        if parse(|| x509::Bundle::parse(&pem)).is_ok() {
            return self.accept(partial, key).map(Ok);
        }
        let text = pem.expose_secret();
        let end = text.find(CERTIFICATE_END)? + CERTIFICATE_END.len();
        let certificate = parse(|| x509::parse_certificate(&text[..end])).ok()?;
        self.lists.remove(key);
        Some(Err(Reconciliation::KeyLost(Box::new(certificate))))
    }

    /// Reads the list with a request made after the settle delay, then awaits requests whose certificates can be in it.
    async fn reconcile(
        &self,
        user: &UserId,
        sent_at: Instant,
        options: &CallOptions,
    ) -> Reconciliation {
        let config = &self.auth.http.config;
        let key = UserKey::new(config, user);
        let settled_at = sent_at + SETTLE_DELAY;
        let list_by = settled_at.max(Instant::now()) + config.request_timeout;
        let options = CallOptions { deadline: options.deadline.max(list_by), ..options.clone() };
        tokio::select! {
            () = sleep_until(settled_at) => {}
            kind = options.ended() => {
                let request = request::certificates(config, user, 1);
                return Reconciliation::ListFailed(Error::new(&request.info, 0, kind));
            }
        }
        self.lists.remove(&key); // it may be too old, even if it is only being fetched
        let list = match self.certificates(user, &options).await {
            Ok(list) => list,
            Err(error) => return Reconciliation::ListFailed(error),
        };
        tokio::select! {
            () = self.issued_ids.wait_for_pending(&key) => {}
            _ = options.ended() => {}
        }
        match unaccounted_for(&list, sent_at, |id| self.issued_ids.contains(&key, id)) {
            candidates if candidates.is_empty() => Reconciliation::NoneFound,
            candidates => Reconciliation::Candidates(candidates),
        }
    }
}

/// Parses a response. A panic of the parser becomes an error, so that the caller can still store the private key.
fn parse<T>(action: impl FnOnce() -> Result<T, x509::Error>) -> Result<T, x509::Error> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or(Err(x509::Error::NotACertificate))
}

/// Whether a response without a certificate leaves it open whether the request took effect.
fn is_ambiguous_status(status: u16) -> bool {
    status >= 500 || status == 408 || status < 300
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
    let server_sent_at = list.server_time.as_second().saturating_sub_unsigned(since);
    let earliest = server_sent_at.saturating_sub(CREATED_AT_OFFSET + ROUNDING);
    let is_candidate = |certificate: &&ListedCertificate| {
        certificate.created_at.as_second() >= earliest && !is_received(&certificate.certificate_id)
    };
    list.certificates.iter().filter(is_candidate).cloned().collect()
}

/// How long Atlas may take to issue a certificate (0.7 to 2.3 seconds were seen). A list read earlier can miss it.
const SETTLE_DELAY: Duration = Duration::from_secs(3);
/// `createdAt` is this many seconds before the time of issue.
const CREATED_AT_OFFSET: i64 = 3600;
/// Three times are rounded to seconds: date, `createdAt`, time since sending; a response's date precedes its receipt.
const ROUNDING: i64 = 2;
const CERTIFICATE_END: &str = "-----END CERTIFICATE-----";

#[cfg(test)]
mod tests {
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
        for status in [101, 200, 201, 204, 408, 500, 502, 503, 504, 599, 999] {
            assert!(is_ambiguous_status(status), "{status}");
        }
    }
}
