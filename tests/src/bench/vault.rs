//! `bench vault`: what encryption and the seal cost beside the same rows without them, and how long opening takes.

mod first_page;
mod opening;
mod ways;

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use besace_agent::{
    keyring::{KdfParameters, Keyring, Passphrase, Secret},
    vault::{Fix, Position},
};
use besace_protocol::{
    crypto::SecretBytes,
    private::Private,
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use self::ways::{Arrival, Deed, Span, Vaults, bounds, keep_in_vault};
use super::{
    Run,
    figures::{Figures, Sample},
    yardstick::{Both, both, number, wall_of},
};

/// When the track begins.
const START: Timestamp = Timestamp::from_unix_seconds(1_490_000_000);

/// From one fix to the next, in seconds: a million are nine years and a half.
const STEP_SECONDS: u64 = 300;

/// How many fixes come in which way.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    singles: usize,
    batches: usize,
    /// Fixes of one batch; Overland sends 200.
    batch: usize,
    imports: usize,
    /// Fixes of one import; a file may have 200,000.
    import: usize,
    /// Days that are read one by one.
    days: usize,
    /// How often a file is opened.
    openings: usize,
}

impl Sizes {
    const QUICK: Self =
        Self { singles: 20, batches: 4, batch: 20, imports: 2, import: 950, days: 5, openings: 5 };
    const MILLION: Self = Self {
        singles: 400,
        batches: 48,
        batch: 200,
        imports: 5,
        import: 198_000,
        days: 200,
        openings: 101,
    };

    const fn all(&self) -> usize {
        self.singles + self.batches * self.batch + self.imports * self.import
    }
}

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let sizes = if run.quick { Sizes::QUICK } else { Sizes::MILLION };
    let mut figures = Figures::default();
    let folder = tempfile::tempdir()?;
    let fixes = fixes(sizes.all())?;
    figures.count("fixes_count", fixes.len());
    let key = SecretBytes::generate(&mut StdRng::seed_from_u64(6));
    let vaults = Vaults::make(folder.path(), key)?;
    fill(&vaults, &sizes, &fixes, &mut figures)?;
    read(&vaults, &sizes, &fixes, &mut figures)?;
    opening::measure(&vaults, sizes.openings, &mut figures)?;

    let smallest = argon2id(KdfParameters::SMALLEST, run)?;
    figures.set("argon2id_smallest_milliseconds", smallest * 1e3);
    if !run.quick {
        figures
            .set("argon2id_standard_milliseconds", argon2id(KdfParameters::STANDARD, run)? * 1e3);
    }
    first_page::measure(run, &fixes, &mut figures)?;
    Ok(figures)
}

/// Inserts everything in all three files, transaction by transaction in turn.
fn fill(vaults: &Vaults, sizes: &Sizes, fixes: &[Fix], figures: &mut Figures) -> Result<()> {
    let vault = vaults.open()?;
    let [mut plain, mut alone] = vaults.others(fixes.len())?;
    let mut next = 0;
    for (name, times, piece) in [
        ("insert_one_by_one", sizes.singles, 1),
        ("insert_in_batches", sizes.batches, sizes.batch),
        ("import", sizes.imports, sizes.import),
    ] {
        let mut taken = [Both::default(); 3];
        for number in 0..times {
            let arrival = match name {
                "insert_one_by_one" => Arrival::One,
                "insert_in_batches" => Arrival::Batch,
                _ => Arrival::Import(u8::try_from(number)?),
            };
            let span = (next, next + piece);
            next = span.1;
            let places = fixes[span.0..span.1].to_vec();
            taken[0] += both(|| keep_in_vault(&vault, arrival, places))?;
            taken[1] += plain.taken(Deed::Keep(arrival, span))?;
            taken[2] += alone.taken(Deed::Keep(arrival, span))?;
        }
        compare(name, taken, times * piece, figures);
    }
    vault.close();
    let [ours, plain] = [vaults.ours(), vaults.plain()].map(fs::metadata);
    let bytes = ours?.len();
    figures.count("file_bytes", bytes);
    figures.count("plain_sqlite_file_bytes", plain?.len());
    figures.set("bytes_per_fix", number(bytes) / number(fixes.len()));
    Ok(())
}

/// Reads days, and everything, from files that were just opened; what is read must be what was written.
fn read(vaults: &Vaults, sizes: &Sizes, fixes: &[Fix], figures: &mut Figures) -> Result<()> {
    let vault = vaults.open()?;
    let mut others = vaults.others(fixes.len())?;
    let mut rng = StdRng::seed_from_u64(10);
    let day = usize::try_from(DAY_SECONDS / STEP_SECONDS)?;
    let days = (0..sizes.days).map(|_| rng.gen_range(0..fixes.len() - day));
    let days: Vec<Span> = days.map(|first| (first, first + day)).collect();
    for (name, spans) in [("read_a_day", days), ("read_all", vec![(0, fixes.len()); 3])] {
        let mut taken = [Both::default(); 3];
        for span in &spans {
            let places = &fixes[span.0..span.1];
            let [from, until] = bounds(places)?;
            let mut found = Vec::new();
            taken[0] += both(|| {
                found = vault.fixes(from, until)?;
                Ok(())
            })?;
            ensure!(found == places, "what was read is not what was written");
            for (other, taken) in others.iter_mut().zip(&mut taken[1..]) {
                *taken += other.taken(Deed::Read(*span))?;
            }
        }
        compare(name, taken, spans.len(), figures);
    }
    vault.close();
    Ok(())
}

/// The yardsticks' side of it, in a process of its own.
pub(super) fn serve_yardstick(orders: &str) -> Result<()> {
    ways::serve(&serde_json::from_str(orders)?)
}

/// What one of `per` took, ours beside the two others.
fn compare(name: &str, [ours, plain, alone]: [Both; 3], per: usize, figures: &mut Figures) {
    figures.set(&format!("{name}_microseconds"), ours.wall * 1e6 / number(per));
    figures.set(&format!("{name}_plain_sqlite_microseconds"), plain.wall * 1e6 / number(per));
    figures.set(&format!("{name}_ratio_to_plain_sqlite"), ours.wall / plain.wall);
    figures.set(&format!("{name}_cpu_ratio_to_plain_sqlite"), ours.cpu / plain.cpu);
    figures.set(&format!("{name}_ratio_to_sqlcipher_alone"), ours.wall / alone.wall);
    figures.set(&format!("{name}_cpu_ratio_to_sqlcipher_alone"), ours.cpu / alone.cpu);
}

/// A walk with a fix every five minutes.
fn fixes(count: usize) -> Result<Vec<Fix>> {
    let mut rng = StdRng::seed_from_u64(7);
    let (mut north, mut east) = (457_500_000_i32, 48_500_000_i32);
    let fixes = (0..count).map(|number| {
        // Back into the world where she would walk out of it.
        north = (north + rng.gen_range(-20_000..20_000)).clamp(-890_000_000, 890_000_000);
        east = (east + rng.gen_range(-20_000..20_000)).clamp(-1_790_000_000, 1_790_000_000);
        let position = Position::from_e7(north, east)?;
        let at = START.plus(u64::try_from(number)? * STEP_SECONDS);
        Ok(Fix { at, position: Private::new(position), accuracy_metres: Some(12) })
    });
    fixes.collect()
}

/// Seconds of stretching a passphrase, with the unwrapping that follows.
fn argon2id(parameters: KdfParameters, run: &Run) -> Result<f64> {
    let passphrase = Passphrase::new("une besace bien fermée".to_owned())?;
    let rng = &mut StdRng::seed_from_u64(8);
    let (keyring, _) = Keyring::create(&passphrase, parameters, START, rng)?;
    let runs = if run.quick { 1 } else { 5 };
    Ok(wall_of(runs, || Ok(keyring.unlock(Secret::Passphrase(&passphrase))?))?.median)
}

/// The middle of several runs, in milliseconds.
fn milliseconds(seconds: Vec<f64>) -> Sample {
    Sample::of(seconds).times(1e3)
}

/// A file without a key, with all that the encrypted one at `path` holds.
fn copy_in_clear(path: &Path, key: &SecretBytes<32>, to: &Path) -> Result<()> {
    fs::write(to, [])?;
    let digits = hex::encode(key.danger_expose());
    let db = ways::open(path, Some(&digits))?;
    db.execute("ATTACH ?1 AS clear KEY ''", [to.to_str()])?;
    db.query_row("SELECT sqlcipher_export('clear')", [], |_| Ok(()))?;
    Ok(db.execute_batch("DETACH clear")?)
}
