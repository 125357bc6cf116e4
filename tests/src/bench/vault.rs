//! `bench vault`: what encryption and the seal cost beside the same rows without them, and how long opening takes.

mod first_page;
mod opening;
mod ways;

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use besace_agent::{
    keyring::{KdfParameters, Keyring, Passphrase, Secret},
    vault::{Fix, Import, ImportFormat, ImportOutcome, Position},
};
use besace_protocol::{
    crypto::SecretBytes,
    id::ImportId,
    private::Private,
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use self::ways::{Vaults, Way};
use super::{
    Run,
    figures::{Figures, Sample},
    yardstick::{Both, both, number, wall_of},
};

/// When the track begins.
const START: Timestamp = Timestamp::from_unix_seconds(1_490_000_000);

/// From one fix to the next, in seconds: a million are nine years and a half.
const STEP_SECONDS: u64 = 300;

/// How fixes come.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    /// A telephone says where it is.
    One,
    /// A telephone says where it was while it had no network.
    Batch,
    /// A file is brought in.
    Import,
}

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
    let (singles, rest) = fixes.split_at(sizes.singles);
    let (batched, imported) = rest.split_at(sizes.batches * sizes.batch);
    let mut rng = StdRng::seed_from_u64(9);
    let mut ways = vaults.open()?;
    for (name, arrival, fixes, piece) in [
        ("insert_one_by_one", Arrival::One, singles, 1),
        ("insert_in_batches", Arrival::Batch, batched, sizes.batch),
        ("import", Arrival::Import, imported, sizes.import),
    ] {
        let mut taken = [Both::default(); 3];
        for piece in fixes.chunks(piece) {
            let import = Import {
                id: ImportId::generate(&mut rng),
                format: ImportFormat::Gpx,
                at: START,
                skipped: 0,
                outcome: ImportOutcome::default(),
                undone_at: None,
            };
            for (way, taken) in ways.iter_mut().zip(&mut taken) {
                let piece = piece.to_vec();
                let count = piece.len();
                let mut kept = 0;
                *taken += both(|| {
                    kept = way.keep(arrival, &import, piece)?;
                    Ok(())
                })?;
                ensure!(kept == count, "{kept} of {count} fixes were new");
            }
        }
        compare(name, taken, fixes.len(), figures);
    }
    drop(ways);
    let [ours, plain, _] = vaults.bytes()?;
    figures.count("file_bytes", ours);
    figures.count("plain_sqlite_file_bytes", plain);
    figures.set("bytes_per_fix", number(ours) / number(fixes.len()));
    Ok(())
}

/// Reads days, and everything, from files that were just opened; what is read must be what was written.
fn read(vaults: &Vaults, sizes: &Sizes, fixes: &[Fix], figures: &mut Figures) -> Result<()> {
    let mut ways = vaults.open()?;
    let mut rng = StdRng::seed_from_u64(10);
    let mut taken = [Both::default(); 3];
    let day = usize::try_from(DAY_SECONDS / STEP_SECONDS)?;
    for _ in 0..sizes.days {
        let first = rng.gen_range(0..fixes.len() - day);
        read_range(&mut ways, &fixes[first..first + day], &mut taken)?;
    }
    compare("read_a_day", taken, sizes.days, figures);
    let mut taken = [Both::default(); 3];
    read_range(&mut ways, fixes, &mut taken)?;
    compare("read_all", taken, 1, figures);
    Ok(())
}

fn read_range(ways: &mut [Box<dyn Way>; 3], range: &[Fix], taken: &mut [Both; 3]) -> Result<()> {
    let (Some(first), Some(last)) = (range.first(), range.last()) else { return Ok(()) };
    for (way, taken) in ways.iter_mut().zip(taken) {
        let mut found = Vec::new();
        *taken += both(|| {
            found = way.read(first.at, last.at.plus(1))?;
            Ok(())
        })?;
        ensure!(found == range, "what was read is not what was written");
    }
    Ok(())
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
    let db = ways::with_key(path, key)?;
    db.execute("ATTACH ?1 AS clear KEY ''", [to.to_str()])?;
    db.query_row("SELECT sqlcipher_export('clear')", [], |_| Ok(()))?;
    Ok(db.execute_batch("DETACH clear")?)
}
