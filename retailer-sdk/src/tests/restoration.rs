//! A store went back in time, nothing newer is left, and the next log is begun.

use std::{
    fs,
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{PinnedController, Policy, audit},
    consent::{Cause, Restoration},
    log::{Origin, UnverifiedProof},
    problem::ProblemType,
    wire::{Attested, OBJECTIONS_PATH},
};

use super::{sighting::visit, succession::go_on, *};
use crate::{LostRetailer, MarkError, RestoreError, ShopKey, testing::check_attested};

/// When the copy is put back.
const LATER: Timestamp = NOW.plus(3_600);

/// Texts that nothing may be left of.
const NAME: &str = "Ysolde-la-Blonde";

/// A shop whose store is a file, with marks beside it.
struct Shop {
    folder: tempfile::TempDir,
    world: World,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
        store.keep_mark(&folder.path().join("marks")).unwrap();
        let mut shop = Self { folder, world: World::in_store(store) };
        shop.world.retailer.store.keep_mark(&shop.marks()).unwrap();
        shop
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn marks(&self) -> PathBuf {
        self.folder.path().join("marks")
    }

    /// A copy of the store as it is now.
    fn copy(&self) -> Vec<u8> {
        self.world.retailer.store.forget_history().unwrap();
        fs::read(self.store()).unwrap()
    }

    /// Ends the process, and puts a copy back.
    fn put_back(self, copy: &[u8]) -> Lost {
        let Self { folder, world } = self;
        let World { retailer, rng, recognition, greeting } = world;
        drop(retailer);
        let lost = Lost { folder, rng, recognition, greeting };
        lost.put(copy);
        lost
    }

    fn number(&self) -> u8 {
        self.world.retailer.log_key().origin().number().unwrap().get()
    }
}

/// A shop that does not run.
struct Lost {
    folder: tempfile::TempDir,
    rng: StdRng,
    recognition: RequestId,
    greeting: RequestId,
}

impl Lost {
    fn put(&self, copy: &[u8]) {
        for beside in ["store.db-wal", "store.db-shm", "store.db-journal"] {
            drop(fs::remove_file(self.folder.path().join(beside)));
        }
        fs::write(self.folder.path().join("store.db"), copy).unwrap();
    }

    fn marks(&self) -> PathBuf {
        self.folder.path().join("marks")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.path().join("store.db")).unwrap()
    }

    /// What the marks say of the store.
    fn held(&self) -> Option<MarkError> {
        self.open().keep_mark(&self.marks()).err()
    }

    fn lost(&self) -> LostRetailer {
        LostRetailer::open(self.open()).unwrap()
    }

    fn try_restore(&mut self, now: Timestamp) -> Result<Retailer, RestoreError> {
        let (copy, marks) = (self.lost(), self.marks());
        let known = copy.last_known(Some(&marks), None, false)?;
        copy.begin_next_log(known, Some(&marks), now, &mut self.rng)
    }

    fn restore(mut self, now: Timestamp) -> Shop {
        let retailer = self.try_restore(now).unwrap();
        let Self { folder, rng, recognition, greeting } = self;
        Shop { folder, world: World { retailer, rng, recognition, greeting } }
    }
}

/// What stands in the present log of the retailer, checked.
fn stands(world: &World, attested: &Attested) -> u64 {
    let proof = UnverifiedProof::parse(attested.proof.as_bytes()).unwrap();
    proof.verify_opening(world.retailer.log_key(), &attested.record.0).unwrap().1.index
}

fn restoration(jws: &[u8], world: &World) -> Restoration {
    let signed = Unverified::<Restoration>::parse(jws).unwrap();
    let signed = signed.verify(&[(Role::Controller, &world.retailer.verifying_key())]).unwrap();
    signed.payload().clone()
}

#[test]
fn the_next_log_begins_with_what_it_knows_of_the_last_and_every_grant_ends() {
    let mut shop = Shop::new();
    let (mut shopper, recognition, _) = regular(&mut shop.world, 2);
    let copy = shop.copy();
    let kept = shop.world.retailer.head().unwrap();
    let mut late = Shopper::new(3);
    shop.world.give(&mut late, shop.world.recognition, NOW);
    let signed = shop.world.retailer.head().unwrap();
    assert!(signed.size() > kept.size());
    let old_key = shop.world.retailer.log_key().clone();
    let requests = shop.world.retailer.open_requests(NOW).unwrap();

    let lost = shop.put_back(&copy);
    assert!(matches!(lost.held(), Some(MarkError::WentBack { .. })));
    let mut shop = lost.restore(LATER);
    // Others may look at the file again.
    SqliteStore::open(&shop.store()).unwrap().read().log_size().unwrap();
    let world = &mut shop.world;
    let all = world.retailer.restorations().unwrap();
    assert!(all.former.is_empty());
    assert_eq!(stands(world, all.last.as_ref().unwrap()), 0);
    let said = restoration(&all.last.as_ref().unwrap().document.0, world);
    assert_eq!((said.from.head.size, said.from.head.root), (signed.size(), *signed.root()));
    assert_eq!((said.from.kept, said.at), (kept.size(), LATER));
    assert_eq!(
        (said.from.log, said.from.log_key),
        (old_key.origin().clone(), *old_key.verifying_key())
    );
    assert_eq!(said.to.log, *world.retailer.log_key().origin());
    assert_eq!(said.to.log, Origin::parse("shop.example/besace/2").unwrap());
    assert_eq!(said.to.log_key, *world.retailer.log_key().verifying_key());

    // What everybody may read stands in the new log, and is what it was.
    let manifest = world.manifest();
    assert_eq!((manifest.sequence, manifest.log.get()), (1, 2));
    stands(world, &world.retailer.manifest().unwrap());
    let now = world.retailer.open_requests(LATER).unwrap();
    assert_eq!(now.requests.len(), requests.requests.len());
    for (new, old) in now.requests.iter().zip(&requests.requests) {
        assert_eq!(new.document, old.document);
        stands(world, new);
    }

    // Nothing is known of any grant.
    assert_eq!(world.retailer.count_grants().unwrap(), (0, 0));
    let body = shopper.withdrawal(recognition.0.id, recognition.1, LATER);
    let call = shopper.call(WITHDRAWALS_PATH, &body, LATER);
    let withdrawn = world.retailer.withdraw(&call, LATER, &mut world.rng);
    assert_eq!(withdrawn.unwrap_err().problem(), ProblemType::GrantMissing);
    // She gives again, and is recognised again.
    let (again, _) = world.give(&mut shopper, world.recognition, LATER);
    world.release(&mut shopper, &again, LATER);
    let permit = world.permit(first_shop());
    assert_eq!(visit(world, &shopper, &permit, LATER).unwrap().handle, again.handle);
    // And it goes on after a restart.
    let head = world.retailer.checkpoint().unwrap();
    let Shop { folder, world: World { retailer, mut rng, .. } } = shop;
    drop(retailer);
    let mut store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    store.keep_mark(&folder.path().join("marks")).unwrap();
    let retailer = Retailer::open(store, LATER, &mut rng).unwrap();
    assert_eq!(retailer.checkpoint().unwrap(), head);
}

#[test]
fn nothing_that_was_held_under_a_grant_is_left_in_the_file_or_beside_it() {
    let mut shop = Shop::new();
    let mut shopper = Shopper::new(2);
    let world = &mut shop.world;
    let (recognition, _) = world.give(&mut shopper, world.recognition, NOW);
    let (greeting, _) = world.give(&mut shopper, world.greeting, NOW);
    world.release(&mut shopper, &recognition, NOW);
    let manifest = world.manifest();
    let body = shopper.disclose(&greeting, &manifest, Some(NAME), &["blond-topic"], NOW);
    let call = shopper.call(DISCLOSURES_PATH, &body, NOW);
    world.retailer.receive_disclosure(&call, NOW, &mut world.rng).unwrap();
    // Many others, so that tables and indexes have more than a page.
    for seed in 10..60 {
        let mut other = Shopper::new(seed);
        world.give(&mut other, world.recognition, NOW);
    }
    let session = world.retailer.store.read();
    let keys = session.all_keys().unwrap().remove(0).keys.danger_bytes();
    let identity = session.identity().unwrap().unwrap();
    let log_seed = identity.log.danger_seed().danger_expose().to_vec();
    let day_key = session.day_key(Day::of(NOW)).unwrap().unwrap();
    let chain = session.chain(Day::of(NOW), first_shop()).unwrap().unwrap();
    let jws = session.grant(recognition.id).unwrap().unwrap().jws;
    let planted: Vec<(&str, Vec<u8>)> = vec![
        ("chosen name", NAME.as_bytes().to_vec()),
        ("topic", b"blond-topic".to_vec()),
        ("released keys", keys.to_vec()),
        ("key of the former log", log_seed),
        ("key of a day", day_key.danger_bytes().danger_expose().to_vec()),
        ("chain of a day", chain.to_vec()),
        ("grant", jws[jws.len() - 64..].to_vec()),
        ("name of a grant", recognition.id.as_bytes().to_vec()),
        ("handle", recognition.handle.as_bytes().to_vec()),
        ("pseudonym", shopper.signing.verifying_key().key_id().to_string().into_bytes()),
    ];
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let lost = shop.put_back(&copy);
    let found = |folder: &Path, needle: &[u8]| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files = files.filter(|path| path.is_file());
        files.any(|path| {
            let bytes = fs::read(path).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    for (what, bytes) in &planted {
        assert!(found(lost.folder.path(), bytes), "{what} was there");
    }
    let shop = lost.restore(LATER);
    // While it runs, and when it has ended.
    for (what, bytes) in &planted {
        assert!(!found(shop.folder.path(), bytes), "{what} is left");
    }
    let Shop { folder, world } = shop;
    drop(world);
    for (what, bytes) in &planted {
        assert!(!found(folder.path(), bytes), "{what} is left");
    }
}

#[test]
fn what_was_signed_before_the_restoration_counts_no_more() {
    let mut shop = Shop::new();
    let copy = shop.copy();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&shop.world.request(shop.world.recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    let give = shopper.call(GRANTS_PATH, &body, NOW);
    shop.world.retailer.give_grant(&give, NOW, &mut shop.world.rng).unwrap();
    let again = shopper.objection(false, NOW);
    let again = shopper.held_call(OBJECTIONS_PATH, &again, NOW, NOW.plus(86_400));
    let soon = NOW.plus(60);
    let mut shop = shop.put_back(&copy).restore(soon);
    let World { retailer, rng, .. } = &mut shop.world;
    let replayed = retailer.give_grant(&give, soon, rng).unwrap_err();
    assert_eq!(replayed.problem(), ProblemType::ClockSkew);
    // Nor in a call of today: she gives again, or does not.
    let resent = shopper.call(GRANTS_PATH, &body, soon);
    let refused = retailer.give_grant(&resent, soon, rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantExpired);
    assert_eq!(retailer.count_grants().unwrap(), (0, 0));
    // A call that was held meanwhile says nothing either; she tells it again.
    let refused = retailer.object(&again, soon, rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::ClockSkew);
    let told = shopper.objection(true, NOW);
    let told = shopper.call(OBJECTIONS_PATH, &told, soon);
    retailer.object(&told, soon, rng).unwrap();
}

#[test]
fn a_no_and_a_key_that_was_left_outlive_the_log() {
    let mut shop = Shop::new();
    let world = &mut shop.world;
    let mut objecting = Shopper::new(2);
    let body = objecting.objection(true, NOW);
    let call = objecting.call(OBJECTIONS_PATH, &body, NOW);
    world.retailer.object(&call, NOW, &mut world.rng).unwrap();
    // One that goes on under other keys; whoever has the old ones is somebody else.
    let mut shopper = Shopper::new(3);
    world.give(&mut shopper, world.recognition, NOW);
    let mut thief = succession::copy_of(&shopper);
    let moved = shopper.go_on(Cause::Rekey, NOW);
    go_on(world, &mut shopper, vec![moved.clone()]).unwrap();
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(9), shop.world.recognition, NOW);
    let mut shop = shop.put_back(&copy).restore(LATER);
    let world = &mut shop.world;

    let (grant, _) = world.give(&mut objecting, world.recognition, LATER);
    assert!(world.retailer.objects_to_marketing(grant.handle).unwrap());
    assert_eq!(world.retailer.rights_desk(LATER).unwrap().objections, 1);
    let session = world.retailer.store.read();
    let key_id = objecting.signing.verifying_key().key_id();
    let stored = session.objection(key_id).unwrap().unwrap();
    let head = world.retailer.head().unwrap();
    let attested =
        world.retailer.own.ledger.attest(session, stored.jws, stored.leaf, &head).unwrap();
    stands(world, &attested);

    let offered = thief.grant(&world.request(world.recognition), LATER);
    let body = thief.sign_grant(&offered, LATER);
    let call = thief.call(GRANTS_PATH, &body, LATER);
    let refused = world.retailer.give_grant(&call, LATER, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Superseded);
    let body = thief.objection(false, LATER);
    let call = thief.call(OBJECTIONS_PATH, &body, LATER);
    assert!(world.retailer.object(&call, LATER, &mut world.rng).is_err());
    world.give(&mut shopper, world.recognition, LATER);
    // She goes on from where she stands, with a grant or without one, and what she said before has its new proof.
    let call = besace_protocol::wire::Continue { continuations: vec![moved] };
    let call = shopper.call(besace_protocol::wire::CONTINUATIONS_PATH, &call, LATER);
    let answer = world.retailer.continue_pseudonym(&call, LATER, &mut world.rng).unwrap();
    stands(world, &answer.continued[0].continuation);
}

#[test]
fn who_went_on_goes_on_again_before_she_gives_anew() {
    let mut shop = Shop::new();
    let mut shopper = Shopper::new(3);
    shop.world.give(&mut shopper, shop.world.recognition, NOW);
    let moved = shopper.go_on(Cause::Rekey, NOW);
    go_on(&mut shop.world, &mut shopper, vec![moved]).unwrap();
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(9), shop.world.recognition, NOW);
    let mut shop = shop.put_back(&copy).restore(NOW.plus(1));
    let next = shopper.go_on(Cause::Restore, NOW.plus(1));
    let call = besace_protocol::wire::Continue { continuations: vec![next] };
    let call = shopper.call(besace_protocol::wire::CONTINUATIONS_PATH, &call, NOW.plus(1));
    let World { retailer, rng, .. } = &mut shop.world;
    retailer.continue_pseudonym(&call, NOW.plus(1), rng).unwrap();
    shop.world.give(&mut shopper, shop.world.recognition, NOW.plus(1));
}

#[test]
fn shop_keys_and_what_they_may_not_count_twice_stay() {
    let mut shop = Shop::new();
    let scopes = [ShopScope::Sightings];
    let World { retailer, rng, .. } = &mut shop.world;
    let door = retailer.add_shop_key("door", first_shop(), &scopes, rng).unwrap();
    let gone = retailer.add_shop_key("gone", first_shop(), &scopes, rng).unwrap();
    retailer.add_shop_key("till", first_shop(), &[ShopScope::Tills], rng).unwrap();
    retailer.revoke_shop_key("gone").unwrap();
    retailer.tidy(NOW, rng).unwrap();
    let tills = shop.world.manifest().shops[0].till_keys.clone();
    assert_eq!(tills.len(), 1);
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(9), shop.world.recognition, NOW);
    let shop = shop.put_back(&copy).restore(LATER);
    let opens = |key: &ShopKey| shop.world.retailer.authenticate(key).is_ok();
    assert!(opens(&door) && !opens(&gone));
    assert_eq!(shop.world.manifest().shops[0].till_keys, tills);
}

#[test]
fn a_restoration_is_made_once_and_an_old_copy_is_held_for_good() {
    let mut shop = Shop::new();
    let first = shop.copy();
    shop.world.give(&mut Shopper::new(2), shop.world.recognition, NOW);
    // The newest copy there is of the first log: its mark would let it go on.
    let newest = shop.copy();
    let mut lost = shop.put_back(&first);
    assert!(
        lost.lost().last_known(None, None, false).is_err(),
        "nothing here says that it went back"
    );
    drop(lost.try_restore(LATER).unwrap());
    assert!(lost.held().is_none());
    for _ in 0..2 {
        let refused = lost.try_restore(LATER.plus(1)).unwrap_err();
        assert!(matches!(refused, RestoreError::NothingLost), "{refused}");
    }
    let second = fs::read(lost.folder.path().join("store.db")).unwrap();
    for copy in [&first, &newest] {
        lost.put(copy);
        assert!(matches!(lost.held(), Some(MarkError::Left { next: 2 })));
    }
    // Where the second log is lost too, the third one follows it: never is one log left twice.
    drop(lost.try_restore(LATER.plus(2)).unwrap());
    lost.put(&second);
    assert!(matches!(lost.held(), Some(MarkError::Left { next: 3 })));
    lost.put(&newest);
    let shop = lost.restore(LATER.plus(3));
    assert_eq!(shop.number(), 4);
    let all = shop.world.retailer.restorations().unwrap();
    assert_eq!(all.former.len(), 2);
    let chain: Vec<_> = all.former.iter().chain([&all.last.as_ref().unwrap().document]).collect();
    let chain: Vec<_> = chain.iter().map(|jws| restoration(&jws.0, &shop.world)).collect();
    for (before, after) in chain.iter().zip(chain.iter().skip(1)) {
        assert_eq!((&before.to.log, &before.to.log_key), (&after.from.log, &after.from.log_key));
        assert_eq!(after.from.kept, 0, "nothing of that log is here");
    }
}

#[test]
fn a_restored_store_that_is_put_back_is_held_and_followed_by_the_third_log() {
    let mut shop = Shop::new();
    let first = shop.copy();
    shop.world.give(&mut Shopper::new(2), shop.world.recognition, NOW);
    let mut shop = shop.put_back(&first).restore(LATER);
    let second = shop.copy();
    let kept = shop.world.retailer.head().unwrap().size();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, LATER);
    let lost = shop.put_back(&second);
    assert!(matches!(lost.held(), Some(MarkError::WentBack { .. })));
    let shop = lost.restore(LATER.plus(60));
    assert_eq!((shop.number(), shop.world.manifest().log.get()), (3, 3));
    let all = shop.world.retailer.restorations().unwrap();
    assert_eq!(all.former.len(), 1);
    let said = restoration(&all.last.as_ref().unwrap().document.0, &shop.world);
    assert_eq!(said.from.kept, kept);
    assert_eq!(said.from.log.as_str(), "shop.example/besace/2");
}

#[test]
fn a_transaction_that_fails_at_its_end_leaves_the_copy_as_it_was() {
    let mut shop = Shop::new();
    regular(&mut shop.world, 2);
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let mut lost = shop.put_back(&copy);
    let dump = lost.open().dump();
    lost.open().sabotage(
        "CREATE TRIGGER broken BEFORE INSERT ON log_head BEGIN SELECT RAISE(ABORT, 'disk'); END",
    );
    assert!(matches!(lost.try_restore(LATER), Err(RestoreError::Store(_))));
    lost.open().sabotage("DROP TRIGGER broken");
    assert_eq!(lost.open().dump(), dump);
    assert!(matches!(lost.held(), Some(MarkError::WentBack { .. })));
    let shop = lost.restore(LATER);
    assert_eq!(shop.number(), 2);
}

#[test]
fn a_store_that_another_program_has_open_is_not_restored() {
    let mut shop = Shop::new();
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let mut lost = shop.put_back(&copy);
    let other = lost.open();
    other.read().log_size().unwrap();
    assert!(matches!(lost.try_restore(LATER), Err(RestoreError::InUse)));
    drop(other);
    assert_eq!(lost.restore(LATER).number(), 2);
}

#[test]
fn a_clock_that_is_behind_the_copy_is_put_right_first() {
    let mut shop = Shop::new();
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let mut lost = shop.put_back(&copy);
    assert!(matches!(lost.try_restore(NOW.minus(1)), Err(RestoreError::Clock)));
    drop(lost.try_restore(LATER).unwrap());
    lost.put(&copy);
    assert!(matches!(lost.try_restore(LATER.minus(1)), Err(RestoreError::Clock)));
    // One that was far behind is not in doubt afterwards: somebody looked at it.
    let much_later = LATER.plus(40 * 86_400);
    let retailer = lost.try_restore(much_later).unwrap();
    retailer.check_clock(much_later).unwrap();
}

#[test]
fn a_head_that_somebody_has_says_how_far_the_log_came_where_no_mark_does() {
    let mut shop = Shop::new();
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let head = shop.world.retailer.checkpoint().unwrap();
    let signed = shop.world.retailer.head().unwrap().size();
    let mut lost = shop.put_back(&copy);
    fs::remove_dir_all(lost.marks()).unwrap();
    let marks = lost.marks();
    let small = lost.lost();
    assert!(matches!(small.last_known(Some(&marks), None, false), Err(RestoreError::NothingLost)));
    assert!(matches!(
        small.last_known(Some(&marks), Some(b"a page"), true),
        Err(RestoreError::Head)
    ));
    let said = small.last_known(Some(&marks), None, true).unwrap();
    assert_eq!(said.size(), said.kept());
    let known = small.last_known(Some(&marks), Some(head.as_bytes()), false).unwrap();
    assert_eq!(known.size(), signed);
    let retailer = small.begin_next_log(known, Some(&marks), LATER, &mut lost.rng).unwrap();
    let all = retailer.restorations().unwrap();
    let said = Unverified::<Restoration>::parse(&all.last.as_ref().unwrap().document.0).unwrap();
    assert_eq!(said.claimed().from.head.size, signed);
}

#[test]
fn the_archive_is_evidence_of_the_log_that_was_left() {
    let mut shop = Shop::new();
    regular(&mut shop.world, 2);
    let copy = shop.copy();
    let policy = Policy::new(vec![PinnedController {
        domain: domain(),
        key: shop.world.retailer.verifying_key(),
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: *shop.world.retailer.log_key().verifying_key(),
    }]);
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let lost = shop.put_back(&copy);
    let bundle = lost.lost().audit_bundle().unwrap();
    let report = audit(&bundle, &policy, LATER);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.logs[0].opened, report.logs[0].size);
}

#[test]
fn witnesses_begin_with_the_new_log() {
    use besace_protocol::log::WitnessPolicy;
    let nobody = WitnessPolicy::parse(b"quorum none\n").unwrap();
    let mut shop = Shop::new();
    let former = shop.world.retailer.head().unwrap();
    let former = nobody.verify(&former, NOW, 0).unwrap();
    shop.world.retailer.keep_cosigned(&former).unwrap();
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let mut shop = shop.put_back(&copy).restore(LATER);
    let retailer = &mut shop.world.retailer;
    assert_eq!(retailer.cosigned().unwrap(), None);
    let head = retailer.head().unwrap();
    assert_eq!(head.origin().as_str(), "shop.example/besace/2");
    retailer.consistency(0, head.size()).unwrap();
    // A line for the former log that comes late is none of this one.
    retailer.keep_cosigned(&former).unwrap();
    assert_eq!(retailer.cosigned().unwrap(), None);
    let witnessed = nobody.verify(&head, LATER, 0).unwrap();
    retailer.keep_cosigned(&witnessed).unwrap();
    assert_eq!(retailer.cosigned().unwrap(), Some(head));
}

#[test]
fn offers_stay_as_long_as_their_author_said() {
    let mut shop = Shop::new();
    let World { retailer, rng, .. } = &mut shop.world;
    retailer.publish_catalogue(b"[]", NOW, rng).unwrap();
    retailer.publish_catalogue(b"[]", NOW, rng).unwrap();
    let before = retailer.catalogue().unwrap().unwrap();
    check_attested(&before, retailer.log_key().verifying_key());
    let copy = shop.copy();
    shop.world.give(&mut Shopper::new(3), shop.world.recognition, NOW);
    let shop = shop.put_back(&copy).restore(LATER);
    let after = shop.world.retailer.catalogue().unwrap().unwrap();
    stands(&shop.world, &after);
    let read = |attested: &Attested| {
        let read =
            besace_protocol::offer::catalogue::UnverifiedCatalogue::parse(&attested.document.0)
                .unwrap();
        let catalogue =
            read.verify(&shop.world.retailer.verifying_key(), &domain(), LATER).unwrap();
        (catalogue.sequence(), catalogue.expires())
    };
    assert_eq!(read(&before).1, read(&after).1);
    assert_eq!((read(&before).0, read(&after).0), (2, 1));
}
