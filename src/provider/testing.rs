//! What unit tests of several files need.

use std::{collections::HashMap, ffi::OsString, sync::Arc, time::Duration};

use local_atlas::LocalAtlas;
use tf_provider::Value;

use super::{
    client::{ProviderClient, Session, State},
    config,
    guardrails::Guardrails,
};
use crate::{
    atlas::{ApiVersion, BaseUrl, Client, Config, Credentials},
    clock,
};

/// A client of a local Atlas, without retries.
pub(super) fn client(atlas: &LocalAtlas) -> Arc<ProviderClient> {
    let config = Config {
        base_url: BaseUrl::parse(&atlas.base_url()).unwrap(),
        api_version: ApiVersion::V1_0,
        credentials: Credentials::Token(atlas.control().credentials().access_token.into()),
        request_timeout: Duration::from_secs(60),
        max_retries: 0,
        ca_bundle_pem: None,
        proxy: None,
        user_agent: "test".to_owned(),
    };
    let atlas = Client::new(config, clock::now, Arc::default()).unwrap();
    let session = Session::new(atlas, Guardrails::default(), clock::now);
    let client = ProviderClient::default();
    client.set(State::Ready(Arc::new(session)));
    Arc::new(client)
}

/// A provider block with these arguments.
pub(super) fn block(arguments: &[(&'static str, Value)]) -> Value {
    let mut block = config::schema().block.empty();
    for (name, value) in arguments {
        block.set(*name, value.clone());
    }
    block
}

/// An environment with these variables.
pub(super) fn environment(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + use<> {
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).into()));
    let variables: HashMap<String, OsString> = variables.collect();
    move |name| variables.get(name).cloned()
}
