use rand::SeedableRng as _;

use super::*;

fn opened(fd: i32, path: &str) -> Deed {
    Deed::Opened { fd, path: path.to_owned(), creates: true, empties: false }
}

fn written(fd: i32, at: usize, bytes: &[u8]) -> Deed {
    Deed::Written { fd, at, bytes: bytes.to_vec() }
}

/// Folder 3 is the root, file 4 is `a`.
fn disk(obeys: Obeys, deeds: &[Deed]) -> Disk {
    let mut disk = Disk::new(obeys);
    let root = Deed::Opened { fd: 3, path: String::new(), creates: false, empties: false };
    for deed in [root, opened(4, "a")].iter().chain(deeds) {
        disk.apply(deed).unwrap();
    }
    disk
}

fn after(disk: &Disk, loss: Loss, seed: u64) -> Content {
    disk.after(loss, &mut StdRng::seed_from_u64(seed))
}

#[test]
fn what_was_synced_stays_and_what_was_not_may_go() {
    let deeds = [written(4, 0, b"one"), Deed::Synced(4), Deed::Synced(3), written(4, 0, b"two")];
    let disk = disk(Obeys::All, &deeds);
    let gone = Content::from([("a".to_owned(), Some(b"one".to_vec()))]);
    let there = Content::from([("a".to_owned(), Some(b"two".to_vec()))]);
    assert_eq!(after(&disk, Loss::Everything, 1), gone);
    assert_eq!(after(&disk, Loss::Nothing, 1), there);
}

#[test]
fn a_file_is_gone_if_its_folder_was_not_synced() {
    let disk = disk(Obeys::All, &[written(4, 0, b"one"), Deed::Synced(4)]);
    assert_eq!(after(&disk, Loss::Everything, 1), Content::new());
}

#[test]
fn a_rename_is_done_or_not_also_between_folders() {
    let deeds = [
        written(4, 0, b"one"),
        Deed::Synced(4),
        Deed::MadeFolder("f".to_owned()),
        Deed::Synced(3),
        Deed::Renamed { from: "a".to_owned(), to: "f/b".to_owned(), swaps: false },
    ];
    let disk = disk(Obeys::All, &deeds);
    for seed in 0..20 {
        let content = after(&disk, Loss::Reordered, seed);
        assert_ne!(content.contains_key("a"), content.contains_key("f/b"));
    }
    let mut disk = disk;
    disk.apply(&Deed::Synced(3)).unwrap();
    assert!(after(&disk, Loss::Everything, 1).contains_key("f/b"));
}

#[test]
fn a_torn_write_has_whole_sectors() {
    let deeds = [Deed::Synced(3), written(4, 100, &[7; 2_000])];
    let disk = disk(Obeys::All, &deeds);
    let mut seen = BTreeSet::new();
    for seed in 0..40 {
        let content = after(&disk, Loss::Torn, seed);
        let bytes = content["a"].clone().unwrap();
        let whole = |sector: &[u8]| sector.iter().all(|byte| *byte == sector[0]);
        assert!(bytes.chunks(SECTOR).skip(1).all(whole));
        seen.insert(bytes);
    }
    assert!(seen.len() > 8, "{}", seen.len());
}

#[test]
fn later_writes_may_stay_where_earlier_ones_went() {
    let deeds = [Deed::Synced(3), written(4, 0, b"first"), written(4, 5, b"second")];
    let disk = disk(Obeys::All, &deeds);
    let found = (0..40).map(|seed| after(&disk, Loss::Reordered, seed)["a"].clone().unwrap());
    assert!(found.into_iter().any(|bytes| bytes == b"\0\0\0\0\0second"));
    let found = (0..40).map(|seed| after(&disk, Loss::Tail, seed)["a"].clone().unwrap());
    assert!(found.into_iter().all(|bytes| bytes != b"\0\0\0\0\0second"));
}

#[test]
fn a_disk_that_does_not_obey_keeps_less() {
    let deeds = [Deed::Synced(3), opened(5, "b-wal"), Deed::Synced(3), written(5, 0, b"x")];
    for (obeys, kept) in [(Obeys::All, 1), (Obeys::AllButLogs, 0)] {
        let mut disk = disk(obeys, &deeds);
        disk.apply(&Deed::Synced(5)).unwrap();
        let content = after(&disk, Loss::Everything, 1);
        assert_eq!(content["b-wal"].as_ref().unwrap().len(), kept);
    }
    let disk = disk(Obeys::None, &deeds);
    assert_eq!(after(&disk, Loss::Everything, 1), Content::new());
    assert!(disk.is_at_risk());
}
