//! How many passphrases this process stretches at once: each takes 64 MiB or more, so a crowd at the
//! door would stop the machine.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Stretched at once in this process, whatever the number of vaults.
pub const STRETCHED_AT_ONCE: usize = 2;
/// Waiting for their turn; whoever comes after them is told.
const WAITING_MAX: usize = 8;
/// Longest wait for a turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The one queue of this process: memory is the machine's, not a vault's.
static QUEUE: Queue = Queue::new();

#[derive(Debug)]
struct Queue {
    crowd: Mutex<Crowd>,
    freed: Condvar,
}

#[derive(Debug)]
struct Crowd {
    stretching: usize,
    waiting: usize,
}

/// Leave to stretch one passphrase.
#[derive(Debug)]
pub(super) struct Turn(&'static Queue);

/// A turn, or `None` when too many wait already.
pub(super) fn wait() -> Option<Turn> {
    QUEUE.wait(PATIENCE)
}

impl Queue {
    const fn new() -> Self {
        Self { crowd: Mutex::new(Crowd { stretching: 0, waiting: 0 }), freed: Condvar::new() }
    }

    fn wait(&'static self, patience: Duration) -> Option<Turn> {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        if crowd.stretching >= STRETCHED_AT_ONCE {
            if crowd.waiting >= WAITING_MAX {
                return None;
            }
            crowd.waiting = crowd.waiting.saturating_add(1);
            let full = |crowd: &mut Crowd| crowd.stretching >= STRETCHED_AT_ONCE;
            let waited = self.freed.wait_timeout_while(crowd, patience, full);
            crowd = waited.unwrap_or_else(PoisonError::into_inner).0;
            crowd.waiting = crowd.waiting.saturating_sub(1);
            if crowd.stretching >= STRETCHED_AT_ONCE {
                return None;
            }
        }
        crowd.stretching = crowd.stretching.saturating_add(1);
        Some(Turn(self))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut crowd = self.0.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        crowd.stretching = crowd.stretching.saturating_sub(1);
        drop(crowd);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> &'static Queue {
        Box::leak(Box::new(Queue::new()))
    }

    #[test]
    fn only_so_many_have_their_turn_and_a_freed_one_goes_to_who_waits() {
        let queue = queue();
        let turns: Vec<Turn> =
            (0..STRETCHED_AT_ONCE).map(|_| queue.wait(Duration::ZERO).unwrap()).collect();
        assert!(queue.wait(Duration::ZERO).is_none());
        let waiter = std::thread::spawn(|| queue.wait(PATIENCE).is_some());
        drop(turns);
        assert!(waiter.join().unwrap());
        assert!(queue.wait(Duration::ZERO).is_some());
    }

    #[test]
    fn a_crowd_is_told_instead_of_kept_waiting() {
        let queue = queue();
        let _turns: Vec<Turn> =
            (0..STRETCHED_AT_ONCE).map(|_| queue.wait(Duration::ZERO).unwrap()).collect();
        queue.crowd.lock().unwrap().waiting = WAITING_MAX;
        assert!(queue.wait(PATIENCE).is_none());
    }
}
