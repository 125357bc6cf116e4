//! `bench vault`: what encryption costs beside the same file without a key, and how long unlocking takes.

mod first_page;

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use besace_agent::{
    keyring::{KdfParameters, Keyring, Passphrase, Secret},
    vault::{Fix, Import, ImportFormat, ImportOutcome, Position, Vault},
};
use besace_protocol::{
    crypto::SecretBytes,
    id::ImportId,
    private::Private,
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rusqlite::{Connection, params};

use super::{
    Run,
    figures::Figures,
    yardstick::{Both, both, number, plain_sqlite, wall_of},
};

/// When the track begins.
const START: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

/// The table of the vault's schema, without the reference to imports.
const PLAIN_FIXES: &str = "CREATE TABLE fixes (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    lat_e7 INTEGER NOT NULL,
    lon_e7 INTEGER NOT NULL,
    accuracy_m INTEGER,
    import_id BLOB,
    UNIQUE (at, lat_e7, lon_e7)
) STRICT;";

const INSERT: &str = "INSERT INTO fixes (at, lat_e7, lon_e7, accuracy_m, import_id)
    VALUES (?1, ?2, ?3, ?4, NULL) ON CONFLICT (at, lat_e7, lon_e7) DO NOTHING";

/// How many fixes, one by one and in one piece.
struct Sizes {
    single: usize,
    batch: usize,
}

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let sizes = if run.quick {
        Sizes { single: 20, batch: 2_000 }
    } else {
        // A year with a fix every five minutes.
        Sizes { single: 300, batch: 105_120 }
    };
    let mut figures = Figures::default();
    figures.count("fixes_one_by_one_count", sizes.single);
    figures.count("fixes_in_batch_count", sizes.batch);
    let folder = tempfile::tempdir()?;
    let fixes = fixes(sizes.single + sizes.batch)?;
    let (single, batch) = fixes.split_at(sizes.single);
    let ours = the_vault(folder.path(), single, batch, &mut figures)?;
    let plain = without_a_key(folder.path(), single, batch)?;
    for (name, ours, plain, per) in [
        ("insert_one_by_one", ours.single, plain.single, sizes.single),
        ("insert_in_batch", ours.batch, plain.batch, sizes.batch),
        ("read_a_day", ours.day, plain.day, 1),
        ("read_all", ours.all, plain.all, 1),
    ] {
        figures.set(&format!("{name}_microseconds"), ours.wall * 1e6 / number(per));
        figures.set(&format!("{name}_plain_sqlite_microseconds"), plain.wall * 1e6 / number(per));
        figures.set(&format!("{name}_ratio_to_plain_sqlite"), ours.wall / plain.wall);
        figures.set(&format!("{name}_cpu_ratio_to_plain_sqlite"), ours.cpu / plain.cpu);
    }
    figures.count("file_bytes", ours.bytes);
    figures.count("plain_sqlite_file_bytes", plain.bytes);
    figures.set("bytes_per_fix", number(ours.bytes) / number(fixes.len()));

    let smallest = argon2id(KdfParameters::SMALLEST, run)?;
    figures.set("argon2id_smallest_milliseconds", smallest * 1e3);
    if !run.quick {
        figures
            .set("argon2id_standard_milliseconds", argon2id(KdfParameters::STANDARD, run)? * 1e3);
    }
    let [page, cpu] = first_page::seconds(if run.quick { 1 } else { 5 })?;
    figures.sample("unlock_to_first_page_milliseconds", page.times(1e3));
    figures.sample("unlock_to_first_page_cpu_milliseconds", cpu.times(1e3));
    figures.note("unlock_to_first_page_kdf", "Argon2id with the smallest parameters is part of it");
    let rest = (page.median - smallest).max(0.0) * 1e3;
    figures.set("unlock_to_first_page_without_argon2id_milliseconds", rest);
    Ok(figures)
}

struct Taken {
    single: Both,
    batch: Both,
    day: Both,
    all: Both,
    bytes: u64,
}

fn the_vault(folder: &Path, single: &[Fix], batch: &[Fix], figures: &mut Figures) -> Result<Taken> {
    let path = folder.join("vault.db");
    let mut rng = StdRng::seed_from_u64(6);
    let key = SecretBytes::generate(&mut rng);
    let created = wall_of(1, || {
        Vault::create(&path, &key)?.close();
        Ok(())
    })?;
    figures.set("create_milliseconds", created.median * 1e3);
    let vault = Vault::open(&path, &key)?;
    let one_by_one = both(|| {
        for fix in single {
            ensure!(vault.add_fix(fix.clone())?, "a fix is new");
        }
        Ok(())
    })?;
    let import = Import {
        id: ImportId::generate(&mut rng),
        format: ImportFormat::Gpx,
        at: START,
        skipped: 0,
        outcome: ImportOutcome::default(),
        undone_at: None,
    };
    let many = batch.to_vec();
    let in_batch = both(|| {
        let outcome = vault.import_fixes(import, many, false)?;
        ensure!(outcome.imported == u64::try_from(batch.len())?, "every fix is new");
        Ok(())
    })?;
    vault.close();
    let opened = wall_of(7, || {
        Vault::open(&path, &key)?.close();
        Ok(())
    })?;
    figures.sample("open_with_raw_key_milliseconds", opened.times(1e3));

    let vault = Vault::open(&path, &key)?;
    let (from, until) = a_day(single.len() + batch.len());
    let day = both(|| {
        ensure!(!vault.fixes(from, until)?.is_empty(), "there are fixes that day");
        Ok(())
    })?;
    let all = both(|| {
        let found = vault.fixes(START, START.plus(10_000 * DAY_SECONDS))?.len();
        ensure!(found == single.len() + batch.len(), "every fix is there");
        Ok(())
    })?;
    vault.close();
    let bytes = fs::metadata(&path)?.len();
    Ok(Taken { single: one_by_one, batch: in_batch, day, all, bytes })
}

/// The same statements on the same library, in a file that everybody can read.
fn without_a_key(folder: &Path, single: &[Fix], batch: &[Fix]) -> Result<Taken> {
    let path = folder.join("plain.db");
    let mut db = plain_sqlite(&path)?;
    db.execute_batch(PLAIN_FIXES)?;
    let one_by_one = both(|| {
        for fix in single {
            let transaction = db.transaction()?;
            insert(&transaction, fix)?;
            transaction.commit()?;
        }
        Ok(())
    })?;
    let in_batch = both(|| {
        let transaction = db.transaction()?;
        for fix in batch {
            insert(&transaction, fix)?;
        }
        Ok(transaction.commit()?)
    })?;
    drop(db);
    let db = plain_sqlite(&path)?;
    let (from, until) = a_day(single.len() + batch.len());
    let day = both(|| select(&db, from, until).map(drop))?;
    let all = both(|| select(&db, START, START.plus(10_000 * DAY_SECONDS)).map(drop))?;
    drop(db);
    let bytes = fs::metadata(&path)?.len();
    Ok(Taken { single: one_by_one, batch: in_batch, day, all, bytes })
}

fn insert(db: &Connection, fix: &Fix) -> Result<()> {
    let position = fix.position.reveal();
    let row = params![
        i64::try_from(fix.at.as_unix_seconds())?,
        position.latitude_e7(),
        position.longitude_e7(),
        fix.accuracy_metres,
    ];
    db.prepare(INSERT)?.execute(row)?;
    Ok(())
}

fn select(db: &Connection, from: Timestamp, until: Timestamp) -> Result<Vec<[i64; 4]>> {
    let mut statement = db.prepare(
        "SELECT at, lat_e7, lon_e7, accuracy_m FROM fixes
         WHERE at >= ?1 AND at < ?2 ORDER BY at, id",
    )?;
    let span = [from, until].map(|at| i64::try_from(at.as_unix_seconds()).unwrap_or(i64::MAX));
    let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    Ok(statement.query_map(span, row)?.collect::<Result<_, _>>()?)
}

/// A walk with a fix every five minutes.
fn fixes(count: usize) -> Result<Vec<Fix>> {
    let mut rng = StdRng::seed_from_u64(7);
    let (mut north, mut east) = (457_500_000, 48_500_000);
    let fixes = (0..count).map(|number| {
        north += rng.gen_range(-20_000..20_000);
        east += rng.gen_range(-20_000..20_000);
        let position = Position::from_e7(north, east)?;
        let at = START.plus(u64::try_from(number)? * 300);
        Ok(Fix { at, position: Private::new(position), accuracy_metres: Some(12) })
    });
    fixes.collect()
}

/// A day in the middle of so many fixes.
fn a_day(fixes: usize) -> (Timestamp, Timestamp) {
    let from = START.plus(u64::try_from(fixes).unwrap_or(0) / 2 * 300);
    (from, from.plus(DAY_SECONDS))
}

/// Seconds of stretching a passphrase, with the unwrapping that follows.
fn argon2id(parameters: KdfParameters, run: &Run) -> Result<f64> {
    let passphrase = Passphrase::new("une besace bien fermée".to_owned())?;
    let rng = &mut StdRng::seed_from_u64(8);
    let (keyring, _) = Keyring::create(&passphrase, parameters, START, rng)?;
    let runs = if run.quick { 1 } else { 5 };
    Ok(wall_of(runs, || Ok(keyring.unlock(Secret::Passphrase(&passphrase))?))?.median)
}
