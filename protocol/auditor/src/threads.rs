//! Work on all processors of the machine.

use std::{
    num::NonZero,
    sync::mpsc::sync_channel,
    thread::{available_parallelism, scope},
};

use besace_protocol::audit::Workers;

/// Results of one worker that may wait to be taken.
const WAITING_MAX: usize = 4;

/// As many threads as there are processors, for as long as the work takes.
#[derive(Clone, Copy, Debug)]
pub struct Threads(NonZero<usize>);

impl Threads {
    /// One for each processor.
    pub fn all() -> Self {
        Self(available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }
}

impl Workers for Threads {
    fn in_order<R: Send>(
        &self,
        count: u64,
        work: impl Fn(u64) -> R + Sync,
        mut take: impl FnMut(R),
    ) {
        let threads = self.0.get();
        if threads == 1 || count <= 1 {
            return (0..count).map(work).for_each(take);
        }
        let work = &work;
        scope(|scope| {
            // Each thread does every n-th piece, so that the order needs no book-keeping and none runs ahead.
            let results: Vec<_> = (0..threads)
                .map(|thread| {
                    let (give, results) = sync_channel(WAITING_MAX);
                    scope.spawn(move || {
                        let first = u64::try_from(thread).unwrap_or(u64::MAX);
                        for number in (first..count).step_by(threads) {
                            if give.send(work(number)).is_err() {
                                break;
                            }
                        }
                    });
                    results
                })
                .collect();
            for results in results.iter().cycle() {
                // Its work is done, and so is everybody's; or it panicked, which the scope passes on.
                let Ok(result) = results.recv() else { break };
                take(result);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_however_many_work() {
        for threads in 1..5 {
            for count in [0, 1, 2, 7, 300] {
                let mut taken = Vec::new();
                let threads = Threads(NonZero::new(threads).unwrap());
                threads.in_order(count, |number| number * 2, |result| taken.push(result));
                assert_eq!(taken, (0..count).map(|number| number * 2).collect::<Vec<_>>());
            }
        }
    }
}
