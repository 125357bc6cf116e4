//! Logs with two faces, and proofs of what never stood there.

use besace_protocol::{
    consent::RecordKind,
    consent::{Action, UseRecord},
    crypto::{Digest, SigningKey},
    encoding::to_base64,
    id::LogId,
    log::{
        Checkpoint, Comparison, Frontier, HashTiles, LogKey, NodeId, Origin, Salt,
        SignedCheckpoint, TilePath, TileRow, UnverifiedCheckpoint, UnverifiedProof, commitment,
        compare, consistency_proof, leaf_hash, node_hash, verify_consistency,
    },
};

use super::{
    List, NOW, Scene,
    world::{Log, SHOP},
};

/// Leaves of the log that is attacked: more than one tile row of a small tree, and no power of two.
pub(super) const SIZE: usize = 13;

/// The record of a use of the grant: what a log of a retailer holds most of.
fn record(scene: &Scene, counter: u64) -> Vec<u8> {
    let grant = scene.grant.payload().id;
    let head = besace_protocol::consent::UseHead::start(grant);
    let used = UseRecord {
        action: Action::Recognised,
        at: NOW,
        counter,
        grant,
        intention: None,
        prev: head.head,
        shop: SHOP,
    };
    RecordKind::Use(used).to_bytes().unwrap()
}

/// A proof of each of [`SIZE`] records, as it was handed out, with the key of the log.
fn proofs(scene: &Scene) -> (Vec<(String, Vec<u8>)>, LogKey) {
    let mut log = Log::new(scene.shop.log.origin.clone(), signer(scene));
    let mut rng = scene.rng.clone();
    let logged = (1..=SIZE).map(|n| {
        let proven = log.append(&record(scene, n as u64), &Salt::generate(&mut rng));
        (proven.proof, proven.record.0)
    });
    (logged.collect(), LogKey::new(scene.shop.log.origin.clone(), signer(scene).verifying_key()))
}

pub(super) fn signer(scene: &Scene) -> SigningKey {
    SigningKey::generate(&mut scene.rng.clone())
}

fn opened(proof: &str, key: &LogKey, record: &[u8]) -> Result<(), String> {
    let proof = UnverifiedProof::parse(proof.as_bytes()).map_err(|error| format!("{error:?}"))?;
    proof.verify_opening(key, record).map(|_| ()).map_err(|error| format!("{error:?}"))
}

/// A history of commitments, as one who writes it has it.
pub(super) struct History {
    leaves: Vec<Digest>,
    heads: Vec<SignedCheckpoint>,
}

impl History {
    /// [`SIZE`] leaves, of which those from `fork` on are others.
    pub(super) fn new(scene: &Scene, fork: usize) -> Self {
        let mut frontier = Frontier::empty();
        let (mut leaves, mut heads) = (Vec::new(), Vec::new());
        for n in 0..SIZE {
            let salt = Salt::from_bytes([u8::from(n >= fork); 32]);
            let entry = commitment(&salt, &[u8::try_from(n).unwrap()]);
            leaves.push(leaf_hash(entry.as_bytes()));
            let _nodes = frontier.append(&entry);
            let head = Checkpoint {
                origin: scene.shop.log.origin.clone(),
                size: frontier.size(),
                root: frontier.root(),
            };
            heads.push(head.sign(&signer(scene)).unwrap());
        }
        Self { leaves, heads }
    }

    pub(super) fn head(&self, size: usize) -> &SignedCheckpoint {
        &self.heads[size - 1]
    }

    /// That the whole tree continues that of the first `size` leaves.
    pub(super) fn consistency(&self, size: usize) -> Vec<Digest> {
        let read = |id: NodeId| {
            let first = usize::try_from(id.index << id.level).unwrap();
            let many = 1_usize << id.level;
            let mut nodes = Vec::from(&self.leaves[first..first + many]);
            while nodes.len() > 1 {
                nodes = nodes.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            }
            Ok::<_, ()>(nodes[0])
        };
        consistency_proof(size as u64, SIZE as u64, read).unwrap()
    }

    /// The one tile of the whole tree.
    fn tile(&self) -> HashTiles {
        let path = TilePath::new(TileRow::Hashes(0), 0, u16::try_from(SIZE).unwrap()).unwrap();
        let bytes: Vec<u8> = self.leaves.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
        let mut tiles = HashTiles::new();
        tiles.insert(path, &bytes).unwrap();
        tiles
    }
}

/// What an agent makes of it: only a history that goes on is taken.
fn taken(
    one: &SignedCheckpoint,
    other: &SignedCheckpoint,
    tiles: &HashTiles,
) -> Result<(), Comparison> {
    match compare(one, other, tiles) {
        Comparison::Continues => Ok(()),
        refused => Err(refused),
    }
}

pub(super) fn holds(scene: &Scene) {
    let (proofs, key) = proofs(scene);
    for (proof, record) in &proofs {
        assert_eq!(opened(proof, &key, record), Ok(()));
    }
    let history = History::new(scene, SIZE);
    for size in 1..=SIZE {
        assert_eq!(taken(history.head(size), history.head(SIZE), &history.tile()), Ok(()));
    }
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    openings(scene, list);
    checkpoints(scene, list);
    histories(scene, list);
}

fn openings(scene: &Scene, list: &mut List) {
    let (proofs, key) = proofs(scene);
    let (proof, record) = &proofs[11];
    let wrong = "\"Inclusion(VerifyProofError)\"";
    for (name, index) in [("the first", 0), ("the one before", 10), ("the one behind", 12)] {
        let attempt = opened(proof, &key, &proofs[index].1);
        list.tries(format!("proof of {name} record"), wrong, attempt);
    }
    let mut changed = record.clone();
    let near_its_end = changed.len() - 3;
    changed[near_its_end] ^= 1;
    list.tries("proof of a changed record", wrong, opened(proof, &key, &changed));
    list.tries("proof of no record", wrong, opened(proof, &key, b""));
    for index in [0, 1, 2, 3, 10] {
        let moved = proof.replace("index 11\n", &format!("index {index}\n"));
        list.tries(format!("proof at place {index}"), wrong, opened(&moved, &key, record));
    }
    let beyond = proof.replace("index 11\n", "index 12\n");
    list.tries("proof behind the last entry", wrong, opened(&beyond, &key, record));
    for spelled in ["011", "+11", "11 ", "0x0b", "-1", "", "9007199254740991"] {
        let moved = proof.replace("index 11\n", &format!("index {spelled}\n"));
        list.tries(
            format!("proof at place {spelled:?}"),
            "\"Lines\"",
            opened(&moved, &key, record),
        );
    }
    let (head, rest) = proof.split_once("\n\n").unwrap();
    let lines: Vec<&str> = head.split('\n').collect();
    for gone in 3..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(gone);
        let attempt = opened(&format!("{}\n\n{rest}", fewer.join("\n")), &key, record);
        list.tries(format!("proof without sibling {}", gone - 2), wrong, attempt);
        let mut other = lines.clone();
        let zero = to_base64(&[0; 32]);
        other[gone] = &zero;
        let attempt = opened(&format!("{}\n\n{rest}", other.join("\n")), &key, record);
        list.tries(format!("proof with another sibling {}", gone - 2), wrong, attempt);
    }
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let attempt = opened(&format!("{}\n\n{rest}", swapped.join("\n")), &key, record);
    list.tries("proof with siblings in another order", wrong, attempt);
    let longer = format!("{head}\n{}\n\n{rest}", to_base64(&[0; 32]));
    list.tries("proof with a sibling more", wrong, opened(&longer, &key, record));
    let endless = format!("{head}{}\n\n{rest}", format!("\n{}", to_base64(&[0; 32])).repeat(70));
    list.tries("proof with seventy siblings more", "\"", opened(&endless, &key, record));
    let unsalted = proof.replacen(&format!("{}\n", lines[1]), "", 1);
    list.tries("proof without a salt", "\"Salt\"", opened(&unsalted, &key, record));
    let salted = proof.replacen(lines[1], &format!("extra {}", to_base64(&[9; 32])), 1);
    list.tries("proof with another salt", wrong, opened(&salted, &key, record));
    let (_, older) = proofs[10].0.split_once("\n\n").unwrap();
    let stale = format!("{head}\n\n{older}");
    list.tries("proof under an older head", wrong, opened(&stale, &key, record));
    let elsewhere = LogKey::new(scene.other.log.origin.clone(), *key.verifying_key());
    let attempt = opened(proof, &elsewhere, record);
    list.tries("proof of another log", "\"Checkpoint(Origin)\"", attempt);
    let forged = LogKey::new(scene.shop.log.origin.clone(), scene.other.log.key.verifying_key());
    let attempt = opened(proof, &forged, record);
    list.tries("proof under another key", "\"Checkpoint(Note(Signature))\"", attempt);
}

fn checkpoints(scene: &Scene, list: &mut List) {
    let history = History::new(scene, SIZE);
    let key = LogKey::new(scene.shop.log.origin.clone(), signer(scene).verifying_key());
    let text = history.head(SIZE).as_str();
    let parsed = |text: &str| {
        UnverifiedCheckpoint::parse(text.as_bytes())
            .map_err(|error| format!("{error:?}"))?
            .verify_exact(&key)
            .map_err(|error| format!("{error:?}"))
    };
    let root = to_base64(history.head(SIZE).root().as_bytes());
    let before = to_base64(history.head(SIZE - 1).root().as_bytes());
    let (body, line) = text.split_once("\n\n").unwrap();
    for (name, rule, changed) in [
        ("of a longer log", "\"Note(Signature)\"", text.replace("\n13\n", "\n14\n")),
        ("of a shorter log", "\"Note(Signature)\"", text.replace("\n13\n", "\n12\n")),
        ("of an earlier root", "\"Note(Signature)\"", text.replace(&root, &before)),
        ("of no log", "\"Root\"", text.replace("\n13\n", "\n0\n")),
        ("with a zero before its size", "\"Size\"", text.replace("\n13\n", "\n013\n")),
        ("with a sign before its size", "\"Size\"", text.replace("\n13\n", "\n+13\n")),
        ("with a size beyond counting", "\"Size\"", text.replace("\n13\n", "\n9007199254740992\n")),
        ("with a root of 31 bytes", "\"Root\"", text.replace(&root, &to_base64(&[1; 31]))),
        (
            "with a root in the other alphabet",
            "\"Root\"",
            text.replace(&root, &format!("-_{}", &root[2..])),
        ),
        ("with a line more", "\"Lines\"", text.replace("\n\n", "\nmore\n\n")),
        ("with a line less", "\"Lines\"", text.replace(&format!("{root}\n"), "")),
        ("with line ends of another kind", "\"Note(Text)\"", text.replace('\n', "\r\n")),
        (
            "of a name that is no log",
            "\"Origin\"",
            text.replace("shop.example/besace\n", "shop.example\n"),
        ),
        (
            "of another retailer",
            "\"Origin\"",
            text.replace("shop.example/besace\n", "other.example/besace\n"),
        ),
        ("without a signature", "\"Note(", format!("{body}\n\n")),
        ("with a signature twice", "\"Note(Signature)\"", format!("{body}\n\n{line}{line}")),
        (
            "with a hyphen for a dash",
            "\"Note(Signature { line: 1 })\"",
            text.replace('\u{2014}', "-"),
        ),
        ("that ends early", "\"Note(", text[..text.len() - 1].to_owned()),
        ("with something behind it", "\"Note(", format!("{text}\n")),
    ] {
        list.tries(format!("head {name}"), rule, parsed(&changed));
    }
    let other = SigningKey::generate(&mut scene.rng.clone());
    let named = LogKey::new(Origin::of_log(&LogId::from_bytes([1; 16])), other.verifying_key());
    let beside = format!(
        "{text}\u{2014} {} {}\n",
        named.origin(),
        to_base64(&[named.key_id().as_slice(), &[0; 64]].concat())
    );
    list.tries("head with somebody's line beside", "\"Note(ExtraLine)\"", parsed(&beside));
    let empty = Checkpoint { origin: key.origin().clone(), size: 0, root: *history.head(1).root() };
    list.tries("head of an empty log that holds something", "Root", empty.sign(&signer(scene)));
}

/// Two histories of one log: equivocation.
fn histories(scene: &Scene, list: &mut List) {
    let honest = History::new(scene, SIZE);
    for fork in 0..SIZE {
        let forked = History::new(scene, fork);
        let attempt = taken(honest.head(SIZE), forked.head(SIZE), &forked.tile());
        list.tries(
            format!("another log of the same length from entry {fork} on"),
            "Contradicts",
            attempt,
        );
        if fork + 1 < SIZE {
            let attempt = taken(honest.head(fork + 1), forked.head(SIZE), &forked.tile());
            list.tries(
                format!("a longer log that leaves out entry {fork}"),
                "Contradicts",
                attempt,
            );
            let attempt = taken(honest.head(SIZE), forked.head(fork + 1), &honest.tile());
            list.tries(format!("a shorter log with another entry {fork}"), "Contradicts", attempt);
            let attempt = taken(honest.head(fork + 1), forked.head(SIZE), &honest.tile());
            list.tries(
                format!("a fork at {fork} behind tiles of the honest log"),
                "Unproven",
                attempt,
            );
        }
    }
    let attempt = taken(honest.head(5), honest.head(SIZE), &HashTiles::new());
    list.tries("a longer log without its tiles", "Lacks", attempt);
    let elsewhere = Checkpoint {
        origin: scene.other.log.origin.clone(),
        size: 5,
        root: *honest.head(5).root(),
    };
    let elsewhere = elsewhere.sign(&signer(scene)).unwrap();
    let attempt = taken(&elsewhere, honest.head(SIZE), &honest.tile());
    list.tries("a head of another log", "Unproven", attempt);
    let whole = [honest.leaves.as_slice(), &[honest.leaves[0]]].concat();
    let bytes: Vec<u8> = whole.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
    let path = || TilePath::new(TileRow::Hashes(0), 0, u16::try_from(SIZE).unwrap()).unwrap();
    list.tries(
        "a tile that is too long",
        "ParseBundleError",
        HashTiles::new().insert(path(), &bytes),
    );
    let attempt = HashTiles::new().insert(path(), &bytes[..bytes.len() - 33]);
    list.tries("a tile that ends early", "ParseBundleError", attempt);

    let proof = honest.consistency(5);
    let (old, new) = (*honest.head(5).root(), *honest.head(SIZE).root());
    assert_eq!(verify_consistency(5, &old, SIZE as u64, &new, &proof), Ok(()));
    for gone in 0..proof.len() {
        let mut fewer = proof.clone();
        fewer.remove(gone);
        let attempt = verify_consistency(5, &old, SIZE as u64, &new, &fewer);
        list.tries(format!("consistency without hash {gone}"), "VerifyProofError", attempt);
        let mut other = proof.clone();
        other[gone] = Digest::from_bytes([0; 32]);
        let attempt = verify_consistency(5, &old, SIZE as u64, &new, &other);
        list.tries(format!("consistency with another hash {gone}"), "VerifyProofError", attempt);
    }
    for (name, attempt) in [
        ("the wrong way round", verify_consistency(SIZE as u64, &new, 5, &old, &proof)),
        ("of another size", verify_consistency(6, &old, SIZE as u64, &new, &proof)),
        // (Of 14 leaves, the same hashes would hold: a proof does not bind the size, the signed head does.)
        ("of an end of another form", verify_consistency(5, &old, 3 * SIZE as u64, &new, &proof)),
        ("of one size with two roots", verify_consistency(5, &old, 5, &new, &[])),
        ("of nothing", verify_consistency(5, &old, SIZE as u64, &new, &[])),
        ("of an empty log with a root", verify_consistency(0, &old, SIZE as u64, &new, &[])),
    ] {
        list.tries(format!("consistency {name}"), "VerifyProofError", attempt);
    }
}
