//! The provider process.

use std::process::ExitCode;

use terraform_provider_atlas::provider::AtlasProvider;
use tf_provider::{About, serve};
use tokio::runtime::Builder;

const ABOUT: About = About {
    name: "atlas",
    version: env!("CARGO_PKG_VERSION"),
    address: "registry.terraform.io/example/atlas",
    summary: "Issues X.509 client certificates for MongoDB Atlas database users",
    crates: &["terraform_provider_atlas"],
};

/// Two, since a busy TLS handshake must not delay a call; what takes long is waiting.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let runtime = match Builder::new_multi_thread().worker_threads(THREADS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("terraform-provider-atlas: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(serve(AtlasProvider::new(), &ABOUT));
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
