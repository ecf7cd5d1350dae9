//! What this provider means: its block, its resources, its words. Knows the vocabulary of `tf_provider`, the Atlas client,
//! certificates and the clock; never the wire, HTTP or sockets.

mod arguments;
mod certificate_lookup;
mod config;
mod connection;
mod diagnostics;
mod functions;
mod login;
mod serial;
mod timeouts;
mod unsealed_certificate;
mod user_certificate;

use std::{sync::Arc, time::Duration};

use tf_provider::{
    ConfigureRequest, DataSource, Diagnostic, Diagnostics, EphemeralResource, Function, Path,
    Provider, Resource, Schema, Value, async_trait,
};

use self::{
    config::Settings, connection::Connection, unsealed_certificate::UnsealedCertificate,
    user_certificate::UserCertificate,
};
use crate::{
    atlas::{Client, ConfigError, IssuedIds},
    clock::{Clock, SystemClock},
};

/// The provider `atlas`.
pub struct AtlasProvider {
    connection: Arc<Connection>,
    clock: Arc<dyn Clock>,
    issued_ids: Arc<IssuedIds>,
    environment: fn(&str) -> Option<String>,
}

impl AtlasProvider {
    /// The provider with this machine's clock and environment.
    pub fn new() -> Self {
        Self {
            connection: Arc::default(),
            clock: Arc::new(SystemClock),
            issued_ids: Arc::default(),
            environment: |name| std::env::var(name).ok(),
        }
    }
}

impl Default for AtlasProvider {
    fn default() -> Self {
        Self::new()
    }
}

/// How long the revocation of a token may take at the end of the process.
const CLOSE: Duration = Duration::from_millis(900);

#[async_trait]
impl Provider for AtlasProvider {
    fn schema(&self) -> Schema {
        config::schema()
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        config::validate(config)
    }

    async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let user_agent = format!(
            "terraform-provider-atlas/{} Terraform/{}",
            env!("CARGO_PKG_VERSION"),
            header_safe(&request.terraform_version)
        );
        let mut told = Diagnostics::new();
        match config::settings(&request.config, &self.environment, user_agent, &mut told) {
            Ok(Settings::Unknown(argument)) => self.connection.postpone(argument),
            Ok(Settings::NoLogin(error)) => self.connection.lack(error),
            Ok(Settings::Known(config)) => {
                match Client::new(*config, self.clock.clone(), self.issued_ids.clone()) {
                    Ok(client) => self.connection.open(client, self.clock.clone()),
                    Err(error) => told.push(unusable(error)),
                }
            }
            Err(problems) => told.extend(problems),
        }
        told
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(UserCertificate::new(self.connection.clone()))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        certificate_lookup::all(&self.connection)
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        vec![Arc::new(UnsealedCertificate)]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        functions::all()
    }

    async fn close(&self) {
        if let Some(session) = self.connection.ready() {
            session.client.close(CLOSE).await;
        }
    }
}

fn unusable(error: ConfigError) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "Provider cannot be configured",
        arguments::sentence(&error.to_string()),
    );
    match error {
        ConfigError::CaBundle => diagnostic.at(Path::attribute("ca_bundle_pem")),
        ConfigError::Credential(_) | ConfigError::UserAgent => diagnostic,
    }
}

/// Versions are the host's words: only what can stand in a header.
fn header_safe(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_graphic)
        .take(64)
        .collect()
}
