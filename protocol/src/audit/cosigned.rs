//! What witnesses said of a retailer's log: L2.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{
    Assertion, Fault, Gap, LogFile, PinnedWitnesses, Place, Policy, evidence::LogFiles,
    findings::Findings, source::Files,
};
use crate::{
    log::{
        Cosignature, LogKey, QuorumError, SignedCheckpoint, UnverifiedCheckpoint, Witness,
        WitnessPolicy, WitnessedCheckpoint,
    },
    time::Timestamp,
};

/// A head of a retailer's log with lines of witnesses.
#[derive(Debug)]
pub(super) struct Cosigned {
    pub(super) head: SignedCheckpoint,
    pub(super) place: Place,
    /// By when enough witnesses of the policy had seen it; nothing if the policy asks for none, or there are too few.
    pub(super) since: Option<Timestamp>,
}

impl Cosigned {
    /// Reads the head that a bundle has as cosigned, if it has one and its log could have one.
    pub(super) fn read<F: Files>(
        key: &LogKey,
        files: &LogFiles<'_, F>,
        policy: &Policy,
        now: Timestamp,
        earlier: &[(SignedCheckpoint, Place)],
        out: &mut Findings,
    ) -> Result<Option<Self>, F::Error> {
        if key.origin().controller().is_none() {
            return Ok(None);
        }
        let witnesses = policy.witnesses.as_ref().map(PinnedWitnesses::policy);
        let (file, asks) = (LogFile::Cosigned, witnesses.is_some_and(WitnessPolicy::asks));
        let place = files.place(&file, None);
        if !files.has(&file) {
            if asks {
                // Not held against the retailer: whoever wrote the bundle could leave the file out.
                out.gap(Gap::NotCosigned { origin: key.origin().clone() });
            }
            return Ok(None);
        }
        out.checked(Assertion::L1);
        let head = UnverifiedCheckpoint::parse(&files.read(&file)?)
            .map_err(Fault::ParseCheckpoint)
            .and_then(|head| head.verify(key).map_err(Fault::Checkpoint));
        let head = match head {
            Ok(head) => head,
            Err(fault) => {
                out.find(Assertion::L1, place, fault);
                return Ok(None);
            }
        };
        let mut since = None;
        if let Some(witnesses) = witnesses {
            let seen = witnesses.verify(&head, now, u64::MAX);
            since = seen.as_ref().ok().filter(|_| asks).map(WitnessedCheckpoint::at);
            out.check(Assertion::L2, seen.err().map(Fault::Quorum), || place.clone());
            for (earlier, remembered) in earlier {
                let at = |fault: &Fault| match fault {
                    Fault::Quorum(_) => remembered.clone(),
                    _ => place.clone(),
                };
                for fault in backwards(&head, earlier, witnesses, policy.skew_seconds) {
                    out.find(Assertion::L2, at(&fault), fault);
                }
            }
            let others = other_lines(&head, witnesses);
            if others > 0 {
                out.gap(Gap::OtherWitnesses { origin: key.origin().clone(), count: others });
            }
        }
        if let Some(seen) = since
            && seen < now.minus(policy.cosigned_within_seconds)
        {
            let seconds = now.as_unix_seconds().saturating_sub(seen.as_unix_seconds());
            out.gap(Gap::CosignedLongAgo { origin: key.origin().clone(), seconds });
        }
        Ok(Some(Self { head, place, since }))
    }
}

/// When each witness saw a head, if its line stands below. One line that does not hold spoils them.
fn times(head: &SignedCheckpoint, witnesses: &WitnessPolicy) -> Result<Vec<Option<Timestamp>>, ()> {
    let at = |one: &Witness| {
        Ok(head.cosigned_by(&one.key).map_err(|_| ())?.as_ref().map(Cosignature::at))
    };
    witnesses.witnesses().iter().map(at).collect()
}

/// Witnesses that saw this head and an earlier one, by their own clocks, in another order than the log grew, by more than the
/// skew; or that a line below the earlier one does not hold.
fn backwards(
    head: &SignedCheckpoint,
    earlier: &SignedCheckpoint,
    witnesses: &WitnessPolicy,
    skew: u64,
) -> Vec<Fault> {
    // Below this one, what does not hold was found already.
    let Ok(now) = times(head, witnesses) else { return Vec::new() };
    let Ok(before) = times(earlier, witnesses) else {
        return alloc::vec![Fault::Quorum(QuorumError::Spoiled)];
    };
    let both = witnesses.witnesses().iter().zip(before.into_iter().zip(now));
    let pairs = both.filter_map(|(witness, (before, now))| Some((witness, before?, now?)));
    let order = earlier.size().cmp(&head.size());
    pairs
        .filter_map(|(witness, before, now)| {
            let (first, then) = match order {
                Ordering::Less => (before, now),
                Ordering::Equal => return None,
                Ordering::Greater => (now, before),
            };
            let seconds = first.as_unix_seconds().checked_sub(then.as_unix_seconds())?;
            let witness = witness.key.name().clone();
            (seconds > skew).then_some(Fault::SeenBackwards { witness, seconds })
        })
        .collect()
}

/// How many lines below a head are neither the log's nor of a witness of the policy: nothing is held against them.
fn other_lines(head: &SignedCheckpoint, witnesses: &WitnessPolicy) -> u64 {
    let lines = head.as_str().rsplit_once("\n\n").map_or(0, |(_, lines)| lines.lines().count());
    let is_known = |cosigned: Result<Option<_>, _>| cosigned.map_or(true, |line| line.is_some());
    let known = witnesses.witnesses().iter().filter(|one| is_known(head.cosigned_by(&one.key)));
    u64::try_from(lines.saturating_sub(1).saturating_sub(known.count())).unwrap_or(u64::MAX)
}
