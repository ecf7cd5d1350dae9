//! The expected results, from the state of Atlas: a second writing of the tables of refresh and plan.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::{Config, model::AtlasModel};

/// A certificate that an apply must issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issue {
    /// For a new object, also in place of another one.
    New,
    /// For an object that stays, for this reason.
    InPlace(&'static str),
}

/// The certificate that an apply must issue, if any.
pub fn expected_issue(
    model: &AtlasModel,
    object: Option<&Json>,
    replaced: bool,
    config: &Config,
) -> Option<Issue> {
    let Some(object) = object.filter(|_| !replaced) else {
        return Some(Issue::New);
    };
    let renews = config.auto_renew != Some(false);
    let window_stays = config.window == object["renew_before_days"].as_i64();
    let changed = |stored: &Json, wanted: Option<Json>| {
        wanted.is_some_and(|wanted| !stored.is_null() && *stored != wanted)
    };
    let trigger = config.trigger.map(|value| json!({ "value": value }));
    let reason = match expected_status(model, object) {
        "missing" if renews => "missing",
        "expired" if renews => "renewal",
        "renewal_due" if renews && window_stays => "renewal",
        _ if changed(&object["months_until_expiration"], config.months.map(Json::from)) => {
            "validity_changed"
        }
        _ if changed(&object["rotate_when_changed"], trigger) => "trigger_changed",
        _ => return None,
    };
    Some(Issue::InPlace(reason))
}

/// The status that a refresh must store.
pub fn expected_status(model: &AtlasModel, object: &Json) -> &'static str {
    let now = model.atlas.control().now();
    if model.lists(object["certificate_id"].as_str().unwrap()) {
        if now >= renewal_time(object) { "renewal_due" } else { "active" }
    } else if !model.has_user() {
        "user_missing"
    } else if now >= time(&object["not_after"]) {
        "expired"
    } else {
        "missing"
    }
}

/// The time at which the renewal window of the stored object opens.
fn renewal_time(object: &Json) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60;
    let not_after = time(&object["not_after"]);
    let life = not_after.as_second() - time(&object["not_before"]).as_second();
    let window = match object["renew_before_days"].as_i64() {
        Some(days) => (days * DAY).min(life / 2),
        None if life < 45 * DAY => life / 3,
        None => (35 * DAY).min(life / 2),
    };
    not_after - SignedDuration::from_secs(window)
}

pub fn time(text: &Json) -> Timestamp {
    text.as_str().unwrap().parse().unwrap()
}
