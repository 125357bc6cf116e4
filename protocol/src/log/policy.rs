//! C2SP tlog-policy: of which witnesses how many must have cosigned a head before it counts.
//!
//! ```text
//! # Two of three.
//! witness north witness.example/north+<key id>+<base64>  https://north.witness.example
//! witness south witness.example/south+<key id>+<base64>
//! witness east  witness.example/east+<key id>+<base64>
//! group three 2 north south east
//! quorum three
//! ```
//!
//! Stricter than C2SP: printable ASCII only, and no `log` lines. Which log a head is of is known from the
//! retailer's manifest; a line that we passed over could be meant to narrow it.

use alloc::{string::String, vec::Vec};

use super::{Cosignature, SignedCheckpoint, WitnessKey};
use crate::{encoding::parse_decimal, time::Timestamp};

/// Longest policy that is read, in bytes.
pub const WITNESS_POLICY_LEN_MAX: usize = 64 << 10;

/// Most witnesses and groups of one policy; C2SP recommends that 32 of each are read.
const DEFINITIONS_MAX: usize = 64;

/// How far ahead of our clock a cosignature may be, in seconds; one from later does not count yet.
pub const COSIGNATURE_AHEAD_MAX: u64 = 300;

/// The name by which a policy says that nobody has to cosign.
const NONE: &str = "none";

/// Bytes that are not a policy of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseWitnessPolicyError {
    /// Longer than [`WITNESS_POLICY_LEN_MAX`], or with more than 64 witnesses and groups.
    #[error("too long")]
    TooLong,
    /// A byte that is not printable ASCII, space, tab or line feed, or no line feed at the end.
    #[error("not lines of printable ASCII")]
    Text,
    /// Not a line of `witness`, `group` or `quorum` as they are written.
    #[error("line {line} is not of the format")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// Not the key of a witness.
    #[error("line {line} has no key of a witness")]
    Key {
        /// Which, from 1.
        line: usize,
    },
    /// A name is defined twice, used before it is defined, or in two groups; or two witnesses have one key.
    #[error("line {line} counts something twice, or something that is not defined")]
    Name {
        /// Which, from 1.
        line: usize,
    },
    /// Not exactly one `quorum` line.
    #[error("not exactly one quorum")]
    Quorum,
}

/// A head that does not count by a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// A line of a witness of the policy does not hold: as C2SP demands, it spoils the head.
    #[error("a cosignature does not hold")]
    Spoiled,
    /// Fewer witnesses cosigned it than the policy asks for.
    #[error("not cosigned by enough witnesses")]
    TooFew,
    /// Enough did, but too long ago.
    #[error("the cosignatures are too old")]
    Stale,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its key, and the name it cosigns under.
    pub key: WitnessKey,
    /// Where it takes heads: C2SP's submission prefix. Only who asks it needs that.
    pub url: Option<String>,
}

/// Which witnesses there are, and how many of whom are enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessPolicy {
    witnesses: Vec<Witness>,
    /// In the order of their lines, so that a group stands behind its members.
    definitions: Vec<Definition>,
    /// Index into `definitions`; nothing if no cosignature is asked for.
    quorum: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Definition {
    /// Index into the witnesses.
    Witness(usize),
    /// Indices into the definitions before it.
    Group { least: usize, members: Vec<usize> },
}

/// A head that was cosigned as a policy asks. Only [`WitnessPolicy::verify`] makes one.
///
/// ```compile_fail
/// use besace_protocol::{log::{SignedCheckpoint, WitnessedCheckpoint}, time::Timestamp};
/// fn forge(checkpoint: SignedCheckpoint, at: Timestamp) -> WitnessedCheckpoint {
///     WitnessedCheckpoint { checkpoint, at }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    checkpoint: SignedCheckpoint,
    at: Timestamp,
}

impl WitnessedCheckpoint {
    /// The head.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Since when no witness of a quorum said anything: the latest moment from which on enough of them cosigned.
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

impl WitnessPolicy {
    /// Reads a policy.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseWitnessPolicyError> {
        if bytes.len() > WITNESS_POLICY_LEN_MAX {
            return Err(ParseWitnessPolicyError::TooLong);
        }
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
        if !bytes.iter().all(is_text) {
            return Err(ParseWitnessPolicyError::Text);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ParseWitnessPolicyError::Text)?;
        let text = text.strip_suffix('\n').ok_or(ParseWitnessPolicyError::Text)?;
        let mut reading = Reading::default();
        for (index, line) in text.split('\n').enumerate() {
            reading.line(line, index.saturating_add(1))?;
        }
        reading.finish()
    }

    /// Its witnesses, those too that the quorum does not count.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether any cosignature is asked for: not by `quorum none`.
    pub const fn asks(&self) -> bool {
        self.quorum.is_some()
    }

    /// Checks that enough witnesses cosigned `checkpoint`, none of them longer than `age_max` seconds ago.
    pub fn verify(
        &self,
        checkpoint: &SignedCheckpoint,
        now: Timestamp,
        age_max: u64,
    ) -> Result<WitnessedCheckpoint, QuorumError> {
        let mut times = Vec::new();
        for witness in &self.witnesses {
            let cosignature = checkpoint.cosigned_by(&witness.key);
            let at = cosignature.map_err(|_| QuorumError::Spoiled)?.as_ref().map(Cosignature::at);
            times.push(at.filter(|at| *at <= now.plus(COSIGNATURE_AHEAD_MAX)));
        }
        let at = self.since(&times, now).ok_or(QuorumError::TooFew)?;
        if at < now.minus(age_max) {
            return Err(QuorumError::Stale);
        }
        Ok(WitnessedCheckpoint { checkpoint: checkpoint.clone(), at })
    }

    /// The latest moment from which on the cosignatures of these times are enough.
    fn since(&self, times: &[Option<Timestamp>], now: Timestamp) -> Option<Timestamp> {
        let Some(quorum) = self.quorum else {
            return Some(now);
        };
        let mut moments: Vec<Timestamp> = times.iter().flatten().copied().collect();
        moments.sort_unstable();
        moments.into_iter().rev().find(|moment| self.is_met(quorum, times, *moment))
    }

    /// Whether what was cosigned from `moment` on is enough for the definition `quorum`.
    fn is_met(&self, quorum: usize, times: &[Option<Timestamp>], moment: Timestamp) -> bool {
        let mut met: Vec<bool> = Vec::new();
        for definition in &self.definitions {
            let holds = match definition {
                Definition::Witness(index) => {
                    times.get(*index).copied().flatten().is_some_and(|at| at >= moment)
                }
                Definition::Group { least, members } => {
                    let holds = |member: &&usize| met.get(**member).is_some_and(|holds| *holds);
                    members.iter().filter(holds).count() >= *least
                }
            };
            met.push(holds);
        }
        met.get(quorum).is_some_and(|holds| *holds)
    }
}

/// A policy, as far as it was read.
#[derive(Default)]
struct Reading {
    witnesses: Vec<Witness>,
    definitions: Vec<Definition>,
    /// What the definitions are called.
    names: Vec<String>,
    /// Which definitions stand in a group.
    members: Vec<usize>,
    quorum: Option<Quorum>,
}

/// What a `quorum` line names.
#[derive(Clone, Copy)]
enum Quorum {
    None,
    Definition(usize),
}

impl Reading {
    fn line(&mut self, text: &str, line: usize) -> Result<(), ParseWitnessPolicyError> {
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else {
            return Ok(());
        };
        if keyword.starts_with('#') {
            return Ok(());
        }
        let words: Vec<&str> = words.collect();
        match (keyword, words.as_slice()) {
            ("witness", [name, key]) => self.witness(name, key, None, line),
            ("witness", [name, key, url]) => self.witness(name, key, Some(url), line),
            ("group", [name, least, members @ ..]) => self.group(name, least, members, line),
            ("quorum", [name]) => self.quorum(name, line),
            _ => Err(ParseWitnessPolicyError::Line { line }),
        }
    }

    fn witness(
        &mut self,
        name: &str,
        key: &str,
        url: Option<&str>,
        line: usize,
    ) -> Result<(), ParseWitnessPolicyError> {
        let key = WitnessKey::parse(key).map_err(|_| ParseWitnessPolicyError::Key { line })?;
        // A cosignature does not name its witness: one key under two names would count twice.
        let is_known = |witness: &Witness| witness.key.verifying_key() == key.verifying_key();
        if self.witnesses.iter().any(is_known) {
            return Err(ParseWitnessPolicyError::Name { line });
        }
        self.define(name, Definition::Witness(self.witnesses.len()), line)?;
        self.witnesses.push(Witness { key, url: url.map(String::from) });
        Ok(())
    }

    fn group(
        &mut self,
        name: &str,
        least: &str,
        members: &[&str],
        line: usize,
    ) -> Result<(), ParseWitnessPolicyError> {
        let least = match least {
            "all" => Some(members.len()),
            "any" => Some(1),
            number => parse_decimal(number).and_then(|number| usize::try_from(number).ok()),
        };
        let least = least
            .filter(|least| (1..=members.len()).contains(least))
            .ok_or(ParseWitnessPolicyError::Line { line })?;
        let mut found = Vec::new();
        for member in members {
            let index = self.index_of(member).ok_or(ParseWitnessPolicyError::Name { line })?;
            if self.members.contains(&index) {
                return Err(ParseWitnessPolicyError::Name { line });
            }
            self.members.push(index);
            found.push(index);
        }
        self.define(name, Definition::Group { least, members: found }, line)
    }

    fn quorum(&mut self, name: &str, line: usize) -> Result<(), ParseWitnessPolicyError> {
        if self.quorum.is_some() {
            return Err(ParseWitnessPolicyError::Quorum);
        }
        self.quorum = if name == NONE {
            Some(Quorum::None)
        } else {
            let index = self.index_of(name).ok_or(ParseWitnessPolicyError::Name { line })?;
            Some(Quorum::Definition(index))
        };
        Ok(())
    }

    fn define(
        &mut self,
        name: &str,
        definition: Definition,
        line: usize,
    ) -> Result<(), ParseWitnessPolicyError> {
        if name == NONE || self.index_of(name).is_some() {
            return Err(ParseWitnessPolicyError::Name { line });
        }
        if self.definitions.len() >= DEFINITIONS_MAX {
            return Err(ParseWitnessPolicyError::TooLong);
        }
        self.definitions.push(definition);
        self.names.push(String::from(name));
        Ok(())
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    fn finish(self) -> Result<WitnessPolicy, ParseWitnessPolicyError> {
        let Self { witnesses, definitions, quorum, .. } = self;
        let quorum = match quorum.ok_or(ParseWitnessPolicyError::Quorum)? {
            Quorum::None => None,
            Quorum::Definition(index) => Some(index),
        };
        Ok(WitnessPolicy { witnesses, definitions, quorum })
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::{
        super::{Checkpoint, Origin, WitnessName},
        *,
    };
    use crate::{
        crypto::{Digest, SecretBytes, SigningKey},
        party::ControllerId,
    };

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
    const DAY: u64 = 86_400;

    fn signer(fill: u8) -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
    }

    fn key(fill: u8) -> WitnessKey {
        let name = WitnessName::parse(&format!("witness.example/w{fill}")).unwrap();
        WitnessKey::new(name, signer(fill).verifying_key())
    }

    fn head(by: &[(u8, Timestamp)]) -> SignedCheckpoint {
        let domain = ControllerId::parse("shop.example").unwrap();
        let origin = Origin::retailer(&domain);
        let root = Digest::from_bytes([4; 32]);
        let mut head = Checkpoint { origin, size: 42, root }.sign(&signer(99)).unwrap();
        for (fill, at) in by {
            let line = Cosignature::sign(&head, key(*fill).name(), &signer(*fill), *at).unwrap();
            head = head.with(&line).unwrap();
        }
        head
    }

    fn witnesses(count: u8) -> String {
        let lines: Vec<String> =
            (1..=count).map(|fill| format!("witness w{fill} {}\n", key(fill))).collect();
        lines.concat()
    }

    fn policy(text: &str) -> WitnessPolicy {
        WitnessPolicy::parse(text.as_bytes()).unwrap()
    }

    fn two_of_three() -> WitnessPolicy {
        policy(&format!("{}group three 2 w1 w2 w3\nquorum three\n", witnesses(3)))
    }

    #[test]
    fn of_three_witnesses_one_is_too_few_and_two_are_enough() {
        let judge = |by: &[(u8, Timestamp)]| {
            two_of_three().verify(&head(by), NOW, DAY).map(|witnessed| witnessed.at())
        };
        assert_eq!(judge(&[]), Err(QuorumError::TooFew));
        assert_eq!(judge(&[(1, NOW)]), Err(QuorumError::TooFew));
        assert_eq!(judge(&[(1, NOW), (4, NOW)]), Err(QuorumError::TooFew), "a stranger");
        assert_eq!(judge(&[(1, NOW), (3, NOW)]), Ok(NOW));
        assert_eq!(judge(&[(1, NOW), (2, NOW.minus(60)), (3, NOW.minus(90))]), Ok(NOW.minus(60)));
    }

    #[test]
    fn what_was_cosigned_too_long_ago_or_in_the_future_does_not_count() {
        let judge = |one, other| {
            two_of_three().verify(&head(&[(1, one), (2, other)]), NOW, DAY).map(|w| w.at())
        };
        assert_eq!(judge(NOW, NOW.minus(DAY)), Ok(NOW.minus(DAY)));
        assert_eq!(judge(NOW, NOW.minus(DAY + 1)), Err(QuorumError::Stale));
        let ahead = NOW.plus(COSIGNATURE_AHEAD_MAX);
        assert_eq!(judge(NOW, ahead), Ok(NOW));
        assert_eq!(judge(NOW, ahead.plus(1)), Err(QuorumError::TooFew));
    }

    #[test]
    fn one_key_under_two_names_is_not_two_witnesses() {
        let again = WitnessKey::new(
            WitnessName::parse("witness.example/other").unwrap(),
            signer(1).verifying_key(),
        );
        let text =
            format!("witness w1 {}\nwitness w2 {again}\ngroup g 2 w1 w2\nquorum g\n", key(1));
        let refused = WitnessPolicy::parse(text.as_bytes());
        assert_eq!(refused, Err(ParseWitnessPolicyError::Name { line: 2 }));
        // Under the name that the policy knows, its line alone counts.
        let forged = head(&[(1, NOW)]);
        let line = Cosignature::sign(&forged, again.name(), &signer(1), NOW).unwrap();
        let both = forged.with(&line).unwrap();
        assert_eq!(two_of_three().verify(&both, NOW, DAY), Err(QuorumError::TooFew));
    }

    #[test]
    fn a_wrong_line_of_a_witness_of_the_policy_spoils_the_head() {
        let other =
            head(&[]).with(&Cosignature::sign(&head(&[]), key(3).name(), &signer(4), NOW).unwrap());
        // Signed by another key: another key id, and so a stranger.
        assert_eq!(two_of_three().verify(&other.unwrap(), NOW, DAY), Err(QuorumError::TooFew));
        let good = head(&[(1, NOW), (2, NOW), (3, NOW)]);
        let twice = format!(
            "{}{}",
            good.as_str(),
            Cosignature::sign(&good, key(3).name(), &signer(3), NOW.minus(1)).unwrap()
        );
        let twice = super::super::UnverifiedCheckpoint::parse(twice.as_bytes()).unwrap();
        let log = super::super::LogKey::new(good.origin().clone(), signer(99).verifying_key());
        let twice = twice.verify(&log).unwrap();
        assert_eq!(two_of_three().verify(&twice, NOW, DAY), Err(QuorumError::Spoiled));
    }

    #[test]
    fn groups_of_groups_count_as_their_lines_say() {
        let text = format!(
            "# two sides\n\n{}group left 2 w1 w2 w3\n\tgroup  right any w4 w5 \n\
             group both all left right\nquorum both\n",
            witnesses(5)
        );
        let policy = policy(&text);
        let judge = |by: &[u8]| {
            let by: Vec<_> = by.iter().map(|fill| (*fill, NOW)).collect();
            policy.verify(&head(&by), NOW, DAY).is_ok()
        };
        assert!(judge(&[1, 3, 5]));
        assert!(!judge(&[1, 2, 3]));
        assert!(!judge(&[1, 4, 5]));
    }

    #[test]
    fn without_a_quorum_nobody_is_asked() {
        let policy = policy("quorum none\n");
        assert!(!policy.asks());
        assert_eq!(policy.verify(&head(&[]), NOW, 0).unwrap().at(), NOW);
    }

    #[test]
    fn what_is_not_of_the_format_is_refused() {
        use ParseWitnessPolicyError as E;
        let two = witnesses(2);
        for (text, error) in [
            (String::new(), E::Text),
            (String::from("quorum none"), E::Text),
            (String::from("quorum none\r\n"), E::Text),
            (String::from("# \u{e9}\nquorum none\n"), E::Text),
            (String::from("\n"), E::Quorum),
            (String::from("quorum none\nquorum none\n"), E::Quorum),
            (String::from("quorum w1\n"), E::Name { line: 1 }),
            (format!("{two}log {}\nquorum none\n", key(3)), E::Line { line: 3 }),
            (format!("{two}quorum\n"), E::Line { line: 3 }),
            (format!("{two}quorum w1 w2\n"), E::Line { line: 3 }),
            (format!("{two}group g 0 w1 w2\nquorum g\n"), E::Line { line: 3 }),
            (format!("{two}group g 3 w1 w2\nquorum g\n"), E::Line { line: 3 }),
            (format!("{two}group g 02 w1 w2\nquorum g\n"), E::Line { line: 3 }),
            (format!("{two}group g any\nquorum g\n"), E::Line { line: 3 }),
            (format!("{two}group g 2 w1 w1\nquorum g\n"), E::Name { line: 3 }),
            (format!("{two}group g 1 none\nquorum g\n"), E::Name { line: 3 }),
            (format!("{two}group w1 1 w2\nquorum w1\n"), E::Name { line: 3 }),
            (format!("{two}group g 1 h\ngroup h 1 w1\nquorum g\n"), E::Name { line: 3 }),
            (format!("{two}group g 1 w1\ngroup h 1 w1\nquorum g\n"), E::Name { line: 4 }),
            (format!("{two}witness none {}\nquorum w1\n", key(3)), E::Name { line: 3 }),
            (format!("witness w1 {}x\nquorum w1\n", key(1)), E::Key { line: 1 }),
            ("#".repeat(WITNESS_POLICY_LEN_MAX + 1), E::TooLong),
            (format!("{}quorum none\n", witnesses(65)), E::TooLong),
        ] {
            assert_eq!(WitnessPolicy::parse(text.as_bytes()), Err(error), "{text:.200}");
        }
    }

    proptest! {
        #[test]
        fn k_of_n_is_met_by_k_and_by_no_fewer(
            count in 1_u8..8,
            least in 1_u8..8,
            by in prop::collection::btree_set(1_u8..8, 0..8),
        ) {
            prop_assume!(least <= count);
            let names: Vec<String> = (1..=count).map(|fill| format!("w{fill}")).collect();
            let names = names.join(" ");
            let policy =
                policy(&format!("{}group g {least} {names}\nquorum g\n", witnesses(count)));
            let times: Vec<_> =
                (1..=count).map(|fill| by.contains(&fill).then_some(NOW)).collect();
            let cosigned = by.iter().filter(|fill| **fill <= count).count();
            prop_assert_eq!(policy.since(&times, NOW).is_some(), cosigned >= usize::from(least));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "((witness|group|quorum|all|any|w1|2|#)[ \t\n]){0,40}") {
            let _ = WitnessPolicy::parse(text.as_bytes()).is_ok();
        }
    }
}
