//! The body of a request that must not take effect twice, and the proof whether it left.
//!
//! Findings in the sources of what lies beneath (reqwest 0.13, hyper-util 0.1, hyper 1.12):
//! - hyper-util's pooled client repeats a request by itself only if the connection gives the
//!   request back, and hyper gives it back only while it is still queued, before its head was
//!   encoded (`TrySendError::take_message`; every later failure carries no message).
//! - reqwest repeats after HTTP/2 refusals (`REFUSED_STREAM`, `GOAWAY` that leaves the stream out)
//!   only if the body can be cloned; a body of this kind cannot.
//! - Both need the body again. This body hands out its bytes once, at the moment the connection
//!   is about to write them. So a second copy cannot be sent whole whatever these crates do, and
//!   as long as the bytes are still here the server cannot have a request to act on.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use thiserror::Error;
use tokio::time::Instant;

/// Whether a body was handed to the connection; decided once.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Held,
    Written(Instant),
    Withdrawn,
}

impl Gate {
    /// Makes sure the body never leaves; false if it has left already.
    pub(super) fn withdraw(&self) -> bool {
        let mut state = self.lock();
        if *state == State::Held {
            *state = State::Withdrawn;
        }
        *state == State::Withdrawn
    }

    /// When the body left.
    pub(super) fn written(&self) -> Option<Instant> {
        match *self.lock() {
            State::Written(at) => Some(at),
            State::Held | State::Withdrawn => None,
        }
    }

    fn open(&self) -> Result<(), Withdrawn> {
        let mut state = self.lock();
        match *state {
            State::Held => {
                *state = State::Written(Instant::now());
                Ok(())
            }
            State::Written(_) | State::Withdrawn => Err(Withdrawn),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body behind a gate.
pub(super) struct GatedBody {
    gate: Arc<Gate>,
    bytes: Option<Bytes>,
}

impl GatedBody {
    pub(super) fn new(gate: Arc<Gate>, bytes: Bytes) -> Self {
        Self {
            gate,
            bytes: Some(bytes),
        }
    }
}

/// The request was called off before it was written.
#[derive(Debug, Error)]
#[error("the request was withdrawn before it was sent")]
pub(super) struct Withdrawn;

impl http_body::Body for GatedBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(self.gate.open().map(|()| Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use http_body::Body as _;
    use std::task::Waker;

    fn poll(body: &mut GatedBody) -> Option<Result<Bytes, Withdrawn>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|f| f.into_data().unwrap())),
            Poll::Pending => panic!("never waits"),
        }
    }

    #[tokio::test]
    async fn a_body_leaves_once_or_never() {
        let gate = Arc::new(Gate::default());
        let mut body = GatedBody::new(Arc::clone(&gate), Bytes::from_static(b"{}"));
        let mut copy = GatedBody::new(Arc::clone(&gate), Bytes::from_static(b"{}"));
        assert_eq!(
            (body.size_hint().exact(), body.is_end_stream()),
            (Some(2), false)
        );
        assert!(gate.written().is_none());
        assert_eq!(poll(&mut body).unwrap().unwrap(), "{}");
        assert!(gate.written().is_some() && !gate.withdraw());
        assert!(poll(&mut body).is_none() && poll(&mut copy).unwrap().is_err());

        let gate = Arc::new(Gate::default());
        let mut body = GatedBody::new(Arc::clone(&gate), Bytes::from_static(b"{}"));
        assert!(gate.withdraw() && gate.withdraw());
        assert!(poll(&mut body).unwrap().is_err() && gate.written().is_none());
    }
}
