//! What the tests stand on: a local Atlas, the real CLI in a folder of its own, the provider's binary,
//! and what commands left behind.

pub mod age;
pub mod atlas;
pub mod played;
pub mod plugin;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod terraform;
pub mod told;
pub mod traces;
