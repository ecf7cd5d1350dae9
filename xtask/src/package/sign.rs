//! The signature that registries check: GPG's, detached, binary, and of a kind of key that they know.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::{Error, error::Attempt};

/// The variable with the key's passphrase; a key without one needs none.
const PASSPHRASE: &str = "GPG_PASSPHRASE";

/// Signs with the default key of a GPG home.
#[derive(Debug, Default)]
pub struct Signer {
    /// The folder with the keys; GPG's own choice where there is none.
    pub home: Option<PathBuf>,
}

impl Signer {
    /// Writes the signature beside the file, as `NAME.sig`, and checks it.
    ///
    /// # Errors
    /// GPG makes no signature, or makes one with a key that registries do not take.
    pub fn sign(&self, file: &Path) -> Result<PathBuf, Error> {
        let refuse = |reason: String| Error::Signature {
            file: file.to_owned(),
            reason,
        };
        let signature = PathBuf::from(format!("{}.sig", file.display()));
        let mut command = self.gpg();
        let passphrase = env::var(PASSPHRASE).unwrap_or_default();
        command.args([
            "--yes",
            "--pinentry-mode",
            "loopback",
            "--passphrase-fd",
            "0",
            "--detach-sign",
            "--output",
        ]);
        let signed = run(command.arg(&signature).arg(file), &passphrase)?;
        if !signed.status.success() {
            return Err(refuse(last_line(&signed)));
        }
        let verified = run(
            self.gpg()
                .args(["--status-fd", "1", "--verify"])
                .arg(&signature)
                .arg(file),
            "",
        )?;
        match algorithm(&String::from_utf8_lossy(&verified.stdout)) {
            Some(RSA | DSA) => Ok(signature),
            found => {
                // A signature that must not be published is better gone.
                fs::remove_file(&signature).attempt("remove", &signature)?;
                Err(refuse(match found {
                    Some(other) => format!(
                        "registries take RSA and DSA keys, and this one is of GPG's kind {other}"
                    ),
                    None => last_line(&verified),
                }))
            }
        }
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new("gpg");
        if let Some(home) = &self.home {
            command.arg("--homedir").arg(home);
        }
        command.arg("--batch");
        command
    }
}

/// Runs to the end with the text as its input.
fn run(command: &mut Command, input: &str) -> Result<Output, Error> {
    let failed = |source| Error::Program {
        program: "gpg".to_owned(),
        source,
    };
    let streams = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = streams.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // GPG may have ended without reading; its status tells why.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

/// Which algorithm a valid signature was made with, as GPG numbers them in its status lines.
fn algorithm(status: &str) -> Option<u8> {
    let valid = status
        .lines()
        .find_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG "))?;
    valid.split(' ').nth(6)?.parse().ok()
}

fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.trim()
        .lines()
        .last()
        .unwrap_or("gpg does not say why")
        .to_owned()
}

const RSA: u8 = 1;
const DSA: u8 = 17;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    /// A GPG home with one key; its agent ends with it.
    struct Home(tempfile::TempDir);

    impl Home {
        /// None where there is no GPG.
        fn with_key(kind: &str) -> Option<Self> {
            let home = Self(tempfile::tempdir().unwrap());
            let mut command = home.signer().gpg();
            command.args([
                "--passphrase",
                "",
                "--quick-generate-key",
                "nobody@example.com",
                kind,
                "sign",
                "never",
            ]);
            match command.output() {
                Ok(output) => {
                    assert!(
                        output.status.success(),
                        "{}",
                        String::from_utf8_lossy(&output.stderr)
                    );
                    Some(home)
                }
                Err(error) => {
                    eprintln!("skipped: there is no gpg here ({error})");
                    None
                }
            }
        }

        fn signer(&self) -> Signer {
            Signer {
                home: Some(self.0.path().to_owned()),
            }
        }

        fn sums(&self) -> PathBuf {
            let file = self.0.path().join("SHA256SUMS");
            fs::write(&file, "0123  a.zip\n").unwrap();
            file
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = Command::new("gpgconf")
                .arg("--homedir")
                .arg(self.0.path())
                .args(["--kill", "all"])
                .status();
        }
    }

    #[test]
    fn signs_with_an_rsa_key_and_without_armour() {
        let Some(home) = Home::with_key("rsa2048") else {
            return;
        };
        let signature = home.signer().sign(&home.sums()).unwrap();
        assert!(signature.ends_with("SHA256SUMS.sig"));
        assert!(
            fs::read(&signature).unwrap()[0] >= 0x80,
            "a packet, not text"
        );
        // Once more over the first: a release can be repeated until it is published.
        home.signer().sign(&home.sums()).unwrap();
    }

    #[test]
    fn refuses_a_key_that_registries_do_not_take() {
        let Some(home) = Home::with_key("ed25519") else {
            return;
        };
        let error = home.signer().sign(&home.sums()).unwrap_err().to_string();
        assert!(
            error.contains("registries take RSA and DSA keys"),
            "{error}"
        );
        assert!(!home.0.path().join("SHA256SUMS.sig").exists());
    }

    #[test]
    fn says_what_gpg_says_where_there_is_no_key() {
        let empty = tempfile::tempdir().unwrap();
        let file = empty.path().join("SHA256SUMS");
        fs::write(&file, "0123  a.zip\n").unwrap();
        match (Signer {
            home: Some(empty.path().to_owned()),
        })
        .sign(&file)
        .unwrap_err()
        {
            Error::Signature { reason, .. } => {
                assert!(reason.contains("No secret key"), "{reason}");
            }
            Error::Program { .. } => eprintln!("skipped: there is no gpg here"),
            other => panic!("{other}"),
        }
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(empty.path())
            .args(["--kill", "all"])
            .status();
    }

    #[test]
    fn reads_the_algorithm_of_a_valid_signature_only() {
        let status = "[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG 0123ABCD 2026-11-24 1795518000 0 4 0 1 10 00 0123ABCD\n";
        assert_eq!(algorithm(status), Some(RSA));
        assert_eq!(algorithm("[GNUPG:] BADSIG 0123ABCD nobody\n"), None);
    }
}
