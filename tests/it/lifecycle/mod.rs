//! The life of a certificate through the real CLI, with the clock of local Atlas moved.

mod bad_input;
mod cli_usage;
mod create;
mod destroy_and_replace;
mod drift;
mod ignore_changes;
mod many;
mod renewal;
mod renewal_window;
mod unknowns;
