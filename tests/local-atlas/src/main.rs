//! Local Atlas as a program: starts a server, prints how to reach it, and runs until Ctrl-C.

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use local_atlas::{Keys, LocalAtlas, Options, X509Type};

/// A stateful local Atlas Admin API, for tests.
///
/// The output consists of export lines and comments, so that a shell can read it.
/// GET and POST on /local-atlas/ of the API show and change the state of the server.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Add a project and a database user with x509Type MANAGED; may be repeated
    #[arg(long = "user", value_name = "PROJECT/NAME", value_parser = user)]
    users: Vec<(String, String)>,
    /// Port of the API on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Port for TLS logins with issued certificates; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    login_port: u16,
    /// Serve the API over HTTPS
    #[arg(long)]
    https: bool,
    /// Generate an RSA-4096 key for each certificate, about a second each, instead of using a public pool
    #[arg(long)]
    generate_keys: bool,
    /// Also write the output to this file, once the server accepts connections
    #[arg(long, value_name = "PATH")]
    env_file: Option<PathBuf>,
    /// Write the certificate authority of the server's own TLS certificate to this file
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place for the message.
            let _ = writeln!(std::io::stderr(), "local-atlas: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut options = Options {
        port: arguments.port,
        login_port: arguments.login_port,
        https: arguments.https,
        ..Options::default()
    };
    if arguments.generate_keys {
        options.keys = Keys::Generated;
        // Standard error may be closed.
        options.key_listener = Some(Arc::new(|it| _ = writeln!(std::io::stderr(), "{it}")));
    }
    let atlas = LocalAtlas::start(options)?;
    for (project, user) in &arguments.users {
        atlas.control().add_user(project, user, X509Type::Managed);
    }
    if let Some(path) = &arguments.ca_file {
        std::fs::write(path, atlas.ca_pem())?;
    }
    let text = environment(&atlas);
    if let Some(path) = &arguments.env_file {
        // Renamed into place, so that a script that waits for the file reads all of it.
        let temporary = path.with_extension("tmp");
        std::fs::write(&temporary, &text)?;
        std::fs::rename(&temporary, path)?;
    }
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(tokio::signal::ctrl_c().await?)
}

fn user(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('/');
    let parts = parts.filter(|(project, name)| !project.is_empty() && !name.is_empty());
    let (project, name) = parts.ok_or("it is not PROJECT/NAME")?;
    Ok((project.to_owned(), name.to_owned()))
}

fn environment(atlas: &LocalAtlas) -> String {
    let credentials = atlas.control().credentials();
    let (base, login) = (atlas.base_url(), atlas.login_url());
    let variables = [
        ("MONGODB_ATLAS_BASE_URL", base.clone()),
        ("MONGODB_ATLAS_CLIENT_ID", credentials.client_id),
        ("MONGODB_ATLAS_CLIENT_SECRET", credentials.client_secret),
        ("LOCAL_ATLAS_CONTROL_URL", format!("{base}/local-atlas/")),
        ("LOCAL_ATLAS_LOGIN_URL", login),
    ];
    let exports = variables.each_ref().map(|(name, value)| format!("export {name}={value}\n"));
    let names = variables.map(|(name, _)| name);
    format!(
        "# Local Atlas is running; Ctrl-C stops it. LOCAL_ATLAS_LOGIN_URL accepts TLS logins with issued certificates.\n\
         {}\
         # Instead of the service account, an API key:\n\
         #   export MONGODB_ATLAS_PUBLIC_API_KEY={} MONGODB_ATLAS_PRIVATE_API_KEY={}\n\
         # or an access token:\n\
         #   export MONGODB_ATLAS_ACCESS_TOKEN={}\n\
         # To revert the export lines:\n\
         #   unset {}\n",
        exports.concat(),
        credentials.public_key,
        credentials.private_key,
        credentials.access_token,
        names.join(" "),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_user_name_may_contain_a_slash_and_a_bad_argument_is_named() {
        let parse = |them: &[&str]| Arguments::try_parse_from([&["local-atlas"], them].concat());
        let parsed = parse(&["--port", "8080", "--user", "p/a/b", "--https"]).unwrap();
        assert_eq!((parsed.port, parsed.https), (8080, true));
        assert_eq!(parsed.users, [("p".to_owned(), "a/b".to_owned())]);
        for bad in [["--port", "x"], ["--user", "x"], ["--https", "--prot"]] {
            assert!(parse(&bad).unwrap_err().to_string().contains(bad[1]));
        }
    }

    #[test]
    fn the_unset_line_reverts_every_export_line() {
        let text = environment(&LocalAtlas::start(Options::default()).unwrap());
        let unset = text.lines().last().unwrap().strip_prefix("#   unset ").unwrap();
        let exports = text.lines().filter_map(|line| line.strip_prefix("export "));
        let names: Vec<&str> = exports.filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert_eq!(unset.split(' ').collect::<Vec<_>>(), names);
        assert!(text.lines().all(|line| line.starts_with("export ") || line.starts_with('#')));
    }
}
