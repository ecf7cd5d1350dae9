//! The provider process.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

use std::process::ExitCode;

use terraform_provider_atlas::provider::AtlasProvider;
use tf_provider::{ProviderInfo, serve};
use tokio::runtime::Builder;

const ABOUT: ProviderInfo = ProviderInfo {
    name: "atlas",
    version: env!("CARGO_PKG_VERSION"),
    address: "registry.terraform.io/example/atlas",
    summary: "Issues X.509 client certificates for MongoDB Atlas database users",
    crates: &["terraform_provider_atlas"],
};

/// With musl's own allocator a call takes more than twice as long (BENCHMARKS.md). `dlmalloc` assumes pages of 4 KiB, which
/// other architectures may not have.
#[cfg(all(target_env = "musl", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    // One thread: calls mostly wait, and moving them between threads makes each call 50 % slower.
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("terraform-provider-atlas: the runtime could not be created: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(serve(AtlasProvider::default(), &ABOUT));
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
