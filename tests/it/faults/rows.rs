//! The fault matrix as a table: a row is one thing that goes wrong, and what must come of it.

use std::time::Duration;

use local_atlas::{Answer, Fault, RetryAfter, Rewrite, When};

use super::{Issuing, Reading, Row};

/// All rows that a scripted answer makes.
pub(super) fn rows() -> Vec<Row> {
    [connection(), busy(), failing(), refused(), forms(), unreadable()]
        .into_iter()
        .flatten()
        .collect()
}

// A row is a line or two, so that the table reads as one.
#[rustfmt::skip]
fn connection() -> Vec<Row> {
    use {
        Issuing::{Lost, Nothing},
        Reading::{Fails, Quiet},
    };
    let broke = Fails("Connection to Atlas lost");
    vec![
        row("cut before headers once", |f| f.cut(When::Before), Nothing, Quiet),
        row("cut before headers", |f| f.always().cut(When::Before), Nothing, broke),
        row("cut after issuing once", |f| f.cut(When::After), Lost, Quiet),
        row("cut after issuing", |f| f.always().cut(When::After), Lost, broke),
        row("cut in the first bytes", |f| f.always().cut_body(3), Lost, broke),
        row("cut in the certificate", |f| f.always().cut_body(700), Lost, broke),
        row("cut in the key", |f| f.always().cut_body(2500), Lost, broke),
        row("slow beyond the deadline", |f| f.always().pause(When::After), Lost, Fails("Operation timed out")).within("7s", "2s"),
        row("slow within the deadline", |f| f.delay(When::After, Duration::from_millis(300)), Issuing::Done, Quiet),
    ]
}

#[rustfmt::skip]
fn busy() -> Vec<Row> {
    use {
        Issuing::{Done, Refused},
        Reading::{Fails, Quiet},
    };
    let limited = "Atlas rate limit reached";
    vec![
        row("429 once", |f| f.refuse(Answer::rate_limited(None)), Done, Quiet),
        row("429 for good", |f| f.always().refuse(Answer::rate_limited(None)), Refused(limited), Fails(limited)),
        row("429 with Retry-After", |f| f.times(3).refuse(later(1)), Done, Quiet),
        row("429 with a date", |f| f.times(3).refuse(Answer::rate_limited(Some(RetryAfter::Date(1)))), Done, Quiet),
        row("429 with Retry-After 0", |f| f.times(3).refuse(later(0)), Done, Quiet),
        row(
            "429 with too long a wait",
            |f| f.refuse(later(7200)),
            Refused("Operation timed out before a retry"),
            Fails("Operation timed out before a retry"),
        )
        .saying(&["HTTP 429 (RATE_LIMITED_TOKEN_BUCKET)", "the next attempt would be in 72", "timeouts"]),
        row("405 maintenance once", |f| f.refuse(Answer::maintenance()), Done, Quiet),
        row(
            "405 maintenance",
            |f| f.always().refuse(Answer::maintenance()),
            Refused("Atlas is under maintenance"),
            Fails("Atlas is under maintenance"),
        )
        .saying(&["WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", "Run this again"]),
    ]
}

#[rustfmt::skip]
fn failing() -> Vec<Row> {
    use {
        Issuing::{Lost, Nothing},
        Reading::{Fails, Quiet},
    };
    let fault = Fails("Atlas server error");
    vec![
        row("500 before issuing", |f| f.always().refuse(Answer::server_error(500)), Nothing, fault).saying(&["HTTP 500 (UNEXPECTED_ERROR)"]),
        row("502 before issuing", |f| f.always().refuse(Answer::server_error(502)), Nothing, fault).saying(&["HTTP 502"]),
        row("503 before issuing", |f| f.always().refuse(Answer::server_error(503)), Nothing, fault).saying(&["HTTP 503 (SERVICE_UNAVAILABLE)"]),
        row("504 before issuing", |f| f.always().refuse(Answer::server_error(504)), Nothing, fault).saying(&["HTTP 504"]),
        row("500 after issuing", |f| f.act_then_answer(Answer::server_error(500)), Lost, Quiet),
        row("502 after issuing", |f| f.act_then_answer(Answer::server_error(502)), Lost, Quiet),
        row("503 after issuing", |f| f.act_then_answer(Answer::server_error(503)), Lost, Quiet),
        row("504 after issuing", |f| f.act_then_answer(Answer::server_error(504)), Lost, Quiet),
        row("503 with Retry-After", |f| f.refuse(Answer::server_error(503).retry_after(RetryAfter::Seconds(1))), Nothing, Quiet),
        row("HTML 502 before issuing", |f| f.always().refuse(Answer::html(502)), Nothing, Fails("Unexpected response (not from the Atlas API)"))
            .saying(&["HTTP 502", "proxy"]),
        row("HTML 502 after issuing", |f| f.act_then_answer(Answer::html(502)), Lost, Quiet),
        row("empty 504 after issuing", |f| f.act_then_answer(Answer::empty(504)), Lost, Quiet),
    ]
}

#[rustfmt::skip]
fn refused() -> Vec<Row> {
    use {
        Issuing::Refused,
        Reading::{Fails, ProjectMissing, UserMissing},
    };
    let both = |name, fault, summary| row(name, fault, Refused(summary), Fails(summary));
    vec![
        both("401 for good", |f| f.always().refuse(Answer::unauthorized(false)), "Atlas credentials rejected").saying(&["HTTP 401", "MONGODB_ATLAS_"]),
        both("401 for the role", |f| f.always().refuse(api(401, "USER_UNAUTHORIZED")), "Missing role").saying(&["Project Owner"]),
        both("403 for the address", |f| f.refuse(api(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST")), "IP address not on the API access list")
            .saying(&["HTTP 403", "API access list of the API key"]),
        both("403 in HTML", |f| f.refuse(Answer::html(403)), "Rejected by a proxy or firewall").saying(&["proxy or firewall"]),
        row("404 for the project", |f| f.refuse(api(404, "GROUP_NOT_FOUND")), Refused("Project not found"), ProjectMissing),
        row("404 for the user", |f| f.refuse(api(404, "USERNAME_NOT_FOUND")), Refused("Database user not found"), UserMissing),
        both("404 for something else", |f| f.refuse(api(404, "RESOURCE_NOT_FOUND")), "Not found").saying(&["RESOURCE_NOT_FOUND"]),
        both("404 in HTML", |f| f.refuse(Answer::html(404)), "No Atlas API at this address").saying(&["base_url"]),
        both("401 for the project", |f| f.always().refuse(api(401, "NOT_IN_GROUP")), "No access to the project"),
        both("404 for the kind of project", |f| f.refuse(api(404, "NOT_ATLAS_GROUP")), "Project not found"),
        both("409", |f| f.refuse(api(409, "SOME_CONFLICT")), "Conflict").saying(&["SOME_CONFLICT"]),
        both("410", |f| f.refuse(Answer::version_gone()), "Atlas API version was removed").saying(&["VERSION_GONE", "api_version"]),
        both("302", |f| f.refuse(Answer::redirect(302, "http://127.0.0.1:9/elsewhere")), "Unexpected redirect")
            .saying(&["HTTP 302", "It redirects to: http://127.0.0.1:9/elsewhere"]),
    ]
}

/// Answers with certificate and key that are not written as usual.
#[rustfmt::skip]
fn forms() -> Vec<Row> {
    let form = |name, fault| row(name, fault, Issuing::Done, Reading::NotAsked);
    vec![
        form("201 with a JSON string", |f| f.rewrite(Rewrite::JsonString)),
        form("201 with an envelope", |f| f.rewrite(Rewrite::Envelope)),
        form("201 with CRLF", |f| f.rewrite(Rewrite::Crlf)),
        form("201 with the key first", |f| f.rewrite(Rewrite::KeyFirst)),
        form("201 compressed", |f| f.rewrite(Rewrite::Gzip)),
        form("201 in small pieces", |f| f.drip(512, Duration::from_millis(10))),
    ]
}

/// Answers of success that hold no certificate with its key.
#[rustfmt::skip]
fn unreadable() -> Vec<Row> {
    let empty = |name, fault| row(name, fault, Issuing::Lost, Reading::Fails("Invalid response from Atlas"));
    let raw = |name, fault| row(name, fault, Issuing::Raw, Reading::NotAsked);
    let both = |name, fault| row(name, fault, Issuing::Raw, Reading::Fails("Invalid response from Atlas"));
    vec![
        empty("201 without a body", |f| f.rewrite(Rewrite::Empty)),
        raw("201 with a foreign key", |f| f.rewrite(Rewrite::ForeignKey)),
        raw("201 without the key", |f| f.rewrite(Rewrite::NoKey)),
        raw("201 without the certificate", |f| f.rewrite(Rewrite::NoCertificate)),
        raw("201 with two certificates", |f| f.rewrite(Rewrite::TwoCertificates)),
        raw("201 with a damaged certificate", |f| f.rewrite(Rewrite::DamagedCertificate)),
        both("201 with invalid UTF-8", |f| f.rewrite(Rewrite::InvalidUtf8)),
        both("201 with garbage", |f| f.rewrite(Rewrite::Garbage)),
        empty("201 with HTML", |f| {
            f.rewrite(Rewrite::Body { content_type: "text/html".to_owned(), body: "<html><body>Welcome</body></html>".to_owned() })
        }),
    ]
}

fn row(name: &'static str, fault: fn(Fault) -> Fault, issuing: Issuing, reading: Reading) -> Row {
    Row { name, fault, issuing, reading, says: &[], within: None }
}

fn later(seconds: u64) -> Answer {
    Answer::rate_limited(Some(RetryAfter::Seconds(seconds)))
}

fn api(status: u16, code: &str) -> Answer {
    Answer::api_error(status, code, "Atlas's own words.")
}

impl Row {
    /// Words that the error holds besides its summary.
    fn saying(self, says: &'static [&'static str]) -> Self {
        Self { says, ..self }
    }

    /// The time allowed for issuing, and for reading.
    fn within(self, issuing: &'static str, reading: &'static str) -> Self {
        Self { within: Some((issuing, reading)), ..self }
    }
}
