//! The CLI as a process that is watched while it runs, interrupted or killed; and the providers that it starts.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::Child,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open},
};
use tf_harness::cli::{Output, Workspace};

use super::plugin::TIMEOUT;

/// A command of the CLI in a process group of its own, as a shell starts it.
pub struct CliProcess {
    child: Child,
    lines: Receiver<String>,
    /// The lines of both streams so far.
    text: String,
}

impl CliProcess {
    /// Starts the command.
    pub fn start(workspace: &Workspace, arguments: &[&str]) -> Self {
        let mut child =
            workspace.command(arguments).process_group(0).spawn().expect("the CLI starts");
        let (sender, lines) = channel();
        forward_lines(child.stdout.take().expect("a pipe"), sender.clone());
        forward_lines(child.stderr.take().expect("a pipe"), sender);
        Self { child, lines, text: String::new() }
    }

    /// Sends the signal of Ctrl-C to every process of the group.
    pub fn interrupt(&self) {
        kill_process_group(self.pid(), Signal::INT).expect("the process group exists");
    }

    /// `kill -9` of the CLI alone.
    pub fn kill(&self) {
        kill_process(self.pid(), Signal::KILL).expect("the CLI runs");
    }

    /// Waits until the CLI has printed a line with this text.
    #[track_caller]
    pub fn await_line(&mut self, text: &str) {
        while !self.text.contains(text) {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => self.text += &line,
                Err(error) => panic!("{text:?} was not printed ({error}):\n{}", self.text),
            }
        }
    }

    /// Waits for the end of the command, and of every process that holds its streams. The text of both is in `stdout`.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let ended = wait_for_exit(self.pid());
        if !ended {
            let _ = kill_process_group(self.pid(), Signal::KILL);
        }
        let status = self.child.wait().expect("a child can be awaited");
        while let Ok(line) = self.lines.recv_timeout(TIMEOUT) {
            self.text += &line;
        }
        assert!(ended, "the CLI did not end:\n{}", self.text);
        Output { status, stdout: std::mem::take(&mut self.text), stderr: String::new() }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for CliProcess {
    fn drop(&mut self) {
        // A test that has failed leaves no process behind.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// The provider processes that run from this folder.
pub fn providers(workspace: &Workspace) -> Vec<Pid> {
    let folder = fs::canonicalize(workspace.path()).expect("the folder exists");
    let provider = |entry: fs::DirEntry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        // The link to the binary cannot be read once the process has closed its memory.
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let binary = command.split(|byte| *byte == 0).next()?;
        let binary = Path::new(std::str::from_utf8(binary).ok()?);
        binary.starts_with(&folder).then(|| Pid::from_raw(number)).flatten()
    };
    let processes = fs::read_dir("/proc").expect("the list of processes");
    processes.filter_map(|entry| provider(entry.ok()?)).collect()
}

/// `kill -9` of each; one may have ended meanwhile.
pub fn kill(processes: &[Pid]) {
    for process in processes {
        let _ = kill_process(*process, Signal::KILL);
    }
}

/// Whether the process, which need not be a child, ends in time.
pub fn wait_for_exit(process: Pid) -> bool {
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else {
        return true;
    };
    let seconds = i64::try_from(TIMEOUT.as_secs()).expect("some seconds");
    let mut waiting = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
    let limit = Timespec { tv_sec: seconds, tv_nsec: 0 };
    poll(&mut waiting, Some(&limit)).is_ok_and(|ready| ready == 1)
}

/// The files and folders in a folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder exists");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn forward_lines(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
            if lines.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
}
