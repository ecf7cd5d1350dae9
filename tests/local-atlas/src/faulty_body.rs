//! Response bodies that may stop, crawl or never end.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
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

pub(crate) fn whole(body: Vec<u8>) -> FaultyBody {
    Full::from(body).map_err(|never| match never {}).boxed_unsync()
}

/// The first `bytes` of a body, and a disconnect.
pub(crate) fn cut_after(mut body: Vec<u8>, bytes: usize) -> FaultyBody {
    body.truncate(bytes);
    let disconnect = stream::once(async {
        // Lets the first bytes reach the socket.
        yield_now().await;
        Err(Disconnect)
    });
    in_pieces(stream::iter([Ok(body.into())]).chain(disconnect))
}

/// A body in pieces of `bytes`, with a wait after each.
pub(crate) fn drip(body: &[u8], bytes: usize, every: Duration) -> FaultyBody {
    let pieces: Vec<_> = body.chunks(bytes.max(1)).map(Bytes::copy_from_slice).collect();
    let pieces = stream::iter(pieces).enumerate().then(move |(number, piece)| async move {
        sleep(if number == 0 { Duration::ZERO } else { every }).await;
        Ok(piece)
    });
    in_pieces(pieces)
}

/// A body followed by more bytes without end.
pub(crate) fn endless(body: Vec<u8>) -> FaultyBody {
    let filler = stream::repeat(Bytes::from(vec![b'A'; 1 << 16]));
    in_pieces(stream::iter([body.into()]).chain(filler).map(Ok))
}

fn in_pieces(pieces: impl Stream<Item = Result<Bytes, Disconnect>> + Send + 'static) -> FaultyBody {
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}
