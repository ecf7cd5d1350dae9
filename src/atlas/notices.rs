//! Announcements in answers that an endpoint will go away.

use super::request::Operation;
use super::response;
use super::types::Notice;
use reqwest::header::{HeaderMap, HeaderName};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Announcements heard, each once.
#[derive(Default)]
pub(super) struct Notices(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    operations: HashSet<Operation>,
    untold: Vec<Notice>,
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
        if heard.operations.insert(operation) {
            heard.untold.push(Notice {
                operation,
                deprecation,
                sunset,
            });
        }
    }

    /// What was heard since the last time.
    pub(super) fn take(&self) -> Vec<Notice> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut heard.untold)
    }
}

static DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
static SUNSET: HeaderName = HeaderName::from_static("sunset");

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tells_each_announcement_once() {
        let notices = Notices::default();
        notices.record(Operation::ReadUser, &HeaderMap::new());
        assert!(notices.take().is_empty());
        let mut headers = HeaderMap::new();
        headers.insert(&SUNSET, "Thu, 1 Jul 2027 00:00:00 GMT".parse().unwrap());
        notices.record(Operation::ReadUser, &headers);
        notices.record(Operation::ReadUser, &headers);
        let told = notices.take();
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].sunset.as_deref(),
            Some("Thu, 1 Jul 2027 00:00:00 GMT")
        );
        notices.record(Operation::ReadUser, &headers);
        assert!(notices.take().is_empty());
    }
}
