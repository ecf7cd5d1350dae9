//! Ctrl-C: the CLI, which gets it too, ends by itself; this program then stops and cleans up.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

use crate::Failure;

/// Knows whether Ctrl-C was pressed since it was made.
pub(super) struct Interrupt {
    runtime: Runtime,
    pressed: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl Interrupt {
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (pressed, notify) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (told, waker) = (pressed.clone(), notify.clone());
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                told.store(true, Ordering::SeqCst);
                waker.notify_one();
            }
        });
        Ok(Self {
            runtime,
            pressed,
            notify,
        })
    }

    /// Fails once Ctrl-C was pressed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.pressed.load(Ordering::SeqCst) {
            return Err(Failure::Failed(
                "interrupted; everything was cleaned up".to_owned(),
            ));
        }
        Ok(())
    }

    /// Waits for Ctrl-C.
    pub(super) fn wait(&self) {
        self.runtime.block_on(self.notify.notified());
    }

    /// Runs something asynchronous to its end.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}
