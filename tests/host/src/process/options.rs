//! How a plugin is to be started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ClientIdentity;

/// Everything that decides how a plugin process starts. The defaults are Terraform's, except that
/// the environment is empty but for what is given here.
#[derive(Clone, Debug)]
pub struct SpawnOptions {
    pub(super) binary: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) folder: Option<PathBuf>,
    pub(super) cookie: Option<String>,
    pub(super) protocol_versions: Option<String>,
    pub(super) client_certificate: ClientCertificate,
    pub(super) ports: Option<(u16, u16)>,
    pub(super) multiplex: bool,
    pub(super) stdin: Stdin,
    pub(super) start_timeout: Duration,
}

/// What `PLUGIN_CLIENT_CERT` holds.
#[derive(Clone, Debug)]
pub enum ClientCertificate {
    /// A new certificate, made as go-plugin makes it.
    Fresh,
    /// A certificate that the test has made.
    Given(Box<ClientIdentity>),
    /// The variable is absent, and the connection plain text.
    Absent,
    /// Any text at all; no connection can follow from it.
    Text(String),
}

/// What the plugin finds on its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    Null,
    /// A pipe on which nothing comes; the test sees whether the plugin reads.
    Piped,
}

impl SpawnOptions {
    /// Starts this binary as Terraform would.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        Self {
            binary: binary.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            cookie: Some(COOKIE.to_owned()),
            protocol_versions: Some("5,6".to_owned()),
            client_certificate: ClientCertificate::Fresh,
            ports: Some((10_000, 25_000)),
            multiplex: false,
            stdin: Stdin::Null,
            start_timeout: Duration::from_secs(10),
        }
    }

    /// Starts this binary as a person would from a shell: none of a host's variables are set.
    pub fn by_hand(binary: impl AsRef<Path>) -> Self {
        Self {
            cookie: None,
            protocol_versions: None,
            client_certificate: ClientCertificate::Absent,
            ports: None,
            ..Self::new(binary)
        }
    }

    /// Adds a command line argument. Terraform gives none.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable; it also replaces one of the host's own.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets several environment variables.
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        variables
            .into_iter()
            .fold(self, |options, (name, value)| options.env(name, value))
    }

    /// Sets `TF_LOG`.
    pub fn log(self, level: &str) -> Self {
        self.env("TF_LOG", level)
    }

    /// The working directory; the test's own by default.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// The magic cookie; `None` leaves it out.
    pub fn cookie(mut self, cookie: Option<&str>) -> Self {
        self.cookie = cookie.map(str::to_owned);
        self
    }

    /// `PLUGIN_PROTOCOL_VERSIONS`; `None` leaves it out.
    pub fn protocol_versions(mut self, versions: Option<&str>) -> Self {
        self.protocol_versions = versions.map(str::to_owned);
        self
    }

    /// What `PLUGIN_CLIENT_CERT` holds.
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.client_certificate = certificate;
        self
    }

    /// `PLUGIN_MIN_PORT` and `PLUGIN_MAX_PORT`; `None` leaves them out.
    pub fn ports(mut self, ports: Option<(u16, u16)>) -> Self {
        self.ports = ports;
        self
    }

    /// Sets `PLUGIN_MULTIPLEX_GRPC`, which allows a seventh handshake field.
    pub fn multiplex(mut self) -> Self {
        self.multiplex = true;
        self
    }

    /// What the plugin finds on its standard input.
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// How long the handshake line may take. Terraform gives a minute.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }
}

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
