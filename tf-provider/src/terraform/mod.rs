//! Terraform's vocabulary: values, types, schemas, paths, diagnostics, and the traits that a provider implements. No protobuf,
//! no msgpack, no I/O, no clock.

mod data_source;
mod diagnostic;
mod function;
mod list_resource;
mod number;
mod path;
mod provider;
mod resource;
mod schema;
mod ty;
mod value;

pub use self::{
    data_source::*, diagnostic::*, function::*, list_resource::*, number::*, path::*, provider::*,
    resource::*, schema::*, ty::*, value::*,
};
