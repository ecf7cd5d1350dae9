//! Response bodies that may stop, crawl or never end.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Sleep, sleep};

/// A body as a list of steps.
#[derive(Debug)]
pub(crate) struct FaultyBody {
    steps: VecDeque<Step>,
    announced: Option<u64>,
    waiting: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Step {
    Send(Bytes),
    /// Lets the previous steps reach the socket.
    Flush,
    Wait(Duration),
    Disconnect,
    Forever(Bytes),
}

/// The instruction to close the connection.
#[derive(Clone, Copy, Debug, Error)]
#[error("the connection is closed on purpose")]
pub(crate) struct Disconnect;

impl FaultyBody {
    pub(crate) fn whole(body: Vec<u8>) -> Self {
        Self::new(Some(body.len()), [Step::Send(body.into())])
    }

    /// Announces all of `body`, sends its first `bytes`, and disconnects.
    pub(crate) fn cut_after(body: Vec<u8>, bytes: usize) -> Self {
        // One byte is always missing; otherwise the body would be complete.
        let announced = body.len().max(bytes + 1);
        let mut body = Bytes::from(body);
        body.truncate(bytes);
        let steps = [Step::Send(body), Step::Flush, Step::Disconnect];
        Self::new(Some(announced), steps)
    }

    pub(crate) fn drip(body: &[u8], bytes: usize, every: Duration) -> Self {
        let pieces = body.chunks(bytes.max(1)).map(Bytes::copy_from_slice);
        let steps = pieces.flat_map(|piece| [Step::Send(piece), Step::Wait(every)]);
        Self::new(Some(body.len()), steps)
    }

    pub(crate) fn endless(body: Vec<u8>) -> Self {
        let filler = Bytes::from(vec![b'A'; 1 << 16]);
        Self::new(None, [Step::Send(body.into()), Step::Forever(filler)])
    }

    fn new(announced: Option<usize>, steps: impl IntoIterator<Item = Step>) -> Self {
        let steps = steps.into_iter();
        let steps = steps.filter(|step| !matches!(step, Step::Send(piece) if piece.is_empty()));
        Self {
            steps: steps.collect(),
            announced: announced.map(|bytes| bytes as u64),
            waiting: None,
        }
    }
}

impl Body for FaultyBody {
    type Data = Bytes;
    type Error = Disconnect;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Disconnect>>> {
        loop {
            if let Some(wait) = self.waiting.as_mut() {
                if wait.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.waiting = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Some(Step::Disconnect) => return Poll::Ready(Some(Err(Disconnect))),
                Some(Step::Wait(time)) => self.waiting = Some(Box::pin(sleep(time))),
                Some(Step::Flush) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Forever(piece)) => {
                    self.steps.push_front(Step::Forever(piece.clone()));
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.waiting.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map(SizeHint::with_exact).unwrap_or_default()
    }
}
