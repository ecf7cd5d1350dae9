//! The provider's functions. Pure; they work without a configured provider.
//!
//! Errors name the argument and never repeat it, because it may contain a private key or a password.

mod parse_certificate;
mod split_pem;
mod x509_uri;

use std::sync::Arc;

use tf_provider::{Function, Value};

use self::{parse_certificate::ParseCertificate, split_pem::SplitPem, x509_uri::X509Uri};

/// Every function.
pub(crate) fn all() -> Vec<Arc<dyn Function>> {
    vec![Arc::new(ParseCertificate), Arc::new(SplitPem), Arc::new(X509Uri)]
}

/// The first argument; `None` if it is null.
fn text(arguments: &[Value]) -> Option<&str> {
    arguments.first().and_then(Value::as_str)
}
