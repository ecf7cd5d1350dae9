//! The tables of refresh and plan, written down a second time, from what is true at Atlas.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::{config::Config, world::World};

/// A certificate that an apply must ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issue {
    /// For an object that is new, also in place of another one.
    New,
    /// For an object that stays, for this reason.
    InPlace(&'static str),
}

/// What an apply must ask for.
pub fn expected(
    world: &World,
    object: Option<&Json>,
    replaced: bool,
    config: &Config,
) -> Option<Issue> {
    let Some(object) = object.filter(|_| !replaced) else {
        return Some(Issue::New);
    };
    let renews = config.auto_renew != Some(false);
    let differs = |stored: &Json, wanted: Option<&Json>| {
        wanted.is_some_and(|wanted| !stored.is_null() && stored != wanted)
    };
    let trigger = config
        .trigger
        .map(|value| serde_json::json!({ "value": value }));
    let reason = match status(world, object) {
        "missing" if renews => "missing",
        "expired" if renews => "renewal",
        "renewal_due" if renews && config.has_window_of(object) => "renewal",
        _ if differs(
            &object["months_until_expiration"],
            config.months.map(Json::from).as_ref(),
        ) =>
        {
            "validity_changed"
        }
        _ if differs(&object["rotate_when_changed"], trigger.as_ref()) => "trigger_changed",
        _ => return None,
    };
    Some(Issue::InPlace(reason))
}

/// What a refresh must find.
pub fn status(world: &World, object: &Json) -> &'static str {
    let now = world.atlas.control().now();
    let ends = time(&object["not_after"]);
    if world.lists(object["certificate_id"].as_str().unwrap()) {
        if now >= opens(object) {
            "renewal_due"
        } else {
            "active"
        }
    } else if !world.has_user() {
        "user_missing"
    } else if now >= ends {
        "expired"
    } else {
        "missing"
    }
}

/// When the renewal window of the stored object opens.
fn opens(object: &Json) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60;
    let ends = time(&object["not_after"]);
    let life = ends.as_second() - time(&object["not_before"]).as_second();
    let window = match object["renew_before_days"].as_i64() {
        Some(days) => (days * DAY).min(life / 2),
        None => (life / 3).min(30 * DAY),
    };
    ends - SignedDuration::from_secs(window)
}

pub fn time(text: &Json) -> Timestamp {
    text.as_str().unwrap().parse().unwrap()
}
