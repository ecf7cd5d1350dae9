//! `cargo xtask package`: the assets of a release in the layout of the Terraform and `OpenTofu` registries, and their
//! installation on this machine.

mod archive;
mod assets;
mod build;
mod mirror;
mod platform;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;
use semver::Version;

use crate::project::{self, PROVIDER};

pub use assets::{Assets, checksums, clear, pack};
pub use build::interpreter;
pub use mirror::{Installed, Mirror, NAMESPACE};
pub use platform::{host_platform, platform};

/// Build a release executable, pack it in the registry's layout and install it without a registry
///
/// Writes into target/package:
///
///   terraform-provider-atlas_X.Y.Z_OS_ARCH.zip     one executable, terraform-provider-atlas_vX.Y.Z
///   terraform-provider-atlas_X.Y.Z_manifest.json   terraform-registry-manifest.json
///   terraform-provider-atlas_X.Y.Z_SHA256SUMS      checksums of both
///
/// Linux executables are linked statically: with musl where that target is installed, otherwise with glibc. The same commit,
/// toolchain and target give the same bytes in any folder.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Install the package: `mirror DIR` writes a filesystem mirror and a CLI configuration file for it
    #[arg(long, num_args = 2, value_names = ["mirror", "DIR"])]
    install: Option<Vec<String>>,
    /// First part of the source address NAME/atlas
    #[arg(long, value_name = "NAME", default_value = NAMESPACE)]
    namespace: String,
    /// Rust target to build for; may be repeated [default: this machine]
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<String>,
    /// Pack this executable and build nothing
    #[arg(long, value_name = "PATH", conflicts_with = "checksums")]
    binary: Option<PathBuf>,
    /// Version to pack as [default: the version in Cargo.toml]
    #[arg(long, value_name = "X.Y.Z", conflicts_with = "tag")]
    version: Option<Version>,
    /// Folder for the assets; assets of an earlier run in it are removed [default: target/package]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Pack local-atlas, the local Atlas server, instead of the provider
    #[arg(long, conflicts_with_all = ["install", "binary"])]
    local_atlas: bool,
    /// Pack for the release with this tag: the tag must match Cargo.toml, Linux executables must be static, and with
    /// --checksums an archive for linux_amd64 must exist
    #[arg(long, value_name = "vX.Y.Z")]
    tag: Option<String>,
    /// Pack nothing: check the archives in the folder, and write the manifest and the checksums
    #[arg(long, conflicts_with_all = ["target", "install"])]
    checksums: bool,
}

/// Runs the command.
///
/// # Errors
/// The build fails, a file cannot be written, or an asset is not what the registries require.
pub fn run(options: &Options) -> Result<()> {
    let version = version(options)?;
    let folder = options.output.clone().unwrap_or_else(|| project::root().join("target/package"));
    let name = if options.local_atlas { "local-atlas" } else { PROVIDER };
    if !options.checksums {
        clear(name, &folder)?;
        for (platform, binary) in executables(options, name)? {
            pack(name, &version, &platform, &binary, &folder)?;
        }
    }
    let assets = checksums(name, &version, &folder)?;
    ensure!(
        options.tag.is_none() || !options.checksums || assets.archives.contains_key("linux_amd64"),
        "{}: there is no archive for linux_amd64",
        folder.display()
    );
    for path in assets.files() {
        println!("{}", path.display());
    }
    if let Some(words) = &options.install {
        ensure!(words[0] == "mirror", "--install takes `mirror DIR`");
        let mirror = Mirror::new(Path::new(&words[1]), &options.namespace)?;
        println!("\n{}", mirror.install(&assets)?.instructions());
    }
    Ok(())
}

/// The executables to pack, with their platforms.
fn executables(options: &Options, name: &str) -> Result<Vec<(String, PathBuf)>> {
    let triples = match options.target.as_slice() {
        [] => vec![build::default_target()?],
        targets => targets.to_vec(),
    };
    let mut executables = Vec::new();
    for triple in &triples {
        let platform = platform(triple)?;
        let binary = match &options.binary {
            Some(_) if triples.len() > 1 => bail!("--binary is for one target"),
            Some(binary) => binary.clone(),
            None => build::release(name, triple)?,
        };
        let interpreter = interpreter(&binary)?;
        ensure!(
            options.tag.is_none() || interpreter.is_none(),
            "{}: a release needs a static executable",
            binary.display()
        );
        if let Some(interpreter) = interpreter {
            println!("{platform}: needs {interpreter} and the C library of this machine");
        }
        executables.push((platform, binary));
    }
    Ok(executables)
}

fn version(options: &Options) -> Result<Version> {
    let workspace: Version = env!("CARGO_PKG_VERSION").parse()?;
    let Some(tag) = &options.tag else {
        return Ok(options.version.clone().unwrap_or(workspace));
    };
    ensure!(
        *tag == format!("v{workspace}"),
        "the tag is {tag}, but the version in Cargo.toml is {workspace}"
    );
    Ok(workspace)
}

/// Builds the release executable of the provider for this machine, as `run` packs it.
#[cfg(feature = "measure")]
pub(crate) fn build_for_host() -> Result<PathBuf> {
    build::release(PROVIDER, &build::default_target()?)
}
