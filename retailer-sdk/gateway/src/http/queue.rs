//! Who asks the retailer waits here: whoever arrives while it writes to the disk is served together, next.
//!
//! Who withdraws or objects waits in a line of its own: behind nobody who only reads, and with room where the other line has
//! none. The lines take turns, so that who fills the one does not close the other. What is due by itself waits behind nobody.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use besace_protocol::time::Timestamp;
use besace_retailer::{Group, GroupError, Retailer};
use tokio::sync::oneshot;

use super::{Gateway, problem::Refusal};
use crate::entropy::Rng;

/// Most questions of one group: as many as are done in some hundred milliseconds.
const GROUP_MAX: usize = 256;

/// Most questions that wait in a line: some seconds' worth. Who comes then hears at once that it is too much.
const WAITING_MAX: usize = 4096;

/// A question that waits, with the way back to whoever asked.
type Question = Box<dyn FnOnce(&mut Group<'_>, Timestamp, &mut Rng) -> Answer + Send>;

/// Tells the answer. Dropped untold, whoever asked learns that nothing was recorded.
type Answer = Box<dyn FnOnce() + Send>;

/// Which line somebody waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// What is due by itself, whoever calls.
    Due,
    /// Who withdraws or objects.
    First,
    /// Everybody else.
    Other,
}

/// The questions that wait, in their order.
#[derive(Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    due: VecDeque<Question>,
    first: VecDeque<Question>,
    others: VecDeque<Question>,
    /// Whether the other line has the next turn.
    others_turn: bool,
    /// Whether a thread serves them.
    served: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// Queues a question: how its answer comes, and whether nobody serves the queue yet. `None`: too many wait.
    pub(super) fn push<T, F>(
        &self,
        line: Line,
        question: F,
    ) -> Option<(oneshot::Receiver<Result<T, Refusal>>, bool)>
    where
        T: Send + 'static,
        F: FnOnce(&mut Retailer, Timestamp, &mut Rng) -> Result<T, Refusal> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let question: Question = Box::new(move |group, now, rng| {
            let answer = match group.run(|retailer| question(retailer, now, rng)) {
                Ok(answer) => answer,
                Err(error @ GroupError::Panicked) => Err(Refusal::broken(&error)),
                Err(GroupError::Store(error)) => Err(error.into()),
            };
            // Nobody hears it who has gone.
            Box::new(move || drop(tell.send(answer)))
        });
        let mut waiting = self.lock();
        let line = match line {
            Line::Due => &mut waiting.due,
            Line::First => &mut waiting.first,
            Line::Other => &mut waiting.others,
        };
        if line.len() >= WAITING_MAX {
            return None;
        }
        line.push_back(question);
        let idle = !waiting.served;
        waiting.served = true;
        Some((told, idle))
    }

    /// The questions of the next group. Without any, nobody serves the queue from now on.
    fn next(&self) -> Vec<Question> {
        let mut waiting = self.lock();
        if let Some(due) = waiting.due.pop_front() {
            return vec![due];
        }
        let others =
            waiting.first.is_empty() || (waiting.others_turn && !waiting.others.is_empty());
        waiting.others_turn = !others;
        let line = if others { &mut waiting.others } else { &mut waiting.first };
        let many = line.len().min(GROUP_MAX);
        let next = line.drain(..many).collect();
        waiting.served = many > 0;
        next
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the queue of a gateway until it is empty. Blocks.
pub(super) fn serve(gateway: &Arc<Gateway>) {
    let _until = Served(gateway);
    let mut rng = Rng::new(Arc::clone(&gateway.entropy));
    loop {
        let questions = gateway.queue.next();
        if questions.is_empty() {
            return;
        }
        let now = gateway.clock.now();
        let answers = gateway.lock().group(now, &mut rng, |group, rng| {
            let ask = |question: Question| question(group, gateway.clock.now(), rng);
            questions.into_iter().map(ask).collect::<Vec<_>>()
        });
        match answers {
            Ok(answers) => answers.into_iter().for_each(|tell| tell()),
            Err(error) => drop(Refusal::broken(&error)),
        }
    }
}

/// A panic while the queue is served leaves it to whoever asks next.
struct Served<'g>(&'g Arc<Gateway>);

impl Drop for Served<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.lock().served = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &Queue, line: Line) -> Option<bool> {
        queue.push(line, |_, _, _| Ok(())).map(|(_, idle)| idle)
    }

    #[test]
    fn who_comes_when_too_many_wait_is_told_so_and_waits_no_more() {
        let queue = Queue::default();
        let mut waiting = 0;
        while let Some(idle) = push(&queue, Line::Other) {
            assert_eq!(idle, waiting == 0, "the first one serves the queue");
            waiting += 1;
        }
        assert_eq!(waiting, WAITING_MAX);
        // Who withdraws has room all the same.
        assert_eq!(push(&queue, Line::First), Some(false));
        assert_eq!(queue.next().len(), 1);
        // Some are served, and others come.
        assert_eq!(queue.next().len(), GROUP_MAX);
        assert!(push(&queue, Line::Other).is_some());
    }

    #[test]
    fn what_is_due_has_room_and_the_next_turn_however_many_wait() {
        let queue = Queue::default();
        for line in [Line::Other, Line::First] {
            while push(&queue, line).is_some() {}
        }
        assert_eq!(push(&queue, Line::Due), Some(false));
        assert_eq!(queue.next().len(), 1);
        assert_eq!(queue.lock().due.len(), 0);
        assert_eq!(queue.next().len(), GROUP_MAX);
    }

    #[test]
    fn who_withdraws_is_served_before_all_who_came_earlier_to_read_and_the_lines_take_turns() {
        let queue = Queue::default();
        for _ in 0..3 * GROUP_MAX {
            push(&queue, Line::Other).unwrap();
        }
        for _ in 0..GROUP_MAX + 2 {
            push(&queue, Line::First).unwrap();
        }
        let groups: Vec<_> = std::iter::from_fn(|| {
            let first = queue.lock().first.len();
            let group = queue.next();
            let line = if queue.lock().first.len() < first { Line::First } else { Line::Other };
            (!group.is_empty()).then_some((line, group.len()))
        })
        .collect();
        let (first, other) = (Line::First, Line::Other);
        let turns = [(first, 256), (other, 256), (first, 2), (other, 256), (other, 256)];
        assert_eq!(groups, turns);
        assert_eq!(push(&queue, Line::First), Some(true), "nobody serves an empty queue");
    }
}
