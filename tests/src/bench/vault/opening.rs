//! From the raw key to a vault that is read, and to one that was looked through.

use std::{path::Path, time::Instant};

use anyhow::Result;
use besace_agent::vault::Vault;

use super::{
    super::{figures::Figures, yardstick::Both},
    milliseconds,
    ways::{Deed, Vaults},
};

/// Opens each file many times.
pub(super) fn measure(vaults: &Vaults, times: usize, figures: &mut Figures) -> Result<()> {
    let [opened, first_row, looked, closed] = ours(vaults, &vaults.ours(), times)?;
    let [empty, ..] = ours(vaults, &vaults.small(), times)?;
    let [mut plain, mut alone] = vaults.others(0)?;
    let wall = |taken: Vec<Both>| milliseconds(taken.iter().map(|both| both.wall).collect());
    let plain = wall(plain.times(Deed::Open(times))?);
    let alone = wall(alone.times(Deed::Open(times))?);
    let first_row = milliseconds(first_row);
    figures.sample("open_with_raw_key_milliseconds", milliseconds(opened));
    figures.sample("open_empty_with_raw_key_milliseconds", milliseconds(empty));
    figures.sample("open_to_first_row_milliseconds", first_row);
    figures.sample("open_to_first_row_plain_sqlite_milliseconds", plain);
    figures.set("open_to_first_row_ratio_to_plain_sqlite", first_row.minimum / plain.minimum);
    figures.set("open_to_first_row_ratio_to_sqlcipher_alone", first_row.minimum / alone.minimum);
    figures.sample("open_to_looked_through_milliseconds", milliseconds(looked));
    figures.sample("close_milliseconds", milliseconds(closed));
    Ok(())
}

/// Seconds until it is open, until a row was read, until all of it was looked through; and of closing it.
fn ours(vaults: &Vaults, path: &Path, times: usize) -> Result<[Vec<f64>; 4]> {
    let mut taken = [const { Vec::new() }; 4];
    for _ in 0..times.max(1) {
        // The mark is that of the filled one.
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
