//! Our log against another implementation of the same specifications: Cloudflare's `tlog_tiles` and
//! `signed_note`. Both ways: they read what we write, we read what they write.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a panic is a failed test"
)]

use std::collections::BTreeMap;

use besace_protocol::{
    crypto::{Digest, SecretBytes, SigningKey, VerifyingKey, sha256},
    log::{
        Checkpoint, Commitment, Frontier, LogKey, NodeId, Origin, TilePath, UnverifiedCheckpoint,
        consistency_proof, inclusion_proof, parse_tile, serve_tile, tiles_of, verify_consistency,
        verify_inclusion,
    },
    party::ControllerId,
};
use proptest::prelude::*;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{
    Error, Hash, HashReader, check_record, check_tree, prove_record, prove_tree, record_hash,
    stored_hash_index, stored_hashes, tree_hash,
};

fn entry(i: u64) -> Commitment {
    sha256(&[b"entry", &i.to_be_bytes()]).into()
}

fn theirs(digest: &Digest) -> Hash {
    Hash(*digest.as_bytes())
}

fn ours(hash: &Hash) -> Digest {
    Digest::from_bytes(hash.0)
}

/// Their storage: hashes in their own order.
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        Ok(indexes.iter().map(|i| self.0[usize::try_from(*i).unwrap()]).collect())
    }
}

/// One log, kept by both.
struct Both {
    nodes: BTreeMap<NodeId, Digest>,
    stored: Stored,
    roots: Vec<Digest>,
}

impl Both {
    fn of(size: u64) -> Self {
        let mut frontier = Frontier::empty();
        let mut both = Self {
            nodes: BTreeMap::new(),
            stored: Stored(Vec::new()),
            roots: vec![frontier.root()],
        };
        for i in 0..size {
            both.nodes.extend(frontier.append(&entry(i)));
            let hashes = stored_hashes(i, entry(i).as_bytes(), &both.stored).unwrap();
            both.stored.0.extend(hashes);
            both.roots.push(frontier.root());
        }
        both
    }

    fn root(&self, size: u64) -> Digest {
        self.roots[usize::try_from(size).unwrap()]
    }
}

fn origin() -> Origin {
    Origin::retailer(&ControllerId::parse("shop.example").unwrap())
}

fn signer() -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(6)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roots_nodes_and_proofs_are_theirs(sizes in (1_u64..700, 1_u64..700), pick in any::<u64>()) {
        let (old, new) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
        let both = Both::of(new);
        let read = |id: NodeId| both.nodes.get(&id).copied().ok_or(id);
        let (root, old_root) = (both.root(new), both.root(old));
        prop_assert_eq!(theirs(&root), tree_hash(new, &both.stored).unwrap());
        for (id, hash) in &both.nodes {
            let at = usize::try_from(stored_hash_index(id.level, id.index)).unwrap();
            prop_assert_eq!(theirs(hash), both.stored.0[at]);
        }

        let index = pick % new;
        let mine = inclusion_proof(index, new, read).unwrap();
        let record = prove_record(new, index, &both.stored).unwrap();
        prop_assert_eq!(&mine.iter().map(theirs).collect::<Vec<_>>(), &record);
        let leaf = record_hash(entry(index).as_bytes());
        prop_assert!(check_record(&mine.iter().map(theirs).collect(), new, theirs(&root), index, leaf).is_ok());
        let record: Vec<_> = record.iter().map(ours).collect();
        prop_assert!(verify_inclusion(&entry(index), index, new, &record, &root).is_ok());

        let mine = consistency_proof(old, new, read).unwrap();
        let tree = prove_tree(new, old, &both.stored).unwrap();
        prop_assert_eq!(&mine.iter().map(theirs).collect::<Vec<_>>(), &tree);
        prop_assert!(check_tree(&mine.iter().map(theirs).collect(), new, theirs(&root), old, theirs(&old_root)).is_ok());
        let tree: Vec<_> = tree.iter().map(ours).collect();
        prop_assert!(verify_consistency(old, &old_root, new, &root, &tree).is_ok());
    }
}

#[test]
fn tiles_are_theirs_but_for_the_older_dialect_of_paths() {
    let size = 700;
    let both = Both::of(size);
    for path in tiles_of(size) {
        let text = path.to_string();
        let dialect = match text.strip_prefix("tile/entries/") {
            Some(rest) => format!("tile/8/data/{rest}"),
            None => text.replacen("tile/", "tile/8/", 1),
        };
        let tile = tlog_tiles::Tile::from_path(&dialect).unwrap();
        if tile.is_data() {
            continue; // their data tiles hold other entries than C2SP bundles
        }
        let read = |id: NodeId| both.nodes.get(&id).copied().ok_or(());
        let mine = serve_tile(&path, size, read, |i| Ok(entry(i))).unwrap();
        assert_eq!(mine, tile.read_data(&both.stored).unwrap(), "{path}");
        assert_eq!(parse_tile(&mine, path.width()).unwrap().len(), usize::from(path.width()));
        assert_eq!(TilePath::parse(&text), Ok(path));
    }
}

#[test]
fn they_open_our_checkpoint() {
    let root = Both::of(5).root(5);
    let signed = Checkpoint { origin: origin(), size: 5, root }.sign(&signer()).unwrap();
    let key = LogKey::new(origin(), signer().verifying_key());
    let verifier = StandardVerifier::new(&key.to_string()).unwrap();
    let note = Note::from_bytes(signed.as_str().as_bytes()).unwrap();
    let (good, others) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((good.len(), others.len()), (1, 0));
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("shop.example/besace", 5));
    assert_eq!(checkpoint.hash(), &theirs(&root));
}

#[test]
fn we_open_their_checkpoint() {
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(7);
    let (skey, vkey) = signed_note::generate_key(&mut rng, origin().as_str());
    let root = Both::of(5).root(5);
    let checkpoint = tlog_tiles::Checkpoint::new(origin().as_str(), 5, theirs(&root), "").unwrap();
    let mut note = Note::new(&checkpoint.to_bytes(), &[]).unwrap();
    note.add_sigs(&[&StandardSigner::new(&skey).unwrap()]).unwrap();

    let key = LogKey::parse(&vkey).unwrap();
    let parsed = UnverifiedCheckpoint::parse(&note.to_bytes()).unwrap();
    let signed = parsed.verify_exact(&key).unwrap();
    assert_eq!((signed.size(), signed.root()), (5, &root));
}

#[test]
fn a_key_has_the_same_text() {
    let key: VerifyingKey = signer().verifying_key();
    let foreign = ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).unwrap();
    let theirs = signed_note::new_ed25519_verifier_key(origin().as_str(), &foreign);
    assert_eq!(LogKey::new(origin(), key).to_string(), theirs);
}
