//! Vouchers from the plan to the till, and what the store keeps of them.

use besace_protocol::{
    call::sign_call,
    crypto::{SecretBytes, SigningKey},
    id::{MessageId, RedemptionId},
    money::Money,
    offer::Benefit,
    problem::ProblemType,
    time::Week,
    voucher::{BenefitClass, PendingBatch, UnverifiedVoucherKeys, Voucher, VoucherKeys},
    wire::{
        Hold, OfflineRedemption, Outcome, Redeem, Redeemed, RequestVouchers, UploadRedemptions,
        VOUCHERS_PATH, VoucherText, VouchersIssued, call_address,
    },
};

use super::*;
use crate::{
    IssueVouchersError, LostRetailer, Once, PlannedClass, Refused, SetVoucherPlanError, SpentId,
    VoucherPlan, Write, WriteError, WriteKey,
};

const EUROS: fn(u64) -> Money = Money::euro_cents;

fn class(number: u8, benefit: Benefit, minimum: Option<Money>) -> PlannedClass {
    PlannedClass { benefit, class: BenefitClass::from_number(number).unwrap(), minimum }
}

fn plan() -> VoucherPlan {
    let classes = vec![
        class(0, Benefit::AmountOff(EUROS(500)), Some(EUROS(3_000))),
        class(3, Benefit::PercentOff(20), None),
    ];
    VoucherPlan { batch: 2, classes }
}

/// A shop that gives vouchers, and a till in it.
struct Shop {
    world: World,
    permit: ShopPermit,
    writes: u32,
}

impl Shop {
    fn new() -> Self {
        Self::of(World::new())
    }

    fn of(mut world: World) -> Self {
        world.retailer.set_voucher_plan(Some(&plan()), NOW, &mut world.rng).unwrap();
        let permit = world.permit(shop(1));
        Self { world, permit, writes: 0 }
    }

    fn keys(&self, week: Week) -> VoucherKeys {
        let attested = self.world.retailer.voucher_keys(week).unwrap().unwrap();
        let keys = UnverifiedVoucherKeys::parse(&attested.document.0).unwrap();
        keys.verify(&self.world.retailer.verifying_key(), &domain(), week).unwrap()
    }

    fn issue(
        &mut self,
        subject: &SigningKey,
        batch: &PendingBatch,
        now: Timestamp,
    ) -> Result<VouchersIssued, IssueVouchersError> {
        let body = RequestVouchers {
            blinded: batch.request().to_wire(),
            subject: subject.verifying_key(),
            week: batch.week(),
        };
        let call = self.call(subject, &body, now);
        self.world.retailer.issue_vouchers(&call, now, &mut self.world.rng)
    }

    fn call(&mut self, key: &SigningKey, body: &RequestVouchers, now: Timestamp) -> Vec<u8> {
        let address = call_address(&domain(), VOUCHERS_PATH);
        let message = MessageId::generate(&mut self.world.rng);
        sign_call(&address, message, body, key, now).unwrap().as_bytes().to_vec()
    }

    /// A batch of this week for somebody.
    fn vouchers(&mut self, seed: u8) -> Vec<Voucher> {
        let keys = self.keys(Week::of(NOW));
        let batch = PendingBatch::make(&keys, &mut self.world.rng).unwrap();
        let issued = self.issue(&subject(seed), &batch, NOW).unwrap();
        let response = besace_protocol::voucher::VoucherResponse::parse(&issued.signatures);
        batch.finish(&keys, &response.unwrap()).unwrap()
    }

    fn redeem(&mut self, voucher: &Voucher, now: Timestamp) -> Result<Redeemed, Refused> {
        let asked = at_once(voucher, 4_000);
        self.write(|shop, write| {
            shop.world.retailer.redeem(&shop.permit, write, &asked, now, &mut shop.world.rng)
        })
    }

    fn hold(&mut self, voucher: &Voucher, seconds: u16, now: Timestamp) -> Result<Redeem, Refused> {
        let hold = Hold { basket: EUROS(4_000), seconds: Some(seconds), voucher: text(voucher) };
        let laid_aside = self.write(|shop, write| {
            shop.world.retailer.hold(&shop.permit, write, &hold, now, &mut shop.world.rng)
        })?;
        assert_eq!(laid_aside.expires, now.plus(seconds.into()));
        Ok(Redeem { basket: None, hold: Some(laid_aside.hold), voucher: None })
    }

    fn redeem_hold(&mut self, hold: &Redeem, now: Timestamp) -> Result<Redeemed, Refused> {
        self.write(|shop, write| {
            shop.world.retailer.redeem(&shop.permit, write, hold, now, &mut shop.world.rng)
        })
    }

    fn reverse(&mut self, id: SpentId, now: Timestamp) -> Result<Timestamp, Refused> {
        let reversed =
            self.write(|shop, write| shop.world.retailer.reverse(&shop.permit, write, id, now));
        reversed.map(|reversed| reversed.reversed)
    }

    fn upload(&mut self, redemptions: &[OfflineRedemption], now: Timestamp) -> Vec<Outcome> {
        let upload = UploadRedemptions { redemptions: redemptions.to_vec() };
        let uploaded = self.write(|shop, write| {
            shop.world.retailer.upload_redemptions(&shop.permit, write, &upload, now)
        });
        uploaded.unwrap().outcomes
    }

    /// A write with a key of its own.
    fn write<T>(
        &mut self,
        ask: impl FnOnce(&mut Self, Write<'_>) -> Result<Once<T>, WriteError>,
    ) -> Result<T, Refused> {
        self.writes = self.writes.saturating_add(1);
        let key = WriteKey::parse(&format!("write-{}", self.writes)).unwrap();
        let once = ask(self, Write { key: &key, address: "/v1/x", body: b"{}" }).unwrap();
        assert!(!once.replayed);
        once.answer
    }
}

fn subject(seed: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|to| to.fill(seed)))
}

fn text(voucher: &Voucher) -> VoucherText {
    VoucherText(voucher.clone().present().to_text())
}

fn at_once(voucher: &Voucher, basket: u64) -> Redeem {
    Redeem { basket: Some(EUROS(basket)), hold: None, voucher: Some(text(voucher)) }
}

fn refused<T>(problem: ProblemType) -> Result<T, Refused> {
    Err(problem.into())
}

#[test]
fn keys_of_this_week_and_the_next_are_logged_before_they_sign_and_never_replaced() {
    let mut shop = Shop::new();
    let week = Week::of(NOW);
    let (now, next) = (shop.keys(week), shop.keys(week.next()));
    assert!(!now.shares_a_key_with(&next));
    assert!(now.is_issued_at(NOW) && next.is_issued_at(NOW));
    let attested = shop.world.retailer.voucher_keys(week).unwrap().unwrap();
    assert!(attested.proof.starts_with("c2sp.org/tlog-proof@v1"));
    assert!(shop.world.retailer.voucher_keys(week.next().next()).unwrap().is_none());
    let other = VoucherPlan { batch: 1, ..plan() };
    let World { retailer, rng, .. } = &mut shop.world;
    retailer.set_voucher_plan(Some(&other), NOW.plus(5), rng).unwrap();
    retailer.tidy(NOW.plus(60), rng).unwrap();
    assert_eq!(shop.keys(week).digest(), now.digest());
    // A week later there is one more, as the plan now says.
    let World { retailer, rng, .. } = &mut shop.world;
    let later = week.end().plus(1);
    assert!(retailer.tidy(later, rng).unwrap().voucher_keys);
    assert!(!retailer.tidy(later, rng).unwrap().voucher_keys);
    assert_eq!(shop.keys(week.next()).digest(), next.digest());
    assert_eq!(shop.keys(week.next().next()).batch(), 1);
}

#[test]
fn a_plan_that_makes_no_keys_is_refused_before_any_is_made() {
    let World { mut retailer, mut rng, .. } = World::new();
    let mut set = |plan: &VoucherPlan| retailer.set_voucher_plan(Some(plan), NOW, &mut rng);
    for bad in [
        VoucherPlan { batch: 0, ..plan() },
        VoucherPlan { batch: 9, ..plan() },
        VoucherPlan { classes: Vec::new(), ..plan() },
        VoucherPlan { classes: vec![class(0, Benefit::Price, None)], batch: 1 },
    ] {
        assert!(matches!(set(&bad), Err(SetVoucherPlanError::Plan(_))));
    }
    assert_eq!(retailer.voucher_plan().unwrap(), None);
}

#[test]
fn a_damaged_plan_is_set_anew_and_keeps_nobody_from_starting() {
    for damaged in ["x'7b7d'", "x''", "x'5b5d'", "zeroblob(9000000)"] {
        let Shop { world: World { retailer, mut rng, .. }, .. } = Shop::new();
        retailer.store.sabotage(&format!("UPDATE voucher_plan SET plan = {damaged}"));
        let mut retailer = Retailer::open(retailer.store, NOW, &mut rng).unwrap();
        assert_eq!(retailer.undone()[0].kind, crate::Due::Vouchers, "it is said what is damaged");
        retailer.follow_voucher_plan(Some(&plan()), NOW, &mut rng).unwrap();
        assert_eq!(retailer.voucher_plan().unwrap(), Some(plan()));
        retailer.tidy(NOW, &mut rng).unwrap();
        assert!(retailer.undone().is_empty());
        retailer.follow_voucher_plan(None, NOW, &mut rng).unwrap();
        assert_eq!(retailer.voucher_plan().unwrap(), None);
    }
}

#[test]
fn one_batch_a_key_and_week_and_the_same_batch_gets_the_same_answer() {
    let mut shop = Shop::new();
    let keys = shop.keys(Week::of(NOW).next());
    let batch = PendingBatch::make(&keys, &mut shop.world.rng).unwrap();
    let first = shop.issue(&subject(1), &batch, NOW).unwrap();
    assert_eq!(shop.issue(&subject(1), &batch, NOW.plus(60)).unwrap(), first);
    let other = PendingBatch::make(&keys, &mut shop.world.rng).unwrap();
    let again = shop.issue(&subject(1), &other, NOW.plus(60));
    assert!(matches!(again, Err(IssueVouchersError::AlreadyIssued)));
    assert!(shop.issue(&subject(2), &other, NOW.plus(60)).is_ok());
    // Neither after its week nor before the one before it.
    let over = shop.issue(&subject(3), &other, keys.week().end());
    assert!(matches!(over, Err(IssueVouchersError::Week)));
    let body = RequestVouchers {
        blinded: other.request().to_wire(),
        subject: subject(4).verifying_key(),
        week: keys.week(),
    };
    let forged = shop.call(&subject(5), &body, NOW);
    let forged = shop.world.retailer.issue_vouchers(&forged, NOW, &mut shop.world.rng);
    assert_eq!(forged.unwrap_err().problem(), ProblemType::SignatureInvalid);
    let short = RequestVouchers { blinded: body.blinded[1..].to_vec(), ..body.clone() };
    let short = shop.call(&subject(4), &short, NOW);
    let short = shop.world.retailer.issue_vouchers(&short, NOW, &mut shop.world.rng);
    assert_eq!(short.unwrap_err().problem(), ProblemType::Malformed);
    let good = shop.call(&subject(4), &body, NOW);
    assert!(shop.world.retailer.issue_vouchers(&good, NOW, &mut shop.world.rng).is_ok());
    let replayed = shop.world.retailer.issue_vouchers(&good, NOW, &mut shop.world.rng);
    assert_eq!(replayed.unwrap_err().problem(), ProblemType::Replayed);
}

#[test]
fn a_voucher_counts_once_and_counts_again_when_it_was_taken_back() {
    let mut shop = Shop::new();
    let voucher = shop.vouchers(1).remove(0);
    let redeemed = shop.redeem(&voucher, NOW).unwrap();
    assert_eq!(redeemed.discount, EUROS(500));
    assert_eq!(shop.redeem(&voucher, NOW), refused(ProblemType::AlreadyRedeemed));
    assert!(shop.hold(&voucher, 60, NOW).is_err());
    let id = SpentId::Redemption(redeemed.redemption);
    assert_eq!(shop.reverse(id, NOW.plus(9)), Ok(NOW.plus(9)));
    assert_eq!(shop.reverse(id, NOW.plus(99)), Ok(NOW.plus(9)), "the first answer");
    let again = shop.redeem(&voucher, NOW.plus(10)).unwrap();
    assert_ne!(again.redemption, redeemed.redemption);
    // What was taken back is not taken back once more.
    assert_eq!(shop.reverse(id, NOW.plus(99)), Ok(NOW.plus(9)));
    assert_eq!(shop.redeem(&voucher, NOW.plus(100)), refused(ProblemType::AlreadyRedeemed));
    let unknown = SpentId::Redemption(RedemptionId::from_bytes([9; 16]));
    assert_eq!(shop.reverse(unknown, NOW), refused(ProblemType::NotFound));
}

#[test]
fn a_hold_keeps_a_voucher_until_it_is_over() {
    let mut shop = Shop::new();
    let voucher = shop.vouchers(1).remove(0);
    let hold = shop.hold(&voucher, 60, NOW).unwrap();
    assert_eq!(shop.redeem(&voucher, NOW.plus(59)), refused(ProblemType::AlreadyRedeemed));
    let redeemed = shop.redeem_hold(&hold, NOW.plus(59)).unwrap();
    assert_eq!(redeemed.discount, EUROS(500));
    assert_eq!(shop.redeem_hold(&hold, NOW.plus(600)).unwrap(), redeemed, "the first answer");
    let hold_id = SpentId::Hold(hold.hold.unwrap());
    assert_eq!(shop.reverse(hold_id, NOW.plus(700)), Ok(NOW.plus(700)));
    let second = shop.hold(&voucher, 60, NOW.plus(700)).unwrap();
    assert_eq!(shop.redeem_hold(&hold, NOW.plus(701)), refused(ProblemType::HoldExpired));
    assert_eq!(shop.redeem_hold(&second, NOW.plus(760)), refused(ProblemType::HoldExpired));
    // A hold that is over is as good as absent: another till gets the voucher.
    assert!(shop.hold(&voucher, 60, NOW.plus(760)).is_ok());
    assert!(shop.redeem(&voucher, NOW.plus(820)).is_ok());
}

#[test]
fn what_one_shop_holds_another_neither_redeems_nor_takes_back() {
    let mut shop = Shop::new();
    let voucher = shop.vouchers(1).remove(0);
    let hold = shop.hold(&voucher, 60, NOW).unwrap();
    let here = shop.permit.clone();
    shop.permit = shop.world.permit(super::shop(2));
    assert_eq!(shop.redeem_hold(&hold, NOW), refused(ProblemType::HoldExpired));
    let id = SpentId::Hold(hold.hold.unwrap());
    assert_eq!(shop.reverse(id, NOW), refused(ProblemType::NotFound));
    shop.permit = here;
    assert!(shop.redeem_hold(&hold, NOW).is_ok());
}

#[test]
fn a_write_is_carried_out_once_however_often_it_comes() {
    let mut shop = Shop::new();
    let vouchers = shop.vouchers(1);
    let key = WriteKey::parse("till-7/1").unwrap();
    let mut ask = |voucher: &Voucher, body: &[u8], now| {
        let write = Write { key: &key, address: "/v1/redemptions", body };
        let asked = at_once(voucher, 4_000);
        let World { retailer, rng, .. } = &mut shop.world;
        retailer.redeem(&shop.permit, write, &asked, now, rng)
    };
    let first = ask(&vouchers[0], b"a", NOW).unwrap();
    assert!(!first.replayed && first.answer.is_ok());
    let again = ask(&vouchers[0], b"a", NOW.plus(60)).unwrap();
    assert_eq!(again, Once { replayed: true, ..first });
    assert!(matches!(ask(&vouchers[1], b"b", NOW.plus(60)), Err(WriteError::Mismatch)));
    // A day later the key is forgotten; the voucher is not.
    let later = ask(&vouchers[0], b"a", NOW.plus(86_400)).unwrap();
    assert_eq!(later.answer, refused(ProblemType::AlreadyRedeemed));
    for bad in ["", "a b", "é", "a\n", &"x".repeat(65)] {
        assert!(WriteKey::parse(bad).is_err(), "{bad:?}");
    }
    let World { retailer, rng, .. } = &mut shop.world;
    let door = retailer.add_shop_key("door", super::shop(1), &[ShopScope::Sightings], rng).unwrap();
    let door = retailer.authenticate(&door).unwrap();
    let write = Write { key: &key, address: "/v1/redemptions", body: b"c" };
    let id = SpentId::Redemption(RedemptionId::from_bytes([1; 16]));
    let forbidden = shop.world.retailer.reverse(&door, write, id, NOW);
    assert!(matches!(forbidden, Err(WriteError::Forbidden(_))));
}

#[test]
fn a_voucher_that_does_not_hold_or_apply_is_refused_with_a_reason() {
    let mut shop = Shop::new();
    let vouchers = shop.vouchers(1);
    let mut ask = |asked: &Redeem, now| {
        shop.write(|shop, write| {
            shop.world.retailer.redeem(&shop.permit, write, asked, now, &mut shop.world.rng)
        })
    };
    let small = ask(&at_once(&vouchers[0], 1_760), NOW).unwrap_err();
    assert_eq!(small.problem, ProblemType::BasketRulesNotMet);
    assert_eq!(small.missing.unwrap().basket, EUROS(1_240));
    let closes = Week::of(NOW).end().plus(VoucherKeys::GRACE_SECONDS);
    let late = ask(&at_once(&vouchers[0], 4_000), closes);
    assert_eq!(late, refused(ProblemType::VoucherExpired));
    let mut forged = at_once(&vouchers[0], 4_000);
    forged.voucher = Some(VoucherText("NOT A VOUCHER".to_owned()));
    assert_eq!(ask(&forged, NOW), refused(ProblemType::VoucherInvalid));
    assert!(ask(&at_once(&vouchers[0], 3_000), closes.minus(1)).is_ok());
    assert_eq!(ask(&at_once(&vouchers[2], 999), NOW).unwrap().discount, EUROS(199));
    let both = Redeem { hold: Some(HOLD), ..at_once(&vouchers[1], 4_000) };
    for bad in [both, Redeem { basket: None, hold: None, voucher: None }] {
        let key = WriteKey::parse("bad").unwrap();
        let write = Write { key: &key, address: "", body: b"" };
        let World { retailer, rng, .. } = &mut shop.world;
        let answer = retailer.redeem(&shop.permit, write, &bad, NOW, rng);
        assert!(matches!(answer, Err(WriteError::Malformed)));
    }
}

const HOLD: besace_protocol::id::HoldId = besace_protocol::id::HoldId::from_bytes([1; 16]);

#[test]
fn an_upload_changes_nothing_the_second_time_and_reports_conflicts() {
    let mut shop = Shop::new();
    let vouchers = shop.vouchers(1);
    shop.redeem(&vouchers[1], NOW).unwrap();
    let offline = |number: u8, voucher: &Voucher, basket| OfflineRedemption {
        basket: Some(EUROS(basket)),
        id: RedemptionId::from_bytes([number; 16]),
        redeemed: NOW,
        voucher: text(voucher),
    };
    let upload = [
        offline(1, &vouchers[0], 4_000),
        offline(2, &vouchers[1], 4_000),
        offline(3, &vouchers[0], 4_000),
        offline(4, &vouchers[2], 100),
        OfflineRedemption { voucher: VoucherText("X".to_owned()), ..offline(5, &vouchers[3], 1) },
        OfflineRedemption {
            redeemed: Week::of(NOW).start().minus(1),
            ..offline(6, &vouchers[3], 9)
        },
    ];
    let outcomes = [
        Outcome::Redeemed,
        Outcome::AlreadyRedeemed,
        Outcome::AlreadyRedeemed,
        Outcome::Redeemed,
        Outcome::VoucherInvalid,
        Outcome::VoucherExpired,
    ];
    assert_eq!(shop.upload(&upload, NOW.plus(7_200)), outcomes);
    assert_eq!(shop.upload(&upload, NOW.plus(7_300)), outcomes);
    let taken_back = SpentId::Redemption(RedemptionId::from_bytes([1; 16]));
    shop.reverse(taken_back, NOW.plus(7_400)).unwrap();
    assert_eq!(shop.upload(&upload, NOW.plus(7_500))[0], Outcome::Redeemed, "and stays taken back");
    assert!(shop.redeem(&vouchers[0], NOW.plus(7_600)).is_ok());
}

#[test]
fn when_the_week_is_over_keys_and_batches_go_and_later_the_spent_set() {
    let mut shop = Shop::new();
    let voucher = shop.vouchers(1).remove(0);
    shop.redeem(&voucher, NOW).unwrap();
    let rows = |shop: &Shop, table: &str| {
        let dump = shop.world.retailer.store.dump();
        dump.iter().find(|(name, ..)| name == table).map_or(0, |(.., values)| values.len())
    };
    let week = Week::of(NOW);
    assert_eq!(
        ["voucher_secrets", "voucher_batches", "redemptions"].map(|t| rows(&shop, t)),
        [4, 1, 1]
    );
    let secret = shop.world.retailer.store.read().voucher_secrets(week).unwrap();
    shop.world.retailer.tidy(week.end(), &mut shop.world.rng).unwrap();
    assert!(shop.world.retailer.store.read().voucher_secrets(week).unwrap().is_empty());
    assert_eq!(secret.len(), 2);
    assert_eq!(
        ["voucher_secrets", "voucher_batches", "redemptions"].map(|t| rows(&shop, t)),
        [4, 0, 1]
    );
    let closes = week.end().plus(VoucherKeys::GRACE_SECONDS);
    let kept = closes.plus(super::super::voucher::KEPT_SECONDS);
    shop.world.retailer.set_voucher_plan(None, kept, &mut shop.world.rng).unwrap();
    shop.world.retailer.tidy(kept.minus(1), &mut shop.world.rng).unwrap();
    assert_eq!(rows(&shop, "answers"), 0, "a day is over");
    assert_eq!(rows(&shop, "redemptions"), 1);
    shop.world.retailer.tidy(kept, &mut shop.world.rng).unwrap();
    assert_eq!(rows(&shop, "redemptions"), 0);
    assert!(shop.world.retailer.voucher_keys(week).unwrap().is_none());
}

#[test]
fn no_byte_of_the_store_joins_an_issuance_with_a_redemption() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let mut shop = Shop::of(World::in_store(SqliteStore::create(&path).unwrap()));
    let keys = shop.keys(Week::of(NOW));
    let batch = PendingBatch::make(&keys, &mut shop.world.rng).unwrap();
    let issued = shop.issue(&subject(1), &batch, NOW).unwrap();
    let response = besace_protocol::voucher::VoucherResponse::parse(&issued.signatures).unwrap();
    let vouchers = batch.finish(&keys, &response).unwrap();
    let hold = shop.hold(&vouchers[0], 60, NOW).unwrap();
    shop.redeem_hold(&hold, NOW).unwrap();
    let offline = OfflineRedemption {
        basket: Some(EUROS(4_000)),
        id: RedemptionId::from_bytes([1; 16]),
        redeemed: NOW,
        voucher: text(&vouchers[1]),
    };
    shop.upload(&[offline], NOW);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let has = |part: &[u8]| files.windows(part.len()).any(|window| window == part);
    assert!(has(vouchers[0].nullifier().as_bytes()), "the search finds what is there");
    assert!(has(subject(1).verifying_key().key_id().as_bytes()));
    assert!(has(batch.request().digest().as_bytes()));
    for blinded in batch.request().to_wire().iter().chain(&issued.signatures) {
        assert!(!has(&blinded.0[..16]) && !has(&blinded.0[120..136]));
    }
    for voucher in &vouchers {
        let bytes = voucher.danger_expose();
        assert!(!has(&bytes[3..19]), "nonce");
        assert!(!has(&bytes[99..115]) && !has(&bytes[339..355]), "signature");
        assert!(!has(&text(voucher).0.as_bytes()[10..40]), "text");
    }
    assert!(!has(vouchers[2].nullifier().as_bytes()), "not redeemed, not known");
    assert!(!has(subject(1).verifying_key().as_bytes()));
}

#[test]
fn what_was_redeemed_or_held_stays_so_in_the_next_log_and_what_was_earned_stays_good() {
    let mut shop = Shop::new();
    let (mut hers, mut others) = (shop.vouchers(2), shop.vouchers(3));
    let (spent, good) = (hers.remove(0), hers.remove(0));
    let (aside, back) = (others.remove(0), others.remove(0));
    shop.redeem(&spent, NOW).unwrap();
    let hold = shop.hold(&aside, 600, NOW).unwrap();
    let redeemed = shop.redeem(&back, NOW).unwrap();
    shop.reverse(SpentId::Redemption(redeemed.redemption), NOW).unwrap();
    let before = shop.keys(Week::of(NOW));
    let Shop { world, permit, writes } = shop;
    let World { retailer, mut rng, recognition, greeting } = world;
    let copy = LostRetailer::open(retailer.store).unwrap();
    let known = copy.last_known(None, None, true).unwrap();
    let later = NOW.plus(60);
    let retailer = copy.begin_next_log(known, None, later, &mut rng).unwrap();
    let world = World { retailer, rng, recognition, greeting };
    let mut shop = Shop { world, permit, writes };
    assert_eq!(shop.keys(Week::of(NOW)).digest(), before.digest());
    assert_eq!(shop.redeem(&spent, later), refused(ProblemType::AlreadyRedeemed));
    assert_eq!(shop.redeem(&aside, later), refused(ProblemType::AlreadyRedeemed));
    shop.redeem_hold(&hold, later).unwrap();
    shop.redeem(&good, later).unwrap();
    shop.redeem(&back, later).unwrap();
    // Who got this week's batch gets no second one.
    let batch = PendingBatch::make(&before, &mut shop.world.rng).unwrap();
    let again = shop.issue(&subject(2), &batch, later);
    assert!(matches!(again, Err(IssueVouchersError::AlreadyIssued)));
}

#[test]
fn damaged_keys_of_a_week_keep_the_gateway_neither_from_starting_nor_from_taking_a_withdrawal() {
    let Shop { mut world, permit, writes } = Shop::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let this_week = Week::of(NOW).as_number();
    world.retailer.store.sabotage(&format!(
        "UPDATE documents SET jws = x'7b7d' WHERE kind = 'voucher_keys' AND hex(name) = '{this_week:08X}'"
    ));
    let World { retailer, mut rng, recognition: asked, greeting } = world;
    let retailer = Retailer::open(retailer.store, NOW, &mut rng).unwrap();
    let kinds: Vec<_> = retailer.undone().iter().map(|undone| undone.kind).collect();
    assert_eq!(kinds, [crate::Due::Vouchers], "it is said what is damaged");
    assert_eq!(retailer.fault(NOW).unwrap(), Some(crate::Fault::TidiedInPart));
    let world = World { retailer, rng, recognition: asked, greeting };
    let mut shop = Shop { world, permit, writes };
    // No voucher of that week, and those of the next one as ever.
    let weeks: Vec<_> = shop.world.retailer.live.voucher_keys().map(VoucherKeys::week).collect();
    assert_eq!(weeks, [Week::of(NOW).next()]);
    let subject = SigningKey::generate(&mut shop.world.rng);
    let body = RequestVouchers {
        blinded: Vec::new(),
        subject: subject.verifying_key(),
        week: Week::of(NOW),
    };
    let call = shop.call(&subject, &body, NOW);
    let refused = shop.world.retailer.issue_vouchers(&call, NOW, &mut shop.world.rng);
    assert_eq!(refused.map(drop).unwrap_err().problem(), ProblemType::NotFound);
    shop.world.withdraw(&mut shopper, &recognition, NOW.plus(1));
    shop.world.retailer.tidy(NOW.plus(60), &mut shop.world.rng).unwrap();
    assert_eq!(shop.world.retailer.undone().len(), 1);
}
