//! From the raw key to a vault that is read, and to one that was read through.

use std::{path::Path, time::Instant};

use anyhow::Result;
use besace_agent::vault::Vault;
use rusqlite::Connection;

use super::{
    super::figures::Figures,
    milliseconds,
    ways::{Vaults, with_key, without_key},
};

/// Opens each file many times.
pub(super) fn measure(vaults: &Vaults, times: usize, figures: &mut Figures) -> Result<()> {
    let [opened, first_read, looked, closed] = ours(vaults, &vaults.ours(), times)?;
    let [small, _, _, _] = ours(vaults, &vaults.small(), times)?;
    let plain = milliseconds(others(times, || without_key(&vaults.plain()))?);
    let alone = milliseconds(others(times, || with_key(&vaults.alone(), &vaults.key))?);
    figures.sample("open_with_raw_key_milliseconds", milliseconds(opened));
    figures.sample("open_empty_with_raw_key_milliseconds", milliseconds(small));
    let first_read = milliseconds(first_read);
    figures.sample("open_to_first_row_milliseconds", first_read);
    figures.sample("open_to_first_row_plain_sqlite_milliseconds", plain);
    figures.set("open_to_first_row_ratio_to_plain_sqlite", first_read.median / plain.median);
    figures.set("open_to_first_row_ratio_to_sqlcipher_alone", first_read.median / alone.median);
    figures.sample("open_to_looked_through_milliseconds", milliseconds(looked));
    figures.sample("close_milliseconds", milliseconds(closed));
    Ok(())
}

/// Seconds until it is open, until a row was read, until all of it was looked through; and of closing it.
fn ours(vaults: &Vaults, path: &Path, times: usize) -> Result<[Vec<f64>; 4]> {
    let mut taken = [const { Vec::new() }; 4];
    for _ in 0..times.max(1) {
        // The mark is that of the filled one; the small one is opened as a copy of its first moment.
        let watch = (path == vaults.ours()).then(|| vaults.watch(2));
        let begun = Instant::now();
        let vault = Vault::open_watched(path, &vaults.key, watch)?;
        taken[0].push(begun.elapsed().as_secs_f64());
        let _time = vault.latest_time()?;
        taken[1].push(begun.elapsed().as_secs_f64());
        vault.ensure_sound()?;
        taken[2].push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        vault.close();
        taken[3].push(begun.elapsed().as_secs_f64());
    }
    Ok(taken)
}

fn others(times: usize, open: impl Fn() -> Result<Connection>) -> Result<Vec<f64>> {
    let mut taken = Vec::new();
    for _ in 0..times.max(1) {
        let begun = Instant::now();
        let db = open()?;
        db.query_row("SELECT count(*) FROM clock", [], |_| Ok(()))?;
        taken.push(begun.elapsed().as_secs_f64());
    }
    Ok(taken)
}
