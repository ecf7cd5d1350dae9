//! Other providers that our pages show, by the program in `tests/stand-in`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tf_host::cli::{SOURCE, Workspace};

use super::root;
use crate::support::terraform::{cli, provider};

/// The source addresses of the providers that can be stood in for.
pub(super) const OTHERS: [&str; 3] = [
    "hashicorp/aws",
    "hashicorp/kubernetes",
    "mongodb/mongodbatlas",
];

/// A folder in which our provider and the others are found.
pub(super) fn workspace() -> Workspace {
    let stand_in = built();
    let workspace = Workspace::new(&cli(), provider()).unwrap();
    let others = OTHERS.iter().map(|source| (*source, stand_in.as_path()));
    let providers: Vec<_> = others.chain([(SOURCE, provider())]).collect();
    workspace.override_providers(&providers).unwrap();
    workspace
}

/// The program. Cargo builds it whenever it builds all tests; where only this test was asked for, it is built here.
fn built() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples");
    let program = folder.join(format!("stand-in{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--quiet", "--workspace", "--example", "stand-in"];
        let status = Command::new(cargo)
            .current_dir(root())
            .args(arguments)
            .status()
            .expect("cargo starts");
        assert!(status.success(), "the stand-in is built");
    }
    program
}
