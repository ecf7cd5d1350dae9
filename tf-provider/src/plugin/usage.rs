//! What the binary does when a person, not a host, starts it.

use std::ffi::OsString;

use super::ProviderInfo;
use super::error::Error;

/// What the command line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invocation {
    Serve(Mode),
    Version,
    Help,
}

/// Who connects, and so who says when to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A host started us, owns us and ends us.
    Plugin,
    /// A developer started us; hosts come and go.
    Debug,
}

impl Invocation {
    /// Reads the arguments after the program's name. A host gives none.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut invocation = Self::Serve(Mode::Plugin);
        for (position, argument) in arguments.into_iter().enumerate() {
            let argument = argument.to_string_lossy().into_owned();
            invocation = match argument.as_str() {
                _ if position > 0 => return Err(Error::Usage { argument }),
                "-debug" | "--debug" => Self::Serve(Mode::Debug),
                "-version" | "--version" | "-V" => Self::Version,
                "-help" | "--help" | "-h" => Self::Help,
                _ => return Err(Error::Usage { argument }),
            };
        }
        Ok(invocation)
    }
}

/// The one line of `--version`.
pub(super) fn version(about: &ProviderInfo) -> String {
    format!("{} {}\n", binary(about), about.version)
}

/// The text of `--help`.
pub(super) fn help(about: &ProviderInfo) -> String {
    let ProviderInfo { name, summary, .. } = about;
    let binary = binary(about);
    let variable = name.to_uppercase().replace('-', "_");
    format!(
        "{summary}\n\
         \n\
         {binary} is a plugin: Terraform and OpenTofu start it by themselves when a\n\
         configuration asks for it:\n\
         \n\
         {required}\
         \n\
         Run by hand it knows these:\n\
         \n\
         \x20 -debug      wait for a Terraform or OpenTofu that is told where to find it\n\
         \x20 --version   print the version\n\
         \x20 --help      print this text\n\
         \n\
         Logging: TF_LOG_PROVIDER_{variable}, else TF_LOG_PROVIDER, else TF_LOG\n\
         (trace, debug, info, warn, error, off).\n",
        required = required_providers(about),
    )
}

/// What a person reads who ran the binary without knowing what it is.
pub(super) fn by_hand(about: &ProviderInfo) -> String {
    format!(
        "{binary} is a Terraform plugin and is not meant to be run by hand.\n\
         Terraform and OpenTofu start it by themselves when a configuration asks for it:\n\
         \n\
         {required}\
         \n\
         {binary} --help says more.",
        binary = binary(about),
        required = required_providers(about),
    )
}

fn required_providers(about: &ProviderInfo) -> String {
    let ProviderInfo {
        name,
        version,
        address,
        ..
    } = about;
    let source = address
        .strip_prefix("registry.terraform.io/")
        .unwrap_or(address);
    format!(
        "    terraform {{\n\
         \x20     required_providers {{\n\
         \x20       {name} = {{\n\
         \x20         source  = \"{source}\"\n\
         \x20         version = \"{version}\"\n\
         \x20       }}\n\
         \x20     }}\n\
         \x20   }}\n"
    )
}

fn binary(about: &ProviderInfo) -> String {
    format!("terraform-provider-{}", about.name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ABOUT: ProviderInfo = ProviderInfo {
        name: "cloud",
        version: "1.2.3",
        address: "registry.terraform.io/acme/cloud",
        summary: "Manages clouds.",
        crates: &[],
    };

    #[test]
    fn understands_one_argument_with_one_dash_or_two() {
        let cases = [
            (vec![], Invocation::Serve(Mode::Plugin)),
            (vec!["-debug"], Invocation::Serve(Mode::Debug)),
            (vec!["--debug"], Invocation::Serve(Mode::Debug)),
            (vec!["-version"], Invocation::Version),
            (vec!["--version"], Invocation::Version),
            (vec!["--help"], Invocation::Help),
            (vec!["-h"], Invocation::Help),
        ];
        for (arguments, expected) in cases {
            let parsed = Invocation::parse(arguments.iter().map(OsString::from)).unwrap();
            assert_eq!(parsed, expected, "{arguments:?}");
        }
    }

    #[test]
    fn names_the_argument_it_does_not_know() {
        for (arguments, culprit) in [
            (vec!["serve"], "serve"),
            (vec!["--debug", "now"], "now"),
            (vec![""], ""),
        ] {
            match Invocation::parse(arguments.iter().map(OsString::from)) {
                Err(Error::Usage { argument }) => assert_eq!(argument, culprit),
                other => panic!("{arguments:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn says_its_version_in_one_line() {
        assert_eq!(version(&ABOUT), "terraform-provider-cloud 1.2.3\n");
    }

    #[test]
    fn shows_the_block_that_makes_a_host_start_it() {
        for text in [help(&ABOUT), by_hand(&ABOUT)] {
            assert!(text.contains("required_providers {"), "{text}");
            assert!(text.contains("source  = \"acme/cloud\""), "{text}");
        }
        assert!(help(&ABOUT).starts_with("Manages clouds.\n"));
        assert!(help(&ABOUT).contains("TF_LOG_PROVIDER_CLOUD"));
        assert!(by_hand(&ABOUT).contains("--help"));
    }
}
