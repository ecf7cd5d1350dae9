//! Terraform's vocabulary: values, types, schemas, paths, diagnostics, and the traits that a provider implements. No protobuf,
//! no msgpack, no I/O, no clock.

mod data_source;
mod diagnostic;
mod ephemeral;
mod function;
mod identity;
mod list_resource;
mod number;
mod path;
mod provider;
mod resource;
mod schema;
mod ty;
mod value;

pub use data_source::{DataSource, ReadDataRequest, ReadDataResponse};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use ephemeral::{EphemeralResource, OpenRequest, OpenResponse};
pub use function::{Function, FunctionError, Parameter, Signature};
pub use identity::{IdentityAttribute, IdentitySchema};
pub use list_resource::{ListEvent, ListRequest, ListResource, ListResults, ListedResource};
pub use number::Number;
pub use path::{Path, Step};
pub use provider::{ConfigureRequest, Provider};
pub use resource::{
    CreateRequest, DeleteRequest, ImportRequest, ImportTarget, MoveRequest, MoveResponse,
    ObjectResponse, ObjectResponse as ApplyResponse, ObjectResponse as ImportResponse,
    ObjectResponse as ReadResponse, PlanDestroyRequest, PlanRequest, PlanResponse, ReadRequest,
    Resource, UpdateRequest, ValidateRequest,
};
pub use schema::{Attribute, Block, Mode, NestedBlock, Schema};
pub use ty::Type;
pub use value::Value;
