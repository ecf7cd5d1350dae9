//! The plugin process: command line, environment, handshake, mutual TLS, the services of every plugin, logs and shutdown.
//! No schemas and no provider messages.

mod args;
mod environment;
mod error;
#[cfg(feature = "fuzzing")]
#[path = "tests/fuzzing.rs"]
pub(crate) mod fuzzing;
mod handshake;
mod hclog;
mod listener;
mod panic_hook;
mod server;
mod services;
mod shutdown;
mod tls;

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use tonic::service::Routes;

pub use self::error::Error;
use self::{
    args::{Command, Mode},
    environment::Environment,
    server::Server,
    tls::Tls,
};
use crate::protocol::Calls;

/// What a provider binary states about itself.
#[derive(Debug, Clone, Copy)]
pub struct ProviderInfo {
    /// The type name: `cloud` for the binary `terraform-provider-cloud`.
    pub name: &'static str,
    /// The version, without a `v`.
    pub version: &'static str,
    /// The full source address: `registry.terraform.io/acme/cloud`.
    pub address: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// The crates whose events are logged, as in paths: `acme_cloud`. Events of other crates may contain the bytes of requests
    /// and are dropped.
    pub crates: &'static [&'static str],
}

/// Implements [`crate::serve`] for these services.
pub(crate) async fn serve(
    info: &ProviderInfo,
    routes: Routes,
    calls: Arc<Calls>,
    close: impl Future<Output = ()>,
) -> Result<(), Error> {
    let parent = shutdown::parent_id();
    let mode = match Command::parse(std::env::args_os().skip(1))? {
        Command::Serve(mode) => mode,
        Command::Version => return write_stdout(&args::version(info)),
        Command::Help => return write_stdout(&args::help(info)),
    };
    let environment = Environment::read(info.name);
    if mode == Mode::Plugin && environment.cookie.as_deref() != Some(handshake::MAGIC_COOKIE) {
        return Err(Error::NotLaunchedByHost(args::not_launched_by_host(info)));
    }
    // A host that sends a certificate requires TLS, which debug mode does not have.
    if mode == Mode::Debug && environment.client_certificate.is_some() {
        let problem =
            "-debug serves without TLS, but PLUGIN_CLIENT_CERT requires it; unset one of them";
        return Err(Error::Environment(problem.to_owned()));
    }
    panic_hook::install();
    hclog::install(environment.log_level, info.crates);
    if mode == Mode::Plugin {
        keep_memory_private();
    }
    let signals = shutdown::signals(mode).map_err(Error::during("install the signal handlers"))?;

    let client = environment.client_certificate.as_deref();
    let tls = client.map(Tls::pinned_to).transpose()?;
    let (listener, endpoint) = listener::bind(&environment)?;
    let certificate = tls.as_ref().map(|tls| &*tls.certificate);
    let announcement = match mode {
        Mode::Plugin => handshake::line(&endpoint, certificate, environment.multiplexing),
        Mode::Debug => handshake::reattach(info.address, &endpoint, std::process::id()),
    };
    write_stdout(&announcement)?;
    tracing::debug!(provider.version = info.version, mode = ?mode, "provider started");
    if mode == Mode::Plugin && !handshake::offers_version(environment.protocol_versions.as_deref())
    {
        tracing::warn!("the host does not offer protocol version 5");
    }
    let (socket_dir, tls) = (endpoint.socket_dir, tls.map(|tls| tls.config));
    let server = Server { mode, parent, signals, listener, socket_dir, tls, calls };
    server.run(routes, close).await;
    Ok(())
}

/// Writes to standard output and flushes. `println!` would panic after the host has closed the pipe.
fn write_stdout(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(Error::during("write to standard output"))
}

/// Writes to standard error in one call and ignores errors: the host may have closed the pipe.
fn write_stderr(line: &[u8]) {
    let _ = io::stderr().lock().write_all(line);
}

/// Disables core files and, on Linux, access of other processes of the same user to the memory of this one, which contains
/// keys and credentials. A failure is logged only.
fn keep_memory_private() {
    #[cfg(unix)]
    if let Err(error) =
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)
    {
        tracing::debug!(error = %error, "could not disable core files");
    }
    // The limit does not apply to a core that is piped to a program.
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::debug!(error = %error, "could not make the process undumpable");
    }
}
