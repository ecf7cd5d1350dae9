use std::ffi::OsString;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use super::log;

/// Everything this process takes from its environment, read once.
///
/// Hosts pass their whole environment on, so all of it but `PLUGIN_*` and the cookie is also the user's.
#[derive(Debug)]
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "without unix sockets nothing asks where they go")
)]
pub(super) struct Environment {
    pub(super) cookie: Option<String>,
    /// The protocol versions that the host speaks, in no order.
    pub(super) protocol_versions: Option<String>,
    /// First and last port to try; zero is any port.
    #[cfg(any(not(unix), test))]
    pub(super) ports: std::ops::RangeInclusive<u16>,
    /// The host's certificate as PEM. Present means that TLS is not to be done without.
    pub(super) client_certificate: Option<String>,
    /// Whether the host wants to hear if we multiplex.
    pub(super) asks_for_multiplexing: bool,
    /// Where the host wants the socket.
    pub(super) socket_directory: Option<PathBuf>,
    /// The group that the host wants to share the socket with, by name or number.
    pub(super) socket_group: Option<String>,
    /// Where sockets go if the host does not say.
    pub(super) temp_directory: PathBuf,
    /// How much to log.
    pub(super) log_level: LevelFilter,
}

impl Environment {
    /// Reads the environment of this process for the provider of this type name.
    pub(super) fn read(provider: &str) -> Self {
        Self::from_variables(provider, std::env::temp_dir(), |name| {
            std::env::var_os(name)
        })
    }

    pub(super) fn from_variables(
        provider: &str,
        temp_directory: PathBuf,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let raw = |name: &str| variable(name).filter(|value| !value.is_empty());
        // Lossy, so that a damaged value is still there: it must fail, not count as absent.
        let text = |name: &str| raw(name).map(|value| value.to_string_lossy().into_owned());
        let own_level = format!(
            "TF_LOG_PROVIDER_{}",
            provider.to_uppercase().replace('-', "_")
        );
        Self {
            cookie: text("TF_PLUGIN_MAGIC_COOKIE"),
            protocol_versions: text("PLUGIN_PROTOCOL_VERSIONS"),
            #[cfg(any(not(unix), test))]
            ports: port(text("PLUGIN_MIN_PORT"))..=port(text("PLUGIN_MAX_PORT")),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            asks_for_multiplexing: raw("PLUGIN_MULTIPLEX_GRPC").is_some(),
            socket_directory: raw("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
            temp_directory,
            log_level: log::level(
                [own_level.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
                    .into_iter()
                    .find_map(text)
                    .as_deref(),
            ),
        }
    }
}

#[cfg(any(not(unix), test))]
fn port(text: Option<String>) -> u16 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The environment of a process that was given these variables and no others.
    pub(in crate::plugin) fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables("my-cloud", std::env::temp_dir(), |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn takes_an_empty_variable_for_an_absent_one() {
        let read = environment(&[
            ("PLUGIN_CLIENT_CERT", ""),
            ("PLUGIN_MULTIPLEX_GRPC", ""),
            ("PLUGIN_UNIX_SOCKET_DIR", ""),
            ("PLUGIN_UNIX_SOCKET_GROUP", ""),
            ("TF_LOG_PROVIDER", ""),
            ("TF_LOG", "warn"),
        ]);
        assert_eq!(read.client_certificate, None);
        assert!(!read.asks_for_multiplexing);
        assert_eq!(read.socket_directory, None);
        assert_eq!(read.socket_group, None);
        assert_eq!(read.log_level, LevelFilter::WARN);
    }

    #[cfg(unix)]
    #[test]
    fn keeps_a_client_certificate_that_is_not_even_text() {
        use std::os::unix::ffi::OsStringExt as _;

        let read = Environment::from_variables("x", PathBuf::new(), |name| {
            (name == "PLUGIN_CLIENT_CERT").then(|| OsString::from_vec(vec![0xff, 0xfe]))
        });
        assert!(read.client_certificate.is_some());
    }

    #[test]
    fn lets_the_most_specific_variable_decide_how_much_is_logged() {
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
    fn reads_the_port_range_and_takes_junk_for_any_port() {
        let range =
            |min, max| environment(&[("PLUGIN_MIN_PORT", min), ("PLUGIN_MAX_PORT", max)]).ports;
        assert_eq!(range("10000", "25000"), 10000..=25000);
        assert_eq!(range("x", "99999"), 0..=0);
        assert_eq!(environment(&[]).ports, 0..=0);
    }
}
