//! A stateful stand-in for the Atlas Admin API.
//!
//! It serves the endpoints around X.509 certificates of database users over HTTP, with real
//! credentials and real certificates, as strictly as Atlas does, and with any failure of a network or
//! a service that a test scripts. A second port accepts TLS logins with those certificates.
//!
//! ```
//! use local_atlas::{LocalAtlas, Options, X509Type};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let atlas = LocalAtlas::start(Options::default())?;
//! atlas.control().add_user("32b6e34b3d91647abb20e7b8", "app-user", X509Type::Managed);
//! println!("{}", atlas.base_url());
//! # Ok(())
//! # }
//! ```
//!
//! The layers, outermost first: `listener` and `tls_server` own the ports; `handler` takes a request
//! from arrival to response; `api` and `oauth` decide; `state` is what they decide on. `control`
//! changes it from Rust, and `command` over HTTP.

mod api;
mod authority;
mod clock;
mod command;
mod control;
mod credentials;
mod digest;
mod error;
mod faults;
mod faulty_body;
mod handler;
mod keys;
mod listener;
mod oauth;
mod response;
mod route;
mod server;
mod settings;
mod state;
mod stores;
mod tls_client;
mod tls_server;

pub use control::Control;
pub use credentials::{Authorization, Credentials, Login, Role};
pub use faults::{Answer, Fault, FaultHandle, Matching, Outcome, Pause, RetryAfter, Rewrite, When};
pub use keys::{KeyListener, Keys};
pub use oauth::Token;
pub use route::{ApiVersion, Endpoint};
pub use server::{LocalAtlas, Options};
pub use settings::{AccessList, DeletedUsers, Rate, Settings};
pub use state::RecordedRequest;
pub use stores::{Certificate, MissingProject, X509Type};
pub use tls_client::{LoggedIn, LoginError};
