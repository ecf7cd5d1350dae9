//! What the command line asks for.

use std::path::PathBuf;

use super::{Error, NAMESPACE, Place, Platform, Reach, Target, Version};
use crate::{Arguments, Failure, project};

/// What `cargo xtask package` is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) version: Version,
    pub(super) reach: Reach,
    pub(super) work: Work,
    pub(super) folder: PathBuf,
    pub(super) sign: bool,
    pub(super) place: Option<Place>,
    pub(super) namespace: String,
}

/// Where the archives come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// They are built.
    Build(Vec<Target>),
    /// One binary is there.
    Binary(Platform, PathBuf),
    /// They are there; manifest and checksums are wanted.
    Gather,
}

impl Request {
    pub(super) fn parse(mut arguments: Arguments) -> Result<Self, Failure> {
        let (version, reach) = version(&mut arguments)?;
        let work = work(&mut arguments)?;
        let folder = arguments.value("--output")?.map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| project::root().join("target").join("package"));
        let sign = arguments.flag("--sign");
        let place = place(&mut arguments)?;
        let namespace = arguments
            .value("--namespace")?
            .unwrap_or_else(|| NAMESPACE.to_owned());
        arguments.finish()?;
        Ok(Self {
            version,
            reach,
            work,
            folder,
            sign,
            place,
            namespace,
        })
    }
}

/// The version, and who is to use it: a tag is for everybody.
fn version(arguments: &mut Arguments) -> Result<(Version, Reach), Failure> {
    let workspace = Version::of_workspace();
    match (arguments.value("--tag")?, arguments.value("--version")?) {
        (Some(_), Some(_)) => Err(arguments.usage("--tag names the version already")),
        (Some(tag), None) => match Version::of_tag(&tag)? {
            tagged if tagged == workspace => Ok((tagged, Reach::Everywhere)),
            tagged => Err(Error::TagOfAnotherVersion { tagged, workspace }.into()),
        },
        (None, Some(version)) => Ok((version.parse()?, Reach::Local)),
        (None, None) => Ok((workspace, Reach::Local)),
    }
}

fn work(arguments: &mut Arguments) -> Result<Work, Failure> {
    let mut targets = Vec::new();
    while let Some(triple) = arguments.value("--target")? {
        targets.push(Target::of_triple(&triple)?);
    }
    let binary = arguments.value("--binary")?.map(PathBuf::from);
    let gather = arguments.flag("--checksums");
    if gather && (binary.is_some() || !targets.is_empty()) {
        return Err(
            arguments.usage("--checksums packs nothing, so it takes neither --target nor --binary")
        );
    }
    if gather {
        return Ok(Work::Gather);
    }
    if targets.is_empty() {
        targets.push(Target::of_host()?);
    }
    match (binary, targets.as_slice()) {
        (Some(binary), [target]) => Ok(Work::Binary(target.platform, binary)),
        (Some(_), _) => Err(arguments.usage("--binary is for one target")),
        (None, _) => Ok(Work::Build(targets)),
    }
}

fn place(arguments: &mut Arguments) -> Result<Option<Place>, Failure> {
    if !arguments.flag("--install") {
        return Ok(None);
    }
    match (arguments.value("mirror")?, arguments.flag("plugins")) {
        (Some(folder), false) => Ok(Some(Place::Mirror(folder.into()))),
        (None, true) => Ok(Some(Place::users_plugins()?)),
        _ => Err(arguments.usage("--install is followed by `mirror DIR` or by `plugins`")),
    }
}

pub(super) const HELP: &str = "\
Usage: cargo xtask package [OPTIONS]

Builds the release binary and packs it as the registries of Terraform and OpenTofu want it, into target/package:

  terraform-provider-atlas_X.Y.Z_OS_ARCH.zip     one executable, terraform-provider-atlas_vX.Y.Z
  terraform-provider-atlas_X.Y.Z_manifest.json   terraform-registry-manifest.json
  terraform-provider-atlas_X.Y.Z_SHA256SUMS      the checksums of both

The same commit, toolchain and target give the same bytes, in whatever folder. With cargo-zigbuild installed, a Linux binary
runs with glibc 2.17 and later; without it, with the version that is printed.

Use it here:
  --install mirror DIR   put it into a filesystem mirror, and say what to write into the configuration and the shell
  --install plugins      put it where Terraform and OpenTofu look by themselves, below the home folder
  --namespace NAME       the first half of the source address NAME/atlas; `example` unless told

What to pack:
  --target TRIPLE        for this Rust target; may be repeated; this machine's unless told
  --binary PATH          pack this binary, build nothing
  --version X.Y.Z        under this version; the one in Cargo.toml unless told
  --output DIR           write there instead of target/package; what an earlier run left there is removed

For a release:
  --tag vX.Y.Z           it is for this tag: Cargo.toml must say the same version, glibc 2.17 must be enough
  --checksums            pack nothing: check the archives that are there, add manifest and checksums
  --sign                 sign the checksums with GPG's default key (RSA or DSA), whose passphrase is in GPG_PASSPHRASE
";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn parsed(line: &str) -> Result<Request, Failure> {
        Request::parse(Arguments::new(
            "package",
            line.split_whitespace().map(str::to_owned).collect(),
        ))
    }

    #[track_caller]
    fn refused(line: &str) -> String {
        parsed(line).unwrap_err().to_string()
    }

    #[test]
    fn packs_the_workspaces_version_for_this_machine_unless_told() {
        let request = parsed("").unwrap();
        assert_eq!(request.version, Version::of_workspace());
        assert_eq!(request.work, Work::Build(vec![Target::of_host().unwrap()]));
        assert!(request.folder.ends_with("target/package"));
        assert_eq!(
            (request.place, request.sign, request.reach),
            (None, false, Reach::Local)
        );
    }

    #[test]
    fn takes_targets_and_places_in_any_order() {
        let line = "--target aarch64-apple-darwin --install mirror /m --version 1.2.3 --target x86_64-apple-darwin";
        let request = parsed(line).unwrap();
        assert_eq!(request.place, Some(Place::Mirror("/m".into())));
        assert_eq!(request.version.as_str(), "1.2.3");
        let Work::Build(targets) = request.work else {
            panic!("{:?}", request.work)
        };
        assert_eq!(targets.len(), 2);
        let plugins = parsed("--install plugins").unwrap().place.unwrap();
        assert!(matches!(plugins, Place::Plugins(folder) if folder.ends_with("plugins")));
        let Work::Binary(platform, _) = parsed("--binary a --target aarch64-apple-darwin")
            .unwrap()
            .work
        else {
            panic!()
        };
        assert_eq!(platform.to_string(), "darwin_arm64");
    }

    #[test]
    fn refuses_what_does_not_go_together() {
        assert!(refused("--checksums --binary a").contains("--checksums"));
        assert!(
            refused("--binary a --target aarch64-apple-darwin --target x86_64-apple-darwin")
                .contains("one target")
        );
        assert!(refused("--install").contains("mirror DIR"));
        assert!(refused("--install mirror").contains("mirror"));
        assert!(refused("--install mirror /m plugins").contains("mirror DIR"));
        assert!(refused("--tag v1.0.0 --version 1.0.0").contains("--tag"));
        assert!(refused("--target pdp11").contains("pdp11"));
        assert!(refused("--version 1").contains("X.Y.Z"));
        assert!(refused("now").contains("now"));
    }

    #[test]
    fn releases_only_the_version_that_the_manifest_says() {
        let request = parsed(&format!(
            "--tag v{} --checksums --sign",
            Version::of_workspace()
        ))
        .unwrap();
        assert_eq!(
            (request.reach, request.work, request.sign),
            (Reach::Everywhere, Work::Gather, true)
        );
        assert!(refused("--tag v9.9.9").contains("9.9.9"));
    }
}
