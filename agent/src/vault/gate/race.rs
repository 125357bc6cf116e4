//! What leaves, and a withdrawal, in every order that thousands of seeds give: turns and gate are those of the program,
//! the network is one that counts. After the withdrawal is written down not one byte more is handed over, and no log says
//! that anything left.

use std::{
    cell::Cell,
    collections::BTreeMap,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use besace_protocol::party::ControllerId;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    tests::{GRANT, NOW, claim, show, through_the_gate, vault_with_a_grant},
    *,
};
use crate::{
    engine::{
        Delivery, Turn, Withdrawing,
        turns::{Leaving, Turns},
    },
    vault::releases,
};

const SEEDS: u64 = 10_000;

fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// A call to a network that takes `chunks` pieces, one whenever it is asked, and then answers, or hangs.
fn call(chunks: u32, answers: bool, handed: Rc<Cell<u32>>) -> impl Future<Output = ()> {
    poll_fn(move |_| {
        if handed.get() < chunks {
            handed.set(handed.get().saturating_add(1));
            return Poll::Pending;
        }
        if answers { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// What one delivery does next.
enum Step {
    Log,
    Enter,
    Look(Turn),
    Send(Pin<Box<dyn Future<Output = (Turn, Option<()>)>>>),
    Accept(Turn),
    Done,
}

struct Deliverer {
    delivery: Delivery,
    step: Step,
    handed: Rc<Cell<u32>>,
    delivered: bool,
}

impl Deliverer {
    fn new(delivery: Delivery, step: Step) -> Self {
        Self { delivery, step, handed: Rc::default(), delivered: false }
    }

    fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    fn go_on(&mut self, db: &Transaction<'_>, turns: &Arc<Turns>, rng: &mut StdRng) {
        let step = std::mem::replace(&mut self.step, Step::Done);
        self.step = match step {
            Step::Log => {
                let Delivery::Data { digest, .. } = self.delivery else { unreachable!() };
                let change = GrantChange::Disclose {
                    jws: Private::new(Vec::new()),
                    digest,
                    claim: claim(),
                    counted: true,
                };
                if through_the_gate(db, change, rng).is_ok() { Step::Enter } else { Step::Done }
            }
            Step::Enter => turns
                .enter(Leaving::Delivery(self.delivery), &domain(), 900)
                .map_or(Step::Done, Step::Look),
            Step::Look(turn) => {
                let may = match self.delivery {
                    Delivery::Keys { grant, day } => {
                        releases::release_may_leave(db, grant, day, NOW)
                    }
                    Delivery::Data { grant, digest } => {
                        releases::disclosure_may_leave(db, grant, digest, NOW)
                    }
                };
                if may.unwrap() {
                    journal::add(db, &turn.note(NOW).unwrap()).unwrap();
                    let (chunks, answers) = (rng.gen_range(1..4), rng.gen_bool(0.8));
                    let call = call(chunks, answers, Rc::clone(&self.handed));
                    Step::Send(Box::pin(async move {
                        let sent = turn.send(call).await;
                        (turn, sent)
                    }))
                } else {
                    Step::Done
                }
            }
            Step::Send(mut sending) => {
                match sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => Step::Send(sending),
                    Poll::Ready((turn, Some(()))) => Step::Accept(turn),
                    Poll::Ready((_, None)) => Step::Done,
                }
            }
            Step::Accept(_turn) => {
                match self.delivery {
                    Delivery::Keys { grant, day } => {
                        releases::deliver_key_release(db, grant, day, NOW)
                    }
                    Delivery::Data { grant, digest } => {
                        releases::deliver_disclosure(db, grant, digest, NOW)
                    }
                }
                .unwrap();
                self.delivered = true;
                Step::Done
            }
            Step::Done => Step::Done,
        };
    }
}

fn journal_words(db: &Transaction<'_>) -> BTreeMap<String, usize> {
    let mut statement = db.prepare("SELECT kind, count(*) FROM journal GROUP BY kind").unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, usize::from(row.get::<_, u16>(1)?))))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn count(db: &Transaction<'_>, sql: &str) -> u64 {
    db.query_row(sql, [], |row| column::number(row, 0)).unwrap()
}

fn log_size(db: &Transaction<'_>) -> u64 {
    count(db, "SELECT count(*) FROM log_entries WHERE log_id = x'02020202020202020202020202020202'")
}

/// What became of the deliveries of one run.
#[derive(Default, Debug)]
struct Outcome {
    delivered: usize,
    cut: usize,
    stopped: usize,
    never_logged: usize,
    impatient: bool,
    second_try: bool,
    shown: usize,
}

fn run(db: &Transaction<'_>, rng: &mut StdRng) -> Outcome {
    let turns = Arc::new(Turns::default());
    let mut deliverers = [
        Deliverer::new(Delivery::Keys { grant: GRANT, day: Day::of(NOW) }, Step::Enter),
        Deliverer::new(
            Delivery::Data { grant: GRANT, digest: Digest::from_bytes([9; 32]) },
            Step::Log,
        ),
    ];
    let mut outcome = Outcome { impatient: rng.gen_bool(0.2), ..Outcome::default() };
    let mut fails_once = rng.gen_bool(0.1);
    // She comes late in some runs, and at once in others.
    let eagerness = rng.gen_range(0.02..0.6);
    let handed = |all: &[Deliverer]| all.iter().map(|one| one.handed.get()).collect::<Vec<_>>();
    let mut withdrawing: Option<Withdrawing> = None;
    let mut over: Option<(Vec<u32>, u64)> = None;
    for _ in 0..1_000 {
        if over.is_none() && rng.gen_bool(eagerness) {
            match withdrawing.take() {
                None => {
                    let on_the_way =
                        |one: &&Deliverer| matches!(one.step, Step::Look(_) | Step::Send(_));
                    let began = |one: &&Deliverer| one.handed.get() > 0;
                    let on: Vec<&Deliverer> = deliverers.iter().filter(on_the_way).collect();
                    let cut = on.iter().filter(|one| began(one)).count();
                    let stopped = on.len().saturating_sub(cut);
                    withdrawing = Some(turns.close(GRANT));
                    if !fails_once {
                        (outcome.cut, outcome.stopped) = (cut, stopped);
                    }
                }
                Some(closed) if !closed.is_alone() && !outcome.impatient => {
                    withdrawing = Some(closed);
                }
                // The disk was full: the grant is as it was.
                Some(closed) if fails_once => {
                    fails_once = false;
                    outcome.second_try = true;
                    drop(closed);
                }
                Some(closed) => {
                    let stopped = closed.stopped(NOW);
                    through_the_gate(db, GrantChange::Withdraw { stopped }, rng).unwrap();
                    over = Some((handed(&deliverers), log_size(db)));
                    drop(closed);
                }
            }
        } else {
            let which = rng.gen_range(0..=deliverers.len());
            if let Some(deliverer) = deliverers.get_mut(which) {
                deliverer.go_on(db, &turns, rng);
            } else if rng.gen_bool(0.2) {
                // A till asks, and she answers with her own hand.
                let shown = through_the_gate(db, show(claim()), rng);
                assert_eq!(shown.map(drop), if over.is_none() { Ok(()) } else { Err(Shut::Over) });
                outcome.shown = outcome.shown.saturating_add(usize::from(over.is_none()));
            }
        }
        if let Some((bytes, size)) = &over {
            assert_eq!(handed(&deliverers), *bytes, "handed over after the withdrawal");
            assert_eq!(log_size(db), *size, "in the log after the withdrawal");
        }
        if over.is_some() && deliverers.iter().all(Deliverer::is_done) {
            break;
        }
    }
    assert!(over.is_some() && deliverers.iter().all(Deliverer::is_done), "it ends");
    assert_eq!(count(db, "SELECT count(*) FROM key_releases WHERE state = 'logged'"), 0);
    assert_eq!(count(db, "SELECT count(*) FROM disclosures WHERE state = 'logged'"), 0);
    let journal = journal_words(db);
    let lines = |end: &str| -> usize {
        journal.iter().filter(|(kind, _)| kind.ends_with(end)).map(|(_, count)| count).sum()
    };
    assert_eq!((lines("_cut"), lines("_stopped")), (outcome.cut, outcome.stopped), "{journal:?}");
    let began = deliverers.iter().filter(|one| one.handed.get() > 0).count();
    assert!(lines("release").saturating_add(lines("disclosure")) >= began, "nothing leaves unsaid");
    assert_eq!(lines("till_answer"), outcome.shown, "nothing is shown unsaid");
    let size = usize::try_from(log_size(db)).unwrap().saturating_sub(outcome.shown);
    outcome.never_logged = deliverers.len().saturating_add(1).saturating_sub(size);
    outcome.delivered = deliverers.iter().filter(|one| one.delivered).count();
    outcome
}

#[test]
fn nothing_leaves_after_a_withdrawal_in_whatever_order_they_come() {
    let mut db = vault_with_a_grant();
    // The keys stand in her log since the last errand.
    let transaction = db.transaction().unwrap();
    let commitment = Digest::from_bytes([8; 32]);
    let change = GrantChange::Release { day: Day::of(NOW), commitment, claim: claim() };
    through_the_gate(&transaction, change, &mut StdRng::seed_from_u64(0)).unwrap();
    transaction.commit().unwrap();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let outcome = {
            let transaction = db.transaction().unwrap();
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run(&transaction, &mut StdRng::seed_from_u64(seed))
            }));
            // Undone: the next run finds the grant as this one did.
            drop(transaction);
            done.unwrap_or_else(|_| panic!("seed {seed}"))
        };
        for (what, is) in [
            ("all delivered before", outcome.delivered == 2),
            ("none logged before", outcome.never_logged == 1),
            ("cut off on the way", outcome.cut > 0),
            ("stopped before it began", outcome.stopped > 0),
            ("some of each", outcome.delivered > 0 && outcome.cut > 0),
            ("did not wait", outcome.impatient),
            ("at the second try", outcome.second_try),
            ("shown to a till before", outcome.shown > 0),
        ] {
            *seen.entry(what).or_default() += u64::from(is);
        }
    }
    for (what, times) in &seen {
        assert!(*times > SEEDS / 200, "{what}: only {times} of {SEEDS}; {seen:?}");
    }
}
