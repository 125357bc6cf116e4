//! What a changed log looks like.

use besace_protocol::{
    encoding::Bytes,
    id::Generation,
    keys::Facet,
    log::{Checkpoint, Salt, commitment},
    time::Timestamp,
};

use super::*;
use crate::vault::LogEntry;

fn signer() -> SigningKey {
    let root = RootKey::init_with(|bytes| bytes.fill(1));
    pairwise_signer(
        &root,
        &Pseudonym {
            domain: ControllerId::parse("shop.example").unwrap(),
            facet: Facet(0),
            generation: Generation::from_bytes([1; 16]),
            log: LogId::from_bytes([2; 16]),
            started_at: Timestamp::default(),
            ended_at: None,
        },
        &LogId::from_bytes([2; 16]),
    )
}

fn log(records: &[&[u8]]) -> StoredLog {
    let id = LogId::from_bytes([2; 16]);
    let mut tree = Frontier::empty();
    let mut log = StoredLog { id, checkpoint: None, entries: vec![], nodes: vec![] };
    for record in records {
        let (index, salt) = (tree.size(), Salt::from_bytes([3; 32]));
        let commitment = commitment(&salt, record);
        log.nodes.extend(tree.append(&commitment));
        let opening = Some(Opening { index, record: Bytes(record.to_vec()), salt });
        log.entries.push(LogEntry { index, commitment, opening, at: Timestamp::default() });
    }
    let head = Checkpoint { origin: Origin::of_log(&id), size: tree.size(), root: tree.root() };
    log.checkpoint = Some(head.sign(&signer()).unwrap().as_str().to_owned());
    log
}

#[test]
fn a_log_as_it_was_written_has_no_fault() {
    assert_eq!(check(&log(&[b"a", b"b", b"c"]), signer().verifying_key()), Ok(()));
    let mut erased = log(&[b"a", b"b", b"c"]);
    erased.entries[1].opening = None;
    assert_eq!(check(&erased, signer().verifying_key()), Ok(()));
    let mut empty = log(&[]);
    empty.checkpoint = None;
    assert_eq!(check(&empty, signer().verifying_key()), Ok(()));
}

#[test]
fn each_kind_of_change_is_named() {
    let changed = |change: fn(&mut StoredLog)| {
        let mut log = log(&[b"a", b"b", b"c"]);
        change(&mut log);
        check(&log, signer().verifying_key())
    };
    assert_eq!(changed(|log| log.checkpoint = None), Err(LogFault::Checkpoint));
    assert_eq!(
        changed(|log| log.checkpoint = log.checkpoint.as_ref().map(|c| c.replace("\n3\n", "\n2\n"))),
        Err(LogFault::Checkpoint)
    );
    assert_eq!(changed(|log| log.id = LogId::from_bytes([9; 16])), Err(LogFault::Checkpoint));
    assert_eq!(changed(|log| log.entries.truncate(2)), Err(LogFault::Entries));
    assert_eq!(changed(|log| log.nodes.truncate(3)), Err(LogFault::Nodes));
    assert_eq!(changed(|log| log.entries.swap(0, 1)), Err(LogFault::Opening { index: 0 }));
    let other_record = changed(|log| {
        if let Some(opening) = &mut log.entries[2].opening {
            opening.record = Bytes(b"d".to_vec());
        }
    });
    assert_eq!(other_record, Err(LogFault::Opening { index: 2 }));
}
