//! A stateful stand-in for the Atlas Admin API.
//!
//! It serves the endpoints around X.509 certificates of database users over real HTTP, with real
//! logins and real certificates, as strictly as Atlas does; and it can be told to fail in any way a
//! network and a service can fail. A second port takes TLS logins with those certificates.
//!
//! ```
//! use local_atlas::{LocalAtlas, Options, X509Type};
//!
//! # fn main() -> Result<(), local_atlas::StartError> {
//! let atlas = LocalAtlas::start(Options::default())?;
//! atlas.control().add_user("32b6e34b3d91647abb20e7b8", "app-user", X509Type::Managed);
//! println!("{}", atlas.base_url());
//! # Ok(())
//! # }
//! ```
//!
//! The layers, outermost first: `server` and `login` hold the ports; `exchange` takes a request from
//! arrival to answer; `api`, `certificates`, `database_users` and `oauth` decide; `world` is what they
//! decide upon. `control` and `control_http` change it from outside.

mod api;
mod authentication;
mod authority;
mod bucket;
mod certificates;
mod clock;
mod control;
mod control_http;
mod credentials;
mod database_users;
mod delivery;
mod der;
mod digest;
mod error;
mod exchange;
mod faults;
mod hex;
mod jackson;
mod keys;
mod ledger;
mod local_atlas;
mod log_in;
mod login;
mod oauth;
mod outgoing;
mod pem;
mod query;
mod random;
mod recording;
mod reply;
mod route;
mod server;
mod settings;
mod shared;
mod tokens;
mod transport;
mod users;
mod version;
mod world;

pub use authentication::Authorization;
pub use control::Control;
pub use credentials::{Credentials, Login, Role};
pub use faults::{
    Answer, Fault, FaultHandle, Matching, Moment, Outcome, Pause, RetryAfter, Rewrite,
};
pub use keys::{KeyEvent, KeyListener, Keys};
pub use ledger::Certificate;
pub use local_atlas::{LocalAtlas, Options, StartError};
pub use log_in::{LoggedIn, LoginError, log_in};
pub use recording::RecordedRequest;
pub use route::Endpoint;
pub use settings::{AccessList, DeletedUsers, Rate, Settings};
pub use tokens::Token;
pub use transport::IdentityError;
pub use users::{MissingProject, X509Type};
pub use version::ApiVersion;
