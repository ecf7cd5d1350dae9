//! The provider of the README under the real CLI. This binary is both: started by hand it is the test, started by a host it
//! is that provider. So nothing else has to be built first.

#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "tests")]

use std::{path::Path, process::ExitCode};

use tf_harness::cli::{Cli, Workspace};

#[path = "../examples/greeting.rs"]
mod greeting;

fn main() -> ExitCode {
    if std::env::var_os("TF_PLUGIN_MAGIC_COOKIE").is_some() {
        return greeting::main();
    }
    the_provider_of_the_readme_works();
    eprintln!("the provider of the README works");
    ExitCode::SUCCESS
}

/// What the README says about the use of its provider, in the README's own words.
fn the_provider_of_the_readme_works() {
    let readme = include_str!("../README.md");
    let blocks: Vec<_> =
        readme.split("```hcl\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [settings, configuration] = blocks[..] else { panic!("not two blocks of HCL") };

    let cli = Cli::find().unwrap_or_else(|problem| panic!("{problem}"));
    let this = std::env::current_exe().expect("this binary has a path");
    let workspace = workspace(&cli, &this, settings);
    workspace.write("main.tf", configuration).expect("main.tf is written");
    workspace.apply(&[]).success();
    let greeting = || workspace.run(["output", "-raw", "text"]).success().stdout;
    assert_eq!(greeting(), "Hello, world!");
    assert!(workspace.plans_nothing());

    let unknown = "resource \"terraform_data\" \"name\" {\n  input = \"you\"\n}\n";
    let configuration =
        configuration.replace("\"world\"\n}", "terraform_data.name.output\n}") + unknown;
    workspace.write("main.tf", &configuration).expect("main.tf is written");
    let plan = workspace.plan(&[]).success().text();
    assert!(plan.contains("-> (known after apply)"), "{plan}");
    workspace.apply(&[]).success();
    assert_eq!(greeting(), "Hello, you!");

    workspace.destroy(&[]).success();
    assert!(workspace.instances("example_greeting").is_empty());
}

/// A folder with the README's settings, in which its folder is one that exists.
fn workspace(cli: &Cli, binary: &Path, settings: &str) -> Workspace {
    let workspace = Workspace::new(cli, binary).expect("a folder for the configuration");
    workspace.override_providers(&[("acme/example", binary)]).expect("the provider is there");
    let folder = workspace.path().join(".providers").join("acme-example");
    let settings =
        settings.replace("/that/folder", &folder.display().to_string().replace('\\', "\\\\"));
    workspace.write("cli.tfrc", &settings).expect("cli.tfrc is written");
    workspace
}
