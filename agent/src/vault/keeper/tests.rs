//! Attempts to take a vault back, over real files; and crashes, which are not.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use besace_protocol::{id::WishId, private::Private};

use super::*;
use crate::{
    clock::FixedClock,
    vault::{Distrust, Vault, WishContent},
};

mod crashes;
mod disks;
mod forged;

use self::forged::{Log, PAGE, log_path};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const VAULT: VaultId = VaultId::from_bytes([8; 16]);

/// A vault in a folder, its mark in another.
struct Home {
    folder: tempfile::TempDir,
    sittings: u32,
}

/// Contents of files by name.
type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("vault")).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        Self { folder, sittings: 0 }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("vault").join("vault.db")
    }

    fn mark(&self) -> PathBuf {
        self.folder.path().join("state").join("a.mark")
    }

    fn watch(&mut self) -> Option<Watch> {
        self.sittings = self.sittings.checked_add(1).unwrap();
        Some(Watch {
            mark: self.mark(),
            vault: VAULT,
            sitting: Sitting::from_bytes(u128::from(self.sittings).to_be_bytes()),
            clock: Arc::new(FixedClock::new(NOW)),
        })
    }

    fn create(&mut self) -> Vault {
        let watch = self.watch();
        Vault::create_watched(&self.database(), &key(), watch).unwrap()
    }

    fn open(&mut self) -> Vault {
        let watch = self.watch();
        Vault::open_watched(&self.database(), &key(), watch).unwrap()
    }

    /// What the next unlock finds, and that a closed look leaves everything as it was.
    fn finds(&mut self) -> Condition {
        let vault = self.open();
        let _refused = vault.ensure_sound();
        let found = vault.condition();
        vault.close();
        found
    }

    /// All files, as a process that is killed now would leave them.
    fn files(&self) -> Files {
        files_in(self.folder.path())
    }

    fn put(&self, files: &Files) {
        for name in self.files().keys().filter(|name| !files.contains_key(*name)) {
            fs::remove_file(name).unwrap();
        }
        for (name, content) in files {
            fs::write(name, content).unwrap();
        }
    }
}

fn files_in(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else if !path.to_str().unwrap().ends_with("-shm") {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

fn key() -> SecretBytes<32> {
    SecretBytes::init_with(|key| key.fill(1))
}

fn wish(vault: &Vault, number: u8, length: usize) {
    let text = format!("{number}").repeat(length.max(1));
    let content = WishContent { text: Private::new(text), ..WishContent::default() };
    vault.put_wish(WishId::from_bytes([number; 16]), content, NOW).unwrap();
}

fn sign(condition: Condition) -> Option<Sign> {
    match condition {
        Condition::Sound => None,
        Condition::WentBack(how) => Some(how.sign),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_closed_well_is_sound() {
    let mut home = Home::new();
    let vault = home.create();
    wish(&vault, 1, 10);
    vault.close();
    for round in 2..6 {
        let vault = home.open();
        vault.ensure_sound().unwrap();
        wish(&vault, round, 2000);
        vault.close();
        assert_eq!(home.finds(), Condition::Sound);
        assert_eq!(home.finds(), Condition::Sound);
    }
}

#[test]
fn what_was_killed_at_any_moment_is_sound() {
    let mut home = Home::new();
    let vault = home.create();
    let mut moments = vec![home.files()];
    for number in 1..12 {
        wish(&vault, number, usize::from(number).pow(3) * 10);
        moments.push(home.files());
    }
    vault.close();
    moments.push(home.files());
    for (number, files) in moments.iter().enumerate() {
        home.put(files);
        assert_eq!(home.finds(), Condition::Sound, "moment {number}");
        home.put(files);
        let vault = home.open();
        wish(&vault, 99, 10);
        vault.close();
        assert_eq!(home.finds(), Condition::Sound, "moment {number}");
    }
}

/// Hears of each step of a keeper.
#[derive(Default)]
pub(super) struct Steps(Option<Box<dyn FnMut() + Send>>);

impl Steps {
    pub(super) fn tell(&mut self) {
        if let Some(hear) = &mut self.0 {
            hear();
        }
    }
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Steps")
    }
}

/// Every version that a page of the file ever had, by its place, from files of many moments.
fn page_versions(moments: &[Files], database: &Path) -> BTreeMap<u32, Vec<Vec<u8>>> {
    let mut log_path = database.as_os_str().to_os_string();
    log_path.push("-wal");
    let mut versions: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    let mut add = |number: u32, page: &[u8]| {
        let all = versions.entry(number).or_default();
        if !all.iter().any(|known| known == page) {
            all.push(page.to_vec());
        }
    };
    for files in moments {
        for (index, page) in files[database].chunks_exact(PAGE).enumerate() {
            add(u32::try_from(index).unwrap() + 1, page);
        }
        let Some(log) = files.get(Path::new(&log_path)) else { continue };
        for frame in log.get(32..).unwrap_or_default().chunks_exact(PAGE + 24) {
            add(u32::from_be_bytes(*frame.first_chunk().unwrap()), &frame[24..]);
        }
    }
    versions
}

/// A life with some changes, large and small; the files after each.
fn life(home: &Home, vault: &Vault) -> Vec<Files> {
    let mut moments = vec![home.files()];
    for number in 1..10_u8 {
        wish(vault, number % 7 + 1, usize::from(number) * 400);
        moments.push(home.files());
        let name = Private::new(format!("Nour {number}"));
        vault.set_profile(crate::vault::ProfileField::Name, name, NOW).unwrap();
        moments.push(home.files());
    }
    moments
}

/// Every way to put one older version of one page back into these files.
fn put_backs(files: &Files, database: &Path, page: u32, old: &[u8]) -> Vec<Files> {
    let log = files.get(&log_path(database)).filter(|log| log.len() > 32);
    let log = log.map(|bytes| Log::parse(bytes));
    let mut ways = Vec::new();
    if let Some(log) = &log {
        let newest = log.frames.iter().rposition(|frame| frame.0 == page);
        if let Some(newest) = newest.filter(|newest| log.frames[*newest].2 != old) {
            let mut replaced = log.clone();
            replaced.frames[newest].2 = old.to_vec();
            let mut with = files.clone();
            with.insert(log_path(database), replaced.to_bytes());
            ways.push(with);
        }
        // In a transaction of its own, behind all others.
        let mut appended = log.clone();
        let count = log.frames.iter().rev().find(|frame| frame.1 > 0).unwrap().1;
        appended.frames.push((page, count, old.to_vec()));
        let mut with = files.clone();
        with.insert(log_path(database), appended.to_bytes());
        ways.push(with);
    }
    let in_log = log.is_some_and(|log| log.frames.iter().any(|frame| frame.0 == page));
    if !in_log {
        let mut with = files.clone();
        let file = with.get_mut(database).unwrap();
        let at = (page as usize - 1) * PAGE;
        if let Some(place) = file.get_mut(at..at + PAGE) {
            place.copy_from_slice(old);
            ways.push(with);
        }
    }
    ways
}

/// The newest content of each page in these files.
fn current(files: &Files, database: &Path, page: u32) -> Option<Vec<u8>> {
    let log = files.get(&log_path(database)).filter(|log| log.len() > 32);
    let in_log = log.and_then(|log| {
        Log::parse(log).frames.iter().rev().find(|frame| frame.0 == page).map(|f| f.2.clone())
    });
    let at = (page as usize - 1) * PAGE;
    in_log.or_else(|| files[database].get(at..at + PAGE).map(<[u8]>::to_vec))
}

#[test]
fn every_page_put_back_in_turn_is_noticed() {
    let mut home = Home::new();
    let vault = home.create();
    let mut moments = life(&home, &vault);
    let killed = moments.last().unwrap().clone();
    vault.run(|db| Ok(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)).unwrap();
    moments.push(home.files());
    let killed_after_emptying = home.files();
    vault.close();
    let closed = home.files();
    moments.push(closed.clone());
    // Once more, so that the file holds more than the log does.
    let vault = home.open();
    wish(&vault, 1, 3000);
    let killed_with_both = home.files();
    vault.close();

    let database = home.database();
    let versions = page_versions(&moments, &database);
    let (mut tried, mut pages) = (0, 0);
    for files in [&killed, &killed_after_emptying, &closed, &killed_with_both] {
        home.put(files);
        assert_eq!(home.finds(), Condition::Sound);
        for (page, versions) in &versions {
            let Some(now) = current(files, &database, *page) else { continue };
            pages += 1;
            for old in versions.iter().filter(|old| **old != now) {
                for attempt in put_backs(files, &database, *page, old) {
                    home.put(&attempt);
                    let watch = home.watch();
                    let opened = Vault::open_watched(&database, &key(), watch);
                    let Ok(vault) = opened else { continue };
                    let refused = vault.ensure_sound();
                    assert!(refused.is_err(), "page {page}: {:?}", vault.condition());
                    assert!(vault.remove_wish(WishId::from_bytes([1; 16])).is_err());
                    vault.close();
                    // Without any mark, too: the pages do not fit together.
                    home.put(&attempt);
                    let vault = Vault::open(&database, &key()).unwrap();
                    assert!(vault.ensure_sound().is_err(), "page {page} without a mark");
                    vault.close();
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 300 && pages > 40, "{tried} attempts on {pages} pages");
}

#[test]
fn whatever_is_put_back_in_whole_is_noticed() {
    let mut home = Home::new();
    let (database, mark) = (home.database(), home.mark());
    let log = log_path(&database);
    let vault = home.create();
    wish(&vault, 1, 100);
    vault.close();
    let early = home.files();
    let vault = home.open();
    let moments = life(&home, &vault);
    let killed = moments.last().unwrap().clone();
    let middle = moments[moments.len() / 2].clone();
    vault.close();
    let closed = home.files();
    let vault = home.open();
    wish(&vault, 2, 50);
    vault.close();
    let latest = home.files();

    let with = |base: &Files, from: &Files, names: &[&PathBuf]| {
        let mut files = base.clone();
        for name in names {
            match from.get(*name) {
                Some(content) => files.insert((*name).clone(), content.clone()),
                None => files.remove(*name),
            };
        }
        files
    };
    let cut = |files: &Files, frames: usize| {
        let mut files = files.clone();
        let mut cut = Log::parse(&files[&log]);
        let ends: Vec<_> = (0..cut.frames.len()).filter(|at| cut.frames[*at].1 > 0).collect();
        cut.frames.truncate(ends[ends.len() - 1 - frames] + 1);
        files.insert(log.clone(), cut.to_bytes());
        files
    };
    let appended = |from: &Files| {
        let mut files = killed.clone();
        let mut both = Log::parse(&files[&log]);
        let old = Log::parse(&from[&log]);
        let start = old.frames.iter().rposition(|frame| frame.1 > 0).unwrap();
        let start = old.frames[..start].iter().rposition(|frame| frame.1 > 0).unwrap() + 1;
        both.frames.extend_from_slice(&old.frames[start..]);
        files.insert(log.clone(), both.to_bytes());
        files
    };
    let foreign = {
        let mut other = Home::new();
        let watch =
            other.watch().map(|watch| Watch { vault: VaultId::from_bytes([9; 16]), ..watch });
        Vault::create_watched(&other.database(), &key(), watch).unwrap().close();
        other.files()[&other.mark()].clone()
    };
    let forged = |change: fn(&mut Vec<u8>)| {
        let mut files = closed.clone();
        change(files.get_mut(&mark).unwrap());
        files
    };
    let all = [&database, &log];
    let attempts: Vec<(&str, Files, Sign)> = vec![
        ("file, after closing", with(&closed, &early, &all), Sign::Older),
        ("file of two sittings ago", with(&latest, &early, &all), Sign::Older),
        ("file of the sitting before", with(&latest, &closed, &all), Sign::Older),
        ("file and log, after a kill", with(&killed, &middle, &all), Sign::Older),
        (
            "log removed",
            {
                let mut files = killed.clone();
                files.remove(&log);
                files
            },
            Sign::Older,
        ),
        ("log cut by one change", cut(&killed, 1), Sign::Older),
        ("log cut by ten changes", cut(&killed, 10), Sign::Older),
        ("an old change appended", appended(&middle), Sign::Mixed),
        ("mark put back alone", with(&closed, &middle, &[&mark]), Sign::MarkOlder),
        ("mark of a sitting before put back", with(&closed, &early, &[&mark]), Sign::Elsewhere),
        (
            "mark gone",
            {
                let mut files = closed.clone();
                files.remove(&mark);
                files
            },
            Sign::MarkMissing,
        ),
        (
            "mark of another vault",
            {
                let mut files = closed.clone();
                files.insert(mark.clone(), foreign);
                files
            },
            Sign::MarkForeign,
        ),
        ("mark zeroed", forged(|mark| mark.fill(0)), Sign::MarkForeign),
        ("mark empty", forged(Vec::clear), Sign::MarkForeign),
        (
            "mark forged",
            forged(|mark| {
                for at in [24, 536, 1048] {
                    mark[at] ^= 1;
                }
            }),
            Sign::MarkForeign,
        ),
    ];
    for (what, files, expected) in attempts {
        home.put(&files);
        assert_eq!(sign(home.finds()), Some(expected), "{what}");
        assert_eq!(sign(home.finds()), Some(expected), "{what}, looked at again");
        let vault = home.open();
        assert!(matches!(
            vault.remove_wish(WishId::from_bytes([1; 16])),
            Err(VaultError::WentBack)
        ));
        assert!(vault.wishes().is_ok(), "{what}: it is still read");
        vault.close();
        for (name, content) in &files {
            assert_eq!(
                &fs::read(name).unwrap(),
                content,
                "{what}: {} is untouched",
                name.display()
            );
        }
    }
    home.put(&latest);
    assert_eq!(home.finds(), Condition::Sound);
}

#[test]
fn a_folder_that_lives_on_two_machines_is_noticed_on_each() {
    let mut here = Home::new();
    let vault = here.create();
    wish(&vault, 1, 100);
    vault.close();
    let before = here.files();
    // There, without the mark: said, and gone on.
    here.put(&before);
    fs::rename(here.mark(), here.folder.path().join("kept")).unwrap();
    let vault = here.open();
    assert_eq!(
        sign({
            vault.ensure_sound().unwrap_err();
            vault.condition()
        }),
        Some(Sign::MarkMissing)
    );
    vault.go_on().unwrap();
    for number in 2..8 {
        wish(&vault, number, 100);
    }
    vault.settle(None).unwrap();
    vault.close();
    assert_eq!(here.finds(), Condition::Sound);
    // The folder comes back, to the mark that stayed here.
    let there = here.files();
    fs::remove_file(here.mark()).unwrap();
    fs::rename(here.folder.path().join("kept"), here.mark()).unwrap();
    assert_eq!(sign(here.finds()), Some(Sign::Elsewhere));
    // And what went on here is noticed there.
    let mark_there = there[&here.mark()].clone();
    here.put(&before);
    let vault = here.open();
    for number in 2..12 {
        wish(&vault, number, 10);
    }
    vault.close();
    fs::write(here.mark(), mark_there).unwrap();
    assert_eq!(sign(here.finds()), Some(Sign::Elsewhere));
}

#[test]
fn until_her_decision_is_carried_out_she_is_asked_again() {
    let mut home = Home::new();
    let vault = home.create();
    let early = home.files();
    life(&home, &vault);
    vault.close();
    let latest = home.files()[&home.mark()].clone();
    home.put(&early);
    fs::write(home.mark(), &latest).unwrap();
    let vault = home.open();
    assert!(vault.ensure_sound().is_err());
    vault.go_on().unwrap();
    wish(&vault, 3, 10);
    let interrupted = home.files();
    vault.settle(None).unwrap();
    wish(&vault, 4, 10);
    let killed = home.files();
    vault.close();
    assert_eq!(home.finds(), Condition::Sound);
    home.put(&interrupted);
    assert!(sign(home.finds()).is_some());
    home.put(&killed);
    assert_eq!(home.finds(), Condition::Sound);
    // What was there before her decision is not the vault any more, and neither is what was lost.
    fs::write(home.mark(), &latest).unwrap();
    assert!(sign(home.finds()).is_some());
}

#[test]
fn what_a_retailer_says_is_remembered() {
    let mut home = Home::new();
    let vault = home.create();
    vault.distrust(Distrust::WentBack(WentBack { sign: Sign::Retailer, known: None, here: None }));
    assert!(vault.remove_wish(WishId::from_bytes([1; 16])).is_err());
    vault.close();
    assert_eq!(sign(home.finds()), Some(Sign::Retailer));
    let vault = home.open();
    assert!(vault.ensure_sound().is_err());
    vault.go_on().unwrap();
    vault.settle(None).unwrap();
    vault.close();
    assert_eq!(home.finds(), Condition::Sound);
}

#[test]
fn a_file_may_take_the_place_of_another_and_either_is_sound_meanwhile() {
    let mut home = Home::new();
    let vault = home.create();
    life(&home, &vault);
    vault.close();
    let before = home.files();
    let fresh = home.folder.path().join("fresh.db");
    let restored = Vault::create(&fresh, &key()).unwrap();
    wish(&restored, 1, 10);
    let sitting = Sitting::from_bytes([9; 16]);
    restored.announce_swap(&home.mark(), &key(), VAULT, sitting, NOW).unwrap();
    restored.close();
    assert_eq!(home.finds(), Condition::Sound, "the old one still stands there");
    fs::rename(&fresh, home.database()).unwrap();
    assert_eq!(home.finds(), Condition::Sound, "the new one stands there");
    let vault = home.open();
    wish(&vault, 2, 10);
    vault.close();
    fs::write(home.database(), &before[&home.database()]).unwrap();
    assert!(sign(home.finds()).is_some(), "the old one is not sound any more");
}
