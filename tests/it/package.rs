//! What `cargo xtask package` makes, used as its instructions say: installed by the real `init` into empty folders.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use local_atlas::LocalAtlas;
use tf_host::cli::Workspace;
use xtask::package::{
    Assets, Installed, NAMESPACE, Place, Target, Version, executable_name, install, pack,
};

use crate::support::{
    atlas::{PROJECT, atlas},
    terraform::{provider, workspace},
};

/// The provider under test as this version, packed into a folder of that name.
fn packed(version: &str, folder: &Path) -> Assets {
    let platform = Target::of_host().unwrap().platform;
    let version: Version = version.parse().unwrap();
    pack(
        &version,
        &[(platform, provider().to_owned())],
        &folder.join(version.as_str()),
    )
    .unwrap()
}

fn certificate() -> String {
    format!(
        "resource \"atlas_user_certificate\" \"app\" {{\n  project_id = \"{PROJECT}\"\n  username   = \"app\"\n}}\n"
    )
}

/// A folder with the configuration that the instructions ask for, and no trace of the development override.
fn configured(atlas: &LocalAtlas, installed: &Installed) -> Workspace {
    let mut folder = workspace(atlas, "");
    fs::remove_file(folder.path().join("main.tf")).unwrap();
    fs::remove_file(folder.path().join("cli.tfrc")).unwrap();
    fs::remove_dir_all(folder.path().join(".providers")).unwrap();
    match &installed.cli_configuration {
        Some(file) => folder.set_env("TF_CLI_CONFIG_FILE", file.to_str().unwrap()),
        None => folder.write("cli.tfrc", "").unwrap(),
    }
    folder
        .write("terraform.tf", &installed.terraform_block())
        .unwrap();
    folder.write("main.tf", &certificate()).unwrap();
    folder
}

#[track_caller]
fn init(folder: &Workspace, more: &[&str]) -> String {
    folder
        .run(["init", "-no-color", "-input=false"].iter().chain(more))
        .success()
        .text()
}

fn lock(folder: &Workspace) -> String {
    fs::read_to_string(folder.path().join(".terraform.lock.hcl")).unwrap()
}

/// The hash that a lock file keeps of an archive's contents: of the list of its files and their SHA-256.
fn contents_hash(entry: &str) -> String {
    let sum = digest(&SHA256, &fs::read(provider()).unwrap());
    let hex = sum
        .as_ref()
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let listed = digest(&SHA256, format!("{hex}  {entry}\n").as_bytes());
    format!("h1:{}", BASE64_STANDARD.encode(listed))
}

#[test]
fn a_mirror_serves_init_with_a_lock_file_and_an_upgrade_that_changes_nothing() {
    let atlas = atlas(&["app"]);
    let made = tempfile::tempdir().unwrap();
    let place = Place::Mirror(made.path().join("mirror"));
    let first = packed("0.1.0", made.path());
    let installed = install(&first, &place, NAMESPACE).unwrap();

    let folder = configured(&atlas, &installed);
    init(&folder, &[]);
    let platform = Target::of_host().unwrap().platform;
    let locked = lock(&folder);
    assert!(locked.contains("\"0.1.0\""), "{locked}");
    let hash = contents_hash(&executable_name(&first.version, platform));
    assert!(locked.contains(&hash), "{hash} is not in {locked}");
    folder.apply(&[]).success();
    assert_eq!(atlas.control().issued_count(), 1);

    let second = packed("0.1.1", made.path());
    let installed = install(&second, &place, NAMESPACE).unwrap();
    folder
        .write("terraform.tf", &installed.terraform_block())
        .unwrap();
    init(&folder, &["-upgrade"]);
    let locked = lock(&folder);
    assert!(
        locked.contains("\"0.1.1\"") && !locked.contains("\"0.1.0\""),
        "{locked}"
    );
    assert!(folder.plans_nothing());
    assert_eq!(atlas.control().issued_count(), 1);

    // Who clones the configuration gets what the lock file says, or nothing.
    let clone = configured(&atlas, &installed);
    clone.write(".terraform.lock.hcl", &locked).unwrap();
    init(&clone, &["-lockfile=readonly"]);
    assert_eq!(lock(&clone), locked);
}

#[test]
fn the_users_plugins_are_found_without_any_configuration() {
    let atlas = atlas(&["app"]);
    let made = tempfile::tempdir().unwrap();
    let assets = packed("0.1.0", made.path());
    let nowhere = Place::Plugins(made.path().to_owned());
    let installed = install(&assets, &nowhere, NAMESPACE).unwrap();
    let mut folder = configured(&atlas, &installed);
    // The folder of a test is its user's home.
    let home = folder.path().to_owned();
    let plugins = if cfg!(windows) {
        folder.set_env("APPDATA", home.to_str().unwrap());
        home.join("terraform.d").join("plugins")
    } else {
        home.join(".terraform.d").join("plugins")
    };
    install(&assets, &Place::Plugins(plugins), NAMESPACE).unwrap();
    init(&folder, &[]);
    folder.apply(&[]).success();
    assert_eq!(atlas.control().issued_count(), 1);
}

#[test]
fn the_same_binary_gives_the_same_assets_to_the_byte() {
    let made = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|run| packed("0.1.0", &made.path().join(run)));
    let platform = Target::of_host().unwrap().platform;
    for (one, two) in [
        (&one.archives[&platform], &two.archives[&platform]),
        (&one.manifest, &two.manifest),
        (&one.checksums, &two.checksums),
    ] {
        assert_eq!(one.file_name(), two.file_name());
        assert!(
            fs::read(one).unwrap() == fs::read(two).unwrap(),
            "{}",
            one.display()
        );
    }
    let mut zip = zip::ZipArchive::new(File::open(&one.archives[&platform]).unwrap()).unwrap();
    assert_eq!(zip.len(), 1);
    let mut entry = zip.by_index(0).unwrap();
    assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
    let mut binary = Vec::new();
    entry.read_to_end(&mut binary).unwrap();
    assert!(binary == fs::read(provider()).unwrap());
}
