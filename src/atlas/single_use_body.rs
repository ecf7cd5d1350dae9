//! The body of a request that must not take effect twice, and the proof whether it was sent.
//!
//! Findings in the sources of the crates below (reqwest 0.13, hyper-util 0.1, hyper 1.12):
//! - hyper-util's pooled client retries a request by itself only if the connection returns the request, and hyper
//!   returns it only while it is still queued, before its head was encoded (`TrySendError::take_message`; every later
//!   failure carries no message).
//! - reqwest retries after HTTP/2 refusals (`REFUSED_STREAM`, `GOAWAY` that excludes the stream) only if the body can be
//!   cloned; this body cannot.
//! - Both need the body again. This body yields its bytes once, at the moment when the connection is about to send
//!   them. So a second copy cannot be sent in full whatever these crates do, and until the bytes are taken the server
//!   cannot have a request to act on.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// Whether the body was passed to the HTTP connection, and when. Decided once.
#[derive(Debug, Default)]
pub(super) struct SendState(OnceLock<Option<Instant>>);

impl SendState {
    /// Prevents the body from being sent; false if it was sent already.
    pub(super) fn cancel(&self) -> bool {
        self.0.get_or_init(|| None).is_none()
    }

    /// When the body was sent; `None` if it was not.
    pub(super) fn sent_at(&self) -> Option<Instant> {
        self.0.get().copied().flatten()
    }
}

/// A body that yields its bytes once, unless its state was canceled before.
pub(super) struct SingleUseBody {
    state: Arc<SendState>,
    bytes: Option<Bytes>,
}

impl SingleUseBody {
    pub(super) fn new(state: Arc<SendState>, bytes: Bytes) -> Self {
        Self { state, bytes: Some(bytes) }
    }
}

impl http_body::Body for SingleUseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        let is_first = self.state.0.set(Some(Instant::now())).is_ok();
        let canceled = || io::Error::other("the request was canceled before it was sent");
        Poll::Ready(Some(is_first.then(|| Frame::data(bytes)).ok_or_else(canceled)))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;
    use std::task::Waker;

    fn poll(body: &mut SingleUseBody) -> Option<io::Result<Bytes>> {
        match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|f| f.into_data().unwrap())),
            Poll::Pending => panic!("never waits"),
        }
    }

    #[tokio::test]
    async fn a_body_is_sent_once_or_never() {
        let state = Arc::new(SendState::default());
        let mut body = SingleUseBody::new(Arc::clone(&state), Bytes::from_static(b"{}"));
        let mut copy = SingleUseBody::new(Arc::clone(&state), Bytes::from_static(b"{}"));
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(2), false));
        assert!(state.sent_at().is_none());
        assert_eq!(poll(&mut body).unwrap().unwrap(), "{}");
        assert!(state.sent_at().is_some() && !state.cancel());
        assert!(poll(&mut body).is_none() && poll(&mut copy).unwrap().is_err());

        let state = Arc::new(SendState::default());
        let mut body = SingleUseBody::new(Arc::clone(&state), Bytes::from_static(b"{}"));
        assert!(state.cancel() && state.cancel());
        assert!(poll(&mut body).unwrap().is_err() && state.sent_at().is_none());
    }
}
