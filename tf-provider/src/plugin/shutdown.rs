//! What ends the process: signals, and the disappearance of the host.

use std::{future::pending, io, time::Duration};

#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
use tokio::{
    sync::{mpsc, watch},
    time::{interval, timeout},
};

use super::args::Mode;

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// The host has called `Shutdown`. It waits two seconds and then kills the process.
    Requested,
    /// A signal.
    Signal,
    /// The host no longer exists: the parent process has ended.
    ParentEnded,
    /// The host no longer exists: all connections are closed, and none was opened again.
    Disconnected,
    /// The host no longer exists: no connection was ever opened.
    NeverConnected,
}

/// Replaces the default actions of signals. Receives an item for each signal that must end the process.
///
/// Ctrl-C reaches the whole process group. A plugin ignores it: the host calls `Stop` and `Shutdown`.
pub(super) fn signals(mode: Mode) -> io::Result<mpsc::Receiver<()>> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Go treats Ctrl-Break as an interrupt too.
    #[cfg(windows)]
    let (mut interrupt, mut terminate, mut interrupt_break) =
        (ctrl_c()?, ctrl_close()?, ctrl_break()?);

    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            let interrupted = interrupt.recv();
            #[cfg(windows)]
            let interrupted = async {
                tokio::select! {
                    event = interrupt.recv() => event,
                    event = interrupt_break.recv() => event,
                }
            };
            let ends_process = tokio::select! {
                Some(()) = terminate.recv() => true,
                Some(()) = interrupted => mode == Mode::Debug,
                else => return,
            };
            if !ends_process {
                tracing::debug!("interrupt ignored: the host handles it");
            } else if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The id of the parent process, which changes when the parent ends. Always 0 on Windows.
pub(super) fn parent_id() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    return 0;
}

/// Resolves when the host no longer exists. `original` is the parent at the start.
pub(super) async fn host_gone(
    original: u32,
    parent: impl Fn() -> u32,
    connections: watch::Receiver<Option<usize>>,
) -> Shutdown {
    let parent_changed = async {
        let mut ticks = interval(PARENT_POLL_INTERVAL);
        while parent() == original {
            ticks.tick().await;
        }
    };
    tokio::select! {
        () = parent_changed => Shutdown::ParentEnded,
        gone = no_connections(connections) => gone,
    }
}

const PARENT_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// `connections` is the number of open connections, `None` before the first one.
async fn no_connections(mut connections: watch::Receiver<Option<usize>>) -> Shutdown {
    loop {
        let open = *connections.borrow_and_update();
        let (time, gone) = match open {
            None => (FIRST_CONNECTION_TIMEOUT, Shutdown::NeverConnected),
            Some(0) => (RECONNECTION_TIMEOUT, Shutdown::Disconnected),
            Some(_) => (Duration::MAX, Shutdown::Disconnected),
        };
        match timeout(time, connections.changed()).await {
            Ok(Ok(())) => {}
            // The server has ended, and with it the process.
            Ok(Err(_)) => pending().await,
            Err(_) => return gone,
        }
    }
}

/// Hosts connect at once and give up after a minute.
const FIRST_CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
/// A host that has lost its connection reconnects much earlier.
const RECONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{Instant, advance};

    use super::*;

    fn same_parent() -> u32 {
        7
    }

    #[tokio::test(start_paused = true)]
    async fn host_is_gone_without_a_connection_within_a_minute() {
        let (_sender, count) = watch::channel(None);
        let start = Instant::now();
        let gone = host_gone(7, same_parent, count).await;
        assert_eq!(gone, Shutdown::NeverConnected);
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn host_is_gone_two_seconds_after_the_last_connection() {
        let (sender, count) = watch::channel(Some(2));
        let waiting = tokio::spawn(host_gone(7, same_parent, count));
        advance(Duration::from_secs(3600)).await;
        sender.send(Some(1)).unwrap();
        advance(Duration::from_secs(3600)).await;
        assert!(!waiting.is_finished());

        sender.send(Some(0)).unwrap();
        let start = Instant::now();
        assert!(matches!(waiting.await, Ok(Shutdown::Disconnected)));
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn brief_reconnection_restarts_the_timeout() {
        let (sender, count) = watch::channel(Some(0));
        let start = Instant::now();
        let waiting = tokio::spawn(host_gone(7, same_parent, count));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        // Connected and disconnected between two looks.
        sender.send(Some(1)).unwrap();
        sender.send(Some(0)).unwrap();
        assert!(matches!(waiting.await, Ok(Shutdown::Disconnected)));
        assert_eq!(start.elapsed().as_millis(), 3500);
    }

    #[tokio::test(start_paused = true)]
    async fn new_parent_is_noticed_within_half_a_second() {
        static PARENT: AtomicU32 = AtomicU32::new(7);
        let (_sender, count) = watch::channel(Some(1));
        let waiting = tokio::spawn(host_gone(7, || PARENT.load(Ordering::Relaxed), count));
        advance(Duration::from_secs(3600)).await;
        assert!(!waiting.is_finished());

        PARENT.store(1, Ordering::Relaxed);
        let start = Instant::now();
        assert!(matches!(waiting.await, Ok(Shutdown::ParentEnded)));
        assert!(start.elapsed() <= PARENT_POLL_INTERVAL);
    }
}
