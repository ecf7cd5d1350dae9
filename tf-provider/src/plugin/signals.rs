use std::io;

#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{ctrl_c, ctrl_close};
use tokio::sync::mpsc;

use super::usage::Mode;

/// Takes the signals of this process from their default actions, and passes on those that ask us to end.
///
/// Ctrl-C reaches the whole process group. As a plugin we leave it to the host, which tells us what to do by RPC.
pub(super) fn listen(mode: Mode) -> io::Result<mpsc::Receiver<()>> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    #[cfg(windows)]
    let (mut interrupt, mut terminate) = (ctrl_c()?, ctrl_close()?);

    let (sender, receiver) = mpsc::channel(1);
    // Owned by the receiver: without it the task ends at the next signal.
    tokio::spawn(async move {
        loop {
            let meant_for_us = tokio::select! {
                Some(()) = terminate.recv() => true,
                Some(()) = interrupt.recv() => mode == Mode::Debug,
                else => return,
            };
            if !meant_for_us {
                tracing::debug!("an interrupt was ignored: it is the host's to handle");
            } else if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
