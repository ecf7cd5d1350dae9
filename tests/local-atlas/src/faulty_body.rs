//! Response bodies that may stop, crawl or never end.

use std::{iter, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use thiserror::Error;
use tokio::{task::yield_now, time::sleep};

/// A body that may disconnect.
pub(crate) type FaultyBody = UnsyncBoxBody<Bytes, Disconnect>;

/// The instruction to close the connection.
#[derive(Clone, Copy, Debug, Error)]
#[error("the connection is closed on purpose")]
pub(crate) struct Disconnect;

enum Step {
    Send(Bytes),
    /// Lets the previous steps reach the socket.
    Flush,
    Wait(Duration),
    Disconnect,
}

pub(crate) fn whole(body: Vec<u8>) -> FaultyBody {
    Full::from(body).map_err(|never| match never {}).boxed_unsync()
}

/// The first `bytes` of a body, and a disconnect.
pub(crate) fn cut_after(mut body: Vec<u8>, bytes: usize) -> FaultyBody {
    body.truncate(bytes);
    in_steps([Step::Send(body.into()), Step::Flush, Step::Disconnect])
}

/// A body in pieces of `bytes`, with a wait after each.
pub(crate) fn drip(body: &[u8], bytes: usize, every: Duration) -> FaultyBody {
    let pieces: Vec<_> = body.chunks(bytes.max(1)).map(Bytes::copy_from_slice).collect();
    in_steps(pieces.into_iter().flat_map(move |piece| [Step::Send(piece), Step::Wait(every)]))
}

/// A body followed by more bytes without end.
pub(crate) fn endless(body: Vec<u8>) -> FaultyBody {
    let filler = Bytes::from(vec![b'A'; 1 << 16]);
    in_steps(iter::once(body.into()).chain(iter::repeat(filler)).map(Step::Send))
}

fn in_steps(steps: impl IntoIterator<Item = Step, IntoIter: Send + 'static>) -> FaultyBody {
    let frames = stream::iter(steps).filter_map(|step| async move {
        match step {
            Step::Send(piece) => (!piece.is_empty()).then(|| Ok(Frame::data(piece))),
            Step::Flush => {
                yield_now().await;
                None
            }
            Step::Wait(time) => {
                sleep(time).await;
                None
            }
            Step::Disconnect => Some(Err(Disconnect)),
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
