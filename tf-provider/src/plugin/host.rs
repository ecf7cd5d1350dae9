use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{interval, timeout};

use super::accept::Count;

/// How a host can disappear without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// The process that started us has ended.
    ParentEnded,
    /// All connections were closed, and none came back.
    Disconnected,
    /// Nobody has ever connected.
    NeverConnected,
}

/// The id of the process that started this one, and of another one when that has ended.
///
/// Where the system does not keep it up to date it is always the same number.
pub(super) fn parent() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    return 0;
}

/// Resolves when the host is gone. `original` is the parent at the start, `parent` tells the present one.
pub(super) async fn lost(
    original: u32,
    parent: impl Fn() -> u32,
    count: watch::Receiver<Count>,
) -> Loss {
    tokio::select! {
        () = replaced(original, parent) => Loss::ParentEnded,
        loss = deserted(count) => loss,
    }
}

/// An orphan gets another parent. It learns of it only by looking.
async fn replaced(original: u32, parent: impl Fn() -> u32) {
    let mut ticks = interval(PARENT_LOOK);
    loop {
        ticks.tick().await;
        if parent() != original {
            return;
        }
    }
}

async fn deserted(mut count: watch::Receiver<Count>) -> Loss {
    loop {
        let now = *count.borrow_and_update();
        let (patience, loss) = match now {
            Count { ever: 0, .. } => (FIRST_CONNECTION, Loss::NeverConnected),
            Count { open: 0, .. } => (RECONNECTION, Loss::Disconnected),
            _ => (Duration::MAX, Loss::Disconnected),
        };
        match timeout(patience, count.changed()).await {
            Ok(Ok(())) => {}
            // The last who could count is gone, and with it the server: somebody else ends the process.
            Ok(Err(_)) => pending().await,
            Err(_) => return loss,
        }
    }
}

/// A host that lost its connection by accident is back much earlier.
const RECONNECTION: Duration = Duration::from_secs(2);
/// Hosts connect at once; they give up on a start after a minute.
const FIRST_CONNECTION: Duration = Duration::from_secs(60);
const PARENT_LOOK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{Instant, advance};

    use super::*;

    fn same_parent() -> u32 {
        7
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_when_nobody_connects_within_a_minute() {
        let (_sender, count) = watch::channel(Count::default());
        let start = Instant::now();
        let loss = lost(7, same_parent, count).await;
        assert_eq!(loss, Loss::NeverConnected);
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_two_seconds_after_the_last_connection_has_closed() {
        let (sender, count) = watch::channel(Count { open: 2, ever: 2 });
        let waiting = tokio::spawn(lost(7, same_parent, count));
        advance(Duration::from_secs(3600)).await;
        sender.send_modify(|count| count.open = 1);
        advance(Duration::from_secs(3600)).await;
        assert!(!waiting.is_finished());

        sender.send_modify(|count| count.open = 0);
        let start = Instant::now();
        assert!(matches!(waiting.await, Ok(Loss::Disconnected)));
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn stays_when_a_host_comes_back_in_time_however_briefly() {
        let (sender, count) = watch::channel(Count { open: 0, ever: 1 });
        let start = Instant::now();
        let waiting = tokio::spawn(lost(7, same_parent, count));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        // Connected and gone again before anybody looked.
        sender.send_modify(|count| count.ever = 2);
        assert!(matches!(waiting.await, Ok(Loss::Disconnected)));
        assert_eq!(start.elapsed().as_millis(), 3500);
    }

    #[tokio::test(start_paused = true)]
    async fn notices_a_new_parent_within_half_a_second() {
        static PARENT: AtomicU32 = AtomicU32::new(7);
        let (_sender, count) = watch::channel(Count { open: 1, ever: 1 });
        let waiting = tokio::spawn(lost(7, || PARENT.load(Ordering::Relaxed), count));
        advance(Duration::from_secs(3600)).await;
        assert!(!waiting.is_finished());

        PARENT.store(1, Ordering::Relaxed);
        let start = Instant::now();
        assert!(matches!(waiting.await, Ok(Loss::ParentEnded)));
        assert!(start.elapsed() <= PARENT_LOOK);
    }
}
