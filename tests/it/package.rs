//! What `cargo xtask package` makes: installed from a mirror by the real `init`, and started without a C library.

#![cfg_attr(not(target_os = "linux"), allow(unused_imports, reason = "for other systems"))]

use std::{env, fs, path::Path, process::Command};

use local_atlas::{LocalAtlas, Options, X509Type};
use semver::Version;
use tf_harness::cli::Workspace;
use xtask::package::{
    Assets, Installed, Mirror, NAMESPACE, checksums, host_platform, interpreter, pack,
};

use crate::support::{
    atlas::{PROJECT, atlas, login},
    fixture::certificate,
    terraform::{cli, provider, skip, workspace},
};

const NAME: &str = "terraform-provider-atlas";

fn packed(version: &str, folder: &Path) -> Assets {
    let version: Version = version.parse().unwrap();
    let folder = folder.join(version.to_string());
    pack(NAME, &version, &host_platform().unwrap(), provider(), &folder).unwrap();
    checksums(NAME, &version, &folder).unwrap()
}

/// A folder that uses the installed package and no development override.
fn configured(atlas: &LocalAtlas, installed: &Installed) -> Workspace {
    let mut folder = workspace(atlas, "");
    fs::remove_dir_all(folder.path().join(".providers")).unwrap();
    folder.set_env("TF_CLI_CONFIG_FILE", installed.cli_configuration.to_str().unwrap());
    write(&folder, installed);
    folder
}

fn write(folder: &Workspace, installed: &Installed) {
    let text = installed.terraform_block() + &certificate("");
    folder.write("main.tf", &text).unwrap();
}

#[test]
fn a_mirror_serves_init_with_checksums_and_an_upgrade_without_changes() {
    let atlas = atlas(&["app"]);
    let made = tempfile::tempdir().unwrap();
    let mirror = Mirror::new(&made.path().join("mirror"), NAMESPACE).unwrap();
    let installed = mirror.install(&packed("0.1.0", made.path())).unwrap();
    let folder = configured(&atlas, &installed);
    folder.run(["init", "-no-color"]).success();
    folder.apply(&[]).success();

    let installed = mirror.install(&packed("0.1.1", made.path())).unwrap();
    write(&folder, &installed);
    folder.run(["init", "-no-color", "-upgrade"]).success();
    let lock = fs::read_to_string(folder.path().join(".terraform.lock.hcl")).unwrap();
    assert!(lock.contains("\"0.1.1\"") && lock.contains("\"h1:"), "{lock}");
    assert!(folder.plans_nothing());
    assert_eq!(atlas.control().issued_count(), 1);

    // Another checkout of the configuration accepts what the lock file names.
    let clone = configured(&atlas, &installed);
    clone.write(".terraform.lock.hcl", &lock).unwrap();
    clone.run(["init", "-no-color", "-lockfile=readonly"]).success();
}

/// `.ci/run` packs a static provider before the tests and names it in `PACKAGED_PROVIDER`. The name service configuration is that of
/// a desktop system, whose module for multicast names does not exist in the root.
#[test]
#[cfg(target_os = "linux")]
fn a_static_provider_validates_plans_and_applies_in_an_empty_root() {
    let Some(provider) = env::var_os("PACKAGED_PROVIDER") else {
        return skip("PACKAGED_PROVIDER names no packed provider");
    };
    assert_eq!(interpreter(Path::new(&provider)).unwrap(), None, "{}", provider.display());
    if interpreter(cli().path()).unwrap().is_some() || !rustix::process::geteuid().is_root() {
        return skip("the test needs root and a static Terraform or OpenTofu");
    }
    let atlas = LocalAtlas::start(Options { https: true, ..Options::default() }).unwrap();
    atlas.control().add_user(PROJECT, "app", X509Type::Managed);
    let root = tempfile::tempdir().unwrap();
    for folder in ["bin", "etc", "provider", "tmp", "configuration"] {
        fs::create_dir(root.path().join(folder)).unwrap();
    }
    fs::copy(cli().path(), root.path().join("bin/cli")).unwrap();
    fs::copy(&provider, root.path().join("provider").join(NAME)).unwrap();
    let source = format!(
        "terraform {{\n  required_providers {{\n    atlas = {{\n      source = \"example/atlas\"\n    }}\n  }}\n}}\n{}",
        certificate("")
    );
    let override_provider = "provider_installation {\n  dev_overrides {\n    \"example/atlas\" = \"/provider\"\n  }\n}\n";
    for (name, text) in [
        ("etc/hosts", "127.0.0.1 localhost\n"),
        ("etc/resolv.conf", ""),
        ("etc/nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n"),
        ("etc/ca.pem", atlas.ca_pem()),
        ("configuration/main.tf", &source),
        ("configuration/cli.tfrc", override_provider),
    ] {
        fs::write(root.path().join(name), text).unwrap();
    }
    let base_url = atlas.base_url().replace("127.0.0.1", "localhost");
    for arguments in [&["validate"][..], &["plan"], &["apply", "-auto-approve"]] {
        let output = Command::new("chroot")
            .arg(root.path())
            .args(["/bin/cli", "-chdir=/configuration"])
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .envs(login(&atlas))
            .env("MONGODB_ATLAS_BASE_URL", &base_url)
            .env("SSL_CERT_FILE", "/etc/ca.pem")
            .env("TF_CLI_CONFIG_FILE", "/configuration/cli.tfrc")
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
    }
    assert_eq!(atlas.control().issued_count(), 1);
}
