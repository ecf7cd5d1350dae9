//! Starting and stopping a server.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::Authorities,
    control::Control,
    credentials::Credentials,
    keys::{KeyListener, Keys},
    listener,
    settings::Settings,
    state::{Data, State},
    tls_client::{LoggedIn, LoginError, log_in},
    tls_server::{self, Identity},
};

/// A running server on threads of its own. Dropping it stops it.
pub struct LocalAtlas {
    control: Control,
    base_url: String,
    api: SocketAddr,
    login: SocketAddr,
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
    /// The source of private keys.
    pub keys: Keys,
    /// Is called when the generation of a key starts and ends.
    pub key_listener: Option<KeyListener>,
    /// The accepted credentials; random if omitted.
    pub credentials: Option<Credentials>,
    /// Limits, rates, lifetimes, switches.
    pub settings: Settings,
}

impl LocalAtlas {
    /// Starts a server; both its ports are open when this returns.
    ///
    /// # Errors
    /// If a port is taken or threads cannot be started.
    pub fn start(options: Options) -> Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(2).thread_name("local-atlas");
        let runtime = runtime.enable_all().build()?;
        let identity = Identity::create()?;
        let state = Arc::new(State {
            authorities: Authorities::new(options.keys, options.key_listener),
            ca_pem: identity.ca_pem.clone(),
            data: Mutex::new(Data {
                settings: options.settings,
                credentials: options.credentials.unwrap_or_default(),
                ..Data::default()
            }),
            ..State::default()
        });
        let control = Control { state: Arc::clone(&state), runtime: runtime.handle().clone() };
        let (api_listener, api) = open(options.port)?;
        let (login_listener, login) = open(options.login_port)?;
        let api_tls = options.https.then(|| identity.api_config()).transpose()?;
        let api_tls = api_tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        runtime.spawn(listener::listen(control.clone(), api_tls, api_listener));
        runtime.spawn(tls_server::listen(state, identity, login_listener));
        let base_url = format!("{}://{api}", if options.https { "https" } else { "http" });
        Ok(Self { control, base_url, api, login, runtime: Some(runtime) })
    }

    /// The value of the provider's `base_url`.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The API's address.
    pub fn address(&self) -> SocketAddr {
        self.api
    }

    /// The address for TLS logins.
    pub fn login_url(&self) -> String {
        format!("https://{}", self.login)
    }

    /// The certificate authority of the server's own certificate, on both ports.
    pub fn ca_pem(&self) -> &str {
        &self.control.state.ca_pem
    }

    /// The control interface.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Logs in with a certificate and its key, as a database driver would.
    pub async fn log_in(&self, combined_pem: &str) -> Result<LoggedIn, LoginError> {
        log_in(self.login, self.ca_pem(), combined_pem).await
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

fn open(port: u16) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} of 127.0.0.1 could not be opened"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
