//! The plugin's process: options, launch, output, signals, exit.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Notify,
    task::JoinHandle,
    time,
};

use super::{Address, ClientIdentity, Handshake, StartError, lock};

/// How a plugin process is started. The defaults are Terraform's, except that the environment is otherwise empty.
#[derive(Clone, Debug)]
pub struct SpawnOptions {
    binary: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    folder: Option<PathBuf>,
    client_certificate: ClientCertificate,
    stdin: Stdin,
}

/// The value of `PLUGIN_CLIENT_CERT`.
#[derive(Clone, Debug)]
pub enum ClientCertificate {
    /// A new certificate, made as go-plugin makes it.
    Fresh,
    /// A certificate of the test.
    Given(Box<ClientIdentity>),
    /// Not set: plain text.
    Absent,
    /// Any text. No connection is possible.
    Text(String),
}

/// The standard input of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    Null,
    /// A pipe, so that a test can see whether the plugin reads.
    Piped,
}

impl SpawnOptions {
    /// Starts the binary as Terraform does.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        let mut options = Self::standalone(binary)
            .cookie(Some("d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"))
            .protocol_versions(Some("5,6"))
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000");
        options.client_certificate = ClientCertificate::Fresh;
        options
    }

    /// Starts the binary as from a shell: no variable of a host is set.
    pub fn standalone(binary: impl AsRef<Path>) -> Self {
        // Without these nothing can open a socket on Windows.
        let system =
            if cfg!(windows) { &["SystemRoot", "TEMP", "TMP", "USERPROFILE"][..] } else { &[] };
        let system =
            system.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?)));
        Self {
            binary: binary.as_ref().to_owned(),
            args: Vec::new(),
            env: system.collect(),
            folder: None,
            client_certificate: ClientCertificate::Absent,
            stdin: Stdin::Null,
        }
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub fn envs<N: Into<OsString>, V: Into<OsString>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        variables.into_iter().fold(self, |options, (name, value)| options.env(name, value))
    }

    pub fn log(self, level: &str) -> Self {
        self.env("TF_LOG", level)
    }

    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sets or removes the magic cookie.
    pub fn cookie(self, cookie: Option<&str>) -> Self {
        self.variable("TF_PLUGIN_MAGIC_COOKIE", cookie)
    }

    /// Sets or removes `PLUGIN_PROTOCOL_VERSIONS`.
    pub fn protocol_versions(self, versions: Option<&str>) -> Self {
        self.variable("PLUGIN_PROTOCOL_VERSIONS", versions)
    }

    /// Sets `PLUGIN_MULTIPLEX_GRPC`, which allows a seventh handshake field.
    pub fn multiplex(self) -> Self {
        self.env("PLUGIN_MULTIPLEX_GRPC", "true")
    }

    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.client_certificate = certificate;
        self
    }

    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    fn variable(mut self, name: &str, value: Option<&str>) -> Self {
        self.env.remove(&OsString::from(name));
        value.into_iter().fold(self, |options, value| options.env(name, value))
    }
}

/// A running plugin. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    pub pid: u32,
    pub stderr: OutputLines,
    /// Standard output after the handshake line: empty for a plugin without a bug.
    pub stdout: OutputLines,
    /// The certificate in `PLUGIN_CLIENT_CERT`, with its key.
    pub identity: Option<ClientIdentity>,
    child: tokio::sync::Mutex<Child>,
    readers: Vec<JoinHandle<()>>,
    /// The plugin's input stays open as long as this.
    stdin: Mutex<Option<ChildStdin>>,
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
    /// Starts the process and reads its handshake line. The last part is the time that this took.
    pub async fn launch(options: SpawnOptions) -> Result<(Self, Handshake, Duration), StartError> {
        let begun = Instant::now();
        let (mut process, stdout) = Self::exec(options)?;
        let (mut stdout, mut line) = (BufReader::new(stdout), String::new());
        let timeout = |process: &Self| StartError::Timeout { stderr: process.stderr.lines() };
        match time::timeout(START_TIMEOUT, stdout.read_line(&mut line)).await {
            Err(_) => return Err(timeout(&process)),
            Ok(Ok(_)) if line.ends_with('\n') => {}
            Ok(_) => {
                process.stdout.end();
                let status = process.wait(START_TIMEOUT).await.ok_or_else(|| timeout(&process))?;
                let stderr = process.stderr.lines();
                return Err(StartError::Exited { status, stdout: line, stderr });
            }
        }
        let took = begun.elapsed();
        let handshake = Handshake::parse(&line).ok_or(StartError::Handshake(line))?;
        process.capture_stdout(stdout);
        Ok((process, handshake, took))
    }

    /// Starts the process without expecting a handshake line: for `--help`, `-debug` and the like.
    pub fn start(options: SpawnOptions) -> Result<Self, StartError> {
        let (mut process, stdout) = Self::exec(options)?;
        process.capture_stdout(BufReader::new(stdout));
        Ok(process)
    }

    /// The pipe to its standard input, with [`Stdin::Piped`].
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        lock(&self.stdin).take()
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
    pub async fn end_within(&self, timeout: Duration, begun: Instant) -> io::Result<Exit> {
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
    pub fn close_pipes(&self) {
        self.readers.iter().for_each(JoinHandle::abort);
        self.stderr.end();
        self.stdout.end();
    }

    fn exec(options: SpawnOptions) -> Result<(Self, ChildStdout), StartError> {
        let (pem, identity) = match options.client_certificate {
            ClientCertificate::Fresh => {
                let identity = ClientIdentity::generate()?;
                (Some(identity.pem.clone()), Some(identity))
            }
            ClientCertificate::Given(identity) => (Some(identity.pem.clone()), Some(*identity)),
            ClientCertificate::Text(text) => (Some(text), None),
            ClientCertificate::Absent => (None, None),
        };
        let piped = options.stdin == Stdin::Piped;
        let mut command = Command::new(&options.binary);
        command
            .args(&options.args)
            .env_clear()
            .envs(options.env)
            .envs(pem.map(|pem| ("PLUGIN_CLIENT_CERT", pem)))
            .stdin(if piped { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(folder) = options.folder {
            command.current_dir(folder);
        }
        let exec = |source| StartError::Exec(options.binary.clone(), source);
        let mut child = command.spawn().map_err(exec)?;
        let missing = || exec(io::Error::other("no pipe to the process"));
        let pid = child.id().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let pipe = child.stderr.take().ok_or_else(missing)?;
        let stderr = OutputLines::default();
        let lines = stderr.clone();
        let process = Self {
            pid,
            stderr,
            stdout: OutputLines::default(),
            identity,
            stdin: Mutex::new(child.stdin.take()),
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
        let ended = async { tokio::join!(self.stderr.ended(), self.stdout.ended()) };
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
pub struct OutputLines(Arc<(Mutex<Lines>, Notify)>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl OutputLines {
    pub fn lines(&self) -> Vec<String> {
        lock(&self.0.0).lines.clone()
    }

    /// Waits for a line that contains the text. `None` if the stream ends, or the time is over, first.
    pub async fn wait_for(&self, text: &str, timeout: Duration) -> Option<String> {
        let find = |state: &Lines| {
            let line = state.lines.iter().find(|line| line.contains(text)).cloned();
            (line.is_some() || state.ended).then_some(line)
        };
        time::timeout(timeout, self.until(find)).await.ok().flatten()
    }

    /// Adds the lines of a stream.
    pub(super) async fn fill(&self, stream: impl AsyncRead + Unpin) {
        let (mut reader, mut line) = (BufReader::new(stream), Vec::new());
        while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
            let text = String::from_utf8_lossy(&line);
            lock(&self.0.0).lines.push(text.trim_end_matches(['\n', '\r']).to_owned());
            self.0.1.notify_waiters();
            line.clear();
        }
    }

    async fn fill_and_end(&self, stream: impl AsyncRead + Unpin) {
        self.fill(stream).await;
        self.end();
    }

    fn end(&self) {
        lock(&self.0.0).ended = true;
        self.0.1.notify_waiters();
    }

    async fn ended(&self) {
        self.until(|state| state.ended.then_some(())).await;
    }

    async fn until<T>(&self, condition: impl Fn(&Lines) -> Option<T>) -> T {
        loop {
            let changed = self.0.1.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(value) = condition(&lock(&self.0.0)) {
                return value;
            }
            changed.await;
        }
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
        entries.into_iter().map(|(source, entry)| Self::read(source, &entry)).collect()
    }

    fn read(source: String, entry: &Json) -> Option<Self> {
        let usable = entry["Protocol"] == "grpc" && entry["Test"] == true;
        let address = &entry["Addr"];
        Some(Self {
            source,
            address: Address::parse(address["Network"].as_str()?, address["String"].as_str()?)
                .filter(|_| usable)?,
            pid: entry["Pid"].as_i64()?,
            version: entry["ProtocolVersion"].as_i64().unwrap_or(5),
        })
    }
}

/// Terraform waits for a minute.
const START_TIMEOUT: Duration = Duration::from_secs(60);
