//! `bench resolver`: from a sighting to its grant, among up to ten million.

use std::{hint::black_box, process::Command};

use anyhow::{Context as _, Result, ensure};
use besace_protocol::{
    id::Handle,
    party::ShopCode,
    presence::{EphemeralId, Epoch, EpochTable, ReleasedDay, ReleasedKeys},
    time::Day,
};
use besace_retailer::presence::{Resolver, Sighting};
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::{
    Run,
    figures::{Figures, Sample},
    yardstick::{cpu_of, cpu_seconds, forget_peak, memory, number, random_read_nanoseconds},
};

/// The day that the keys are for.
const DAY: Day = Day::from_number(20_778);

/// A shop.
const SHOP: ShopCode = ShopCode::from_bytes(*b"LML1");

/// Most identifiers that are looked for: so many that no cache holds what they touch.
const SOUGHT: u32 = 1_000_000;

/// Keys that are tried one by one.
const TRIED: u32 = 20_000;

/// Identifiers of one question: what a busy receiver hears in some seconds.
const HEARD: usize = 64;

pub(super) fn measure(run: &Run) -> Result<Figures> {
    if let Some(grants) = run.grants {
        return of_size(grants, if run.quick { 1 } else { 5 });
    }
    let sizes: &[u32] =
        if run.quick { &[10_000, 100_000] } else { &[10_000, 100_000, 1_000_000, 10_000_000] };
    let of = sizes.iter().map(|grants| in_a_process_of_its_own(*grants, run.quick));
    let of = of.collect::<Result<Vec<_>>>()?;
    let mut figures = Figures::default();
    if let Some(largest) = of.last() {
        figures.extend(largest);
    }
    figures.list("sizes", of);
    Ok(figures)
}

/// Memory that another size has freed would hide what this one needs.
fn in_a_process_of_its_own(grants: u32, quick: bool) -> Result<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["resolver", "--json", "--grants"]).arg(grants.to_string());
    if quick {
        command.arg("--quick");
    }
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Figures::from_json(&output.stdout).context("figures of one size")
}

fn of_size(grants: u32, runs: usize) -> Result<Figures> {
    let mut figures = Figures::default();
    figures.count("grants_count", grants);
    the_resolver(grants, runs, &mut figures)?;
    its_tables(grants, runs, &mut figures)?;
    Ok(figures)
}

/// What the retailer's process does: every key, four tables, a new one each epoch.
fn the_resolver(grants: u32, runs: usize, figures: &mut Figures) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(3);
    let empty = memory()?.0;
    let resolver = Resolver::new();
    let mut now = DAY.start().plus(43_260);
    let last = Epoch::of(now.plus(600 * u64::try_from(runs)?));
    let mut heard = Vec::new();
    for grant in 0..grants {
        let (handle, keys) = grant_of(&mut rng)?;
        resolver.add_keys(handle, &keys, &mut rng)?;
        if grant % (grants / SOUGHT).max(1) == 0 {
            heard.extend(keys.ephemeral_id(last, None));
        }
    }
    let (with_keys, loading) = memory()?;
    forget_peak()?;
    resolver.prepare(now, &mut rng);
    let mut epochs = Vec::new();
    for _ in 0..runs {
        now = now.plus(600);
        let before = cpu_seconds();
        resolver.prepare(now, &mut rng);
        epochs.push(cpu_seconds() - before);
    }
    let (all, peak) = memory()?;
    figures.sample("cpu_seconds_per_epoch", Sample::of(epochs));
    figures.count("peak_rss_bytes", peak.max(loading));
    figures.count("keys_rss_bytes", with_keys - empty);
    figures.count("tables_rss_bytes", all.saturating_sub(with_keys));
    figures.count("peak_rss_beyond_keys_bytes", peak.saturating_sub(with_keys));
    figures.set("keys_bytes_per_grant", number(with_keys - empty) / number(grants));
    figures.set(
        "table_bytes_per_grant_and_epoch",
        number(all.saturating_sub(with_keys)) / number(grants) / 4.0,
    );

    heard.shuffle(&mut rng);
    let mut recognised = 0;
    let resolve = cpu_of(runs, || {
        recognised = 0;
        for heard in heard.chunks(HEARD) {
            let sightings = resolver.resolve(SHOP, heard, now, &mut rng);
            let hit =
                |sighting: &&Option<Sighting>| matches!(sighting, Some(Sighting::Recognised(_)));
            recognised += sightings.iter().filter(hit).count();
        }
    });
    ensure!(recognised == heard.len(), "{recognised} of {} resolved", heard.len());
    figures.sample("resolve_nanoseconds", resolve.times(1e9 / number(heard.len())));
    Ok(())
}

/// The tables alone, without binder, replay cache and locks.
fn its_tables(grants: u32, runs: usize, figures: &mut Figures) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(4);
    let mut released = ReleasedDay::new(DAY, &mut rng);
    let epoch = Epoch::of(DAY.start().plus(43_260));
    let mut tokens = Vec::new();
    for grant in 0..grants {
        let (handle, keys) = grant_of(&mut rng)?;
        released.insert(handle, &keys)?;
        if grant % (grants / SOUGHT).max(1) == 0 {
            tokens.extend(keys.ephemeral_id(epoch, None));
        }
    }
    let epochs = [epoch, epoch.previous(), epoch.next()];
    let mut tables = Vec::new();
    let build = cpu_of(epochs.len(), || {
        let epoch = epochs[tables.len()];
        tables.extend(EpochTable::build(&released, epoch, &mut rng));
    });
    figures.sample("build_cpu_seconds", build);

    tokens.shuffle(&mut rng);
    let mut found = 0;
    let hit = cpu_of(runs, || {
        let batches = tokens.chunks(HEARD).map(|batch| tables[0].lookup_batch(&released, batch));
        found = batches.flatten().flatten().count();
    });
    ensure!(found == tokens.len(), "{found} of {} found", tokens.len());
    let hit = hit.times(1e9 / number(tokens.len()));
    figures.sample("hit_nanoseconds", hit);
    let strangers: Vec<_> = (0..tokens.len())
        .map(|_| {
            let mut bytes = [0; 16];
            rng.fill_bytes(&mut bytes);
            EphemeralId::from_bytes(bytes)
        })
        .collect();
    let mut found = 0;
    let miss = cpu_of(runs, || {
        for table in &tables {
            let batches = strangers.chunks(HEARD).map(|batch| table.lookup_batch(&released, batch));
            found += batches.flatten().flatten().count();
        }
    });
    figures.count("hits_of_strangers_count", u64::try_from(found)?);
    figures.sample("miss_in_three_epochs_nanoseconds", miss.times(1e9 / number(strangers.len())));
    figures.set("miss_nanoseconds", miss.median * 1e9 / number(strangers.len()) / 3.0);
    drop(tables);

    let slots = usize::try_from(grants)? * 2;
    let read = random_read_nanoseconds(slots);
    figures.sample("random_read_nanoseconds", read);
    figures.set("ratio_of_hit_to_random_read", hit.median / read.median);
    let trial = trial_nanoseconds_per_key(&mut rng, runs, tokens[0], epoch)?;
    figures.sample("trial_nanoseconds_per_key", trial);
    figures.set("ratio_to_trial_resolution", trial.median * number(grants) / hit.median);
    Ok(())
}

/// One identifier against the keys of one grant after the other.
fn trial_nanoseconds_per_key(
    rng: &mut StdRng,
    runs: usize,
    token: EphemeralId,
    epoch: Epoch,
) -> Result<Sample> {
    let keys = (0..TRIED).map(|_| Ok(grant_of(rng)?.1)).collect::<Result<Vec<_>>>()?;
    let sample = cpu_of(runs, || {
        keys.iter().filter(|keys| keys.binding(epoch, black_box(&token), &[]).is_some()).count()
    });
    Ok(sample.times(1e9 / number(keys.len())))
}

fn grant_of(rng: &mut StdRng) -> Result<(Handle, ReleasedKeys)> {
    let mut bytes = [0; ReleasedKeys::LEN_WITHOUT_TILL];
    rng.fill(&mut bytes[..]);
    Ok((Handle::generate(rng), ReleasedKeys::from_slice(DAY, &bytes)?))
}
