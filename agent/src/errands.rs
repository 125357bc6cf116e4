//! What the agent does by itself: keys of the next day, mail, offers, what a
//! retailer has not signed for yet.
//!
//! Each pseudonym has a schedule of its own, drawn at random: two retailers that compare notes must not
//! find that calls to both come together, nor one retailer that two whom it knows are one person. Nor that one follows another: what was missed, because the machine slept or
//! another retailer took its time, is planned anew. While the vault is locked it sends what was signed before, on the same
//! kind of schedule. A batch of vouchers, which nobody is to know for hers, is an errand of its own, at the moment that was
//! drawn for it.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use besace_protocol::{
    id::Generation,
    party::ControllerId,
    time::{Timestamp, Week},
};
use rand_core::CryptoRngCore;

use crate::{
    engine::{Engine, EngineError, EngineState, Errand, MergeInboxError},
    exchange::{Exchange, ExchangeError},
};

/// How often the schedule is looked at.
const TICK: Duration = Duration::from_secs(5);

/// How often it is asked whether a backup is due.
const BACKUP_TICK: Duration = Duration::from_mins(1);

/// From the moment the agent may go out to the first errand.
const FIRST_SECONDS: RangeInclusive<u64> = 10..=120;
/// An errand that is later than this was missed: run now, it would come when all that were missed do.
const MISSED_SECONDS: u64 = 15;
/// From one errand to the next: keys are released a day ahead, so an hour's delay harms nobody.
const NEXT_SECONDS: RangeInclusive<u64> = 1_800..=5_400;
/// After one that failed.
const AGAIN_SECONDS: RangeInclusive<u64> = 300..=900;
/// As a pseudonym that she left: so far from the moment when all others are planned that the two do not come and go together.
const FORMER_FIRST_SECONDS: RangeInclusive<u64> = 600..=10_800;
/// What it has left to fetch is owed within a month.
const FORMER_NEXT_SECONDS: RangeInclusive<u64> = 21_600..=108_000;
/// What it has left to say may have to be told again.
const FORMER_AGAIN_SECONDS: RangeInclusive<u64> = 1_800..=5_400;

/// A batch of vouchers that could not be asked for at its own moment is asked for so many seconds later.
const BATCH_AGAIN_SECONDS: RangeInclusive<u64> = 300..=3_600;

/// When each errand is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    errands: BTreeMap<Errand, Timestamp>,
    /// Batches whose own moment was missed.
    batches: BTreeMap<(ControllerId, Week), Timestamp>,
}

impl Schedule {
    /// Nothing is planned.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next moment for which an errand is planned.
    pub fn next(&self) -> Option<Timestamp> {
        self.errands.values().min().copied()
    }

    /// Which of `errands` are due at `now`. One that is seen for the first time is planned, and so is one that was
    /// missed; one that is gone is forgotten.
    pub fn due(
        &mut self,
        errands: &[Errand],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Errand> {
        self.errands.retain(|known, _| errands.contains(known));
        let mut due = Vec::new();
        for errand in errands {
            match self.errands.get(errand) {
                Some(at) if *at > now => {}
                Some(at) if now.distance(*at) <= MISSED_SECONDS => due.push(errand.clone()),
                Some(_) | None => {
                    let span =
                        if errand.former.is_some() { FORMER_FIRST_SECONDS } else { FIRST_SECONDS };
                    self.plan(errand, now, span, rng);
                }
            }
        }
        due
    }

    /// An errand was run, well or not.
    pub fn done(
        &mut self,
        errand: &Errand,
        well: bool,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) {
        let span = match (errand.former.is_some(), well) {
            (false, true) => NEXT_SECONDS,
            (false, false) => AGAIN_SECONDS,
            (true, true) => FORMER_NEXT_SECONDS,
            (true, false) => FORMER_AGAIN_SECONDS,
        };
        self.plan(errand, now, span, rng);
    }

    /// In which errand each pseudonym speaks whose calls wait: a locked vault does not say whom she left, but as long as
    /// this process lives it knows. Of two at one retailer none is sent with the other.
    fn held(&self, waiting: Vec<(ControllerId, Generation)>) -> Vec<(Errand, Generation)> {
        let mut held: Vec<(Errand, Generation)> = Vec::new();
        for (domain, generation) in waiting {
            let now = Errand::from(&domain);
            let former = Errand { domain, former: Some(generation) };
            let taken = held.iter().any(|(errand, _)| *errand == now);
            let errand = if taken || self.errands.contains_key(&former) { former } else { now };
            held.push((errand, generation));
        }
        held
    }

    fn plan(
        &mut self,
        errand: &Errand,
        now: Timestamp,
        span: RangeInclusive<u64>,
        rng: &mut impl CryptoRngCore,
    ) {
        self.errands.insert(errand.clone(), within(now, &span, rng));
    }

    /// Which batch of vouchers is to be asked for at `now`, of those whose moment has `come`. The key that asks is nobody
    /// else's: it comes with no other batch, nor when something is said as one whom that retailer knows (`spoken`).
    fn batch(
        &mut self,
        come: Vec<(ControllerId, Week, Timestamp)>,
        spoken: &[(ControllerId, bool)],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Option<(ControllerId, Week)> {
        self.batches.retain(|(domain, week), _| {
            come.iter().any(|(known, of, _)| (known, of) == (domain, week))
        });
        let mut due = None;
        for (domain, week, drawn) in come {
            let batch = (domain, week);
            let at = self.batches.get(&batch).copied().unwrap_or(drawn);
            if at > now {
                continue;
            }
            let alone = due.is_none() && spoken.iter().all(|(other, _)| *other != batch.0);
            if alone && now.distance(at) <= MISSED_SECONDS {
                due = Some(batch.clone());
            }
            // Also the one that is due: if nothing comes of it, it is asked for again.
            self.batches.insert(batch, within(now, &BATCH_AGAIN_SECONDS, rng));
        }
        due
    }
}

/// A moment in `span` after `now`.
fn within(now: Timestamp, span: &RangeInclusive<u64>, rng: &mut impl CryptoRngCore) -> Timestamp {
    let width = span.end().saturating_sub(*span.start()).saturating_add(1);
    // The spans are a few thousand wide: the bias of a remainder of 64 bits is far below 2^-50.
    let offset = rng.next_u64().checked_rem(width).unwrap_or(0);
    now.plus(span.start().saturating_add(offset))
}

/// Runs what is due now. Says with whom it went well, and with whom not.
pub async fn run_due(exchange: &Exchange, schedule: &mut Schedule) -> Vec<(ControllerId, bool)> {
    exchange.note_time().await;
    let merging = exchange.engine().clone();
    let merged = tokio::task::spawn_blocking(move || merging.merge_inbox()).await;
    match merged {
        Ok(Ok(_) | Err(MergeInboxError::Engine(EngineError::Locked))) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what arrived while the vault was locked waits"),
        Err(error) => tracing::error!(%error, "merging broke down"),
    }
    let engine = exchange.engine();
    // A locked vault knows only those to whom something waits.
    let locked = engine.state() == EngineState::Locked;
    let mut run = Vec::new();
    if locked {
        let held = schedule.held(exchange.held_pseudonyms().await.unwrap_or_default());
        let errands: Vec<Errand> = held.iter().map(|(errand, _)| errand.clone()).collect();
        for errand in schedule.due(&errands, engine.now(), &mut engine.rng()) {
            let Some((_, whose)) = held.iter().find(|(known, _)| *known == errand) else {
                continue;
            };
            let well = report(exchange.send_held_as(&errand.domain, *whose).await);
            schedule.done(&errand, well, engine.now(), &mut engine.rng());
            run.push((errand.domain, well));
        }
    } else {
        let errands = exchange.errands().await.unwrap_or_default();
        for errand in schedule.due(&errands, engine.now(), &mut engine.rng()) {
            let well = report(exchange.run(&errand).await);
            schedule.done(&errand, well, engine.now(), &mut engine.rng());
            run.push((errand.domain, well));
        }
        let come = exchange.batches_to_ask().await.unwrap_or_default();
        let batch = schedule.batch(come, &run, engine.now(), &mut engine.rng());
        if let Some((domain, week)) = batch {
            report(exchange.ask_for_vouchers(&domain, Some(week)).await);
        }
    }
    // What was made ready and did not arrive must leave though this process ends without a word.
    if !locked && !run.is_empty() && exchange.hold().await.is_err() {
        tracing::debug!("what waits to leave was not written down");
    }
    run
}

/// Runs errands for as long as it is polled.
pub async fn run(exchange: Exchange) {
    let mut schedule = Schedule::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        run_due(&exchange, &mut schedule).await;
    }
}

/// Makes the backups that are due, for as long as it is polled: those of the day, and those that were
/// missed while this was off or the vault locked.
pub async fn back_up(engine: Engine) {
    let mut ticks = tokio::time::interval(BACKUP_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        back_up_due(&engine).await;
    }
}

/// Makes the backups that are due now. A locked vault makes none.
pub async fn back_up_due(engine: &Engine) {
    let runtime = tokio::runtime::Handle::current();
    for place in engine.due_backups().unwrap_or_default() {
        let (engine, runtime) = (engine.clone(), runtime.clone());
        let made = tokio::task::spawn_blocking(move || engine.back_up(&place, &runtime)).await;
        match made {
            Ok(Ok(made)) => tracing::info!(bytes = made.bytes, "a backup was made"),
            Ok(Err(error)) => {
                tracing::warn!(trouble = error.trouble().as_str(), "a backup was not made");
            }
            Err(_) => tracing::error!("a backup ended in the middle"),
        }
    }
}

fn report<T>(done: Result<T, ExchangeError>) -> bool {
    match done {
        Ok(_) => true,
        Err(ExchangeError::Net(error)) => {
            // No domain: whom she deals with is hers.
            tracing::debug!(reachable = !error.is_unreachable(), "an errand waits");
            false
        }
        Err(_) => {
            tracing::warn!("a retailer's answer was refused; see the consent page");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn shop(name: &str) -> Errand {
        Errand::from(&ControllerId::parse(name).unwrap())
    }

    /// What becomes due while the clock goes on by ticks, and when.
    fn passing(
        schedule: &mut Schedule,
        shops: &[Errand],
        (from, to): (Timestamp, Timestamp),
        rng: &mut StdRng,
    ) -> Vec<(Errand, Timestamp)> {
        let (mut now, mut found) = (from, Vec::new());
        while now <= to {
            for shop in schedule.due(shops, now, rng) {
                schedule.done(&shop, true, now, rng);
                found.push((shop, now));
            }
            now = now.plus(TICK.as_secs());
        }
        found
    }

    #[test]
    fn nothing_is_due_at_first_sight_and_everything_within_two_minutes() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut schedule = Schedule::new();
        let shops = [shop("a.example"), shop("b.example")];
        assert!(schedule.due(&shops, NOW, &mut rng).is_empty());
        assert!(schedule.due(&shops, NOW.plus(9), &mut rng).is_empty());
        let ran = passing(&mut schedule, &shops, (NOW.plus(10), NOW.plus(125)), &mut rng);
        assert_eq!(ran.len(), 2);
    }

    #[test]
    fn a_batch_is_asked_for_at_its_own_moment_and_never_beside_something_else() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut schedule = Schedule::new();
        let domain = ControllerId::parse("a.example").unwrap();
        let other = ControllerId::parse("b.example").unwrap();
        let week = Week::of(NOW);
        let (first, second) = ((domain.clone(), week), (other.clone(), week));
        let come = |at: Timestamp| vec![(domain.clone(), week, at), (other.clone(), week, at)];
        // Two whose moments fall together: the second waits for another one.
        assert_eq!(schedule.batch(come(NOW), &[], NOW, &mut rng), Some(first));
        assert_eq!(schedule.batch(come(NOW), &[], NOW.plus(5), &mut rng), None);
        let mut found = Vec::new();
        for tick in 0..=BATCH_AGAIN_SECONDS.end() / TICK.as_secs() {
            let now = NOW.plus(5 + tick * TICK.as_secs());
            // The first was answered.
            let left = vec![(other.clone(), week, NOW)];
            found.extend(schedule.batch(left, &[], now, &mut rng).map(|batch| (batch, now)));
            if !found.is_empty() {
                break;
            }
        }
        let [(batch, at)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(*batch, second);
        assert!(NOW.distance(*at) >= *BATCH_AGAIN_SECONDS.start());
        // Said something there as one whom it knows, in the same moment: another one is drawn.
        let mut schedule = Schedule::new();
        let spoken = [(domain.clone(), false)];
        assert_eq!(schedule.batch(come(NOW), &spoken, NOW, &mut rng), Some(second));
        assert_eq!(schedule.batch(come(NOW), &[], NOW.plus(5), &mut rng), None);
        // Missed while the machine slept: asked for within the hour after, and not at once.
        let mut schedule = Schedule::new();
        let woken = NOW.plus(7_200);
        assert_eq!(schedule.batch(come(NOW), &[], woken, &mut rng), None);
        assert_eq!(schedule.batches.len(), 2);
        assert!(schedule.batches.values().all(|at| *at > woken && *at <= woken.plus(3_600)));
        // What is asked for no more, since she objects or it came, is forgotten.
        assert_eq!(schedule.batch(Vec::new(), &[], woken, &mut rng), None);
        assert_eq!(schedule, Schedule::new());
    }

    #[test]
    fn what_was_missed_while_the_machine_slept_does_not_come_all_at_once() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut schedule = Schedule::new();
        let shops: Vec<_> = (0..8).map(|i| shop(&format!("s{i}.example"))).collect();
        schedule.due(&shops, NOW, &mut rng);
        let woken = NOW.plus(8 * 3_600);
        assert!(schedule.due(&shops, woken, &mut rng).is_empty());
        let ran = passing(&mut schedule, &shops, (woken, woken.plus(125)), &mut rng);
        assert_eq!(ran.len(), 8);
        let moments: std::collections::BTreeSet<_> = ran.iter().map(|(_, at)| at).collect();
        assert!(moments.len() > 5, "{moments:?}");
    }

    #[test]
    fn one_that_she_left_does_not_come_when_the_others_do() {
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut schedule = Schedule::new();
            let now = shop("a.example");
            let former =
                Errand { former: Some(Generation::from_bytes([1; 16])), ..shop("a.example") };
            let both = [now.clone(), former.clone()];
            let ran = passing(&mut schedule, &both, (NOW, NOW.plus(599)), &mut rng);
            assert!(!ran.is_empty() && ran.iter().all(|(errand, _)| *errand == now));
            let ran = passing(&mut schedule, &both, (NOW.plus(600), NOW.plus(10_805)), &mut rng);
            assert_eq!(ran.iter().filter(|(errand, _)| *errand == former).count(), 1);
        }
    }

    #[test]
    fn while_locked_no_two_at_one_shop_are_sent_together() {
        let domain = ControllerId::parse("a.example").unwrap();
        let [one, other] = [1, 2].map(|n| Generation::from_bytes([n; 16]));
        let waiting = vec![(domain.clone(), one), (domain.clone(), other)];
        let apart = |held: &[(Errand, Generation)]| held[0].0 != held[1].0;
        let mut schedule = Schedule::new();
        assert!(apart(&schedule.held(waiting.clone())));
        // Known from before the lock.
        let former = Errand { domain: domain.clone(), former: Some(one) };
        schedule.done(&former, true, NOW, &mut StdRng::seed_from_u64(1));
        let held = schedule.held(waiting);
        assert_eq!(held, [(former, one), (Errand::from(&domain), other)]);
    }

    #[test]
    fn a_locked_vault_forgets_the_schedule() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut schedule = Schedule::new();
        let shops = [shop("a.example")];
        schedule.due(&shops, NOW, &mut rng);
        assert!(schedule.due(&[], NOW.plus(200), &mut rng).is_empty());
        assert!(schedule.due(&shops, NOW.plus(200), &mut rng).is_empty());
    }

    proptest! {
        #[test]
        fn the_next_errand_comes_in_its_span_and_not_together_with_another(seed in any::<u64>()) {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut schedule = Schedule::new();
            let shops: Vec<_> = (0..20).map(|i| shop(&format!("s{i}.example"))).collect();
            for shop in &shops {
                schedule.done(shop, true, NOW, &mut rng);
            }
            prop_assert!(schedule.due(&shops, NOW.plus(1_799), &mut rng).is_empty());
            let span = (NOW.plus(1_800), NOW.plus(5_405));
            let first: BTreeMap<_, _> =
                passing(&mut schedule, &shops, span, &mut rng).into_iter().rev().collect();
            prop_assert_eq!(first.len(), 20);
            let moments: std::collections::BTreeSet<_> = first.values().collect();
            prop_assert!(moments.len() > 10);
        }
    }
}
