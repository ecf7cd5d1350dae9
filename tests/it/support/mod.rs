//! What the tests stand on: a local Atlas, the real CLI in a folder of its own, the provider's binary,
//! and what commands left behind.

pub mod age;
pub mod atlas;
#[cfg(target_os = "linux")]
pub mod cli_process;
pub mod diagnostics;
pub mod fixture;
pub mod in_process;
pub mod leak_scanner;
pub mod plugin;
pub mod sources;
pub mod terraform;
