//! A client of the `MongoDB` Atlas Admin API, as far as X.509 certificates of database users need it.
//!
//! A call passes through `request` (pure), `auth` (credentials), `retry` (attempts) and `http` (the network), and its
//! response through `response` (pure). The calls are in `client` and `issue`. `tests/it/layers.rs` has the order of the
//! files: each uses only those before it.

mod auth;
mod client;
mod config;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
#[path = "tests/fuzzing.rs"]
pub mod fuzzing;
mod http;
mod http_settings;
mod issue;
mod issued_ids;
mod params;
mod proxy;
mod request;
mod response;
mod retry;
mod sanitize;
mod shared;
mod single_use_body;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    client::Client,
    config::{ApiVersion, BaseUrl, CallOptions, Config, ConfigError, CredentialKind, Credentials},
    error::{Error, ErrorKind, Operation},
    http_settings::READS_SSL_CERT_FILE,
    issue::{IssueError, IssuedCertificate, Reconciliation},
    issued_ids::IssuedIds,
    params::{Months, ProjectId, UserId, Username, is_certificate_id},
    proxy::Proxy,
    response::{CertificateList, DatabaseUser, DeprecationNotice, ListedCertificate},
    sanitize::printable,
};
