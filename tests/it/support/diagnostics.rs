//! The diagnostics of a command run with `-json`.

use serde_json::Value as Json;
use tf_harness::cli::Output;

/// An error or a warning as the CLI shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliDiagnostic {
    pub is_error: bool,
    pub summary: String,
    pub detail: String,
    /// The resource instance it is about; empty where it is about none.
    pub address: String,
}

impl CliDiagnostic {
    /// Whether summary and detail hold this text, blanks folded.
    pub fn contains(&self, text: &str) -> bool {
        let words = format!("{} {}", self.summary, self.detail);
        words.split_whitespace().collect::<Vec<_>>().join(" ").contains(text)
    }
}

/// The diagnostics among the lines of a `-json` run, but for the CLI's own about where the tests' provider comes from.
pub fn diagnostics(output: &Output) -> Vec<CliDiagnostic> {
    let lines = output.stdout.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let diagnostics =
        lines.filter(|line| line["type"] == "diagnostic").map(|line| line["diagnostic"].clone());
    diagnostics
        .map(|diagnostic| {
            let text = |name: &str| diagnostic[name].as_str().unwrap_or_default().to_owned();
            CliDiagnostic {
                is_error: diagnostic["severity"] == "error",
                summary: text("summary"),
                detail: text("detail"),
                address: text("address"),
            }
        })
        .filter(|shown| shown.summary != "Provider development overrides are in effect")
        .collect()
}
