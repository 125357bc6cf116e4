use besace_protocol::{document::Document as _, party::LegalIdentity};

use super::*;
use crate::{Moment, OpenRetailerError, testing::check_attested};

#[test]
fn a_manifest_names_eight_days_and_stands_in_the_log() {
    let world = World::new();
    let manifest = world.manifest();
    manifest.check().unwrap();
    assert_eq!(manifest.days.len(), 8);
    assert_eq!(manifest.days[0].day, Day::of(NOW));
    assert!(manifest.days.iter().all(|day| day.anchors.len() == 3));
    assert_eq!(manifest.expires, NOW.plus(2 * 86_400));
    check_attested(&world.retailer.manifest().unwrap(), &manifest.log_key);
    for request in world.retailer.open_requests(NOW).unwrap().requests {
        check_attested(&request, &manifest.log_key);
    }
    assert!(world.retailer.open_requests(NOW.plus(90 * 86_400)).unwrap().requests.is_empty());
}

#[test]
fn a_day_is_destroyed_before_half_past_midnight() {
    let mut world = World::new();
    let (_, recognition, _) = regular(&mut world, 2);
    let today = Day::of(NOW);
    let midnight = today.plus(1).start();
    let kept = |world: &World| {
        let session = world.retailer.store.read();
        let secret = session.day_key(today).unwrap().is_some();
        let chain = session.chain(today, first_shop()).unwrap().is_some();
        let keys = session.keys(recognition.0.id, today).unwrap().is_some();
        assert!(secret == chain && chain == keys);
        secret
    };
    let done = world.retailer.tidy(midnight.plus(1499), &mut world.rng).unwrap();
    assert!(kept(&world) && done.days == 0 && done.deletions == 0);
    assert_eq!(world.manifest().days.len(), 9);
    let done = world.retailer.tidy(midnight.plus(1500), &mut world.rng).unwrap();
    assert!(!kept(&world) && done.days == 1 && done.deletions == 1 && done.manifest);
    assert!(!world.retailer.live.knew(recognition.0.id, &recognition.0.handle));
    assert_eq!(world.manifest().days[0].day, today.plus(1));
    // Once is as good as often.
    let again = world.retailer.tidy(midnight.plus(1500), &mut world.rng).unwrap();
    assert_eq!(again, crate::Tidied::default());
}

#[test]
fn a_manifest_is_renewed_when_half_of_its_time_is_over() {
    let mut world = World::new();
    let first = world.manifest();
    world.retailer.tidy(NOW.plus(3600), &mut world.rng).unwrap();
    assert_eq!(world.manifest(), first);
    world.retailer.tidy(NOW.plus(86_400), &mut world.rng).unwrap();
    let second = world.manifest();
    assert_eq!(second.sequence, first.sequence + 1);
    assert!(second.expires > first.expires);
}

#[test]
fn what_was_due_while_the_gateway_slept_is_done_at_the_start() {
    let mut world = World::new();
    let (_, recognition, greeting) = regular(&mut world, 2);
    let World { retailer, mut rng, .. } = world;
    let late = NOW.plus(100 * 86_400);
    let retailer = Retailer::open(retailer.store, late, &mut rng).unwrap();
    let session = retailer.store.read();
    assert!(session.keys(recognition.0.id, Day::of(NOW)).unwrap().is_none());
    assert!(session.disclosure(greeting.0.id).unwrap().is_none());
    assert_eq!(retailer.count_grants().unwrap(), (2, 0));
    assert_eq!(retailer.manifest_document().unwrap().days[0].day, Day::of(late));
}

#[test]
fn the_log_goes_on_after_a_restart() {
    let mut world = World::new();
    let (shopper, recognition, _) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let before = world.retailer.checkpoint().unwrap();
    let World { retailer, mut rng, recognition: request, greeting } = world;
    let retailer = Retailer::open(retailer.store, NOW, &mut rng).unwrap();
    assert_eq!(retailer.checkpoint().unwrap(), before);
    let mut world = World { retailer, rng, recognition: request, greeting };
    let answer = sighting::visit(&mut world, &shopper, &permit, NOW).unwrap();
    assert_eq!(answer.handle, recognition.0.handle);
}

#[test]
fn a_store_holds_one_retailer() {
    let mut world = World::new();
    let identity = world.retailer.identity().clone();
    let again = Retailer::init(world.retailer.store, &identity, NOW, &mut world.rng);
    assert!(matches!(again, Err(OpenRetailerError::Taken)));
    let empty = SqliteStore::in_memory().unwrap();
    let none = Retailer::open(empty, NOW, &mut world.rng);
    assert!(matches!(none, Err(OpenRetailerError::Empty)));
}

#[test]
fn a_profile_that_makes_no_manifest_is_refused_and_a_good_one_is_published() {
    let mut world = World::new();
    let before = world.manifest();
    let nobody = LegalIdentity { name: String::new(), ..legal() };
    assert!(world.retailer.set_profile(nobody, shops(), NOW, &mut world.rng).is_err());
    assert_eq!(world.manifest(), before);
    assert_eq!(world.retailer.identity().legal, legal());
    let mut four = shops();
    four.push(besace_protocol::party::Shop { code: shop(4), ..four[0].clone() });
    world.retailer.set_profile(legal(), four, NOW, &mut world.rng).unwrap();
    let after = world.manifest();
    assert_eq!((after.sequence, after.shops.len()), (before.sequence + 1, 4));
    assert!(after.days.iter().all(|day| day.anchors.len() == 4));
}

#[test]
fn every_tile_of_the_log_is_served_and_makes_its_root() {
    use besace_protocol::log::{
        Frontier, TilePath, TileRow, UnverifiedCheckpoint, parse_bundle, tiles_of,
    };
    let mut world = World::new();
    regular(&mut world, 2);
    let note = world.retailer.checkpoint().unwrap();
    let checkpoint = UnverifiedCheckpoint::parse(note.as_bytes())
        .unwrap()
        .verify(world.retailer.log_key())
        .unwrap();
    for path in tiles_of(checkpoint.size()) {
        world.retailer.tile(&path).unwrap();
    }
    let width = u16::try_from(checkpoint.size()).unwrap();
    let path = TilePath::new(TileRow::Entries, 0, width).unwrap();
    let mut tree = Frontier::empty();
    for entry in parse_bundle(&world.retailer.tile(&path).unwrap(), width).unwrap() {
        drop(tree.append(&entry));
    }
    assert_eq!(tree.root(), *checkpoint.root());
    let beyond = TilePath::new(TileRow::Entries, 0, width + 1).unwrap();
    assert!(matches!(world.retailer.tile(&beyond), Err(crate::ReadTileError::Missing)));
}

#[test]
fn a_clock_that_leaps_destroys_nothing_until_it_is_confirmed() {
    let mut world = World::new();
    let (_, recognition, _) = regular(&mut world, 2);
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    let lost = NOW.plus(400 * 86_400);
    let before = world.retailer.store.dump();
    let leap = world.retailer.tidy_unless_leapt(lost, &mut world.rng).unwrap().unwrap_err();
    assert_eq!((leap.from, leap.to), (NOW, lost));
    let same = |(table, ..): &&(String, String, Vec<String>)| table != "clock";
    let (after, before): (Vec<_>, Vec<_>) =
        (world.retailer.store.dump(), before.iter().filter(same).cloned().collect());
    assert!(after.iter().filter(same).eq(&before));
    // It is put right: she is as she was.
    world.retailer.tidy_unless_leapt(NOW.plus(60), &mut world.rng).unwrap().unwrap();
    assert_eq!(world.retailer.count_grants().unwrap(), (2, 2));
    let _leapt = world.retailer.tidy_unless_leapt(lost, &mut world.rng).unwrap().unwrap_err();
    world.retailer.confirm_clock(lost).unwrap();
    world.retailer.tidy_unless_leapt(lost, &mut world.rng).unwrap().unwrap();
    assert_eq!(world.retailer.count_grants().unwrap(), (2, 0));
    let (grant, _) = recognition;
    assert!(!world.retailer.live.knew(grant.id, &grant.handle));
}

#[test]
fn a_clock_that_woke_up_in_1970_leaves_the_good_manifest_and_is_put_right_without_a_word() {
    let mut world = World::new();
    let good = world.manifest();
    let woke = Timestamp::from_unix_seconds(60);
    let leap = world.retailer.tidy_unless_leapt(woke, &mut world.rng).unwrap().unwrap_err();
    assert_eq!((leap.from, leap.to), (NOW, woke));
    assert_eq!(world.manifest(), good);
    // A day back is believed, and what was seen before stays the time.
    let yesterday = NOW.minus(86_400);
    world.retailer.tidy_unless_leapt(yesterday, &mut world.rng).unwrap().unwrap();
    assert_eq!(world.retailer.store.read().clock().unwrap().unwrap().seen, NOW);
    world.retailer.tidy_unless_leapt(NOW.plus(60), &mut world.rng).unwrap().unwrap();
}

#[test]
fn a_mark_that_cannot_be_read_is_not_written_over() {
    let mut world = World::new();
    let marks = tempfile::tempdir().unwrap();
    world.retailer.store.keep_mark(marks.path()).unwrap();
    let mark = std::fs::read_dir(marks.path()).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read(&mark).unwrap();
    std::fs::write(&mark, "garbage").unwrap();
    let refused = world.retailer.store.keep_mark(marks.path());
    assert!(matches!(refused, Err(crate::MarkError::Unreadable { .. })), "{refused:?}");
    assert_eq!(std::fs::read(&mark).unwrap(), b"garbage");
    // What a power cut can leave.
    for left in [&[][..], &[0; 200]] {
        std::fs::write(&mark, left).unwrap();
        world.retailer.store.keep_mark(marks.path()).unwrap();
        assert_eq!(std::fs::read(&mark).unwrap(), good);
    }
}

/// A world whose clock leapt from `NOW`, and what it shows.
fn leapt(world: &mut World) -> Timestamp {
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    let lost = NOW.plus(400 * 86_400);
    let _leap = world.retailer.tidy_unless_leapt(lost, &mut world.rng).unwrap().unwrap_err();
    lost
}

#[test]
fn while_the_clock_is_in_doubt_she_withdraws_and_objects_at_the_time_that_she_signed() {
    use besace_protocol::{consent::Acknowledgement, wire::OBJECTIONS_PATH};
    let mut world = World::new();
    let (mut shopper, (grant, digest), _) = regular(&mut world, 2);
    let lost = leapt(&mut world);
    let doubt = world.retailer.check_clock(lost).unwrap_err();
    assert_eq!(doubt.problem(), besace_protocol::problem::ProblemType::ClockInDoubt);
    let signed = NOW.plus(30);
    let objection = shopper.objection(true, signed);
    let call = shopper.call(OBJECTIONS_PATH, &objection, signed);
    let moment = world.retailer.moment_of(&call, lost).unwrap();
    assert_eq!((moment.heard, moment.stamp), (signed, signed));
    world.retailer.object(&call, moment, &mut world.rng).unwrap();
    let withdrawal = shopper.withdrawal(grant.id, digest, signed);
    let call = shopper.call(WITHDRAWALS_PATH, &withdrawal, signed);
    let moment = world.retailer.moment_of(&call, lost).unwrap();
    let withdrawn = world.retailer.withdraw(&call, moment, &mut world.rng).unwrap();
    let told = Unverified::<Acknowledgement>::parse(&withdrawn.acknowledgement.document.0).unwrap();
    assert_eq!(told.claimed().acknowledged, signed);
    // What she signed before the last moment that was believed is taken at that moment.
    let call = shopper.call(WITHDRAWALS_PATH, &withdrawal, NOW.minus(60));
    assert_eq!(world.retailer.moment_of(&call, lost).unwrap().stamp, NOW);
    // What she dates far ahead dates nothing here.
    let call = shopper.call(WITHDRAWALS_PATH, &withdrawal, lost.plus(1_000_000));
    assert_eq!(world.retailer.moment_of(&call, lost).unwrap().stamp, lost.plus(90));
    // Once it is right, it counts again.
    let right = NOW.plus(90);
    assert_eq!(world.retailer.moment_of(&call, right).unwrap(), Moment::from(right));
    world.retailer.check_clock(right).unwrap();
}

#[test]
fn a_clock_that_was_put_back_or_went_ahead_a_little_keeps_no_withdrawal_away() {
    for off in ["confirmed a month ahead and put back", "three days ahead and believed"] {
        let mut world = World::new();
        let (mut shopper, (grant, digest), _) = regular(&mut world, 2);
        world.retailer.tidy(NOW, &mut world.rng).unwrap();
        let (clock, stamp) = if off.starts_with("confirmed") {
            let ahead = NOW.plus(30 * 86_400);
            world.retailer.confirm_clock(ahead).unwrap();
            (NOW.plus(60), ahead)
        } else {
            (NOW.plus(3 * 86_400), NOW.plus(3 * 86_400))
        };
        let signed = NOW.plus(60);
        let withdrawal = shopper.withdrawal(grant.id, digest, signed);
        let call = shopper.call(WITHDRAWALS_PATH, &withdrawal, signed);
        let moment = world.retailer.moment_of(&call, clock).unwrap();
        assert_eq!((moment.heard, moment.stamp), (signed, stamp), "{off}");
        world.retailer.withdraw(&call, moment, &mut world.rng).unwrap();
    }
}

#[test]
fn days_that_a_clock_made_in_another_year_are_gone_once_it_is_right() {
    let mut world = World::new();
    world.retailer.tidy(NOW.plus(400 * 86_400), &mut world.rng).unwrap();
    world.retailer.confirm_clock(NOW).unwrap();
    let tidied = world.retailer.tidy(NOW, &mut world.rng).unwrap();
    assert_eq!((tidied.days, tidied.undone), (8, 0));
    let days = world.retailer.store.read().days().unwrap();
    assert!(days.iter().all(|day| *day <= Day::of(NOW).plus(7)), "{days:?}");
}

#[test]
fn a_clock_that_goes_ahead_step_by_step_is_in_doubt_after_two_weeks_of_steps() {
    let mut world = World::new();
    let World { retailer, rng, .. } = &mut world;
    let day = |number: u64| NOW.plus(number * 86_400);
    for number in [5, 10, 14] {
        retailer.tidy_unless_leapt(day(number), rng).unwrap().unwrap();
    }
    let leap = retailer.tidy_unless_leapt(day(15), rng).unwrap().unwrap_err();
    assert_eq!((leap.from, leap.to), (day(14), day(15)));
    // A minute later it is no surer, nor in another process.
    let _leap = retailer.tidy_unless_leapt(day(15).plus(60), rng).unwrap().unwrap_err();
    retailer.believed = None;
    retailer.check_clock(day(15).plus(120)).unwrap_err();
    retailer.confirm_clock(day(15)).unwrap();
    retailer.tidy_unless_leapt(day(22), rng).unwrap().unwrap();
}

#[test]
fn steps_are_forgiven_while_time_is_seen_to_pass() {
    let mut world = World::new();
    let mut now = NOW;
    // Off for 18 hours and on for six, for three months.
    for _ in 0..90 {
        now = now.plus(18 * 3_600);
        world.retailer.believed = None;
        assert_eq!(world.retailer.judge_clock(now).unwrap(), None);
        for _ in 0..6 {
            world.retailer.store.write(|session| crate::clock::note_clock(session, now)).unwrap();
            now = now.plus(3_600);
            world.retailer.believed = Some(now.minus(60));
            assert_eq!(world.retailer.judge_clock(now).unwrap(), None);
        }
        world.retailer.store.write(|session| crate::clock::note_clock(session, now)).unwrap();
    }
}

#[test]
fn a_negotiation_that_cannot_be_read_keeps_nothing_else_from_being_done() {
    let mut world = World::new();
    let (_, (recognition, _), _) = regular(&mut world, 2);
    world.retailer.store.sabotage(
        "INSERT INTO negotiations (subject_key_id, id, request_id, begun, look_at, forget_at)
         VALUES ('no key', zeroblob(16), zeroblob(16), 0, 0, 0)",
    );
    let later = Day::of(NOW).plus(2).start();
    let tidied = world.retailer.tidy(later, &mut world.rng).unwrap();
    assert!(tidied.undone == 1 && tidied.manifest && tidied.days == 1 && tidied.deletions == 1);
    let kinds: Vec<_> = world.retailer.undone().iter().map(|undone| undone.kind).collect();
    assert_eq!(kinds, [crate::Due::Negotiations]);
    let session = world.retailer.store.read();
    assert!(session.keys(recognition.id, Day::of(NOW)).unwrap().is_none());
    assert_eq!(world.retailer.fault(later).unwrap(), Some(crate::Fault::TidiedInPart));
    world.retailer.store.sabotage("DELETE FROM negotiations");
    world.retailer.tidy(later, &mut world.rng).unwrap();
    assert_eq!(world.retailer.fault(later).unwrap(), None);
}

#[test]
fn a_store_that_takes_nothing_is_an_error_and_nothing_is_said_to_be_tidy() {
    let mut world = World::new();
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    let later = Day::of(NOW).plus(2).start();
    world.retailer.store.fill_disk(true);
    world.retailer.tidy(later, &mut world.rng).unwrap_err();
    assert_eq!(world.retailer.fault(NOW).unwrap(), Some(crate::Fault::Untidied));
    world.retailer.store.fill_disk(false);
    world.retailer.tidy(later, &mut world.rng).unwrap();
    assert_eq!(world.retailer.fault(later).unwrap(), None);
}

#[test]
fn health_says_when_nothing_was_tidied_and_when_the_manifest_is_over() {
    let mut world = World::new();
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    let fault = |after: u64| world.retailer.fault(NOW.plus(after)).unwrap();
    assert_eq!([fault(0), fault(600)], [None, None]);
    assert_eq!(fault(601), Some(crate::Fault::Untidied));
    assert_eq!(fault(2 * 86_400), Some(crate::Fault::ManifestExpired));
    assert_eq!(fault(400 * 86_400), Some(crate::Fault::ClockInDoubt));
}

#[test]
fn a_mark_that_cannot_be_written_is_said_and_tried_again() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let marks = folder.path().join("marks");
    world.retailer.store.keep_mark(&marks).unwrap();
    std::fs::remove_dir_all(&marks).unwrap();
    let mut shopper = Shopper::new(2);
    world.give(&mut shopper, world.recognition, NOW);
    assert!(world.retailer.is_mark_behind());
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    assert_eq!(world.retailer.fault(NOW).unwrap(), Some(crate::Fault::Unmarked));
    std::fs::create_dir(&marks).unwrap();
    world.retailer.tidy(NOW, &mut world.rng).unwrap();
    assert_eq!(world.retailer.fault(NOW).unwrap(), None);
    let mark = std::fs::read_dir(&marks).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_to_string(mark).unwrap(), world.retailer.checkpoint().unwrap());
}
