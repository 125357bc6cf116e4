//! Who asks the retailer waits here: whoever arrives while it writes to the disk is served together, next.

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

/// Most questions that wait: some seconds' worth. Who comes then hears at once that it is too much.
const WAITING_MAX: usize = 4096;

/// A question that waits, with the way back to whoever asked.
type Question = Box<dyn FnOnce(&mut Group<'_>, Timestamp, &mut Rng) -> Answer + Send>;

/// Tells the answer. Dropped untold, whoever asked learns that nothing was recorded.
type Answer = Box<dyn FnOnce() + Send>;

/// The questions that wait, in their order.
#[derive(Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    questions: VecDeque<Question>,
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
        if waiting.questions.len() >= WAITING_MAX {
            return None;
        }
        waiting.questions.push_back(question);
        let idle = !waiting.served;
        waiting.served = true;
        Some((told, idle))
    }

    /// The questions of the next group. Without any, nobody serves the queue from now on.
    fn next(&self) -> Vec<Question> {
        let mut waiting = self.lock();
        let many = waiting.questions.len().min(GROUP_MAX);
        waiting.served = many > 0;
        waiting.questions.drain(..many).collect()
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

    #[test]
    fn who_comes_when_too_many_wait_is_told_so_and_waits_no_more() {
        let queue = Queue::default();
        let mut waiting = Vec::new();
        while let Some((told, idle)) = queue.push(|_, _, _| Ok(())) {
            assert_eq!(idle, waiting.is_empty(), "the first one serves the queue");
            waiting.push(told);
        }
        assert_eq!(waiting.len(), WAITING_MAX);
        // Some are served, and others come.
        assert_eq!(queue.next().len(), GROUP_MAX);
        assert!(queue.push(|_, _, _| Ok(())).is_some());
    }
}
