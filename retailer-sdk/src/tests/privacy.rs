//! Two visits cannot be rebuilt from the gateway's files after they were acknowledged, or after their
//! deadline.

use std::{fs, path::Path};

use besace_protocol::{consent::RecordKind, encoding::to_base64url, log::UnverifiedProof};

use super::{
    sighting::{acknowledge, collect, visit},
    *,
};

/// Where and when she was seen.
const ONE: [(u8, u64); 2] = [(1, 0), (2, 7 * 3600)];
const OTHER: [(u8, u64); 2] = [(2, 2 * 3600), (1, 5 * 3600)];

/// A world in which she made two visits; the openings of them, as she got them.
fn visited(
    folder: &Path,
    visits: [(u8, u64); 2],
) -> (World, Shopper, Vec<(besace_protocol::consent::Opening, RecordKind)>) {
    let store = SqliteStore::create(&folder.join("store.db")).unwrap();
    let mut world = World::in_store(store);
    let (mut shopper, ..) = regular(&mut world, 2);
    let permits = [1, 2].map(|number| (number, world.permit(shop(number))));
    let permits = std::collections::BTreeMap::from(permits);
    for (number, after) in visits {
        visit(&mut world, &shopper, &permits[&number], NOW.plus(after)).unwrap();
    }
    let collected = collect(&mut world, &mut shopper, NOW);
    let manifest = world.manifest();
    let openings = collected.mail.iter().map(|mail| shopper.open_mail(mail, &manifest)).collect();
    (world, shopper, openings)
}

fn bytes_of(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).unwrap();
    files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Whatever would tell one visit from another, in the spellings in which it might be kept.
fn traces(
    world: &World,
    openings: &[(besace_protocol::consent::Opening, RecordKind)],
) -> Vec<Vec<u8>> {
    let mut traces = Vec::new();
    for (opening, record) in openings {
        let RecordKind::Use(used) = record else { panic!("another record") };
        let proof = UnverifiedProof::parse(opening.proof.as_bytes()).unwrap();
        let (_, opened) =
            proof.verify_opening(world.retailer.log_key(), &opening.record.0).unwrap();
        let moment = used.at.as_unix_seconds();
        traces.extend([
            opening.record.0.clone(),
            to_base64url(&opening.record.0).into_bytes(),
            opened.salt.as_bytes().to_vec(),
            to_base64url(opened.salt.as_bytes()).into_bytes(),
            b"\"kind\":\"use\"".to_vec(),
        ]);
        // The first visit happens at the moment at which everything else of the story does.
        if used.at != NOW {
            traces.push(moment.to_string().into_bytes());
            traces.push(u32::try_from(moment).unwrap().to_be_bytes().to_vec());
        }
    }
    traces
}

#[test]
fn no_plain_opening_is_ever_written() {
    let folder = tempfile::tempdir().unwrap();
    let (world, _, openings) = visited(folder.path(), ONE);
    assert_eq!(openings.len(), 4);
    // Not even while the mail waits: it is sealed.
    let bytes = bytes_of(folder.path());
    for trace in traces(&world, &openings) {
        assert!(!contains(&bytes, &trace), "{}", String::from_utf8_lossy(&trace));
    }
}

#[test]
fn sealed_mail_is_in_no_file_after_it_was_acknowledged_or_its_deadline_passed() {
    for acknowledged in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (mut world, mut shopper, openings) = visited(folder.path(), ONE);
        let collected = collect(&mut world, &mut shopper, NOW);
        let sealed: Vec<Vec<u8>> =
            collected.mail.iter().map(|mail| mail.sealed.ciphertext.0[..32].to_vec()).collect();
        assert!(sealed.iter().all(|bytes| contains(&bytes_of(folder.path()), bytes)));
        if acknowledged {
            assert_eq!(acknowledge(&mut world, &mut shopper, &collected, NOW), 4);
        } else {
            world.retailer.tidy(NOW.plus(10 * 86_400), &mut world.rng).unwrap();
        }
        let bytes = bytes_of(folder.path());
        for trace in sealed.into_iter().chain(traces(&world, &openings)) {
            assert!(!contains(&bytes, &trace), "{}", String::from_utf8_lossy(&trace));
        }
    }
}

#[test]
fn two_stories_leave_the_same_rows() {
    let rows = [ONE, OTHER].map(|visits| {
        let folder = tempfile::tempdir().unwrap();
        let (mut world, mut shopper, _) = visited(folder.path(), visits);
        let collected = collect(&mut world, &mut shopper, NOW);
        acknowledge(&mut world, &mut shopper, &collected, NOW);
        let mut rows = world.retailer.store.dump();
        // What may differ are hashes that a salt hides, now destroyed, and the signature over them.
        let hidden = [
            ("log_entries", "commitment"),
            ("log_nodes", "hash"),
            ("log_head", "checkpoint"),
            ("grants", "use_head"),
        ];
        rows.retain(|(table, column, _)| !hidden.contains(&(table.as_str(), column.as_str())));
        rows
    });
    let [one, other] = rows;
    for (a, b) in one.iter().zip(&other) {
        assert_eq!(a, b);
    }
    assert_eq!(one.len(), other.len());
}

#[test]
fn a_destroyed_name_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
    let mut world = World::in_store(store);
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    let keys = shopper.release_document(&recognition.0, Day::of(NOW), NOW).keys;
    for needle in [b"Nour".as_slice(), b"jazz", &keys.0] {
        assert!(contains(&bytes_of(folder.path()), needle));
    }
    world.withdraw(&mut shopper, &greeting, NOW);
    world.withdraw(&mut shopper, &recognition, NOW);
    for needle in [b"Nour".as_slice(), b"jazz", &keys.0] {
        assert!(!contains(&bytes_of(folder.path()), needle));
    }
}
