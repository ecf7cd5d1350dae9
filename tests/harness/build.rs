//! Turns `proto/` into Rust in `OUT_DIR`, without `protoc`.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::var_os("CARGO_FEATURE_HOST").is_none() {
        return Ok(());
    }
    let files = ["tfplugin5.proto", "plugin.proto"];
    for file in files {
        println!("cargo::rerun-if-changed=../../proto/{file}");
    }
    let set = protox::compile(files, ["../../proto"])?;
    tonic_prost_build::configure().build_server(false).build_transport(false).compile_fds(set)?;
    Ok(())
}
