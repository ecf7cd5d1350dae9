//! Response bodies that may stop, crawl or never end.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// A body as a list of steps.
#[derive(Debug)]
pub(crate) struct Delivery {
    steps: VecDeque<Step>,
    announced: Option<u64>,
    waiting: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Step {
    Send(Bytes),
    /// Lets what was sent so far go out.
    Flush,
    Wait(Duration),
    Cut,
    Forever(Bytes),
}

/// The connection is to be closed here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut;

impl Delivery {
    pub(crate) fn whole(body: Vec<u8>) -> Self {
        let announced = Some(body.len() as u64);
        Self::new(announced, [Step::Send(Bytes::from(body))])
    }

    /// Announces all of `body`, sends its first `bytes`, and cuts.
    pub(crate) fn cut_after(body: Vec<u8>, bytes: usize) -> Self {
        // One byte is always missing, or it would not be cut.
        let announced = body.len().max(bytes + 1) as u64;
        let mut body = Bytes::from(body);
        body.truncate(bytes);
        Self::new(Some(announced), [Step::Send(body), Step::Flush, Step::Cut])
    }

    pub(crate) fn drip(body: &[u8], bytes: usize, every: Duration) -> Self {
        let announced = Some(body.len() as u64);
        let pieces = body.chunks(bytes.max(1)).map(Bytes::copy_from_slice);
        Self::new(
            announced,
            pieces.flat_map(|piece| [Step::Send(piece), Step::Wait(every)]),
        )
    }

    pub(crate) fn endless(body: Vec<u8>) -> Self {
        Self::new(
            None,
            [
                Step::Send(Bytes::from(body)),
                Step::Forever(Bytes::from(vec![b'A'; 1 << 16])),
            ],
        )
    }

    fn new(announced: Option<u64>, steps: impl IntoIterator<Item = Step>) -> Self {
        let steps = steps
            .into_iter()
            .filter(|step| !matches!(step, Step::Send(piece) if piece.is_empty()));
        Self {
            steps: steps.collect(),
            announced,
            waiting: None,
        }
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
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
                Some(Step::Cut) => return Poll::Ready(Some(Err(Cut))),
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

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}
