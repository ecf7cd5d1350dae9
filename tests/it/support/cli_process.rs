//! The CLI as a process among others: watched while it runs, interrupted, killed; and the providers that it started.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
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
    lines: Receiver<(Stream, String)>,
    said: Vec<(Stream, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

impl CliProcess {
    /// Starts the command.
    pub fn start(workspace: &Workspace, arguments: &[&str]) -> Self {
        let mut child =
            workspace.command(arguments).process_group(0).spawn().expect("the CLI starts");
        let (sender, lines) = channel();
        forward_lines(Stream::Out, child.stdout.take().expect("a pipe"), sender.clone());
        forward_lines(Stream::Err, child.stderr.take().expect("a pipe"), sender);
        Self { child, lines, said: Vec::new() }
    }

    /// What Ctrl-C does: every process of the group gets the signal.
    pub fn interrupt(&self) {
        kill_process_group(self.pid(), Signal::INT).expect("the process group is there");
    }

    /// `kill -9` of the CLI alone.
    pub fn kill(&self) {
        kill_process(self.pid(), Signal::KILL).expect("the CLI is there");
    }

    /// Waits until the CLI has printed a line with this text.
    #[track_caller]
    pub fn await_line(&mut self, text: &str) {
        while !self.said.iter().any(|(_, line)| line.contains(text)) {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => self.said.push(line),
                Err(why) => panic!("{text:?} was not printed ({why}):\n{}", self.text()),
            }
        }
    }

    /// Waits for the end of the command, and of everything that holds its streams.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let status = self.wait();
        while let Ok(line) = self.lines.recv_timeout(TIMEOUT) {
            self.said.push(line);
        }
        let stream = |wanted| {
            self.said
                .iter()
                .filter(|(from, _)| *from == wanted)
                .map(|(_, line)| line.as_str())
                .collect()
        };
        Output { status, stdout: stream(Stream::Out), stderr: stream(Stream::Err) }
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let ended = wait_for_exit(self.pid());
        if !ended {
            let _ = kill_process_group(self.pid(), Signal::KILL);
        }
        let status = self.child.wait().expect("a child can be awaited");
        assert!(ended, "the CLI did not end:\n{}", self.text());
        status
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn text(&self) -> String {
        self.said.iter().map(|(_, line)| line.as_str()).collect()
    }
}

impl Drop for CliProcess {
    fn drop(&mut self) {
        // A test that has failed leaves nobody behind; after `finish` there is nobody left.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// The provider processes that run from this folder.
pub fn providers(workspace: &Workspace) -> Vec<Pid> {
    let folder = fs::canonicalize(workspace.path()).expect("the folder is there");
    let processes = fs::read_dir("/proc").expect("the list of processes");
    processes
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number: i32 = entry.file_name().to_str()?.parse().ok()?;
            // The link to the binary is not for everybody to read, once the process has closed its memory.
            let command = fs::read(entry.path().join("cmdline")).ok()?;
            let binary = command.split(|byte| *byte == 0).next()?;
            let binary = Path::new(std::str::from_utf8(binary).ok()?);
            binary.starts_with(&folder).then(|| Pid::from_raw(number)).flatten()
        })
        .collect()
}

/// `kill -9` of each.
pub fn kill(processes: &[Pid]) {
    for process in processes {
        // One that has ended meanwhile is as good.
        let _ = kill_process(*process, Signal::KILL);
    }
}

/// Whether the process ends in time, by whomever it was started.
pub fn wait_for_exit(process: Pid) -> bool {
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else {
        return true;
    };
    let patience =
        Timespec { tv_sec: i64::try_from(TIMEOUT.as_secs()).expect("some seconds"), tv_nsec: 0 };
    let mut waiting = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
    poll(&mut waiting, Some(&patience)).is_ok_and(|ready| ready == 1)
}

/// What stands in a folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn forward_lines(
    stream: Stream,
    pipe: impl Read + Send + 'static,
    lines: Sender<(Stream, String)>,
) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
            if lines.send((stream, std::mem::take(&mut line))).is_err() {
                return;
            }
        }
    });
}
