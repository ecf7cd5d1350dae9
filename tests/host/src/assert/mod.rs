//! Core's own assertions about objects, as pure functions over values and schemas.
//!
//! [`plan_valid()`] and [`compatible()`] are the two checks that no plan and no apply gets past;
//! [`proposed_new()`] is the object that core puts before the provider; [`conforms()`] is what every
//! object must be.

mod compatible;
mod conform;
mod plan_valid;
mod proposed;

pub use self::compatible::compatible;
pub use self::conform::{conforms, unknowns, write_only_values};
pub use self::plan_valid::plan_valid;
pub use self::proposed::proposed_new;
