//! All integration tests in one binary, because linking is what takes the time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod adding_arguments;
mod adopt_key;
mod auth;
mod crash_recovery;
mod data_sources;
mod diagnostics;
mod docs;
mod ephemeral;
mod faults;
mod functions;
mod guardrails;
#[cfg(unix)]
mod handshake;
mod import;
mod layers;
mod lifecycle;
mod lifetime;
mod logs;
mod malformed_requests;
mod malicious_server;
mod moved;
mod network;
mod package;
mod pkcs12;
mod process_hardening;
mod query;
mod random_ops;
mod replacement;
mod request_counts;
mod sealed;
mod secrets;
mod security;
mod standalone;
mod state_upgrade;
mod support;
mod wording;
