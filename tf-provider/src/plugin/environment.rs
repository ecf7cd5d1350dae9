//! The environment variables of the host and of the user.

use std::{ffi::OsString, ops::RangeInclusive, path::PathBuf};

use tracing::level_filters::LevelFilter;

use super::hclog;

/// The environment of this process, read once. An empty variable counts as absent.
#[derive(Debug)]
#[cfg_attr(not(unix), allow(dead_code, reason = "there are no unix sockets on this system"))]
pub(super) struct Environment {
    pub(super) cookie: Option<String>,
    /// The protocol versions of the host, separated by commas.
    pub(super) protocol_versions: Option<String>,
    /// First and last port to try; zero is any port.
    #[cfg_attr(unix, allow(dead_code, reason = "ports are for systems without unix sockets"))]
    pub(super) ports: RangeInclusive<u16>,
    /// The certificate of the host as PEM. If present, TLS is required.
    pub(super) client_certificate: Option<String>,
    /// Whether the handshake line must state if the plugin multiplexes.
    pub(super) multiplexing: bool,
    pub(super) socket_dir: Option<PathBuf>,
    /// The group that may use the socket, by name or number.
    pub(super) socket_group: Option<String>,
    /// The directory for the socket if the host names none.
    pub(super) temp_dir: PathBuf,
    pub(super) log_level: LevelFilter,
}

impl Environment {
    /// `provider` is the type name of the provider.
    #[cfg_attr(
        not(test),
        expect(clippy::disallowed_methods, reason = "the only reader of the environment")
    )]
    pub(super) fn read(provider: &str) -> Self {
        Self::from_variables(provider, std::env::temp_dir(), |name| std::env::var_os(name))
    }

    pub(super) fn from_variables(
        provider: &str,
        temp_dir: PathBuf,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let raw = |name: &str| variable(name).filter(|value| !value.is_empty());
        // Lossy: an invalid value must be rejected later and not count as absent.
        let text = |name: &str| raw(name).map(|value| value.to_string_lossy().into_owned());
        let levels = [&*log_level_variable(provider), "TF_LOG_PROVIDER", "TF_LOG"];
        Self {
            cookie: text("TF_PLUGIN_MAGIC_COOKIE"),
            protocol_versions: text("PLUGIN_PROTOCOL_VERSIONS"),
            ports: ports(text("PLUGIN_MIN_PORT"), text("PLUGIN_MAX_PORT")),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            multiplexing: raw("PLUGIN_MULTIPLEX_GRPC").is_some(),
            socket_dir: raw("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
            temp_dir,
            log_level: hclog::level(levels.into_iter().find_map(text).as_deref()),
        }
    }
}

/// The variable that sets the log level of one provider.
pub(super) fn log_level_variable(provider: &str) -> String {
    format!("TF_LOG_PROVIDER_{}", provider.to_uppercase().replace('-', "_"))
}

/// The range of ports. Any port if it is absent, invalid or empty.
fn ports(min: Option<String>, max: Option<String>) -> RangeInclusive<u16> {
    let port = |text: Option<String>| text.and_then(|text| text.trim().parse().ok());
    let range = port(min).unwrap_or(0)..=port(max).unwrap_or(0);
    if range.is_empty() { 0..=0 } else { range }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An environment with these variables only.
    pub(in crate::plugin) fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables("my-cloud", std::env::temp_dir(), |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn empty_variable_counts_as_absent() {
        let read = environment(&[
            ("PLUGIN_CLIENT_CERT", ""),
            ("PLUGIN_MULTIPLEX_GRPC", ""),
            ("PLUGIN_UNIX_SOCKET_DIR", ""),
            ("PLUGIN_UNIX_SOCKET_GROUP", ""),
            ("TF_LOG_PROVIDER", ""),
            ("TF_LOG", "warn"),
        ]);
        assert_eq!(read.client_certificate, None);
        assert!(!read.multiplexing);
        assert_eq!(read.socket_dir, None);
        assert_eq!(read.socket_group, None);
        assert_eq!(read.log_level, LevelFilter::WARN);
    }

    #[cfg(unix)]
    #[test]
    fn client_certificate_that_is_not_text_is_not_absent() {
        use std::os::unix::ffi::OsStringExt as _;

        let read = Environment::from_variables("x", PathBuf::new(), |name| {
            (name == "PLUGIN_CLIENT_CERT").then(|| OsString::from_vec(vec![0xff, 0xfe]))
        });
        assert!(read.client_certificate.is_some());
    }

    #[test]
    fn most_specific_variable_decides_the_log_level() {
        let all = [
            ("TF_LOG_PROVIDER_MY_CLOUD", "error"),
            ("TF_LOG_PROVIDER", "info"),
            ("TF_LOG", "trace"),
        ];
        assert_eq!(environment(&all).log_level, LevelFilter::ERROR);
        assert_eq!(environment(&all[1..]).log_level, LevelFilter::INFO);
        assert_eq!(environment(&all[2..]).log_level, LevelFilter::TRACE);
        assert_eq!(environment(&[]).log_level, LevelFilter::OFF);
    }

    #[test]
    fn invalid_port_range_means_any_port() {
        let range =
            |min, max| environment(&[("PLUGIN_MIN_PORT", min), ("PLUGIN_MAX_PORT", max)]).ports;
        assert_eq!(range("10000", "25000"), 10000..=25000);
        assert_eq!(range("x", "99999"), 0..=0);
        assert_eq!(range("30", "20"), 0..=0);
        assert_eq!(environment(&[]).ports, 0..=0);
    }
}
