//! The plugin's process: options, launch, output, signals, exit.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value as Json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
    time,
};

use super::{Address, ClientIdentity, Handshake, StartError};

/// How a plugin process is started. The defaults are Terraform's, except that the environment is otherwise empty.
#[derive(Debug)]
pub struct SpawnOptions {
    pub command: Command,
    /// Whether `PLUGIN_CLIENT_CERT` is a new certificate, made as go-plugin makes it. Otherwise no TLS is possible.
    has_certificate: bool,
}

impl SpawnOptions {
    /// Starts the binary as Terraform does.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        let mut options = Self::standalone(binary)
            .env(COOKIE, "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000");
        options.has_certificate = true;
        options
    }

    /// Starts the binary as from a shell: no variable of a host is set.
    pub fn standalone(binary: impl AsRef<Path>) -> Self {
        let mut command = Command::new(binary.as_ref());
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Without these nothing can open a socket on Windows.
        for name in ["SystemRoot", "TEMP", "TMP", "USERPROFILE"] {
            let value = std::env::var_os(name).filter(|_| cfg!(windows));
            command.envs(value.map(|value| (name, value)));
        }
        Self { command, has_certificate: false }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.command.envs(variables);
        self
    }

    /// Removes the magic cookie.
    pub fn without_cookie(mut self) -> Self {
        self.command.env_remove(COOKIE);
        self
    }

    /// Makes no client certificate, so that `PLUGIN_CLIENT_CERT` is not set, or may be any text.
    pub fn without_certificate(mut self) -> Self {
        self.has_certificate = false;
        self
    }
}

/// A running plugin. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    pub pid: u32,
    /// Of a process that a host started.
    pub handshake: Option<Handshake>,
    /// The time from exec to the handshake line.
    pub startup: Duration,
    pub stderr: OutputLines,
    /// Standard output after the handshake line: empty for a plugin without a bug.
    pub stdout: OutputLines,
    /// The certificate in `PLUGIN_CLIENT_CERT`, with its key.
    pub identity: Option<ClientIdentity>,
    child: tokio::sync::Mutex<Child>,
    readers: Vec<JoinHandle<()>>,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The time from the request to the end.
    pub took: Duration,
    pub status: ExitStatus,
    pub killed: bool,
}

impl PluginProcess {
    /// Starts the process and reads its handshake line.
    pub(super) async fn launch(options: SpawnOptions) -> Result<Self, StartError> {
        let begun = Instant::now();
        let (mut process, stdout) = Self::exec(options)?;
        let (mut stdout, mut line) = (BufReader::new(stdout), String::new());
        let read = time::timeout(START_TIMEOUT, stdout.read_line(&mut line)).await;
        if read.is_ok() && !line.ends_with('\n') {
            process.stdout.end();
            if let Some(status) = process.wait(START_TIMEOUT).await {
                let stderr = process.stderr.lines();
                return Err(StartError::Exited { status, stdout: line, stderr });
            }
        }
        process.startup = begun.elapsed();
        process.handshake = Handshake::parse(&line);
        if process.handshake.is_none() {
            let stderr = process.stderr.lines();
            return Err(anyhow!("no handshake line but {line:?}; stderr {stderr:#?}").into());
        }
        process.capture_stdout(stdout);
        Ok(process)
    }

    /// Starts the process without expecting a handshake line: for `--help`, `-debug` and the like.
    pub fn start(options: SpawnOptions) -> Result<Self> {
        let (mut process, stdout) = Self::exec(options)?;
        process.capture_stdout(BufReader::new(stdout));
        Ok(process)
    }

    /// The pipe to its standard input, if it is a pipe.
    pub async fn take_stdin(&self) -> Option<ChildStdin> {
        self.child.lock().await.stdin.take()
    }

    /// Sends SIGINT, as Ctrl-C does to the whole process group.
    #[cfg(unix)]
    pub fn interrupt(&self) -> io::Result<()> {
        self.signal(rustix::process::Signal::INT)
    }

    /// Sends SIGTERM.
    #[cfg(unix)]
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(rustix::process::Signal::TERM)
    }

    /// Waits for its end. `None` if it is still running after that time.
    pub async fn wait(&self, timeout: Duration) -> Option<ExitStatus> {
        let status = time::timeout(timeout, self.child.lock().await.wait()).await.ok()?.ok()?;
        self.drain_output().await;
        Some(status)
    }

    /// Waits for its end until that much time since `begun` is over, and then kills it.
    pub(super) async fn end_within(&self, timeout: Duration, begun: Instant) -> io::Result<Exit> {
        let mut child = self.child.lock().await;
        let left = timeout.saturating_sub(begun.elapsed());
        let in_time = time::timeout(left, child.wait()).await.ok();
        let killed = in_time.is_none();
        let status = if let Some(status) = in_time {
            status?
        } else {
            child.start_kill()?;
            child.wait().await?
        };
        let took = begun.elapsed();
        self.drain_output().await;
        Ok(Exit { took, status, killed })
    }

    /// Closes our ends of its pipes, as the end of the host does.
    pub(super) fn close_pipes(&self) {
        self.readers.iter().for_each(JoinHandle::abort);
        self.stderr.end();
        self.stdout.end();
    }

    fn exec(options: SpawnOptions) -> Result<(Self, ChildStdout)> {
        let (mut command, mut identity) = (options.command, None);
        if options.has_certificate {
            let fresh = ClientIdentity::generate()?;
            command.env("PLUGIN_CLIENT_CERT", &fresh.pem);
            identity = Some(fresh);
        }
        let program = command.as_std().get_program().to_owned();
        let mut child =
            command.spawn().with_context(|| format!("cannot execute {}", program.display()))?;
        let pipes = (child.id(), child.stdout.take(), child.stderr.take());
        let (Some(pid), Some(stdout), Some(pipe)) = pipes else {
            return Err(anyhow!("no pipes to the process"));
        };
        let stderr = OutputLines::default();
        let lines = stderr.clone();
        let process = Self {
            pid,
            handshake: None,
            startup: Duration::ZERO,
            stderr,
            stdout: OutputLines::default(),
            identity,
            child: tokio::sync::Mutex::new(child),
            readers: vec![tokio::spawn(async move { lines.fill_and_end(pipe).await })],
        };
        Ok((process, stdout))
    }

    fn capture_stdout(&mut self, stdout: BufReader<ChildStdout>) {
        let lines = self.stdout.clone();
        self.readers.push(tokio::spawn(async move { lines.fill_and_end(stdout).await }));
    }

    /// Reads what is left in the pipes. A grandchild may keep them open, so there is a limit.
    async fn drain_output(&self) {
        let ended = |lines: &Lines| lines.ended;
        let ended = async { tokio::join!(self.stderr.until(ended), self.stdout.until(ended)) };
        let _ = time::timeout(Duration::from_secs(1), ended).await;
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process has no id"))?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }
}

/// The lines of a stream so far. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct OutputLines(Arc<watch::Sender<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn find(&self, text: &str) -> Option<&String> {
        self.lines.iter().find(|line| line.contains(text))
    }
}

impl OutputLines {
    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().lines.clone()
    }

    /// Waits for a line that contains the text. `None` if the stream ends, or the time is over, first.
    pub async fn wait_for(&self, text: &str, timeout: Duration) -> Option<String> {
        let found = self.until(|lines| lines.ended || lines.find(text).is_some());
        time::timeout(timeout, found).await.ok()?;
        self.0.borrow().find(text).cloned()
    }

    /// Adds the lines of a stream.
    pub(super) async fn fill(&self, stream: impl AsyncRead + Unpin) {
        let (mut reader, mut line) = (BufReader::new(stream), Vec::new());
        while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            self.0.send_modify(|lines| lines.lines.push(text));
            line.clear();
        }
    }

    async fn fill_and_end(&self, stream: impl AsyncRead + Unpin) {
        self.fill(stream).await;
        self.end();
    }

    fn end(&self) {
        self.0.send_modify(|lines| lines.ended = true);
    }

    async fn until(&self, condition: impl Fn(&Lines) -> bool) {
        let _ = self.0.subscribe().wait_for(condition).await; // the sender is `self`
    }
}

/// One entry of `TF_REATTACH_PROVIDERS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reattach {
    pub source: String,
    /// The address on which it listens, in plain text.
    pub address: Address,
    pub pid: i64,
    pub version: i64,
}

impl Reattach {
    /// Finds the variable in a plugin's output. `None` for anything that a host could not use, or by which it would kill
    /// the plugin (`Test` is not true).
    pub fn find(output: &str) -> Option<Vec<Self>> {
        let (_, rest) = output.split_once("TF_REATTACH_PROVIDERS=")?;
        let json = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next()?,
            None => rest.lines().next()?,
        };
        let entries: serde_json::Map<String, Json> = serde_json::from_str(json).ok()?;
        let read = |(source, entry): (String, Json)| {
            let usable = entry["Protocol"] == "grpc" && entry["Test"] == true;
            let [network, address] = ["Network", "String"].map(|part| entry["Addr"][part].as_str());
            let address = Address::parse(network?, address?)?;
            let version = entry["ProtocolVersion"].as_i64().unwrap_or(5);
            usable.then_some(Self { source, address, pid: entry["Pid"].as_i64()?, version })
        };
        entries.into_iter().map(read).collect()
    }
}

const COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";

/// Terraform waits for a minute.
const START_TIMEOUT: Duration = Duration::from_secs(60);
