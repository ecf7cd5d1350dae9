//! Starting and ending a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::control::Control;
use crate::credentials::{Credentials, Logins};
use crate::keys::{KeyListener, KeySource, Keys};
use crate::log_in::{LoggedIn, LoginError, log_in};
use crate::login::{self, ProjectVerifier};
use crate::server::Api;
use crate::settings::Settings;
use crate::transport::{Identity, IdentityError};
use crate::world::World;

/// A running server, on threads of its own. Dropping it ends it.
pub struct LocalAtlas {
    control: Control,
    api: SocketAddr,
    login: SocketAddr,
    https: bool,
    ca_pem: String,
    runtime: Option<Runtime>,
}

/// How a server starts.
#[derive(Clone, Default)]
pub struct Options {
    /// Port of the API on loopback; 0 takes a free one.
    pub port: u16,
    /// Port for TLS logins; 0 takes a free one.
    pub login_port: u16,
    /// Whether the API speaks HTTPS, with a certificate of [`LocalAtlas::ca_pem`].
    pub https: bool,
    /// Where private keys come from.
    pub keys: Keys,
    /// Is told when a key is being made.
    pub key_listener: Option<KeyListener>,
    /// Who may log in; random if not said.
    pub credentials: Option<Credentials>,
    /// Limits, rates, lifetimes, switches.
    pub settings: Settings,
}

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A port could not be opened.
    #[error("port {port} of 127.0.0.1 could not be opened")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No threads.
    #[error("the server's threads could not be started")]
    Runtime(#[source] std::io::Error),
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] IdentityError),
}

impl LocalAtlas {
    /// Starts a server; both its ports are open when this returns.
    ///
    /// # Errors
    /// When a port is taken or the system gives no threads.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("local-atlas")
            .enable_all()
            .build();
        let runtime = runtime.map_err(StartError::Runtime)?;
        let identity = Identity::create()?;
        let credentials = options.credentials.unwrap_or_else(Credentials::random);
        let keys = KeySource::new(options.keys, options.key_listener);
        let world = Arc::new(World::new(keys, Logins::new(credentials), options.settings));
        let control = Control {
            world: Arc::clone(&world),
            runtime: runtime.handle().clone(),
        };

        let entered = runtime.enter();
        let (api_listener, api) = open(options.port)?;
        let (login_listener, login) = open(options.login_port)?;
        drop(entered);
        let tls = if options.https {
            Some(TlsAcceptor::from(Arc::new(identity.api_config()?)))
        } else {
            None
        };
        let server = Arc::new(Api::new(Arc::clone(&world), tls, control.clone()));
        runtime.spawn(server.listen(api, api_listener));
        let verifier = Arc::new(ProjectVerifier::new(Arc::clone(&world)));
        let acceptor = TlsAcceptor::from(Arc::new(identity.login_config(verifier)?));
        runtime.spawn(login::listen(world, acceptor, login_listener));
        Ok(Self {
            control,
            api,
            login,
            https: options.https,
            ca_pem: identity.ca_pem,
            runtime: Some(runtime),
        })
    }

    /// What to give the provider as `base_url`.
    pub fn base_url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.api)
    }

    /// The API's address.
    pub fn address(&self) -> SocketAddr {
        self.api
    }

    /// Where certificates log in.
    pub fn login_url(&self) -> String {
        format!("https://{}", self.login)
    }

    /// The same as an address.
    pub fn login_address(&self) -> SocketAddr {
        self.login
    }

    /// The authority behind the server's own certificate, of both ports.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The control surface.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Logs in with a certificate and its key, as a database driver would.
    ///
    /// # Errors
    /// When the server refuses it, or knows no user for it.
    pub async fn log_in(&self, combined_pem: &str) -> Result<LoggedIn, LoginError> {
        log_in(self.login, &self.ca_pem, combined_pem).await
    }
}

impl Drop for LocalAtlas {
    fn drop(&mut self) {
        self.control.clear_faults();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn open(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Port { port, source };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((TcpListener::from_std(listener).map_err(failed)?, address))
}
