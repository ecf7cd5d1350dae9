//! What the tests stand on: a local Atlas, the real CLI in a folder of its own, the provider's binary,
//! and what commands left behind.

pub mod age;
pub mod atlas;
pub mod diagnostics;
pub mod fixture;
pub mod played;
pub mod plugin;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod terraform;
pub mod traces;
