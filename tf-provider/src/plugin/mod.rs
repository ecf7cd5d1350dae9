//! Being a plugin process: environment, handshake, sockets, TLS, the services every plugin has, and a good end.
//!
//! Knows nothing of schemas and of what the served messages mean.

mod accept;
mod console;
mod environment;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod handshake;
mod hardening;
mod host;
mod lifetime;
mod listener;
mod log;
mod panic;
mod pb;
mod reattach;
mod record;
mod services;
mod signals;
#[cfg(unix)]
mod socket;
mod timestamp;
mod tls;
mod usage;

use std::sync::Arc;

use tonic::service::Routes;

pub use self::error::Error;

use self::environment::Environment;
use self::handshake::Announcement;
use self::lifetime::Lifetime;
use self::listener::Endpoint;
use self::tls::Tls;
use self::usage::{Invocation, Mode};
use crate::protocol::Calls;

/// What a provider binary says about itself.
#[derive(Debug, Clone, Copy)]
pub struct ProviderInfo {
    /// The provider's type name: `cloud` for the binary `terraform-provider-cloud`.
    pub name: &'static str,
    /// The version, without a `v`.
    pub version: &'static str,
    /// The full source address: `registry.terraform.io/acme/cloud`.
    pub address: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// The crates whose log events the host gets, by the names they have in paths: `acme_cloud`. Events of other crates are
    /// dropped, because they may show the bytes of requests.
    pub crates: &'static [&'static str],
}

/// Serves as the plugin that a host started, or does what a person asked for on the command line.
///
/// Returns when the process is to exit. Blocking threads that still wait must not delay that: shut the runtime down in the
/// background.
pub(crate) async fn serve(
    about: &ProviderInfo,
    routes: Routes,
    calls: Arc<Calls>,
    close: impl Future<Output = ()>,
) -> Result<(), Error> {
    let parent = host::parent();
    let mode = match Invocation::parse(std::env::args_os().skip(1))? {
        Invocation::Serve(mode) => mode,
        Invocation::Version => {
            answer(&usage::version(about));
            return Ok(());
        }
        Invocation::Help => {
            answer(&usage::help(about));
            return Ok(());
        }
    };
    let environment = Environment::read(about.name);
    admit(mode, &environment, about)?;
    panic::install();
    log::install(environment.log_level, about.crates);
    // In debug mode somebody wants to look into the process.
    if mode == Mode::Plugin {
        hardening::keep_memory_private();
    }
    let signals = signals::listen(mode).map_err(Error::Signals)?;

    let tls = environment
        .client_certificate
        .as_deref()
        .map(Tls::pinned_to)
        .transpose()?;
    let endpoint = Endpoint::bind(&environment)?;
    announce(mode, &environment, about, &endpoint, tls.as_ref())?;
    greet(mode, &environment, about);

    let place = endpoint.place;
    let lifetime = Lifetime {
        mode,
        parent,
        signals,
        listener: endpoint.listener,
        place: Arc::clone(&place),
        tls: tls.map(|tls| tls.config),
        calls,
    };
    let outcome = lifetime.run(routes, close).await;
    place.vacate();
    outcome
}

/// Answers a person. Whether they still listen is theirs to know.
fn answer(text: &str) {
    let _ = console::say(text);
}

/// Lets in a host that knows the cookie, and a developer who asked for debug mode.
fn admit(mode: Mode, environment: &Environment, about: &ProviderInfo) -> Result<(), Error> {
    match mode {
        Mode::Plugin if !handshake::is_from_host(environment.cookie.as_deref()) => {
            Err(Error::ByHand {
                explanation: usage::by_hand(about),
            })
        }
        // No host starts us so. Whoever did would be served without the protection that they asked for.
        Mode::Debug if environment.client_certificate.is_some() => {
            Err(Error::DebugWithClientCertificate)
        }
        Mode::Plugin | Mode::Debug => Ok(()),
    }
}

fn announce(
    mode: Mode,
    environment: &Environment,
    about: &ProviderInfo,
    endpoint: &Endpoint,
    tls: Option<&Tls>,
) -> Result<(), Error> {
    let (network, address) = (endpoint.network, endpoint.address.as_str());
    let text = match mode {
        Mode::Debug => reattach::instructions(about.address, network, address, std::process::id()),
        Mode::Plugin => Announcement {
            network,
            address,
            certificate: tls.map(|tls| &*tls.certificate),
            answers_multiplexing: environment.asks_for_multiplexing,
        }
        .to_string(),
    };
    console::say(&text).map_err(Error::Announce)
}

fn greet(mode: Mode, environment: &Environment, about: &ProviderInfo) {
    tracing::debug!(provider.version = about.version, mode = ?mode, "the provider is running");
    if mode == Mode::Plugin
        && !handshake::offers_our_version(environment.protocol_versions.as_deref())
    {
        tracing::warn!("the host does not offer protocol version 5");
    }
}
