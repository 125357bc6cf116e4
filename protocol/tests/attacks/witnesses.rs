//! Heads that too few saw, or too long ago, and cosignatures of something else.

use besace_protocol::{
    crypto::{SecretBytes, SigningKey},
    encoding::to_base64,
    log::{
        Checkpoint, Cosignature, LogKey, SignedCheckpoint, UnverifiedAddCheckpoint,
        UnverifiedCosignature, WitnessKey, WitnessName, WitnessPolicy, add_checkpoint,
    },
    time::{DAY_SECONDS, Timestamp},
};

use super::{
    List, NOW, Scene,
    logs::{History, SIZE, signer},
};

const NAMES: [&str; 3] = ["north", "south", "east"];

struct Witness {
    key: SigningKey,
    name: WitnessName,
}

impl Witness {
    fn new(index: usize) -> Self {
        let fill = 70 + u8::try_from(index).unwrap();
        let key = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)));
        let name = format!("witness.example/{}", NAMES[index]);
        Self { key, name: WitnessName::parse(&name).unwrap() }
    }

    fn public(&self) -> WitnessKey {
        WitnessKey::new(self.name.clone(), self.key.verifying_key())
    }

    fn saw(&self, head: &SignedCheckpoint, at: Timestamp) -> Cosignature {
        Cosignature::sign(head, &self.name, &self.key, at).unwrap()
    }
}

fn witnesses() -> [Witness; 3] {
    [0, 1, 2].map(Witness::new)
}

/// Two of the three have to have seen it.
fn policy() -> WitnessPolicy {
    let lines = NAMES.iter().zip(witnesses());
    let lines = lines.map(|(name, witness)| format!("witness {name} {}\n", witness.public()));
    let mut text: String = lines.collect();
    text += "group two 2 north south east\nquorum two\n";
    WitnessPolicy::parse(text.as_bytes()).unwrap()
}

/// Cosigned by these, so many seconds ago.
fn seen(head: &SignedCheckpoint, by: &[(usize, u64)]) -> SignedCheckpoint {
    by.iter().fold(head.clone(), |head, (index, ago)| {
        head.with(&Witness::new(*index).saw(&head, NOW.minus(*ago))).unwrap()
    })
}

fn counts(head: &SignedCheckpoint) -> Result<(), besace_protocol::log::QuorumError> {
    policy().verify(head, NOW, DAY_SECONDS).map(|_| ())
}

/// Asks a witness that cosigned the head of `last` entries; with the proof from `from`.
fn judged(
    known: Option<&LogKey>,
    honest: &History,
    last: usize,
    from: usize,
    head: &SignedCheckpoint,
) -> Result<(), besace_protocol::log::WitnessRefusal> {
    let proof = honest.consistency(from);
    let asked = add_checkpoint(from as u64, &proof, head);
    let asked = UnverifiedAddCheckpoint::parse(asked.as_bytes()).unwrap();
    asked.judge(known, Some(honest.head(last))).map(|_| ())
}

pub(super) fn holds(scene: &Scene) {
    let honest = History::new(scene, SIZE);
    assert_eq!(counts(&seen(honest.head(SIZE), &[(0, 60), (2, DAY_SECONDS)])), Ok(()));
    let key = LogKey::new(scene.shop.log.origin.clone(), signer(scene).verifying_key());
    for last in 1..SIZE {
        assert_eq!(judged(Some(&key), &honest, last, last, honest.head(SIZE)), Ok(()));
    }
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    quorums(scene, list);
    cosignatures(scene, list);
    questions(scene, list);
}

/// Heads that a policy does not count.
fn quorums(scene: &Scene, list: &mut List) {
    let honest = History::new(scene, SIZE);
    let head = honest.head(SIZE);
    for (name, rule, by) in [
        ("that nobody saw", "TooFew", vec![]),
        ("that one of two saw", "TooFew", vec![(1, 0)]),
        ("that one saw twice", "TooFew", vec![(1, 9), (1, 0)]),
        ("that two saw too long ago", "Stale", vec![(0, DAY_SECONDS + 1), (1, DAY_SECONDS + 1)]),
        ("of which only one is fresh", "Stale", vec![(0, 0), (1, DAY_SECONDS + 1)]),
        ("that all saw a year ago", "Stale", [0, 1, 2].map(|one| (one, 365 * DAY_SECONDS)).into()),
    ] {
        list.tries(format!("head {name}"), rule, counts(&seen(head, &by)));
    }
    let ahead = head.with(&Witness::new(0).saw(head, NOW.plus(301))).unwrap();
    let ahead = ahead.with(&Witness::new(1).saw(&ahead, NOW)).unwrap();
    list.tries("head that one saw in the future", "TooFew", counts(&ahead));
    let stranger = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(99)));
    let name = WitnessName::parse("witness.example/west").unwrap();
    let strange = Cosignature::sign(head, &name, &stranger, NOW).unwrap();
    let strange = seen(head, &[(0, 0)]).with(&strange).unwrap();
    list.tries("head that a stranger saw", "TooFew", counts(&strange));
    let renamed = Cosignature::sign(head, &Witness::new(1).name, &stranger, NOW).unwrap();
    let renamed = seen(head, &[(0, 0)]).with(&renamed).unwrap();
    list.tries("head that a stranger saw under a name of ours", "TooFew", counts(&renamed));
}

/// The same head, of the log of another retailer.
fn elsewhere(scene: &Scene, head: &SignedCheckpoint) -> SignedCheckpoint {
    let origin = scene.other.log.origin.clone();
    Checkpoint { origin, size: head.size(), root: *head.root() }.sign(&signer(scene)).unwrap()
}

/// Lines that are shown beside another head, or as another's.
fn cosignatures(scene: &Scene, list: &mut List) {
    let honest = History::new(scene, SIZE);
    let head = honest.head(SIZE);
    let elsewhere = elsewhere(scene, head);
    let forked = History::new(scene, 3);
    let north = Witness::new(0);
    let verify = |bytes: &[u8], by: &Witness| {
        let line = UnverifiedCosignature::parse(bytes).map_err(|error| format!("{error:?}"))?;
        line.verify(&by.public(), head).map(|_| ()).map_err(|error| format!("{error:?}"))
    };
    let wrong = "\"VerifyCosignatureError\"";
    for (name, other) in [
        ("of another log", &elsewhere),
        ("of another size", honest.head(SIZE - 1)),
        ("of another root", forked.head(SIZE)),
        ("of the first head", honest.head(1)),
    ] {
        let line = north.saw(other, NOW).to_string();
        list.tries(format!("cosignature {name}"), wrong, verify(line.as_bytes(), &north));
        let beside = head.with(&north.saw(other, NOW)).unwrap();
        let beside = beside.with(&Witness::new(1).saw(head, NOW)).unwrap();
        list.tries(format!("head beside a cosignature {name}"), "Spoiled", counts(&beside));
    }
    let line = north.saw(head, NOW).to_string();
    for index in [1, 2] {
        let attempt = verify(line.as_bytes(), &Witness::new(index));
        list.tries(format!("cosignature shown as that of {}", NAMES[index]), wrong, attempt);
        let renamed = line.replace("/north ", &format!("/{} ", NAMES[index]));
        let attempt = verify(renamed.as_bytes(), &Witness::new(index));
        list.tries(format!("cosignature under the name of {}", NAMES[index]), wrong, attempt);
    }
    let (before, blob) = line.trim_end().rsplit_once(' ').unwrap();
    let blob = besace_protocol::encoding::from_base64(blob).unwrap();
    for (name, byte) in [("key id", 0), ("time", 11), ("nonce", 12), ("signature", 75)] {
        let mut changed = blob.clone();
        changed[byte] ^= 1;
        let changed = format!("{before} {}\n", to_base64(&changed));
        let attempt = verify(changed.as_bytes(), &north);
        list.tries(format!("cosignature with another {name}"), wrong, attempt);
    }
    for (name, rule, changed) in [
        ("that ends early", "\"Blob\"", format!("{before} {}\n", to_base64(&blob[..75]))),
        ("that is too long", "\"Blob\"", {
            let longer = [blob.as_slice(), &[0]].concat();
            format!("{before} {}\n", to_base64(&longer))
        }),
        ("without a line feed", "\"Line\"", line.trim_end().to_owned()),
        ("after the end of time", "\"Time\"", {
            let mut late = blob;
            late[4..12].fill(0xff);
            format!("{before} {}\n", to_base64(&late))
        }),
    ] {
        list.tries(format!("cosignature {name}"), rule, verify(changed.as_bytes(), &north));
    }
}

/// What a witness is asked to cosign: two faces of one log.
fn questions(scene: &Scene, list: &mut List) {
    let honest = History::new(scene, SIZE);
    let head = honest.head(SIZE);
    let elsewhere = elsewhere(scene, head);
    let key = LogKey::new(scene.shop.log.origin.clone(), signer(scene).verifying_key());
    let ask = |last: usize, from: usize, head: &SignedCheckpoint| {
        judged(Some(&key), &honest, last, from, head)
    };
    for fork in [0, 1, 4, 6] {
        let forked = History::new(scene, fork);
        let attempt = ask(7, 7, forked.head(SIZE));
        list.tries(format!("witness asked for a fork at {fork}"), "Inconsistent", attempt);
        let attempt = ask(7, 7, forked.head(7));
        list.tries(format!("witness asked for another root, fork {fork}"), "Inconsistent", attempt);
    }
    for (name, rule, attempt) in [
        ("about a log that it does not watch", "UnknownLog", judged(None, &honest, 7, 7, head)),
        ("from an older head", "OtherSize { size: 7 }", ask(7, 5, head)),
        ("from a head that it did not see", "OtherSize { size: 7 }", ask(7, 9, head)),
        ("to go back", "Backwards", ask(7, 7, honest.head(6))),
        ("with the proof of another size", "Inconsistent", ask(7, 7, honest.head(SIZE - 1))),
        ("for the head of another log", "NotSigned", ask(7, 7, &elsewhere)),
    ] {
        list.tries(format!("witness asked {name}"), rule, attempt);
    }
}
