//! A fault as a test writes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::rewrite::Rewrite;
use crate::route::Endpoint;

/// What goes wrong, for which requests. Everything that is not said stays as Atlas does it.
///
/// "The third POST for user x: issue, then cut the connection" is
/// `Fault::on(Endpoint::IssueCertificate).user("x").nth(3).cut(Moment::After)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Fault {
    /// Shown in the record of the requests it hit.
    pub name: String,
    /// Which requests it hits.
    pub matching: Matching,
    /// Where to hold the request until it is released, or for how long.
    pub pause: Option<Pause>,
    /// What the client gets instead.
    pub outcome: Option<Outcome>,
    /// Added to whatever answer is sent.
    pub headers: Vec<(String, String)>,
}

/// Which requests a fault hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Matching {
    /// The endpoint; any, if not said.
    pub endpoint: Option<Endpoint>,
    /// The project in the path.
    pub project: Option<String>,
    /// The database user in the path.
    pub user: Option<String>,
    /// The first of the matching requests to hit, counted from 1.
    pub nth: u32,
    /// How many to hit from there; without end, if not said.
    pub times: Option<u32>,
    /// Whether requests count that carry no valid login, such as the first, bare one of a digest.
    pub before_login: bool,
}

/// On which side of the act: before Atlas has done what was asked, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// Nothing has happened yet.
    Before,
    /// It has happened; the answer has not been sent.
    After,
}

/// A request that is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// Where.
    pub moment: Moment,
    /// For how long; until it is released, if not said.
    #[serde(default)]
    pub millis: Option<u64>,
}

/// What the client gets instead of Atlas' answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Outcome {
    /// This answer, instead of acting or after having acted.
    #[serde(rename_all = "camelCase")]
    Answer {
        /// Whether Atlas acts first.
        moment: Moment,
        /// What it says.
        answer: Answer,
    },
    /// A closed connection without one byte of an answer.
    Cut {
        /// Whether Atlas acts first.
        moment: Moment,
    },
    /// The true answer, cut off after so many bytes of its body although more were announced.
    CutBody {
        /// Bytes sent.
        bytes: usize,
    },
    /// The true answer with its body changed.
    Rewrite(Rewrite),
    /// The true answer, `bytes` at a time with a wait after each.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// Milliseconds between.
        millis: u64,
    },
    /// The true answer followed by more bytes without end.
    Endless,
}

/// A request as faults see it.
pub(crate) struct Sighting<'a> {
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) project: &'a str,
    pub(crate) user: &'a str,
    pub(crate) logged_in: bool,
}

impl Fault {
    /// Hits the next request to `endpoint`.
    pub fn on(endpoint: Endpoint) -> Self {
        let matching = Matching {
            endpoint: Some(endpoint),
            ..Matching::default()
        };
        Self {
            matching,
            ..Self::default()
        }
    }

    /// Hits the next request of any kind.
    pub fn on_any() -> Self {
        Self::default()
    }

    /// Names it in the record.
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

    /// Hits that many.
    pub fn times(mut self, times: u32) -> Self {
        self.matching.times = Some(times);
        self
    }

    /// Hits all of them.
    pub fn always(mut self) -> Self {
        self.matching.times = None;
        self
    }

    /// Counts and hits requests without a valid login too.
    pub fn before_login(mut self) -> Self {
        self.matching.before_login = true;
        self
    }

    /// Holds the request until [`super::FaultHandle::release`].
    pub fn pause(mut self, moment: Moment) -> Self {
        self.pause = Some(Pause {
            moment,
            millis: None,
        });
        self
    }

    /// Holds the request for a time.
    pub fn delay(mut self, moment: Moment, time: Duration) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.pause = Some(Pause {
            moment,
            millis: Some(millis),
        });
        self
    }

    /// Answers so without acting.
    pub fn refuse(self, answer: Answer) -> Self {
        self.outcome(Outcome::Answer {
            moment: Moment::Before,
            answer,
        })
    }

    /// Acts, and then answers so.
    pub fn act_then_answer(self, answer: Answer) -> Self {
        self.outcome(Outcome::Answer {
            moment: Moment::After,
            answer,
        })
    }

    /// Closes the connection without an answer.
    pub fn cut(self, moment: Moment) -> Self {
        self.outcome(Outcome::Cut { moment })
    }

    /// Closes the connection after so many bytes of the answer's body.
    pub fn cut_body(self, bytes: usize) -> Self {
        self.outcome(Outcome::CutBody { bytes })
    }

    /// Changes the body of the true answer.
    pub fn rewrite(self, rewrite: Rewrite) -> Self {
        self.outcome(Outcome::Rewrite(rewrite))
    }

    /// Sends the true answer slowly.
    pub fn drip(self, bytes: usize, every: Duration) -> Self {
        let millis = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        self.outcome(Outcome::Drip { bytes, millis })
    }

    /// Lets the true answer never end.
    pub fn endless(self) -> Self {
        self.outcome(Outcome::Endless)
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }
}

impl Matching {
    pub(crate) fn covers(&self, request: &Sighting<'_>) -> bool {
        let same =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|it| it == found);
        self.endpoint
            .is_none_or(|endpoint| request.endpoint == Some(endpoint))
            && same(&self.project, request.project)
            && same(&self.user, request.user)
            && (self.before_login || request.logged_in)
    }

    /// Whether it hits the matching request with this number, counted from 1.
    pub(crate) fn hits(&self, number: u32) -> bool {
        number >= self.nth && self.times.is_none_or(|times| number - self.nth < times)
    }
}

impl Default for Matching {
    fn default() -> Self {
        Self {
            endpoint: None,
            project: None,
            user: None,
            nth: 1,
            times: Some(1),
            before_login: false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn reads_in_json_as_it_reads_in_rust() {
        let written = Fault::on(Endpoint::IssueCertificate)
            .user("x")
            .nth(3)
            .cut(Moment::After);
        let json = r#"{"matching":{"endpoint":"issueCertificate","user":"x","nth":3},"outcome":{"cut":{"moment":"after"}}}"#;
        assert_eq!(serde_json::from_str::<Fault>(json).unwrap(), written);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), written);
        assert!(serde_json::from_str::<Fault>(r#"{"outcom":null}"#).is_err());
    }

    #[test]
    fn hits_the_nth_and_as_many_as_it_says() {
        let of = |fault: Fault| {
            (1..=5)
                .filter(|number| fault.matching.hits(*number))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Fault::on_any()), [1]);
        assert_eq!(of(Fault::on_any().nth(2).times(2)), [2, 3]);
        assert_eq!(of(Fault::on_any().nth(3).always()), [3, 4, 5]);
    }
}
