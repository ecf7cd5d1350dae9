//! Local Atlas as a program: starts a server, says how to reach it, and runs until Ctrl-C.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use local_atlas::{KeyEvent, Keys, LocalAtlas, Options, X509Type};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return say(HELP).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(message) => return fail(&message, 64),
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), 1),
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let atlas = LocalAtlas::start(arguments.options)?;
    for (project, user) in &arguments.users {
        atlas.control().add_user(project, user, X509Type::Managed);
    }
    say(&description(&atlas))?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}

struct Arguments {
    options: Options,
    users: Vec<(String, String)>,
}

impl Arguments {
    /// `None` when help was asked for.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut parsed = Self {
            options: Options::default(),
            users: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--port" => parsed.options.port = port(&value()?)?,
                "--login-port" => parsed.options.login_port = port(&value()?)?,
                "--https" => parsed.options.https = true,
                "--generate-keys" => {
                    parsed.options.keys = Keys::Generated;
                    parsed.options.key_listener = Some(Arc::new(tell_about_keys));
                }
                "--user" => parsed.users.push(user(&value()?)?),
                other => return Err(format!("unknown argument {other}; --help lists them")),
            }
        }
        Ok(Some(parsed))
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text} is not a port"))
}

fn user(text: &str) -> Result<(String, String), String> {
    let parts = text
        .split_once('/')
        .filter(|(project, name)| !project.is_empty() && !name.is_empty());
    let (project, name) = parts.ok_or_else(|| format!("{text} is not PROJECT/NAME"))?;
    Ok((project.to_owned(), name.to_owned()))
}

fn tell_about_keys(event: KeyEvent) {
    let line = match event {
        KeyEvent::Started(purpose) => format!("making an RSA-4096 key for {purpose} …"),
        KeyEvent::Finished(purpose, time) => {
            format!("key for {purpose} made in {:.1} s", time.as_secs_f64())
        }
    };
    // Nobody may be reading.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn description(atlas: &LocalAtlas) -> String {
    let credentials = atlas.control().credentials();
    let (base, login) = (atlas.base_url(), atlas.login_url());
    format!(
        "local Atlas is running; Ctrl-C ends it.\n\
         \x20 API      {base}\n\
         \x20 control  {base}/local-atlas/\n\
         \x20 logins   {login}  (TLS with a client certificate)\n\n\
         export MONGODB_ATLAS_BASE_URL={base}\n\
         export MONGODB_ATLAS_CLIENT_ID={}\n\
         export MONGODB_ATLAS_CLIENT_SECRET={}\n\n\
         # or, instead of the service account:\n\
         # export MONGODB_ATLAS_PUBLIC_API_KEY={}\n\
         # export MONGODB_ATLAS_PRIVATE_API_KEY={}\n\
         # or:\n\
         # export MONGODB_ATLAS_ACCESS_TOKEN={}\n\n\
         # the authority of its own TLS certificate:\n{}",
        credentials.client_id,
        credentials.client_secret,
        credentials.public_key,
        credentials.private_key,
        credentials.access_token,
        atlas.ca_pem(),
    )
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn fail(message: &str, code: u8) -> ExitCode {
    // There is no other place to say it.
    let _ = writeln!(std::io::stderr(), "local-atlas: {message}");
    ExitCode::from(code)
}

const HELP: &str = "\
local-atlas: a stateful stand-in for the MongoDB Atlas Admin API, for tests and for playing

Usage: local-atlas [OPTIONS]

  --user PROJECT/NAME  add a project and a database user with x509Type MANAGED; may be repeated
  --port N             port of the API on 127.0.0.1 (default: a free one)
  --login-port N       port for TLS logins with issued certificates (default: a free one)
  --https              serve the API over HTTPS
  --generate-keys      make a new RSA-4096 key for each certificate, about a second each
                       (default: keys from a checked-in pool, which protect nothing)
  --help               show this

The control surface is under /local-atlas/ of the API; GET describes it.
";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn reads_its_arguments_and_names_the_bad_one() {
        let parsed = parse(&[
            "--port",
            "8080",
            "--user",
            "p/a/b",
            "--generate-keys",
            "--https",
        ])
        .unwrap()
        .unwrap();
        assert_eq!(parsed.options.port, 8080);
        assert_eq!(parsed.options.keys, Keys::Generated);
        assert!(parsed.options.https);
        assert_eq!(parsed.users, [("p".to_owned(), "a/b".to_owned())]);
        assert!(parse(&["--help"]).unwrap().is_none());
        for bad in [
            &["--port", "x"][..],
            &["--user", "x"],
            &["--user"],
            &["--prot"],
        ] {
            assert!(
                parse(bad).err().unwrap().contains(bad[bad.len() - 1]),
                "{bad:?}"
            );
        }
    }
}
