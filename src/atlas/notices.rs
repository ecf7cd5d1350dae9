//! Announcements in answers that an endpoint will go away.

use std::sync::{Mutex, PoisonError};

use reqwest::header::{HeaderMap, HeaderName};

use super::request::Operation;
use super::response;
use super::types::DeprecationNotice;

/// The first announcement heard. Endpoints go away together, and one warning is enough.
#[derive(Default)]
pub(super) struct Notices(Mutex<Heard>);

#[derive(Default)]
enum Heard {
    #[default]
    Nothing,
    Untold(DeprecationNotice),
    Told,
}

impl Notices {
    /// Notes what an answer announces.
    pub(super) fn record(&self, operation: Operation, headers: &HeaderMap) {
        let deprecation = response::header(headers, &DEPRECATION);
        let sunset = response::header(headers, &SUNSET);
        if deprecation.is_none() && sunset.is_none() {
            return;
        }
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*heard, Heard::Nothing) {
            *heard = Heard::Untold(DeprecationNotice {
                operation,
                deprecation,
                sunset,
            });
        }
    }

    /// The announcement, if it was not taken before.
    pub(super) fn take(&self) -> Option<DeprecationNotice> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *heard) {
            Heard::Nothing => None,
            Heard::Untold(notice) => {
                *heard = Heard::Told;
                Some(notice)
            }
            Heard::Told => {
                *heard = Heard::Told;
                None
            }
        }
    }
}

static DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
static SUNSET: HeaderName = HeaderName::from_static("sunset");

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tells_the_first_announcement_once_and_no_other() {
        let notices = Notices::default();
        notices.record(Operation::ReadUser, &HeaderMap::new());
        assert!(notices.take().is_none());
        let mut headers = HeaderMap::new();
        headers.insert(&SUNSET, "Thu, 1 Jul 2027 00:00:00 GMT".parse().unwrap());
        notices.record(Operation::ReadUser, &headers);
        notices.record(Operation::ListCertificates, &headers);
        let told = notices.take().unwrap();
        assert_eq!(told.operation, Operation::ReadUser);
        assert_eq!(told.sunset.as_deref(), Some("Thu, 1 Jul 2027 00:00:00 GMT"));
        notices.record(Operation::IssueCertificate, &headers);
        assert!(notices.take().is_none());
    }
}
