//! Issuing a certificate: one request, and what is made of it when no usable answer comes.
//!
//! Atlas cannot take a certificate back and shows its key once. So the request runs in a task of
//! its own, which nothing ends once it is written; and if its outcome is uncertain, the list of
//! certificates is looked at once, and never is anything sent again.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

use super::Core;
use super::error::{Error, ErrorKind};
use super::exchange::{Identity, converse};
use super::ids::{Months, ProjectId, Username};
use super::issued_ids::{PendingIssue, UserKey};
use super::request::Request;
use super::response;
use super::transport::Answer;
use super::types::{
    CallOptions, CertificateList, IssueError, IssuedCertificate, ListedCertificate, Reconciliation,
    Retry,
};
use crate::x509;

/// Asks for a certificate. If the caller goes away, a request not yet written is called off.
pub(super) async fn issue(
    core: &Arc<Core>,
    project: &ProjectId,
    user: &Username,
    months: Months,
    call: &CallOptions,
) -> Result<IssuedCertificate, IssueError> {
    let stop = call.cancel.child_token();
    let _called_off_when_dropped = stop.clone().drop_guard();
    let task = Issuing {
        core: Arc::clone(core),
        project: project.clone(),
        user: user.clone(),
        request: core.requests.issue(project, user, months),
        call: CallOptions {
            cancel: stop,
            ..*call
        },
    };
    match tokio::spawn(task.run().in_current_span()).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

struct Issuing {
    core: Arc<Core>,
    project: ProjectId,
    user: Username,
    request: Request,
    call: CallOptions,
}

impl Issuing {
    async fn run(self) -> Result<IssuedCertificate, IssueError> {
        let pending = self.core.issued_ids.start(self.user_key());
        let outcome = converse(&self.core, &self.request, &self.call, Identity::Login).await;
        let (cause, written, partial) = match outcome {
            Ok(answer) if answer.is_success() => match self.take(&answer, &pending) {
                Some(Taken::Known(issued)) => return Ok(issued),
                Some(Taken::Unknown(issued)) => {
                    drop(pending);
                    let reconciliation = Some(self.investigate(sent(&answer)).await);
                    return Ok(IssuedCertificate {
                        reconciliation,
                        ..issued
                    });
                }
                None => {
                    let what = "it is empty";
                    let cause = answer.error(&self.request, ErrorKind::InvalidBody { what });
                    (cause, sent(&answer), None)
                }
            },
            Ok(answer) if is_uncertain(answer.status) => {
                (answer.refusal(&self.request), sent(&answer), None)
            }
            Ok(answer) => return Err(IssueError::NotIssued(answer.refusal(&self.request))),
            Err(failure) => match failure.ambiguous {
                Some(known) => (failure.error, known.written, known.partial),
                None if failure.error.is_cancelled() => return Err(IssueError::Cancelled),
                None => return Err(IssueError::NotIssued(failure.error)),
            },
        };
        if let Some(partial) = partial
            && let Some(result) = self.salvage(&partial, &pending, &cause)
        {
            return result;
        }
        drop(pending); // it will bring nothing more; others need not wait for it
        let reconciliation = self.investigate(written).await;
        Err(IssueError::Ambiguous {
            cause,
            reconciliation,
        })
    }

    /// Keeps what a success brought; `None` if it brought nothing.
    fn take(&self, answer: &Answer, pending: &PendingIssue) -> Option<Taken> {
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let pem = response::issued(&answer.body);
        let certificate = x509::Bundle::parse(&pem).map(|bundle| bundle.certificate);
        // The serial number counts even where the key is unusable.
        let id = match &certificate {
            Ok(certificate) => Some(certificate.certificate_id.clone()),
            Err(_) => x509::parse_certificate(pem.expose_secret())
                .ok()
                .map(|certificate| certificate.certificate_id),
        };
        self.core.listings.outdate(&self.user_key());
        let issued = IssuedCertificate {
            pem,
            certificate,
            server_time: answer.date,
            reconciliation: None,
        };
        Some(match id {
            Some(id) => {
                pending.received(id);
                Taken::Known(issued)
            }
            None => Taken::Unknown(issued),
        })
    }

    /// What a success that broke off is still good for: all of it, if certificate and key are
    /// whole; else the name of the certificate whose key is lost.
    fn salvage(
        &self,
        partial: &Answer,
        pending: &PendingIssue,
        cause: &Error,
    ) -> Option<Result<IssuedCertificate, IssueError>> {
        let pem = response::issued(&partial.body);
        if x509::Bundle::parse(&pem).is_ok() {
            return self
                .take(partial, pending)
                .map(|(Taken::Known(issued) | Taken::Unknown(issued))| Ok(issued));
        }
        let text = pem.expose_secret();
        let certificate = text
            .find(CERTIFICATE_END)
            .and_then(|end| x509::parse_certificate(&text[..end + CERTIFICATE_END.len()]).ok())?;
        self.core.listings.outdate(&self.user_key());
        let reconciliation = Reconciliation::KeyLost(Box::new(certificate));
        Some(Err(IssueError::Ambiguous {
            cause: cause.clone(),
            reconciliation,
        }))
    }

    /// Looks at the list once. It is outdated first, so that what comes was begun after the
    /// request; and requests of this process that might show in it are awaited before it is read.
    async fn investigate(&self, written: Instant) -> Reconciliation {
        let user_key = self.user_key();
        self.core.listings.outdate(&user_key);
        let deadline = self
            .call
            .deadline
            .max(Instant::now() + self.core.request_timeout);
        let call = CallOptions {
            deadline,
            cancel: self.call.cancel.clone(),
            retry: Retry::Default,
        };
        tokio::select! {
            () = sleep_until(written + self.core.pace.settling) => {}
            () = call.cancel.cancelled() => {
                let listing = self.core.requests.list(&self.project, &self.user, 1);
                return Reconciliation::ListFailed(Error::new(&listing, ErrorKind::Cancelled));
            }
        }
        let listing = match self
            .core
            .certificates(&self.project, &self.user, &call)
            .await
        {
            Ok(listing) => listing,
            Err(error) => return Reconciliation::ListFailed(error),
        };
        tokio::select! {
            () = self.core.issued_ids.wait_for_pending(&user_key) => {}
            () = call.cancel.cancelled() => {}
            () = sleep_until(deadline) => {}
        }
        let received = |id: &str| self.core.issued_ids.contains(&user_key, id);
        match suspects(&listing, written, received) {
            none if none.is_empty() => Reconciliation::NoneFound,
            some => Reconciliation::Candidates(some),
        }
    }

    fn user_key(&self) -> UserKey {
        self.core.user_key(&self.project, &self.user)
    }
}

/// What a success brought, and whether it says which certificate it is.
enum Taken {
    Known(IssuedCertificate),
    Unknown(IssuedCertificate),
}

/// When the request was written that got this answer; never, if the server answered before.
fn sent(answer: &Answer) -> Instant {
    answer.written.unwrap_or(answer.received)
}

/// Whether a status that is no success leaves open what the request did.
fn is_uncertain(status: u16) -> bool {
    status >= 500 || status == 408 || status < 200
}

/// Listed certificates that were issued since the request was written and that nobody here has.
///
/// The server's clock at that moment is the list's date less the time passed since, by our own
/// steady clock; how far the two clocks are apart does not matter.
fn suspects(
    listing: &CertificateList,
    written: Instant,
    received: impl Fn(&str) -> bool,
) -> Vec<ListedCertificate> {
    let passed = listing.fetched_at.saturating_duration_since(written);
    let sent = listing
        .server_time
        .as_second()
        .saturating_sub_unsigned(passed.as_secs());
    let earliest = sent - BACKDATED_BY - ROUNDING;
    let is_suspect = |certificate: &&ListedCertificate| {
        certificate.created_at.as_second() >= earliest && !received(&certificate.certificate_id)
    };
    listing
        .certificates
        .iter()
        .filter(is_suspect)
        .cloned()
        .collect()
}

/// `createdAt` lies this many seconds before the moment of issue.
const BACKDATED_BY: i64 = 3600;
/// Three times are cut to whole seconds (the date, `createdAt`, the time passed), and the answer's
/// date is a little older than its arrival.
const ROUNDING: i64 = 2;
const CERTIFICATE_END: &str = "-----END CERTIFICATE-----";

/// How long Atlas may take to issue: 0.7 to 2.3 seconds were seen. A list taken earlier after a
/// broken connection would miss the certificate that is just being made.
pub(super) const SETTLING: Duration = Duration::from_secs(3);
/// A request that issues is not begun with less time than this, which has sufficed so far.
pub(super) const LEAST_FOR_ISSUING: Duration = Duration::from_secs(3);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
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
    async fn suspects_what_appeared_since_the_request_and_was_received_by_nobody() {
        let written = Instant::now();
        let listing = CertificateList {
            certificates: vec![
                listed("1", "2026-08-10T01:00:00Z"),
                listed("2", "2026-08-10T01:59:47Z"),
                listed("3", "2026-08-10T01:59:48Z"),
                listed("4", "2026-08-10T02:00:05Z"),
                listed("5", "2026-08-10T02:00:05Z"),
            ],
            // Ten seconds after the request by the server's clock, however wrong that is.
            server_time: "2026-08-10T03:00:00Z".parse().unwrap(),
            fetched_at: written + Duration::from_secs(10),
        };
        let found = suspects(&listing, written, |id| id == "4");
        let ids: Vec<_> = found.iter().map(|c| c.certificate_id.as_str()).collect();
        assert_eq!(ids, ["3", "5"]);
    }

    #[test]
    fn only_a_refusal_by_atlas_is_certain() {
        for status in [200, 302, 400, 401, 403, 404, 405, 409, 410, 429] {
            assert!(!is_uncertain(status), "{status}");
        }
        for status in [101, 408, 500, 502, 503, 504, 599, 999] {
            assert!(is_uncertain(status), "{status}");
        }
    }
}
