//! Access to private parsers, for the fuzz targets.

pub use crate::plugin::fuzzing::handshake;
pub use crate::protocol::fuzzing::msgpack;
