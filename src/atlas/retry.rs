//! Whether a request is made again, and when: one pure function.
//!
//! What reads may be repeated after a refusal for load (429), a server error (500, 502, 503, 504),
//! maintenance (405 with its code) or a failure of the connection. The request that issues may be
//! repeated only after 429, maintenance, or a failure proven to precede its sending; everything
//! else may have issued a certificate that nobody can take back.

use std::time::Duration;

/// What came of one attempt, as far as the decision needs it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Saw<'a> {
    /// An answer.
    Status {
        status: u16,
        code: Option<&'a str>,
        retry_after: Option<Duration>,
    },
    /// No answer, and proof that the request never left.
    NeverSent,
    /// No answer, or a broken one, to a request that left.
    NoAnswer,
    /// A failure that another attempt cannot change.
    Final,
}

/// How often this request has been made, and may be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tries {
    /// Repeats so far that count against the limit.
    pub(super) counted: u32,
    pub(super) limit: u32,
    /// Whether the login was already renewed for this request.
    pub(super) renewed: bool,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Take what came as the outcome.
    Finish,
    /// Renew the login, if it can be, and repeat at once.
    RenewLogin,
    /// Wait, then repeat.
    Wait {
        pause: Duration,
        /// Whether the repeat counts against the limit.
        counts: bool,
        because: &'static str,
    },
}

/// Decides. `issues` marks the request that must not take effect twice, `first` is the first
/// pause, `jitter` a number from 0 to 1.
pub(super) fn decide(
    issues: bool,
    saw: Saw<'_>,
    tries: Tries,
    first: Duration,
    jitter: f64,
) -> Step {
    let because = match saw {
        Saw::Status {
            status: 429,
            retry_after: Some(asked),
            ..
        } => {
            let asked = asked.max(FLOOR);
            let spread = (asked / 4).min(MAX_SPREAD).mul_f64(jitter);
            return Step::Wait {
                pause: asked + spread,
                counts: false,
                because: BUSY,
            };
        }
        Saw::Status {
            status: 401, code, ..
        } if !tries.renewed && !code.is_some_and(|code| ROLE_CODES.contains(&code)) => {
            return Step::RenewLogin;
        }
        Saw::Status { status: 429, .. } => BUSY,
        Saw::Status {
            status: 405,
            code: Some(MAINTENANCE),
            ..
        } => "Atlas is under maintenance",
        Saw::Status {
            status: 500 | 502 | 503 | 504,
            ..
        } if !issues => "Atlas failed to answer",
        Saw::NeverSent => "Atlas could not be reached",
        Saw::NoAnswer if !issues => "the connection to Atlas failed",
        _ => return Step::Finish,
    };
    if tries.counted >= tries.limit {
        return Step::Finish;
    }
    let asked = match saw {
        Saw::Status {
            retry_after: Some(asked),
            ..
        } => asked.max(FLOOR),
        Saw::Status { status: 429, .. } => FLOOR,
        _ => Duration::ZERO,
    };
    let full = first.saturating_mul(1 << tries.counted.min(16)).min(CAP);
    Step::Wait {
        pause: asked.max(full.mul_f64(0.5 + 0.5 * jitter)),
        counts: true,
        because,
    }
}

/// Atlas has been seen to ask for 0 seconds.
const FLOOR: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(30);
const MAX_SPREAD: Duration = Duration::from_secs(5);
const BUSY: &str = "Atlas limits the rate of requests";
const MAINTENANCE: &str = "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES";
/// A 401 with one of these knows who is asking, so a new login would change nothing.
pub(super) const ROLE_CODES: [&str; 4] = [
    "USER_UNAUTHORIZED",
    "NOT_IN_GROUP",
    "USER_CANNOT_ACCESS_GROUP",
    "NOT_ORG_GROUP_CREATOR",
];

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(500);

    fn status(status: u16) -> Saw<'static> {
        Saw::Status {
            status,
            code: None,
            retry_after: None,
        }
    }

    fn after(code: u16, seconds: u64) -> Saw<'static> {
        Saw::Status {
            status: code,
            code: None,
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    fn coded(status: u16, code: &'static str) -> Saw<'static> {
        Saw::Status {
            status,
            code: Some(code),
            retry_after: None,
        }
    }

    fn waits(issues: bool, saw: Saw<'_>) -> Option<(Duration, bool)> {
        let tries = Tries {
            limit: 5,
            ..Tries::default()
        };
        match decide(issues, saw, tries, FIRST, 0.0) {
            Step::Wait { pause, counts, .. } => Some((pause, counts)),
            _ => None,
        }
    }

    #[test]
    fn repeats_a_refused_post_but_never_an_ambiguous_one() {
        let half = Some((FIRST / 2, true));
        let second = Some((Duration::from_secs(1), true));
        for (saw, read, issue) in [
            (status(200), None, None),
            (status(201), None, None),
            (status(302), None, None),
            (status(400), None, None),
            (status(403), None, None),
            (status(404), None, None),
            (status(405), None, None),
            (coded(405, MAINTENANCE), half, half),
            (status(408), None, None),
            (status(409), None, None),
            (status(410), None, None),
            (status(429), second, second),
            (
                after(429, 7),
                Some((Duration::from_secs(7), false)),
                Some((Duration::from_secs(7), false)),
            ),
            (after(429, 0), Some((FLOOR, false)), Some((FLOOR, false))),
            (status(500), half, None),
            (status(501), None, None),
            (status(502), half, None),
            (status(503), half, None),
            (after(503, 9), Some((Duration::from_secs(9), true)), None),
            (status(504), half, None),
            (Saw::NeverSent, half, half),
            (Saw::NoAnswer, half, None),
            (Saw::Final, None, None),
        ] {
            assert_eq!(waits(false, saw), read, "reading, {saw:?}");
            assert_eq!(waits(true, saw), issue, "issuing, {saw:?}");
        }
    }

    #[test]
    fn gives_up_after_the_limit_unless_atlas_says_when() {
        let spent = Tries {
            counted: 5,
            limit: 5,
            renewed: true,
        };
        for saw in [
            status(500),
            status(429),
            Saw::NoAnswer,
            Saw::NeverSent,
            after(503, 3),
        ] {
            assert_eq!(decide(false, saw, spent, FIRST, 0.5), Step::Finish);
        }
        for saw in [after(429, 3), after(429, 0)] {
            assert!(matches!(
                decide(true, saw, spent, FIRST, 0.5),
                Step::Wait { counts: false, .. }
            ));
        }
        let never = Tries::default();
        assert_eq!(decide(false, status(500), never, FIRST, 0.0), Step::Finish);
    }

    #[test]
    fn renews_a_login_once_and_only_where_that_can_help() {
        let fresh = Tries {
            limit: 5,
            ..Tries::default()
        };
        let renewed = Tries {
            renewed: true,
            ..fresh
        };
        for issues in [false, true] {
            let decide = |saw, tries| decide(issues, saw, tries, FIRST, 0.0);
            assert_eq!(decide(status(401), fresh), Step::RenewLogin);
            assert_eq!(
                decide(coded(401, "UNEXPECTED_ERROR"), fresh),
                Step::RenewLogin
            );
            assert_eq!(decide(status(401), renewed), Step::Finish);
            for code in ROLE_CODES {
                assert_eq!(decide(coded(401, code), fresh), Step::Finish);
            }
        }
    }

    #[test]
    fn doubles_its_own_pauses_and_keeps_them_within_bounds() {
        let pause = |counted, jitter| {
            let tries = Tries {
                counted,
                limit: 99,
                renewed: false,
            };
            match decide(false, status(500), tries, FIRST, jitter) {
                Step::Wait { pause, .. } => pause,
                step => panic!("{step:?}"),
            }
        };
        let millis: Vec<_> = (0..8)
            .map(|counted| pause(counted, 1.0).as_millis())
            .collect();
        assert_eq!(
            millis,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
        );
        assert_eq!(pause(3, 0.0).as_millis(), 2000);
        assert_eq!(pause(90, 1.0), CAP);
    }

    #[test]
    fn never_comes_back_before_atlas_asked() {
        for (jitter, seconds) in [(0.0, 60.0), (1.0, 65.0), (0.5, 62.5)] {
            let Step::Wait { pause, .. } =
                decide(true, after(429, 60), Tries::default(), FIRST, jitter)
            else {
                panic!()
            };
            assert!((pause.as_secs_f64() - seconds).abs() < 0.001);
        }
    }
}
