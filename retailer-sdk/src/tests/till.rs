use besace_protocol::{
    consent::{Action, RecordKind},
    crypto::SigningKey,
    encoding::{from_base45, to_base45},
    money::Money,
    presence::{
        ReleasedKeys, Scope, Till,
        till::{
            Answer, Challenge, Debit, Presentation, TypedCode, UnverifiedChallenge,
            VerifyChallengeError,
        },
    },
    problem::ProblemType,
    wire::{Settlement, TillAsked, TillOutcome},
};

use super::{sighting::collect, *};
use crate::TillError;

/// A shop with two tills, and a shopper whose loyalty account covers it.
struct AtTill {
    world: World,
    till: ShopPermit,
    other_till: ShopPermit,
    shopper: Shopper,
    grant: (Grant, Digest),
}

impl AtTill {
    fn new() -> Self {
        Self::in_world(World::new())
    }

    fn in_world(mut world: World) -> Self {
        let account = draft(Purpose::LoyaltyAccount);
        let account = world.retailer.publish_request(account, NOW, &mut world.rng).unwrap();
        let till = world.till("till-1", first_shop());
        let other_till = world.till("till-2", first_shop());
        world.retailer.tidy(NOW, &mut world.rng).unwrap();
        let mut shopper = Shopper::new(7);
        let grant = world.give(&mut shopper, account, NOW);
        world.release(&mut shopper, &grant.0, NOW);
        Self { world, till, other_till, shopper, grant }
    }

    fn ask(&mut self, cents: u64, now: Timestamp) -> TillAsked {
        let World { retailer, rng, .. } = &mut self.world;
        retailer.till_challenge(&self.till, Money::euro_cents(cents), now, rng).unwrap()
    }

    /// What her phone reads, with the manifest that it pinned.
    fn read(&self, asked: &TillAsked, now: Timestamp) -> Result<Challenge, VerifyChallengeError> {
        let manifest = self.world.retailer.manifest().unwrap();
        let manifest = Unverified::<Manifest>::parse(&manifest.document.0)
            .unwrap()
            .verify(&[(Role::Controller, &self.world.retailer.verifying_key())])
            .unwrap();
        UnverifiedChallenge::parse_text(&asked.text).unwrap().verify(&manifest, now)
    }

    fn keys(&self, now: Timestamp) -> ReleasedKeys {
        let scope = Scope::of(&self.grant.0.terms.scope);
        self.shopper.root.day_key(Day::of(now), &scope).release(Till::Included)
    }

    fn answers(&self, asked: &TillAsked, now: Timestamp) -> String {
        let challenge = self.read(asked, now).unwrap();
        Answer::make(&self.keys(now), &challenge, now).unwrap().to_text()
    }

    fn signs(&self, asked: &TillAsked, key: &SigningKey, now: Timestamp) -> String {
        let challenge = self.read(asked, now).unwrap();
        let answer = Answer::make(&self.keys(now), &challenge, now).unwrap();
        Debit::make(answer, &challenge, key).to_text()
    }

    fn settle(&mut self, scanned: &str, now: Timestamp) -> Result<Settlement, TillError> {
        let World { retailer, rng, .. } = &mut self.world;
        retailer.till_answer(&self.till, scanned, now, rng)
    }

    /// The problem that a reply is answered with, after checking that nothing was kept of it.
    fn refusal(&mut self, scanned: &str, now: Timestamp) -> ProblemType {
        let before = self.world.retailer.store.dump();
        let error = self.settle(scanned, now).unwrap_err();
        assert_eq!(self.world.retailer.store.dump(), before, "a refusal leaves no trace");
        error.problem()
    }
}

impl World {
    fn till(&mut self, name: &str, shop: ShopCode) -> ShopPermit {
        let scopes = [ShopScope::Tills];
        let key = self.retailer.add_shop_key(name, shop, &scopes, &mut self.rng).unwrap();
        self.retailer.authenticate(&key).unwrap()
    }
}

#[test]
fn an_answer_says_who_is_there_after_it_was_logged() {
    let mut at = AtTill::new();
    let asked = at.ask(0, NOW);
    assert_eq!(asked.expires, NOW.plus(60));
    assert_eq!(asked.text, to_base45(&asked.challenge.0));
    let before = at.world.retailer.checkpoint().unwrap();
    let scanned = at.answers(&asked, NOW.plus(5));
    let settlement = at.settle(&scanned, NOW.plus(5)).unwrap();
    let handle = at.grant.0.handle;
    let expected =
        Settlement { amount: None, handle, objects: false, settled: TillOutcome::Identified };
    assert_eq!(settlement, expected);
    assert_ne!(at.world.retailer.checkpoint().unwrap(), before);
    let AtTill { world, shopper, .. } = &mut at;
    let mail = collect(world, shopper, NOW.plus(6)).mail;
    let manifest = world.manifest();
    let (_, record) = shopper.open_mail(&mail[0], &manifest);
    match record {
        RecordKind::Use(used) => {
            assert_eq!((used.action, used.shop), (Action::Identified, first_shop()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_debit_takes_what_she_signed_for_once() {
    let mut at = AtTill::new();
    let asked = at.ask(500, NOW);
    let scanned = at.signs(&asked, &at.shopper.signing, NOW);
    let settlement = at.settle(&scanned, NOW).unwrap();
    assert_eq!(settlement.amount, Some(Money::euro_cents(500)));
    assert_eq!(settlement.settled, TillOutcome::Debited);
    assert_eq!(at.refusal(&scanned, NOW.plus(1)), ProblemType::AlreadySettled);
    assert_eq!(at.refusal(&scanned, NOW.plus(61)), ProblemType::AlreadySettled);
}

#[test]
fn a_debit_with_another_key_takes_nothing_and_leaves_the_challenge_open() {
    let mut at = AtTill::new();
    let asked = at.ask(500, NOW);
    let forged = at.signs(&asked, &SigningKey::generate(&mut StdRng::seed_from_u64(9)), NOW);
    assert_eq!(at.refusal(&forged, NOW), ProblemType::SignatureInvalid);
    let bare = at.answers(&asked, NOW);
    assert_eq!(at.refusal(&bare, NOW), ProblemType::DebitNeeded);
    let hers = at.signs(&asked, &at.shopper.signing, NOW);
    at.settle(&hers, NOW).unwrap();
    // Nor does a signature take the place of an answer.
    let asked = at.ask(0, NOW);
    let signed = at.signs(&asked, &at.shopper.signing, NOW);
    assert_eq!(at.refusal(&signed, NOW), ProblemType::DebitNeeded);
}

#[test]
fn nothing_counts_after_the_minute() {
    let mut at = AtTill::new();
    let asked = at.ask(500, NOW);
    let scanned = at.signs(&asked, &at.shopper.signing, NOW);
    assert_eq!(at.refusal(&scanned, NOW.plus(60)), ProblemType::ChallengeExpired);
    assert_eq!(at.read(&asked, NOW.plus(60)), Err(VerifyChallengeError::Expired));
    let World { retailer, rng, .. } = &mut at.world;
    retailer.tidy(NOW.plus(120), rng).unwrap();
    assert_eq!(at.refusal(&scanned, NOW.plus(120)), ProblemType::Unresolved);
}

#[test]
fn a_phone_whose_clock_is_a_minute_behind_is_settled() {
    let mut at = AtTill::new();
    let asked = at.ask(0, NOW);
    assert_eq!(at.read(&asked, NOW.minus(61)), Err(VerifyChallengeError::TooFarAhead));
    let scanned = at.answers(&asked, NOW.minus(60));
    at.settle(&scanned, NOW).unwrap();
    // Its epoch may be a neighbour's, and no further.
    for (skew, settled) in [(600, true), (1_800, false)] {
        let asked = at.ask(0, NOW);
        let challenge = at.read(&asked, NOW).unwrap();
        let late = NOW.minus(skew);
        let scanned = Answer::make(&at.keys(late), &challenge, late).unwrap().to_text();
        assert_eq!(at.settle(&scanned, NOW).is_ok(), settled, "{skew}");
    }
}

#[test]
fn another_till_another_shop_and_another_amount_are_not_answered() {
    let mut at = AtTill::new();
    let asked = at.ask(500, NOW);
    let scanned = at.signs(&asked, &at.shopper.signing, NOW);
    // Scanned by the till beside.
    let own = std::mem::replace(&mut at.till, at.other_till.clone());
    assert_eq!(at.refusal(&scanned, NOW), ProblemType::Unresolved);
    // Her grant names the shops 1 and 2; a till of shop 3 may ask, and is not answered.
    at.till = at.world.till("till-3", shop(3));
    at.world.retailer.tidy(NOW, &mut at.world.rng).unwrap();
    let elsewhere = at.ask(0, NOW);
    let answer = at.answers(&elsewhere, NOW);
    assert_eq!(at.refusal(&answer, NOW), ProblemType::Unresolved);
    // A till that shows one amount and asks the gateway for another.
    at.till = own;
    let mut bytes = from_base45(&asked.text).unwrap();
    bytes[36] ^= 1;
    let changed = TillAsked { text: to_base45(&bytes), ..asked };
    assert_eq!(at.read(&changed, NOW), Err(VerifyChallengeError::Till));
}

#[test]
fn strangers_and_those_who_left_are_unresolved_and_leave_no_trace() {
    let mut at = AtTill::new();
    let asked = at.ask(0, NOW);
    // Somebody whose grant is for recognition: it released no till key.
    let (regular, ..) = regular(&mut at.world, 2);
    let challenge = at.read(&asked, NOW).unwrap();
    let scope = Scope::of(&at.grant.0.terms.scope);
    let keys = regular.root.day_key(Day::of(NOW), &scope).release(Till::Included);
    let answer = Answer::make(&keys, &challenge, NOW).unwrap().to_text();
    assert_eq!(at.refusal(&answer, NOW), ProblemType::Unresolved);
    // Nobody at all.
    let nobody = Shopper::new(99).root.day_key(Day::of(NOW), &scope).release(Till::Included);
    let answer = Answer::make(&nobody, &challenge, NOW).unwrap().to_text();
    assert_eq!(at.refusal(&answer, NOW), ProblemType::Unresolved);
    // She, after she withdrew.
    let answer = at.answers(&asked, NOW);
    let shown = Presentation::make(&at.keys(NOW), NOW).unwrap().to_text();
    let code = TypedCode::of(&at.keys(NOW), 0).unwrap().to_string();
    let AtTill { world, shopper, grant, .. } = &mut at;
    world.withdraw(shopper, grant, NOW);
    assert_eq!(at.refusal(&answer, NOW), ProblemType::Unresolved);
    let World { retailer, rng, .. } = &mut at.world;
    let shown = retailer.till_presentation(&at.till, &shown, NOW, rng).unwrap_err();
    let code = retailer.till_code(&at.till, &code, NOW, rng).unwrap_err();
    assert_eq!([shown.problem(), code.problem()], [ProblemType::Unresolved; 2]);
    assert!(!retailer.live.knew(grant_id(&at.grant), &at.grant.0.handle));
}

fn grant_id(grant: &(Grant, Digest)) -> besace_protocol::id::GrantId {
    grant.0.id
}

#[test]
fn locators_of_a_loyalty_account_are_nobodys_on_the_air() {
    let mut at = AtTill::new();
    let permit = at.world.permit(first_shop());
    let value = at.world.value(first_shop(), NOW);
    let token = at.shopper.token(Some(&value), NOW);
    let World { retailer, rng, .. } = &mut at.world;
    let refused = retailer.sighting(&permit, token, 1, NOW, rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Unresolved);
}

#[test]
fn a_presentation_counts_once_in_all_tills_and_takes_nothing() {
    let mut at = AtTill::new();
    let shown = Presentation::make(&at.keys(NOW), NOW).unwrap().to_text();
    let World { retailer, rng, .. } = &mut at.world;
    let settlement = retailer.till_presentation(&at.till, &shown, NOW, rng).unwrap();
    assert_eq!((settlement.amount, settlement.settled), (None, TillOutcome::Identified));
    for till in [&at.till, &at.other_till] {
        let again = retailer.till_presentation(till, &shown, NOW.plus(20), rng).unwrap_err();
        assert_eq!(again.problem(), ProblemType::AlreadySettled);
    }
    let late = retailer.till_presentation(&at.till, &shown, NOW.plus(61), rng).unwrap_err();
    assert_eq!(late.problem(), ProblemType::Unresolved);
    // Tidying forgets it only when it could not count again.
    retailer.tidy(NOW.plus(59), rng).unwrap();
    let again = retailer.till_presentation(&at.till, &shown, NOW.plus(29), rng).unwrap_err();
    assert_eq!(again.problem(), ProblemType::AlreadySettled);
    assert_eq!(at.refusal(&shown, NOW), ProblemType::Malformed);
}

#[test]
fn a_typed_code_counts_once_a_day() {
    let mut at = AtTill::new();
    let codes: Vec<String> =
        (0..3).map(|n| TypedCode::of(&at.keys(NOW), n).unwrap().to_string()).collect();
    let World { retailer, rng, .. } = &mut at.world;
    retailer.till_code(&at.till, &codes[0].replace(' ', ""), NOW, rng).unwrap();
    let again = retailer.till_code(&at.other_till, &codes[0], NOW.plus(7_200), rng).unwrap_err();
    assert_eq!(again.problem(), ProblemType::AlreadySettled);
    let mistyped = codes[1].replacen(&codes[1][..1], "x", 1);
    let mistyped = retailer.till_code(&at.till, &mistyped, NOW, rng).unwrap_err();
    assert_eq!((mistyped.problem(), mistyped.pointer()), (ProblemType::Malformed, Some("/code")));
    retailer.till_code(&at.till, &codes[1], NOW, rng).unwrap();
    let tomorrow = retailer.till_code(&at.till, &codes[2], NOW.plus(86_400), rng).unwrap_err();
    assert_eq!(tomorrow.problem(), ProblemType::Unresolved);
}

#[test]
fn a_till_is_certified_by_the_next_manifest_and_struck_off_when_its_key_is_revoked() {
    let mut at = AtTill::new();
    let tills = |world: &World| world.manifest().shop(first_shop()).unwrap().till_keys.len();
    assert_eq!(tills(&at.world), 2);
    let asked = at.ask(0, NOW);
    let scanned = at.answers(&asked, NOW);
    assert!(at.world.retailer.revoke_shop_key("till-1").unwrap());
    let error = at.settle(&scanned, NOW).unwrap_err();
    assert_eq!(error.problem(), ProblemType::Forbidden);
    at.world.retailer.tidy(NOW.plus(60), &mut at.world.rng).unwrap();
    assert_eq!(tills(&at.world), 1);
    assert_eq!(at.read(&asked, NOW.plus(10)), Err(VerifyChallengeError::Till));
    // Nothing changes twice.
    let sequence = at.world.manifest().sequence;
    at.world.retailer.tidy(NOW.plus(120), &mut at.world.rng).unwrap();
    assert_eq!(at.world.manifest().sequence, sequence);
}

#[test]
fn what_waits_and_what_was_settled_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut at = AtTill::in_world(World::in_store(SqliteStore::create(&path).unwrap()));
    let (paid, open) = (at.ask(500, NOW), at.ask(700, NOW));
    let first = at.signs(&paid, &at.shopper.signing, NOW);
    let second = at.signs(&open, &at.shopper.signing, NOW);
    at.settle(&first, NOW).unwrap();
    let World { retailer, mut rng, recognition, greeting } = at.world;
    drop(retailer);
    let store = SqliteStore::open(&path).unwrap();
    let retailer = Retailer::open(store, NOW.plus(1), &mut rng).unwrap();
    at.world = World { retailer, rng, recognition, greeting };
    assert_eq!(at.refusal(&first, NOW.plus(2)), ProblemType::AlreadySettled);
    let settlement = at.settle(&second, NOW.plus(2)).unwrap();
    assert_eq!(settlement.amount, Some(Money::euro_cents(700)));
}

#[test]
fn a_full_disk_settles_nothing_and_asks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut at = AtTill::in_world(World::in_store(SqliteStore::create(&path).unwrap()));
    // What is free in the last pages takes a settlement or two.
    let waiting: Vec<TillAsked> = (0..3).map(|_| at.ask(500, NOW)).collect();
    at.world.retailer.store.fill_disk(true);
    let scanned = waiting.iter().find_map(|asked| {
        let scanned = at.signs(asked, &at.shopper.signing, NOW);
        let before = at.world.retailer.store.dump();
        let error = at.settle(&scanned, NOW).err()?;
        assert_eq!(at.world.retailer.store.dump(), before, "settled by half");
        assert_eq!(error.problem(), ProblemType::LogUnavailable);
        Some(scanned)
    });
    let scanned = scanned.expect("the disk is not full");
    at.world.retailer.store.fill_disk(false);
    at.settle(&scanned, NOW).unwrap();
}

#[test]
fn a_till_asks_no_more_often_than_was_agreed() {
    let mut at = AtTill::new();
    for _ in 0..at.grant.0.terms.frequency_per_day {
        let asked = at.ask(0, NOW);
        let scanned = at.answers(&asked, NOW);
        at.settle(&scanned, NOW).unwrap();
    }
    let asked = at.ask(0, NOW);
    let scanned = at.answers(&asked, NOW);
    assert_eq!(at.refusal(&scanned, NOW), ProblemType::Unresolved);
}

#[test]
fn a_key_of_another_kind_is_no_till() {
    let mut at = AtTill::new();
    let scopes = [ShopScope::Sightings];
    let World { retailer, rng, .. } = &mut at.world;
    let key = retailer.add_shop_key("door", first_shop(), &scopes, rng).unwrap();
    let door = retailer.authenticate(&key).unwrap();
    let refused = retailer.till_challenge(&door, Money::euro_cents(0), NOW, rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Forbidden);
}

#[test]
fn no_shop_has_more_tills_than_a_manifest_certifies() {
    let mut world = World::new();
    for number in 0..Manifest::TILL_KEYS_MAX {
        world.till(&format!("till-{number}"), first_shop());
    }
    let one_more =
        world.retailer.add_shop_key("till-64", first_shop(), &[ShopScope::Tills], &mut world.rng);
    assert!(matches!(one_more, Err(crate::AddShopKeyError::TooManyTills)));
    world.till("till-64", shop(2));
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    assert_eq!(world.manifest().shop(first_shop()).unwrap().till_keys.len(), 64);
}
