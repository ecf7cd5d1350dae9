//! What this provider means: its block, its resources, its messages. It uses the vocabulary of `tf_provider`, the Atlas
//! client, certificates and the clock; never the wire format, HTTP or sockets.

mod arguments;
mod attr;
mod client;
mod config;
mod credentials;
mod data_sources;
mod diagnostics;
mod functions;
mod guardrails;
mod inventory;
#[cfg(test)]
mod testing;
mod timeouts;
mod unsealed_certificate;
mod user_certificate;

use std::{sync::Arc, time::Duration};

use tf_provider::{
    DataSource, Diagnostic, Diagnostics, Function, ListResource, Provider, Resource, Schema, Value,
    async_trait,
};

use self::{
    client::{ProviderClient, Session, State},
    unsealed_certificate::UnsealedCertificate,
    user_certificate::{Predecessors, UserCertificateList, UserCertificateResource},
};
use crate::{
    atlas::{Client, ConfigError, IssuedIds},
    clock,
};

/// The provider `atlas`.
#[derive(Default)]
pub struct AtlasProvider {
    client: Arc<ProviderClient>,
    /// Certificates that this process has received, from every configuration.
    issued_ids: Arc<IssuedIds>,
    predecessors: Arc<Predecessors>,
}

impl AtlasProvider {
    fn configured(
        &self,
        config: &Value,
        terraform_version: &str,
    ) -> Result<Diagnostics, Diagnostics> {
        // The host sends its version; a header cannot carry every character.
        let graphic = terraform_version.chars().filter(char::is_ascii_graphic);
        let host_version: String = graphic.take(64).collect();
        let user_agent = format!(
            "terraform-provider-atlas/{} Terraform/{host_version}",
            env!("CARGO_PKG_VERSION")
        );
        let create_client = |config, guardrails| {
            let client = Client::new(config, clock::now, self.issued_ids.clone())
                .map_err(invalid_configuration)?;
            Ok(Arc::new(Session::new(client, guardrails, clock::now)))
        };
        let environment = &config::process_environment;
        let (state, warnings) = config::resolve(config, environment, user_agent, create_client)?;
        self.client.set(state);
        Ok(warnings)
    }
}

/// The time limit for revoking access tokens at shutdown.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(900);

#[async_trait]
impl Provider for AtlasProvider {
    fn schema(&self) -> Schema {
        config::schema()
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        config::validate(config)
    }

    async fn configure(&self, config: Value, terraform_version: String) -> Diagnostics {
        self.client.set(State::Unconfigured); // a failed Configure leaves no client behind
        self.predecessors.clear();
        self.client.close_retired(CLOSE_TIMEOUT).await;
        self.configured(&config, &terraform_version).unwrap_or_else(|problems| problems)
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(UserCertificateResource {
            client: self.client.clone(),
            predecessors: self.predecessors.clone(),
        })]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        data_sources::all(&self.client)
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(UnsealedCertificate)]
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        vec![Arc::new(UserCertificateList(self.client.clone()))]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        functions::all()
    }

    async fn close(&self) {
        self.client.close(CLOSE_TIMEOUT).await;
    }
}

fn invalid_configuration(error: ConfigError) -> Diagnostic {
    let problem = attr::invalid("Provider cannot be configured", error);
    match error {
        ConfigError::CaBundle => problem.at("ca_bundle_pem"),
        ConfigError::Credential(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_without_a_client_is_an_error_that_names_the_setting() {
        for (error, says, path) in [
            (ConfigError::CaBundle, "CA bundle", Some("ca_bundle_pem")),
            (ConfigError::Credential("public key"), "public key", None),
        ] {
            let diagnostic = invalid_configuration(error);
            assert_eq!(diagnostic.summary, "Provider cannot be configured");
            assert!(diagnostic.detail.contains(says), "{diagnostic:?}");
            assert_eq!(diagnostic.path, path.map(Into::into));
        }
    }
}
