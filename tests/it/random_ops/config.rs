//! The configuration of the one certificate that a walk is about.

use serde_json::{Value as Json, json};

use super::random::Random;
use crate::support::atlas::PROJECT;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    pub months: Option<i64>,
    pub window: Option<i64>,
    pub auto_renew: Option<bool>,
    pub trigger: Option<&'static str>,
}

impl Config {
    /// Changes one argument, or takes it away. A window is never too long for the shortest life.
    pub fn change(&mut self, random: &mut Random) {
        match random.below(4) {
            0 => self.months = random.of(&[None, Some(1), Some(3), Some(6)]),
            1 => self.window = random.of(&[None, Some(0), Some(5), Some(14)]),
            2 => self.auto_renew = random.of(&[None, None, Some(true), Some(false)]),
            _ => self.trigger = random.of(&[None, Some("a"), Some("b")]),
        }
    }

    /// Whether the object's window is the configured one.
    pub fn has_window_of(&self, object: &Json) -> bool {
        self.window == object["renew_before_days"].as_i64()
    }

    pub fn to_json(&self) -> Json {
        json!({
            "project_id": PROJECT,
            "username": "app",
            "months_until_expiration": self.months,
            "renew_before_days": self.window,
            "auto_renew": self.auto_renew,
            "rotate_when_changed": self.trigger.map(|value| json!({ "value": value })),
        })
    }

    pub fn to_hcl(&self) -> String {
        let object = self.to_json();
        let lines = object
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("  {name} = {value}\n"));
        format!(
            "provider \"atlas\" {{}}\n\nresource \"atlas_user_certificate\" \"app\" {{\n{}}}\n",
            lines.collect::<String>()
        )
    }
}
