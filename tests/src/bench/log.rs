//! `bench log`: what a retailer writes down before it answers, and what its proofs cost.

mod shoppers;

use std::{
    fs, iter,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use besace_protocol::{
    consent::{Benefit, BenefitKind, ConsentRequest, Terms},
    document::{Unverified, Verified},
    id::RequestId,
    jws::Role,
    log::UnverifiedProof,
    party::{self, ControllerId, LegalIdentity, ShopCode, ShopKind},
    presence::EphemeralId,
    purpose::{Granularity, Purpose},
    time::{Day, Timestamp},
};
use besace_retailer::{
    GrantCall, Identity, NegotiationPolicy, ReleaseToCheck, RequestDraft, Retailer, ShopKey,
    ShopScope, SqliteStore,
};
use rand::{SeedableRng as _, rngs::StdRng};

use self::shoppers::Shopper;
use super::{
    Run,
    figures::Figures,
    yardstick::{
        Both, append_and_sync_seconds, both, cpu_of, ed25519_verify_nanoseconds, number,
        plain_sqlite_seconds,
    },
};

use crate::world::notice;

/// 2026-11-22 10:00 UTC.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);

/// Where the grants hold.
const SCOPE: &str = "shop.example/fr/*";

const SHOP: ShopCode = ShopCode::from_bytes([0, 0, 0, 1]);

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let shoppers = if run.quick { 60 } else { 1_000 };
    let mut figures = Figures::default();
    figures.count("shoppers_count", shoppers);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("retailer.db");
    let mut rng = StdRng::seed_from_u64(5);
    let mut retailer = Retailer::init(SqliteStore::create(&path)?, &identity()?, NOW, &mut rng)?;
    let request = retailer.publish_request(draft(), NOW, &mut rng)?;
    let door = retailer.add_shop_key("door", SHOP, &[ShopScope::Sightings], &mut rng)?;
    let mut shop = Shop { retailer, request, door };
    let (bytes, before) = (bytes_of(folder.path())?, leaves(&shop.retailer)?);

    let alone = shop.events(shoppers, 1, &mut rng)?;
    let events = leaves_since(&shop.retailer, before)?;
    figures.set("single_writer_events_per_second", number(events) / alone.seconds());
    let before = leaves(&shop.retailer)?;
    let together = shop.events(shoppers, GROUP, &mut rng)?;
    let events = leaves_since(&shop.retailer, before)?;
    figures.count("events_count", events);
    figures.count("group_count", u64::try_from(GROUP)?);
    let per_event = together.seconds() / number(events);
    figures.set("durable_events_per_second", 1.0 / per_event);
    figures.set("ratio_to_single_writer", alone.seconds() / together.seconds());
    for (name, spent) in together.parts() {
        figures.set(&format!("durable_{name}_per_second"), number(shoppers) / spent.wall);
        let milliseconds = spent.cpu * 1e3 / number(shoppers);
        figures.set(&format!("cpu_milliseconds_per_{}", name.trim_end_matches('s')), milliseconds);
    }
    let Shop { retailer, .. } = shop;
    let all = events.saturating_mul(2);
    proofs(&retailer, run, &mut figures)?;
    // Closed, so that nothing waits in the write-ahead log.
    drop(retailer);
    let stored = bytes_of(folder.path())?.saturating_sub(bytes);
    let bytes_per_event = stored / all.max(1);
    figures.count("store_bytes_per_event", bytes_per_event);

    let record = usize::try_from(bytes_per_event)?;
    let times = if run.quick { 20 } else { 200 };
    let append = append_and_sync_seconds(folder.path(), record, times)?;
    let sqlite = plain_sqlite_seconds(folder.path(), record, times)?;
    figures.set("append_and_fdatasync_per_second", 1.0 / append.median);
    figures.set("plain_sqlite_commits_per_second", 1.0 / sqlite.median);
    figures.set("ratio_to_append_and_fdatasync", per_event / append.median);
    figures.set("ratio_to_plain_sqlite", per_event / sqlite.median);
    Ok(figures)
}

/// Operations that share a transaction: what waits at a gateway while one group is written.
const GROUP: usize = 128;

struct Shop {
    retailer: Retailer,
    request: RequestId,
    door: ShopKey,
}

/// What each kind of event took, all of them.
struct Spent {
    grants: Both,
    releases: Both,
    uses: Both,
}

impl Spent {
    fn parts(&self) -> [(&'static str, Both); 3] {
        [("grants", self.grants), ("releases", self.releases), ("uses", self.uses)]
    }

    fn seconds(&self) -> f64 {
        self.parts().iter().map(|(_, spent)| spent.wall).sum()
    }
}

impl Shop {
    /// Everybody gives a grant, releases today's keys and comes in once; so many of them share a transaction.
    fn events(&mut self, shoppers: usize, group: usize, rng: &mut StdRng) -> Result<Spent> {
        let asked = self.asked()?;
        let manifest = self.retailer.manifest_document()?;
        let mut shoppers: Vec<_> = (0..shoppers).map(|_| Shopper::new(&asked, NOW, rng)).collect();
        let calls = shoppers.iter().map(|shopper| shopper.gives(NOW, rng));
        let calls = calls.collect::<Result<Vec<_>>>()?;
        let domain = self.retailer.identity().domain.clone();
        let look = |_: &Retailer, call: &Vec<u8>| Ok((call.clone(), domain.clone()));
        let check = |(call, domain): (Vec<u8>, ControllerId)| GrantCall::check(call, &domain, NOW);
        let grants = self.in_groups(group, &calls, rng, look, check, |retailer, call, rng| {
            retailer.give_checked_grant(&call, NOW, rng)?;
            Ok(())
        })?;
        let day = Day::of(NOW);
        let calls = shoppers.iter_mut().map(|shopper| shopper.releases(&manifest, day, NOW, rng));
        let calls = calls.collect::<Result<Vec<_>>>()?;
        let look =
            |retailer: &Retailer, call: &Vec<u8>| Ok(retailer.look_up_release(call.clone())?);
        let check = |found: ReleaseToCheck| found.check(NOW);
        let releases = self.in_groups(group, &calls, rng, look, check, |retailer, call, rng| {
            retailer.receive_checked_release(&call, NOW, rng)?;
            Ok(())
        })?;
        let permit = self.retailer.authenticate(&self.door)?;
        let tokens = shoppers.iter().map(|shopper| shopper.emits(NOW));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        let look = |_: &Retailer, token: &EphemeralId| Ok(*token);
        let uses = self.in_groups(
            group,
            &tokens,
            rng,
            look,
            |token| token,
            |shop, token, rng| {
                shop.sighting(&permit, token, 1, NOW, rng)?;
                Ok(())
            },
        )?;
        Ok(Spent { grants, releases, uses })
    }

    /// Does something with each of `all`, so many in one transaction, after it was looked up and checked. While one group
    /// is written, what the next one is made of is checked beside it, and on both cores when that is not done by then: as a
    /// gateway does with what comes meanwhile. One is done alone, as whoever asks alone is.
    fn in_groups<T, L: Send, C: Send>(
        &mut self,
        group: usize,
        all: &[T],
        rng: &mut StdRng,
        look: impl Fn(&Retailer, &T) -> Result<L>,
        check: impl Fn(L) -> C + Sync,
        operation: impl Fn(&mut Retailer, C, &mut StdRng) -> Result<()>,
    ) -> Result<Both> {
        let retailer = &mut self.retailer;
        both(|| {
            if group == 1 {
                return all.iter().try_for_each(|one| {
                    let checked = check(look(retailer, one)?);
                    operation(retailer, checked, rng)
                });
            }
            let look_up = |retailer: &Retailer, some: &[T]| {
                some.iter().map(|one| look(retailer, one)).collect::<Result<Vec<_>>>()
            };
            let mut chunks = all.chunks(group);
            let first = look_up(retailer, chunks.next().unwrap_or_default())?;
            let (mut checked, ()) = checked_beside(first, &check, || Ok(()))?;
            while !checked.is_empty() {
                let next = look_up(retailer, chunks.next().unwrap_or_default())?;
                let write = || {
                    retailer.group(NOW, rng, |group, rng| {
                        let run = |one| group.run(|retailer| operation(retailer, one, rng))?;
                        checked.into_iter().try_for_each(run)
                    })?
                };
                (checked, ()) = checked_beside(next, &check, write)?;
            }
            Ok(())
        })
    }

    fn asked(&self) -> Result<Verified<ConsentRequest>> {
        let asked = self.retailer.open_requests(NOW)?.requests;
        let asked = asked.into_iter().find_map(|attested| {
            let key = self.retailer.verifying_key();
            let parsed = Unverified::parse(&attested.document.0).ok()?;
            let verified = parsed.verify(&[(Role::Controller, &key)]).ok()?;
            let wanted: &ConsentRequest = verified.payload();
            (wanted.id == self.request).then_some(verified)
        });
        asked.context("the request is open")
    }
}

/// Each of `all` checked, in their order, by another thread while this one does `work`, and by both after that.
fn checked_beside<L: Send, C: Send, T>(
    all: Vec<L>,
    check: &(impl Fn(L) -> C + Sync),
    work: impl FnOnce() -> Result<T>,
) -> Result<(Vec<C>, T)> {
    let waiting = Mutex::new(all.into_iter().enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let check_all =
        || iter::from_fn(next).map(|(number, one)| (number, check(one))).collect::<Vec<_>>();
    thread::scope(|scope| {
        let other = scope.spawn(check_all);
        let done = work()?;
        let mut checked = check_all();
        checked.extend(other.join().ok().context("the other thread checks")?);
        checked.sort_by_key(|(number, _)| *number);
        Ok((checked.into_iter().map(|(_, checked)| checked).collect(), done))
    })
}

/// What it costs to prove that the manifest stands in the log, and to check it.
fn proofs(retailer: &Retailer, run: &Run, figures: &mut Figures) -> Result<()> {
    let times = if run.quick { 20 } else { 500 };
    let attested = retailer.manifest()?;
    let prove = cpu_of(5, || (0..times).filter(|_| retailer.manifest().is_ok()).count());
    figures.sample("prove_microseconds", prove.times(1e6 / number(times)));
    let verify = || {
        UnverifiedProof::parse(attested.proof.as_bytes())
            .is_ok_and(|proof| proof.verify_opening(retailer.log_key(), &attested.record.0).is_ok())
    };
    ensure!(verify(), "the proof holds");
    let verified = cpu_of(5, || (0..times).filter(|_| verify()).count());
    let nanoseconds = verified.times(1e9 / number(times));
    figures.sample("verify_proof_microseconds", nanoseconds.times(1e-3));
    let yardstick = ed25519_verify_nanoseconds();
    figures.sample("ed25519_verify_microseconds", yardstick.times(1e-3));
    figures.set("ratio_of_verify_proof_to_ed25519_verify", nanoseconds.median / yardstick.median);
    figures.count("proof_bytes", attested.proof.len());
    Ok(())
}

fn identity() -> Result<Identity> {
    Ok(Identity {
        domain: ControllerId::parse("shop.example")?,
        legal: LegalIdentity {
            address: "1 rue du Marché, 75001 Paris".to_owned(),
            contact: "dpo@shop.example".to_owned(),
            display_name: "Au Bon Exemple".to_owned(),
            name: "Au Bon Exemple SA".to_owned(),
        },
        shops: vec![party::Shop {
            code: SHOP,
            kind: Some(ShopKind::DepartmentStore),
            latitude_e7: 488_566_000,
            longitude_e7: 23_522_000,
            name: "Paris".to_owned(),
            radius_metres: 60,
            scope: SCOPE.to_owned(),
            till_keys: Vec::new(),
        }],
    })
}

fn draft() -> RequestDraft {
    let purpose = Purpose::Recognition;
    RequestDraft {
        negotiation: NegotiationPolicy::default(),
        notice: notice("vous reconnaître"),
        open_days: 30,
        terms: Terms {
            base_benefit_conditional: false,
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: purpose.categories().iter().map(|c| (*c, Granularity::Exact)).collect(),
            frequency_per_day: 3,
            lookback_days: 0,
            purpose,
            recipients: Vec::new(),
            release_ahead_days: 1,
            retention_days: 10,
            scope: SCOPE.to_owned(),
            shops: vec![SHOP],
            valid_days: 30,
        },
    }
}

/// How many leaves the log has: the second line of its checkpoint.
fn leaves(retailer: &Retailer) -> Result<u64> {
    let checkpoint = retailer.checkpoint()?;
    checkpoint.lines().nth(1).context("a size")?.parse().context("a size")
}

fn leaves_since(retailer: &Retailer, before: u64) -> Result<u64> {
    Ok(leaves(retailer)?.saturating_sub(before))
}

fn bytes_of(folder: &Path) -> Result<u64> {
    let files = fs::read_dir(folder)?;
    files.map(|file| Ok(file?.metadata()?.len())).sum()
}
