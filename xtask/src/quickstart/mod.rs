//! `cargo xtask quickstart`: the life of a certificate with the real CLI, on this machine alone.

mod output;
mod sandbox;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::{
    output::{Steps, checked},
    sandbox::{PROJECT, Sandbox, USER},
};
use crate::{project, terraform};

/// Apply a certificate with the real Terraform or OpenTofu against a local Atlas, and log in with it over TLS
///
/// Builds the provider, starts a local Atlas on a free port, and runs plan, apply and destroy on examples/quickstart. Then logs
/// in over TLS with the certificate. Each step states what it checks; the exit code is 0 only if every check passes. Nothing
/// outside this machine is called and nothing is left behind.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// Path of the terraform or tofu to use [default: the one on PATH]
    #[arg(long, value_name = "PATH")]
    cli: Option<PathBuf>,
    /// Leave everything running until Ctrl-C instead of destroying it
    #[arg(long)]
    keep: bool,
    /// Use RSA keys from a checked-in pool instead of new ones, which is faster
    #[arg(long)]
    ready_made_keys: bool,
    /// Use this provider executable and build nothing
    #[arg(long, value_name = "PATH")]
    provider: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A step fails, or Ctrl-C is pressed.
pub fn run(options: &Options) -> Result<()> {
    let (cli, version) = terraform::find(options.cli.as_deref())?;
    println!("{version}, {}", cli.path().display());
    let mut steps = Steps::default();
    let provider = if let Some(path) = &options.provider {
        path.clone()
    } else {
        steps.begin("Build the provider");
        let built = project::build_provider()?;
        checked("one executable; nothing was installed");
        built
    };
    steps.begin("Start a local Atlas");
    let name = if version.tofu { "tofu" } else { "terraform" };
    let sandbox = Sandbox::start(&cli, name, &provider, options.ready_made_keys)?;
    checked(&format!("its project {PROJECT} has the database user {USER}"));
    let pem = create(&mut steps, &sandbox)?;
    if options.keep {
        sandbox.keep();
        return Ok(());
    }
    destroy(&mut steps, &sandbox, &pem)
}

/// From `init` to a TLS login. Returns the certificate with its key.
fn create(steps: &mut Steps, sandbox: &Sandbox) -> Result<String> {
    let name = sandbox.name;
    steps.begin(&format!("{name} init"));
    sandbox.read(&["init", "-no-color", "-input=false"])?;
    checked("the CLI installs the provider from a mirror folder, as it would from a registry");

    steps.begin(&format!("{name} plan"));
    sandbox.show(&["plan", "-no-color", "-input=false", "-out=quickstart.tfplan"])?;
    sandbox.expect_issued(0)?;
    checked("a plan issues nothing: the local Atlas has issued 0 certificates");

    steps.begin(&format!("{name} apply"));
    sandbox.show(&["apply", "-no-color", "-input=false", "quickstart.tfplan"])?;
    sandbox.expect_issued(1)?;
    checked("one request, one certificate");

    steps.begin(&format!("{name} plan, again"));
    sandbox.show(&["plan", "-no-color", "-input=false", "-detailed-exitcode"])?;
    sandbox.expect_issued(1)?;
    checked("state matches the configuration: no changes");

    steps.begin(&format!("{name} output -raw combined_pem"));
    let pem = sandbox.read(&["output", "-no-color", "-raw", "combined_pem"])?;
    let whole =
        pem.contains("-----BEGIN CERTIFICATE-----") && pem.contains("-----BEGIN PRIVATE KEY-----");
    ensure!(whole, "combined_pem is not a certificate with its private key");
    checked(&format!("{} bytes, for tlsCertificateKeyFile (not shown)", pem.len()));

    steps.begin("Log in over TLS with it, as a database driver does");
    let id = sandbox.read(&["output", "-no-color", "-raw", "certificate_id"])?;
    let login = sandbox.log_in(&pem).context("the certificate does not log in")?;
    let found = (login.project.as_str(), login.user.as_str(), login.certificate_id.as_str());
    ensure!(found == (PROJECT, USER, id.as_str()), "the login was as {found:?}");
    checked(&format!("the server accepts the key: database user {USER}, certificate {id}"));
    Ok(pem)
}

/// Destroys the resource, and checks what that does not revoke.
fn destroy(steps: &mut Steps, sandbox: &Sandbox, pem: &str) -> Result<()> {
    steps.begin(&format!("{} destroy", sandbox.name));
    let shown = sandbox.show(&["destroy", "-no-color", "-input=false", "-auto-approve"])?;
    let warned = shown.contains("does not revoke the certificate");
    ensure!(warned, "destroy did not warn that the certificate stays valid");
    checked("the certificate is removed from state, with a warning that it stays valid");

    steps.begin("Log in with it again");
    sandbox.log_in(pem).context("the certificate no longer logs in")?;
    checked("it still works: only deleting the database user ends its access");
    sandbox.delete_user();
    let refused = sandbox.log_in(pem).is_err();
    ensure!(refused, "the certificate logs in although its database user was deleted");
    checked("after the database user is deleted the login is refused");
    sandbox.expect_issued(1)?;
    println!("\nEvery check passed. Nothing is left behind.");
    Ok(())
}
