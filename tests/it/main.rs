//! All integration tests in one binary, because linking is what takes the time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod adoption;
mod archive;
mod auth;
mod by_hand;
mod coalescing;
mod debug;
mod docs;
mod faults;
mod functions;
mod handshake;
mod hostile_atlas;
mod import;
mod kill;
mod layers;
mod lifecycle;
mod lifetime;
mod limits;
mod logs;
mod lookup;
mod malformed_requests;
mod memory;
mod moved;
mod package;
mod reach;
mod refusals;
mod sealed;
mod secrets;
mod security;
mod states;
mod support;
mod unsealed;
mod unsealed_archive;
mod walks;
