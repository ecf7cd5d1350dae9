//! What the tests stand on: a local Atlas, the real CLI in a folder of its own, and the provider's binary.

pub mod atlas;
pub mod terraform;
