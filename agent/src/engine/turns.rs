//! One after the other: what leaves under a grant, and the withdrawal that ends it.
//!
//! Whatever leaves under a grant leaves in a [`Turn`]. A withdrawal lets no new one begin, stops those that are on, and
//! only then is written down. A call that was stopped is never polled again, so nothing more of it is handed over
//! to the connection; what that was handed before it may still send, it may have arrived, and the journal says which of the two it was.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use besace_protocol::{id::GrantId, party::ControllerId, time::Timestamp};

use super::Delivery;
use crate::vault::{Direction, JournalEntry};

/// How long a withdrawal waits for what it stopped to be gone. Longer only where the machine has no thread to spare, and
/// then too nothing more is handed over.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is on its way under a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// The grant itself.
    Grant(GrantId),
    /// What it allows.
    Delivery(Delivery),
}

impl Leaving {
    const fn grant(self) -> GrantId {
        match self {
            Self::Grant(grant)
            | Self::Delivery(Delivery::Keys { grant, .. } | Delivery::Data { grant, .. }) => grant,
        }
    }

    /// The word of the journal when it left.
    const fn kind(self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Delivery(Delivery::Keys { .. }) => "release",
            Self::Delivery(Delivery::Data { .. }) => "disclosure",
        }
    }

    /// The word of the journal when it was stopped: on its way, or before it `began`.
    const fn stopped_kind(self, began: bool) -> &'static str {
        match (self, began) {
            (Self::Grant(_), true) => "grant_cut",
            (Self::Grant(_), false) => "grant_stopped",
            (Self::Delivery(Delivery::Keys { .. }), true) => "release_cut",
            (Self::Delivery(Delivery::Keys { .. }), false) => "release_stopped",
            (Self::Delivery(Delivery::Data { .. }), true) => "disclosure_cut",
            (Self::Delivery(Delivery::Data { .. }), false) => "disclosure_stopped",
        }
    }
}

/// The turns that are on.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    state: Mutex<State>,
    /// Somebody's turn is over.
    over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Grants whose end is being written down; as often as somebody does it.
    closing: Vec<GrantId>,
    on: Vec<Arc<Call>>,
}

#[derive(Debug)]
struct Call {
    what: Leaving,
    domain: ControllerId,
    bytes: u64,
    phase: Mutex<Phase>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was handed over yet.
    Ready,
    /// Something may have been handed over.
    Sending(Waker),
    /// There is an answer, or will be none.
    Answered,
    /// She withdrew.
    Stopped { began: bool },
}

/// The right to send one call under a grant, until she withdraws; or one that is under none.
#[derive(Debug)]
#[must_use = "nothing leaves without it"]
pub struct Turn(Option<(Arc<Turns>, Arc<Call>)>);

impl Turn {
    /// Sends. `None`: she withdrew, and `call` was dropped.
    pub async fn send<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let Some((_, under)) = &self.0 else { return Some(call.await) };
        let mut call = pin!(call);
        poll_fn(|context| under.poll(call.as_mut(), context)).await
    }

    /// For what leaves under no grant.
    pub(crate) const fn free() -> Self {
        Self(None)
    }

    /// What the journal says when it leaves under a grant.
    pub(crate) fn note(&self, now: Timestamp) -> Option<JournalEntry> {
        self.0.as_ref().map(|(_, call)| call.entry(call.what.kind(), now))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((turns, call)) = &self.0 {
            turns.state().on.retain(|one| !Arc::ptr_eq(one, call));
            turns.over.notify_all();
        }
    }
}

impl Call {
    fn poll<T>(
        &self,
        call: Pin<&mut impl Future<Output = T>>,
        context: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        // Held while the call is polled: once a withdrawal had it, nothing more is handed over.
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Stopped { .. }) {
            return Poll::Ready(None);
        }
        *phase = Phase::Sending(context.waker().clone());
        call.poll(context).map(|answer| {
            *phase = Phase::Answered;
            Some(answer)
        })
    }

    /// Stops it, unless there is an answer. Says whether it had begun.
    fn stop(&self) -> Option<bool> {
        let mut phase = lock(&self.phase);
        let began = match &*phase {
            Phase::Ready => false,
            Phase::Sending(waker) => {
                waker.wake_by_ref();
                true
            }
            // By a withdrawal that was not written down.
            Phase::Stopped { began } => *began,
            Phase::Answered => return None,
        };
        *phase = Phase::Stopped { began };
        Some(began)
    }

    fn entry(&self, kind: &str, at: Timestamp) -> JournalEntry {
        JournalEntry {
            at,
            direction: Direction::Out,
            domain: self.domain.clone(),
            kind: kind.to_owned(),
            bytes: self.bytes,
        }
    }
}

/// A withdrawal that is being written down: as long as it lives, nothing begins to leave under the grant.
#[derive(Debug)]
#[must_use = "the grant is open again when it is dropped"]
pub struct Withdrawing {
    turns: Arc<Turns>,
    pub(crate) grant: GrantId,
    stopped: Vec<(Arc<Call>, bool)>,
    /// Those that are taken back with it (`spec/renewal.md#withdrawal`).
    pub(crate) others: Vec<Self>,
    /// Nothing else is taken back with it.
    pub(crate) alone: bool,
}

impl Withdrawing {
    /// Whether everything that was on its way is gone.
    pub fn is_alone(&self) -> bool {
        self.turns.state().is_quiet(self.grant) && self.others.iter().all(Self::is_alone)
    }

    /// Waits until it is, a few seconds at the most: whoever does not answer does not keep her from it.
    pub(crate) fn wait(&self) {
        let state = self.turns.state();
        let waited = self
            .turns
            .over
            .wait_timeout_while(state, PATIENCE, |state| !state.is_quiet(self.grant));
        drop(waited);
        for other in &self.others {
            other.wait();
        }
    }

    /// What the journal says of the calls that were stopped.
    pub(crate) fn stopped(&self, now: Timestamp) -> Vec<JournalEntry> {
        let entry = |(call, began): &(Arc<Call>, bool)| {
            let mut entry = call.entry(call.what.stopped_kind(*began), now);
            if !began {
                entry.bytes = 0;
            }
            entry
        };
        self.stopped.iter().map(entry).collect()
    }
}

impl Drop for Withdrawing {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        if let Some(at) = state.closing.iter().position(|grant| *grant == self.grant) {
            state.closing.swap_remove(at);
        }
    }
}

impl State {
    fn is_quiet(&self, grant: GrantId) -> bool {
        !self.on.iter().any(|call| call.what.grant() == grant)
    }
}

impl Turns {
    /// A turn for `what`; none while its grant is being ended, or while the same is on its way.
    pub(crate) fn enter(
        self: &Arc<Self>,
        what: Leaving,
        domain: &ControllerId,
        bytes: usize,
    ) -> Option<Turn> {
        let mut state = self.state();
        let taken = state.on.iter().any(|call| call.what == what);
        if taken || state.closing.contains(&what.grant()) {
            return None;
        }
        let call = Arc::new(Call {
            what,
            domain: domain.clone(),
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            phase: Mutex::new(Phase::Ready),
        });
        state.on.push(Arc::clone(&call));
        Some(Turn(Some((Arc::clone(self), call))))
    }

    /// From here on nothing begins to leave under `grant`, and what is on its way is stopped.
    pub(crate) fn close(self: &Arc<Self>, grant: GrantId) -> Withdrawing {
        let mut state = self.state();
        state.closing.push(grant);
        let mut stopped = Vec::new();
        for call in state.on.iter().filter(|call| call.what.grant() == grant) {
            if let Some(began) = call.stop() {
                stopped.push((Arc::clone(call), began));
            }
        }
        drop(state);
        Withdrawing { turns: Arc::clone(self), grant, stopped, others: Vec::new(), alone: false }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending, thread};

    use besace_protocol::time::Day;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);
    const GRANT: GrantId = GrantId::from_bytes([7; 16]);
    const KEYS: Leaving =
        Leaving::Delivery(Delivery::Keys { grant: GRANT, day: Day::from_number(20_779) });

    fn enter(turns: &Arc<Turns>, what: Leaving) -> Option<Turn> {
        turns.enter(what, &ControllerId::parse("shop.example").unwrap(), 900)
    }

    fn polled<F: Future>(call: Pin<&mut F>) -> Poll<F::Output> {
        call.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn words(withdrawing: &Withdrawing) -> Vec<(String, u64)> {
        withdrawing.stopped(NOW).into_iter().map(|entry| (entry.kind, entry.bytes)).collect()
    }

    #[test]
    fn a_shop_that_hangs_does_not_keep_her_from_it() {
        let turns = Arc::new(Turns::default());
        let turn = enter(&turns, KEYS).unwrap();
        let sending = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(turn.send(pending::<()>()))
        });
        while !matches!(*lock(&turns.state().on[0].phase), Phase::Sending(_)) {
            thread::yield_now();
        }
        let withdrawing = turns.close(GRANT);
        withdrawing.wait();
        assert!(withdrawing.is_alone());
        assert_eq!(words(&withdrawing), [("release_cut".to_owned(), 900)]);
        assert_eq!(sending.join().unwrap(), None);
    }

    #[test]
    fn what_had_not_begun_never_does() {
        let turns = Arc::new(Turns::default());
        let turn = enter(&turns, KEYS).unwrap();
        let withdrawing = turns.close(GRANT);
        let handed_over = Cell::new(false);
        let mut call = pin!(turn.send(async { handed_over.set(true) }));
        assert!(!withdrawing.is_alone());
        assert_eq!(polled(call.as_mut()), Poll::Ready(None));
        assert_eq!(words(&withdrawing), [("release_stopped".to_owned(), 0)]);
        assert!(!handed_over.get());
    }

    #[test]
    fn an_answer_that_came_first_is_waited_for_and_not_stopped() {
        let turns = Arc::new(Turns::default());
        let turn = enter(&turns, KEYS).unwrap();
        assert_eq!(polled(pin!(turn.send(async { 1 }))), Poll::Ready(Some(1)));
        let withdrawing = turns.close(GRANT);
        assert!(words(&withdrawing).is_empty() && !withdrawing.is_alone());
        drop(turn);
        assert!(withdrawing.is_alone());
    }

    #[test]
    fn nothing_begins_while_the_end_is_written_down_and_one_call_is_not_sent_twice() {
        let turns = Arc::new(Turns::default());
        let first = enter(&turns, KEYS).unwrap();
        assert!(enter(&turns, KEYS).is_none());
        drop(first);
        let (one, other) = (turns.close(GRANT), turns.close(GRANT));
        drop(other);
        assert!(enter(&turns, KEYS).is_none(), "the other goes on");
        assert!(enter(&turns, Leaving::Grant(GRANT)).is_none());
        drop(one);
        assert!(enter(&turns, KEYS).is_some());
    }
}
