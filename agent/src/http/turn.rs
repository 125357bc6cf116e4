//! One at a time: whoever works has the turn, not whoever waits for the answer. A browser that goes away ends
//! no work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::web;

use super::refusal::Refusal;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns(Arc<AtomicBool>);

impl Turns {
    /// The turn, if nobody has it.
    pub(super) fn take(&self) -> Result<Turn, Refusal> {
        if self.0.swap(true, Ordering::Acquire) {
            return Err(Refusal::TOO_FAST);
        }
        Ok(Turn(Arc::clone(&self.0)))
    }
}

/// The turn; it is over when this goes.
#[derive(Debug)]
pub(super) struct Turn(Arc<AtomicBool>);

impl Turn {
    /// Runs `work` where waiting is allowed. The turn comes back behind what it gives: if nobody waits for
    /// that any more, it goes first, and the turn after it.
    pub(super) async fn at<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Self), Refusal> {
        let done = web::block(move || {
            let turn = self;
            (work(), turn)
        });
        done.await.map_err(|error| Refusal::machine(&error))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future as _,
        sync::mpsc,
        task::{Context, Waker},
    };

    use super::*;

    /// What work leaves behind, which must be gone before the next one begins.
    struct Trace(Arc<AtomicBool>, mpsc::Sender<bool>);

    impl Drop for Trace {
        fn drop(&mut self) {
            self.1.send(self.0.load(Ordering::Acquire)).unwrap();
        }
    }

    #[actix_web::test]
    async fn work_has_its_turn_to_its_end_though_nobody_waits_for_it() {
        let turns = Turns::default();
        let ((end, is_to_end), (gone, is_gone)) = (mpsc::channel::<()>(), mpsc::channel());
        let busy = Arc::clone(&turns.0);
        let mut work = Box::pin(turns.take().unwrap().at(move || {
            let _let_go = is_to_end.recv();
            Trace(busy, gone)
        }));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(work);
        assert!(turns.take().is_err(), "it is still at work");
        end.send(()).unwrap();
        assert!(is_gone.recv().unwrap(), "what it gave goes before its turn is over");
        while turns.take().is_err() {
            std::thread::yield_now();
        }
    }
}
