//! Faults: what fails, for which requests, and how often.

mod active;
mod answer;
mod rewrite;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::route::{Endpoint, Route};

pub use active::FaultHandle;
pub(crate) use active::Faults;
pub use answer::{Answer, RetryAfter};
pub use rewrite::Rewrite;

/// A failure and the requests it applies to. Everything else stays as Atlas does it.
///
/// "The third POST for user x: issue, then close the connection" is
/// `Fault::on(Endpoint::IssueCertificate).user("x").nth(3).cut(When::After)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Fault {
    /// Appears in the record of the requests that it applied to.
    pub name: String,
    /// The requests that it applies to.
    pub matching: Matching,
    /// Where the request is held until it is released, or for how long.
    pub pause: Option<Pause>,
    /// What the client receives instead.
    pub outcome: Option<Outcome>,
    /// Headers added to the response, whichever it is.
    pub headers: Vec<(String, String)>,
}

/// The requests that a fault applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Matching {
    /// The endpoint; any if omitted.
    pub endpoint: Option<Endpoint>,
    /// The project in the path; any if omitted.
    pub project: Option<String>,
    /// The database user in the path; any if omitted.
    pub user: Option<String>,
    /// The first matching request that the fault applies to, counted from 1.
    pub nth: u32,
    /// The number of requests from there; all if null.
    pub times: Option<u32>,
    /// Whether requests without valid credentials count, such as the first one of a digest.
    pub before_login: bool,
}

/// Before or after Atlas acts on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Nothing has happened yet.
    Before,
    /// Atlas has acted; the response has not been sent.
    After,
}

/// A request that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// Where.
    pub moment: When,
    /// For how long; until it is released if omitted.
    pub millis: Option<u64>,
}

/// What the client receives instead of Atlas's response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Outcome {
    /// This answer, instead of acting or after having acted.
    Answer {
        /// Whether Atlas acts first.
        moment: When,
        /// The answer.
        answer: Answer,
    },
    /// A closed connection without one byte of a response.
    Cut {
        /// Whether Atlas acts first.
        moment: When,
    },
    /// Atlas's response, cut off after so many bytes of its body although more were announced.
    CutBody {
        /// Bytes sent.
        bytes: usize,
    },
    /// Atlas's response with another body.
    Rewrite(Rewrite),
    /// Atlas's response, `bytes` at a time with a wait after each.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// Milliseconds between.
        millis: u64,
    },
    /// Atlas's response followed by more bytes without end.
    Endless,
}

impl Fault {
    /// Applies to the next request to `endpoint`.
    pub fn on(endpoint: Endpoint) -> Self {
        let mut fault = Self::default();
        fault.matching.endpoint = Some(endpoint);
        fault
    }

    /// Applies to the next request of any kind.
    pub fn on_any() -> Self {
        Self::default()
    }

    /// Sets its name in the record.
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Only requests for this project.
    pub fn project(mut self, project: &str) -> Self {
        self.matching.project = Some(project.to_owned());
        self
    }

    /// Only requests for this database user.
    pub fn user(mut self, user: &str) -> Self {
        self.matching.user = Some(user.to_owned());
        self
    }

    /// Starts at the `nth` matching request, counted from 1.
    pub fn nth(mut self, nth: u32) -> Self {
        self.matching.nth = nth;
        self
    }

    /// Applies to that many requests.
    pub fn times(mut self, times: u32) -> Self {
        self.matching.times = Some(times);
        self
    }

    /// Applies to all requests from the first one on.
    pub fn always(mut self) -> Self {
        self.matching.times = None;
        self
    }

    /// Counts, and applies to, requests without valid credentials too.
    pub fn before_login(mut self) -> Self {
        self.matching.before_login = true;
        self
    }

    /// Holds the request until [`FaultHandle::release`].
    pub fn pause(mut self, moment: When) -> Self {
        self.pause = Some(Pause { moment, millis: None });
        self
    }

    /// Holds the request for a time.
    pub fn delay(mut self, moment: When, time: Duration) -> Self {
        self.pause = Some(Pause { moment, millis: Some(millis(time)) });
        self
    }

    /// Answers without acting.
    pub fn refuse(self, answer: Answer) -> Self {
        self.outcome(Outcome::Answer { moment: When::Before, answer })
    }

    /// Acts, and then sends this answer.
    pub fn act_then_answer(self, answer: Answer) -> Self {
        self.outcome(Outcome::Answer { moment: When::After, answer })
    }

    /// Closes the connection without a response.
    pub fn cut(self, moment: When) -> Self {
        self.outcome(Outcome::Cut { moment })
    }

    /// Closes the connection after so many bytes of the response's body.
    pub fn cut_body(self, bytes: usize) -> Self {
        self.outcome(Outcome::CutBody { bytes })
    }

    /// Changes the body of Atlas's response.
    pub fn rewrite(self, rewrite: Rewrite) -> Self {
        self.outcome(Outcome::Rewrite(rewrite))
    }

    /// Sends Atlas's response slowly.
    pub fn drip(self, bytes: usize, every: Duration) -> Self {
        self.outcome(Outcome::Drip { bytes, millis: millis(every) })
    }

    /// Continues Atlas's response without end.
    pub fn endless(self) -> Self {
        self.outcome(Outcome::Endless)
    }

    /// Adds a header to the response.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Matching {
    fn covers(&self, route: Option<&Route>, authenticated: bool) -> bool {
        let project = self.project.as_ref();
        let user = self.user.as_ref();
        (self.before_login || authenticated)
            && self.endpoint.is_none_or(|it| route.is_some_and(|route| route.endpoint == it))
            && project.is_none_or(|it| route.is_some_and(|route| route.project == *it))
            && user.is_none_or(|it| route.is_some_and(|route| route.user == *it))
    }

    /// Whether the fault applies to the matching request of this number, counted from 1.
    fn applies_to(&self, number: u32) -> bool {
        number >= self.nth && self.times.is_none_or(|times| number - self.nth < times)
    }
}

impl Default for Matching {
    fn default() -> Self {
        let (endpoint, project, user) = (None, None, None);
        Self { endpoint, project, user, nth: 1, times: Some(1), before_login: false }
    }
}
