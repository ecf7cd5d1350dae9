//! The command line.

use std::ffi::OsString;

use super::{ProviderInfo, environment::log_level_variable, error::Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Serve(Mode),
    Version,
    Help,
}

/// Who starts and ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A host, for one run.
    Plugin,
    /// A developer, for several hosts.
    Debug,
}

impl Command {
    /// Parses the arguments after the program name. A host passes none.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut arguments = arguments.into_iter().map(|it| it.to_string_lossy().into_owned());
        let Some(argument) = arguments.next() else { return Ok(Self::Serve(Mode::Plugin)) };
        match (argument.as_str(), arguments.next()) {
            ("-debug" | "--debug", None) => Ok(Self::Serve(Mode::Debug)),
            ("-version" | "--version" | "-V", None) => Ok(Self::Version),
            ("-help" | "--help" | "-h", None) => Ok(Self::Help),
            (_, second) => Err(Error::Usage(second.unwrap_or(argument))),
        }
    }
}

pub(super) fn version(info: &ProviderInfo) -> String {
    format!("{} {}\n", binary(info), info.version)
}

pub(super) fn help(info: &ProviderInfo) -> String {
    format!(
        "{summary}\n\n\
         {explanation}\n\n\
         Options:\n\n\
         \x20 -debug      serve until Ctrl-C and print how Terraform or OpenTofu connects\n\
         \x20 --version   print the version\n\
         \x20 --help      print this text\n\n\
         Logging: {log_level}, else TF_LOG_PROVIDER, else TF_LOG\n\
         (trace, debug, info, warn, error, off).\n",
        summary = info.summary,
        explanation = explanation(info),
        log_level = log_level_variable(info.name),
    )
}

/// The explanation for a user who runs the binary.
pub(super) fn not_launched_by_host(info: &ProviderInfo) -> String {
    format!("{}\n\nSee {} --help.", explanation(info), binary(info))
}

/// What the binary is and how it is used.
fn explanation(info: &ProviderInfo) -> String {
    let ProviderInfo { name, version, address, .. } = info;
    let source = address.strip_prefix("registry.terraform.io/").unwrap_or(address);
    format!(
        "{binary} is a Terraform plugin and is not meant to be run by hand.\n\
         Terraform and OpenTofu start it for a configuration that requires it:\n\n\
         \x20   terraform {{\n\
         \x20     required_providers {{\n\
         \x20       {name} = {{\n\
         \x20         source  = \"{source}\"\n\
         \x20         version = \"{version}\"\n\
         \x20       }}\n\
         \x20     }}\n\
         \x20   }}",
        binary = binary(info),
    )
}

fn binary(info: &ProviderInfo) -> String {
    format!("terraform-provider-{}", info.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: ProviderInfo = ProviderInfo {
        name: "cloud",
        version: "1.2.3",
        address: "registry.terraform.io/acme/cloud",
        summary: "Manages clouds.",
        crates: &[],
    };

    #[test]
    fn options_have_one_dash_or_two() {
        let cases = [
            (vec![], Command::Serve(Mode::Plugin)),
            (vec!["-debug"], Command::Serve(Mode::Debug)),
            (vec!["--debug"], Command::Serve(Mode::Debug)),
            (vec!["-version"], Command::Version),
            (vec!["--version"], Command::Version),
            (vec!["--help"], Command::Help),
            (vec!["-h"], Command::Help),
        ];
        for (arguments, expected) in cases {
            let parsed = Command::parse(arguments.iter().map(OsString::from)).unwrap();
            assert_eq!(parsed, expected, "{arguments:?}");
        }
    }

    #[test]
    fn unknown_argument_is_named_in_the_error() {
        for (arguments, culprit) in
            [(vec!["serve"], "serve"), (vec!["--debug", "now"], "now"), (vec![""], "")]
        {
            match Command::parse(arguments.iter().map(OsString::from)) {
                Err(Error::Usage(argument)) => assert_eq!(argument, culprit),
                other => panic!("{arguments:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn version_is_one_line() {
        assert_eq!(version(&INFO), "terraform-provider-cloud 1.2.3\n");
    }

    #[test]
    fn help_shows_the_required_providers_block() {
        for text in [help(&INFO), not_launched_by_host(&INFO)] {
            assert!(text.contains("required_providers {"), "{text}");
            assert!(text.contains("source  = \"acme/cloud\""), "{text}");
        }
        assert!(help(&INFO).starts_with("Manages clouds.\n"));
        assert!(help(&INFO).contains("TF_LOG_PROVIDER_CLOUD"));
        assert!(not_launched_by_host(&INFO).contains("--help"));
    }
}
