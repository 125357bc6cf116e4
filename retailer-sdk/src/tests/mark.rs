//! A store that was put back is refused as it was found, whatever its schema.

use std::fs;

use super::*;
use crate::MarkError;

#[test]
fn an_older_store_of_an_older_schema_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, marks) = (folder.path().join("gateway.db"), folder.path().join("marks"));
    let identity = Identity { domain: domain(), legal: legal(), shops: shops() };
    let mut rng = StdRng::seed_from_u64(1);
    let store = SqliteStore::create(&path).unwrap();
    drop(Retailer::init(store, &identity, NOW, &mut rng).unwrap());
    // As a program wrote it that knew no till receipts.
    SqliteStore::open(&path)
        .unwrap()
        .sabotage("DROP TABLE till_receipts; PRAGMA user_version = 21;");
    let copy = fs::read(&path).unwrap();
    let (store, kept) = SqliteStore::open_marked(&path, &marks).unwrap();
    kept.unwrap();
    let mut retailer = Retailer::open(store, NOW, &mut rng).unwrap();
    retailer.publish_request(draft(Purpose::Recognition), NOW, &mut rng).unwrap();
    let signed = retailer.checkpoint().unwrap();
    drop(retailer);
    assert_ne!(fs::read(&path).unwrap(), copy, "it was brought up");
    for beside in ["gateway.db-wal", "gateway.db-shm"] {
        drop(fs::remove_file(folder.path().join(beside)));
    }
    fs::write(&path, &copy).unwrap();
    let (store, kept) = SqliteStore::open_marked(&path, &marks).unwrap();
    assert!(matches!(kept, Err(MarkError::WentBack { .. })), "{kept:?}");
    // It can be looked at, and nothing can be written to it.
    let mut retailer = Retailer::open_to_read(store).unwrap();
    assert_eq!(retailer.count_grants().unwrap(), (0, 0));
    assert_ne!(retailer.checkpoint().unwrap(), signed);
    assert!(retailer.publish_request(draft(Purpose::Recognition), NOW, &mut rng).is_err());
    drop(retailer);
    assert_eq!(fs::read(&path).unwrap(), copy, "it is as it was found");
}
