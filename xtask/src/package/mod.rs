//! `cargo xtask package`: the assets of a release, as the registries of Terraform and `OpenTofu` want them, and the ways to
//! use an unpublished one.

mod archive;
mod assets;
mod compile;
mod error;
mod install;
mod linkage;
mod platform;
mod request;
mod sign;
mod version;

use std::path::{Path, PathBuf};

use crate::{Arguments, Failure, Verb};

use request::{Request, Work};

pub use archive::{archive_name, executable_name};
pub use assets::{Assets, complete, pack};
pub use compile::compile;
pub use error::Error;
pub use install::{Installed, NAMESPACE, Place, install};
pub use linkage::{GLIBC_FLOOR, GlibcVersion, Linkage, Reach, needs};
pub use platform::{Platform, Runtime, Target};
pub use sign::Signer;
pub use version::Version;

/// The verb.
pub const VERB: Verb = Verb {
    name: "package",
    summary: "Packs the provider as registries want it; installs it without one",
    help: request::HELP,
    run,
};

fn run(arguments: Arguments) -> Result<(), Failure> {
    let request = Request::parse(arguments)?;
    let assets = match &request.work {
        Work::Build(targets) => pack(
            &request.version,
            &built(targets, request.reach)?,
            &request.folder,
        )?,
        Work::Binary(platform, binary) => pack(
            &request.version,
            &[(*platform, looked_at(binary, request.reach)?)],
            &request.folder,
        )?,
        Work::Gather => gathered(&request)?,
    };
    for path in assets
        .archives
        .values()
        .chain([&assets.manifest, &assets.checksums])
    {
        println!("{}", path.display());
    }
    if request.sign {
        println!("{}", Signer::default().sign(&assets.checksums)?.display());
    }
    if let Some(place) = &request.place {
        println!(
            "\n{}",
            install(&assets, place, &request.namespace)?.instructions()
        );
    }
    Ok(())
}

/// Builds for every target and says what the binaries need to run.
fn built(targets: &[Target], reach: Reach) -> Result<Vec<(Platform, PathBuf)>, Error> {
    let mut binaries = Vec::new();
    for target in targets {
        let binary = compile(*target)?;
        println!("{}: {}", target.platform, needs(&binary, reach)?);
        binaries.push((target.platform, binary));
    }
    Ok(binaries)
}

/// Says what a binary needs to run that was built before.
fn looked_at(binary: &Path, reach: Reach) -> Result<PathBuf, Error> {
    println!("{}: {}", binary.display(), needs(binary, reach)?);
    Ok(binary.to_owned())
}

/// Completes what other machines have packed.
fn gathered(request: &Request) -> Result<Assets, Error> {
    let assets = complete(&request.version, &request.folder)?;
    if request.reach == Reach::Everywhere {
        assets.check_publishable()?;
    }
    Ok(assets)
}
