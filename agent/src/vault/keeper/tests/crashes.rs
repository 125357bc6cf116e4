//! A long walk over real files, with a crash between any two steps: none of them is going back.

use std::{path::Path, sync::Arc};

use besace_protocol::id::WishId;
use rusqlite::Connection;

use super::{Files, Home, Steps, files_in, wish};
use crate::vault::{Condition, VaultError};

/// A mark that the disk has of the third slot, after a power cut: any that was written, whole or torn.
fn after_power_cut(files: &Files, mark: &Path, hasty: &[Vec<u8>]) -> Vec<Files> {
    let Some(now) = files.get(mark).filter(|mark| mark.len() == 1536) else { return Vec::new() };
    let torn = hasty.first().map(|old| [&now[1024..1100], &old[76..]].concat());
    let slots = hasty.iter().cloned().chain(torn).chain([vec![0; 512], vec![0x5a; 512]]);
    slots
        .map(|slot| {
            let mut files = files.clone();
            files.insert(mark.to_owned(), [&now[..1024], &slot[..512]].concat());
            files
        })
        .collect()
}

#[test]
fn no_crash_between_any_two_steps_is_taken_for_going_back() {
    let mut crashes = 0;
    for seed in 0..3_u64 {
        crashes += walk(seed);
    }
    assert!(crashes > 300, "{crashes}");
}

fn walk(seed: u64) -> usize {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
    let mut rng = StdRng::seed_from_u64(seed);
    let mut home = Home::new();
    let folder = home.folder.path().to_owned();
    home.create().close();
    let mut crashes = 0;
    for _sitting in 0..3 {
        let vault = home.open();
        let heard = Arc::new(std::sync::Mutex::new(Vec::<Files>::new()));
        let (to, from) = (Arc::clone(&heard), folder.clone());
        vault
            .send(move |store| {
                let hear = move || to.lock().unwrap().push(files_in(&from));
                store.keeper.steps = Steps(Some(Box::new(hear)));
                Ok(())
            })
            .unwrap();
        for _change in 0..12 {
            let number = rng.gen_range(1..9_u8);
            match rng.gen_range(0..10) {
                0..4 => wish(&vault, number, rng.gen_range(1..4000)),
                4 => assert!(vault.remove_wish(WishId::from_bytes([number; 16])).is_ok()),
                5 => assert!(vault.wishes().is_ok()),
                6 => {
                    // Larger than the cache: pages are spilled, and then it fails.
                    let failed: Result<(), _> = vault.write(|db| {
                        db.execute_batch("PRAGMA cache_size = 10")?;
                        fill(db, 60)?;
                        db.execute_batch("DELETE FROM nowhere")?;
                        Ok(())
                    });
                    failed.unwrap_err();
                }
                7 | 8 => vault.write(|db| fill(db, 60)).unwrap(),
                _ => vault
                    .send(|store| {
                        store.keeper.look(&store.connection);
                        store.keeper.empty_log(&store.connection);
                        Ok(())
                    })
                    .unwrap(),
            }
        }
        if rng.gen_bool(0.5) {
            vault.close();
        } else {
            let killed = home.files();
            vault.close();
            home.put(&killed);
        }
        let kept = home.files();
        let heard = heard.lock().unwrap();
        let hasty: Vec<Vec<u8>> = heard
            .iter()
            .filter_map(|files| files.get(&home.mark()).map(|mark| mark[1024..].to_vec()))
            .collect();
        for (step, files) in heard.iter().enumerate() {
            let before = &hasty[step.saturating_sub(2)..step.min(hasty.len())];
            let mut all = after_power_cut(files, &home.mark(), before);
            all.push(files.clone());
            // Not all of each: it is a walk.
            let which = rng.gen_range(0..all.len());
            for (index, files) in all.into_iter().enumerate() {
                if index == which || step % 11 == 0 {
                    home.put(&files);
                    assert_eq!(home.finds(), Condition::Sound, "seed {seed}, step {step}, {index}");
                    crashes += 1;
                }
            }
        }
        home.put(&kept);
        assert_eq!(home.finds(), Condition::Sound);
    }
    crashes
}

/// Many pages in one transaction.
fn fill(db: &Connection, pages: u32) -> Result<(), VaultError> {
    for number in 0..pages {
        db.execute(
            "INSERT OR REPLACE INTO journal (at, direction, domain, kind, bytes) VALUES (?1, 'out', ?2, 'x', 1)",
            (number, "a".repeat(3000)),
        )?;
    }
    db.execute("UPDATE journal SET bytes = bytes + 1", [])?;
    Ok(())
}
