//! What local Atlas promises, asked over real HTTP and TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod certificates;
mod client;
mod control_http;
mod digest;
mod faults;
mod inventory;
mod issuing;
mod listing;
mod login;
mod oauth;
mod users;
