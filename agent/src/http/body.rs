//! The body of a request as it arrives: no longer than its address takes, and no slower.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{dev::Payload, error::PayloadError, web::Bytes};
use futures_core::Stream;
use tokio::time::{Sleep, sleep};

/// How long bodies may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// All of a form or a report.
    pub(super) whole: Duration,
    /// The next piece of files, which may be long.
    pub(super) piece: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { whole: Duration::from_secs(20), piece: Duration::from_mins(1) }
    }
}

/// Until when a body is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// So long for all of it, from the first moment it is waited for.
    Whole(Duration),
    /// So long for each piece.
    Piece(Duration),
}

/// `payload`, cut off with an error behind `len_max` bytes, or when it lets itself be waited for.
pub(super) fn bounded(payload: Payload, len_max: usize, wait: Wait) -> Payload {
    Payload::Stream { payload: Box::pin(Bounded { payload, left: len_max, wait, timer: None }) }
}

struct Bounded {
    payload: Payload,
    left: usize,
    wait: Wait,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Ready(Some(Ok(bytes))) => {
                if matches!(this.wait, Wait::Piece(_)) {
                    this.timer = None;
                }
                let left = this.left.checked_sub(bytes.len());
                this.left = left.unwrap_or(0);
                Poll::Ready(Some(left.map(|_| bytes).ok_or(PayloadError::Overflow)))
            }
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => {
                let (Wait::Whole(longest) | Wait::Piece(longest)) = this.wait;
                let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(longest)));
                let late = || PayloadError::Io(io::ErrorKind::TimedOut.into());
                timer.as_mut().poll(context).map(|()| Some(Err(late())))
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::future::poll_fn;

    use super::*;

    /// This, and then nothing more, for ever.
    struct Stalling(Option<Bytes>);

    impl Stream for Stalling {
        type Item = Result<Bytes, PayloadError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0.take().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(piece))))
        }
    }

    /// A body of which `begin` comes, and then nothing more.
    pub(in crate::http) fn stalled(begin: Bytes) -> Payload {
        Payload::Stream { payload: Box::pin(Stalling(Some(begin))) }
    }

    async fn next(payload: &mut Payload) -> Option<Result<Bytes, PayloadError>> {
        poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await
    }

    #[actix_web::test]
    async fn what_stalls_is_waited_for_so_long_and_no_longer() {
        for wait in [Wait::Whole(Duration::ZERO), Wait::Piece(Duration::ZERO)] {
            let mut body = bounded(stalled(Bytes::from_static(b"one")), 3, wait);
            assert_eq!(next(&mut body).await.unwrap().unwrap(), "one");
            match next(&mut body).await {
                Some(Err(PayloadError::Io(error))) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[actix_web::test]
    async fn one_byte_too_many_is_an_error() {
        let mut body =
            bounded(stalled(Bytes::from_static(b"four")), 3, Wait::Whole(Duration::ZERO));
        assert!(matches!(next(&mut body).await, Some(Err(PayloadError::Overflow))));
    }
}
