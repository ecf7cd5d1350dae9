//! The plugin's process: from exec to handshake line, and to its exit.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::{Captured, ClientCertificate, ClientIdentity, Handshake, HandshakeError};
use super::{SpawnOptions, Stdin};

/// A running plugin. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    /// Its process id.
    pub pid: u32,
    /// What it has written to standard error.
    pub stderr: Captured,
    /// What it has written to standard output after the handshake line: nothing, if it is sound.
    pub stdout: Captured,
    /// The certificate that was announced to it.
    pub identity: Option<ClientIdentity>,
    child: Mutex<Child>,
    readers: Vec<JoinHandle<()>>,
    /// Open as long as the process is to see an open pipe.
    stdin: std::sync::Mutex<Option<ChildStdin>>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// From the request to end until the process was gone.
    pub took: Duration,
    /// What it ended with; by a signal if it had to be killed.
    pub status: ExitStatus,
    /// Whether it had to be killed.
    pub killed: bool,
}

/// Why there is no running plugin.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The binary could not be executed.
    #[error("cannot execute {binary}")]
    Exec {
        /// Its path.
        binary: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The host's certificate could not be made.
    #[error("cannot make a client certificate")]
    Identity(#[source] rcgen::Error),
    /// It ended without a handshake line.
    #[error(
        "exited before the handshake line with {status}; stdout {stdout:?}, stderr {stderr:#?}"
    )]
    Exited {
        /// What it ended with.
        status: ExitStatus,
        /// What it wrote to standard output.
        stdout: String,
        /// The lines it wrote to standard error.
        stderr: Vec<String>,
    },
    /// It took too long.
    #[error("timeout while waiting for plugin to start; stderr {stderr:#?}")]
    Timeout {
        /// The lines it wrote to standard error.
        stderr: Vec<String>,
    },
    /// It said something else.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

impl PluginProcess {
    /// Starts the process and awaits its handshake line; tells how long that took.
    pub async fn launch(options: SpawnOptions) -> Result<(Self, Handshake, Duration), LaunchError> {
        let patience = options.start_timeout;
        let begun = Instant::now();
        let (mut process, stdout) = Self::exec(options)?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        match tokio::time::timeout(patience, stdout.read_line(&mut line)).await {
            Err(_) => {
                return Err(LaunchError::Timeout {
                    stderr: process.stderr.lines(),
                });
            }
            Ok(Ok(_)) if line.ends_with('\n') => {}
            Ok(_) => return Err(process.exited(line, patience).await),
        }
        let took = begun.elapsed();
        let handshake = Handshake::parse(&line)?;
        process.capture_stdout(stdout);
        Ok((process, handshake, took))
    }

    /// Starts the process without expecting a handshake line: for `--help`, `-debug` and the like,
    /// mostly with [`SpawnOptions::by_hand`].
    pub fn start(options: SpawnOptions) -> Result<Self, LaunchError> {
        let (mut process, stdout) = Self::exec(options)?;
        process.capture_stdout(BufReader::new(stdout));
        Ok(process)
    }

    /// The pipe to its standard input, with [`Stdin::Piped`]; a sound plugin never reads from it.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        self.stdin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Sends an interrupt, as Ctrl-C does to the whole process group.
    pub fn interrupt(&self) -> io::Result<()> {
        self.signal(rustix::process::Signal::INT)
    }

    /// Sends a request to terminate.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(rustix::process::Signal::TERM)
    }

    /// Kills it at once.
    pub async fn kill(&self) -> io::Result<()> {
        self.child.lock().await.kill().await
    }

    /// Waits for its end. `None` if it is still running after that time.
    pub async fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let mut child = self.child.lock().await;
        let status = tokio::time::timeout(patience, child.wait())
            .await
            .ok()?
            .ok()?;
        self.last_words().await;
        Some(status)
    }

    /// Waits for its end and kills it when the time is over.
    pub async fn end_within(&self, patience: Duration, begun: Instant) -> io::Result<Exit> {
        let mut child = self.child.lock().await;
        let left = patience.saturating_sub(begun.elapsed());
        let in_time = tokio::time::timeout(left, child.wait()).await.ok();
        let killed = in_time.is_none();
        let status = if let Some(status) = in_time {
            status?
        } else {
            child.start_kill()?;
            child.wait().await?
        };
        let took = begun.elapsed();
        self.last_words().await;
        Ok(Exit {
            took,
            status,
            killed,
        })
    }

    /// Closes our ends of its pipes, as the death of the host would.
    pub fn close_pipes(&self) {
        self.readers.iter().for_each(JoinHandle::abort);
        self.stderr.end();
        self.stdout.end();
    }

    fn exec(options: SpawnOptions) -> Result<(Self, ChildStdout), LaunchError> {
        let (pem, identity) = match options.client_certificate {
            ClientCertificate::Fresh => {
                let identity = ClientIdentity::generate().map_err(LaunchError::Identity)?;
                (Some(identity.pem.clone()), Some(identity))
            }
            ClientCertificate::Given(identity) => (Some(identity.pem.clone()), Some(*identity)),
            ClientCertificate::Text(text) => (Some(text), None),
            ClientCertificate::Absent => (None, None),
        };
        let mut command = Command::new(&options.binary);
        command
            .args(&options.args)
            .env_clear()
            .envs(
                options
                    .ports
                    .map(|(least, _)| ("PLUGIN_MIN_PORT", least.to_string())),
            )
            .envs(
                options
                    .ports
                    .map(|(_, most)| ("PLUGIN_MAX_PORT", most.to_string())),
            )
            .envs(
                options
                    .cookie
                    .map(|cookie| ("TF_PLUGIN_MAGIC_COOKIE", cookie)),
            )
            .envs(
                options
                    .protocol_versions
                    .map(|versions| ("PLUGIN_PROTOCOL_VERSIONS", versions)),
            )
            .envs(pem.map(|pem| ("PLUGIN_CLIENT_CERT", pem)))
            .envs(
                options
                    .multiplex
                    .then_some(("PLUGIN_MULTIPLEX_GRPC", "true")),
            )
            .envs(options.env)
            .stdin(if options.stdin == Stdin::Piped {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(folder) = options.folder {
            command.current_dir(folder);
        }
        let exec = |source| LaunchError::Exec {
            binary: options.binary.display().to_string(),
            source,
        };
        let mut child = command.spawn().map_err(exec)?;
        let missing = || exec(io::Error::other("no pipe to the process"));
        let pid = child.id().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr_pipe = child.stderr.take().ok_or_else(missing)?;
        let stderr = Captured::default();
        let captured = stderr.clone();
        let reader = tokio::spawn(async move { captured.fill(stderr_pipe).await });
        let process = Self {
            pid,
            stderr,
            stdout: Captured::default(),
            identity,
            stdin: std::sync::Mutex::new(child.stdin.take()),
            child: Mutex::new(child),
            readers: vec![reader],
        };
        Ok((process, stdout))
    }

    fn capture_stdout(&mut self, stdout: BufReader<ChildStdout>) {
        let captured = self.stdout.clone();
        self.readers
            .push(tokio::spawn(async move { captured.fill(stdout).await }));
    }

    /// Standard output has ended: so will the process.
    async fn exited(self, stdout: String, patience: Duration) -> LaunchError {
        self.stdout.end();
        match self.wait(patience).await {
            Some(status) => LaunchError::Exited {
                status,
                stdout,
                stderr: self.stderr.lines(),
            },
            None => LaunchError::Timeout {
                stderr: self.stderr.lines(),
            },
        }
    }

    /// The pipes may hold something still. A grandchild may hold the pipes, so this ends anyway.
    async fn last_words(&self) {
        let ended = async { tokio::join!(self.stderr.ended(), self.stdout.ended()) };
        let _ = tokio::time::timeout(LAST_WORDS, ended).await;
    }

    fn signal(&self, signal: rustix::process::Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process has no id"))?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }
}

/// How long to wait for the end of a pipe whose process is gone.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A plugin that is a shell script.
    fn script(text: &str) -> SpawnOptions {
        SpawnOptions::new("/bin/sh")
            .arg("-c")
            .arg(text)
            .env("EXTRA", "given")
    }

    const LINE: &str = "echo '1|5|unix|/tmp/x|grpc|'";

    #[tokio::test]
    async fn a_plugin_sees_the_variables_of_a_host_and_nothing_else() {
        let text = format!("{LINE}; env | cut -d= -f1 | grep -E '^[A-Z_]+$' | sort >&2");
        let (process, handshake, _) = PluginProcess::launch(script(&text)).await.unwrap();
        assert_eq!(handshake.version, 5);
        assert!(
            process
                .wait(Duration::from_secs(10))
                .await
                .unwrap()
                .success()
        );
        let ours = [
            "EXTRA",
            "PLUGIN_CLIENT_CERT",
            "PLUGIN_MAX_PORT",
            "PLUGIN_MIN_PORT",
            "PLUGIN_PROTOCOL_VERSIONS",
            "TF_PLUGIN_MAGIC_COOKIE",
        ];
        let shells_own = ["PWD", "OLDPWD", "SHLVL", "_"];
        let mut seen = process.stderr.lines();
        seen.retain(|name| !shells_own.contains(&name.as_str()));
        assert_eq!(seen, ours);
    }

    #[tokio::test]
    async fn a_plugin_that_ends_early_is_reported_with_its_words() {
        let launched = PluginProcess::launch(script("echo lost >&2; printf half; exit 3")).await;
        let Err(LaunchError::Exited {
            status,
            stdout,
            stderr,
        }) = launched
        else {
            panic!("{launched:?}")
        };
        assert_eq!((status.code(), stdout.as_str()), (Some(3), "half"));
        assert_eq!(stderr, ["lost"]);
    }

    #[tokio::test]
    async fn a_plugin_that_says_nothing_is_not_waited_for_forever() {
        let options = script("exec sleep 60").start_timeout(Duration::from_millis(50));
        let launched = PluginProcess::launch(options).await;
        assert!(
            matches!(launched, Err(LaunchError::Timeout { .. })),
            "{launched:?}"
        );
    }

    #[tokio::test]
    async fn a_stray_line_before_the_handshake_is_refused() {
        let launched = PluginProcess::launch(script(&format!("echo hello; {LINE}"))).await;
        assert!(
            matches!(launched, Err(LaunchError::Handshake(_))),
            "{launched:?}"
        );
    }

    #[tokio::test]
    async fn what_a_plugin_prints_later_is_kept() {
        let (process, ..) = PluginProcess::launch(script(&format!("{LINE}; echo stray")))
            .await
            .unwrap();
        let stray = process
            .stdout
            .wait_for("stray", Duration::from_secs(10))
            .await;
        assert_eq!(stray.as_deref(), Some("stray"));
    }

    #[tokio::test]
    async fn a_plugin_that_does_not_end_is_killed() {
        let (process, ..) = PluginProcess::launch(script(&format!("{LINE}; exec sleep 60")))
            .await
            .unwrap();
        let exit = process
            .end_within(Duration::from_millis(20), Instant::now())
            .await
            .unwrap();
        assert!(exit.killed);
        assert!(!exit.status.success());
    }

    #[tokio::test]
    async fn an_interrupt_reaches_the_plugin() {
        let text = format!("trap 'echo caught; exit 7' INT; {LINE}; while :; do sleep 0.01; done");
        let (process, ..) = PluginProcess::launch(script(&text)).await.unwrap();
        process.interrupt().unwrap();
        let status = process.wait(Duration::from_secs(10)).await.unwrap();
        assert_eq!(status.code(), Some(7));
        assert_eq!(process.stdout.lines(), ["caught"]);
    }
}
