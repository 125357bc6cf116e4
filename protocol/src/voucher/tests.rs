//! The stages one after another, and what each refuses.

use std::{sync::LazyLock, vec, vec::Vec};

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    crypto::{BLIND_RSA_LEN, Blinded, IssuerPublicKey, IssuerSecretKey, SecretBytes, SigningKey},
    document::{DocumentRule, SignDocumentError},
    encoding::Bytes,
    money::{Currency, Money},
    offer::{Benefit, Localized, Title},
    party::ControllerId,
    time::{Timestamp, Week},
};

/// Tuesday, 17 November 2026.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_916_800);

/// Making a key takes a second where nothing is optimised: they are made once.
static SECRETS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut rng = StdRng::seed_from_u64(9474);
    let made = (0..3).map(|_| IssuerSecretKey::generate(&mut rng).unwrap());
    made.map(|key| key.danger_to_der().unwrap().to_vec()).collect()
});

fn secret(number: usize) -> IssuerSecretKey {
    IssuerSecretKey::from_der(&SECRETS[number]).unwrap()
}

fn class(number: u8, benefit: Benefit) -> VoucherClass {
    VoucherClass {
        benefit,
        class: BenefitClass::from_number(number).unwrap(),
        minimum: None,
        spki: secret(number.into()).public_key().clone(),
    }
}

fn five_euros() -> Benefit {
    Benefit::AmountOff(Money::euro_cents(500))
}

fn draft(week: Week) -> VoucherKeysDraft {
    let classes = vec![class(0, five_euros()), class(1, Benefit::PercentOff(20))];
    VoucherKeysDraft { batch: 2, classes, week }
}

fn sign(draft: VoucherKeysDraft, domain: &str) -> Result<VoucherKeys, SignDocumentError> {
    let key = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(2)));
    VoucherKeys::sign(draft, &ControllerId::parse(domain).unwrap(), &key, NOW)
}

fn keys() -> VoucherKeys {
    sign(draft(Week::of(NOW)), "shop.example").unwrap()
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(9578)
}

fn issue(keys: &VoucherKeys, request: &VoucherRequest) -> VoucherResponse {
    let secrets = WeekSecrets::new(keys, vec![secret(0), secret(1)]).unwrap();
    secrets.issue(request, &mut rng()).unwrap()
}

fn vouchers(keys: &VoucherKeys) -> Vec<Voucher> {
    let batch = PendingBatch::make(keys, &mut rng()).unwrap();
    batch.finish(keys, &issue(keys, &batch.request())).unwrap()
}

fn verify(
    bytes: &[u8],
    keys: &VoucherKeys,
    now: Timestamp,
) -> Result<VerifiedPresentation, VerifyVoucherError> {
    UnverifiedPresentation::parse(bytes).unwrap().verify([keys], now)
}

#[test]
fn a_batch_becomes_vouchers_that_a_till_accepts_with_public_keys_alone() {
    let keys = keys();
    let batch = PendingBatch::make(&keys, &mut rng()).unwrap();
    let stored = PendingBatch::parse(&batch.danger_to_bytes()).unwrap();
    assert_eq!(stored.request(), batch.request());
    let body = batch.request().to_wire();
    let request = VoucherRequest::parse(keys.week(), &body, &keys).unwrap();
    let answer = VoucherResponse::parse(&issue(&keys, &request).to_wire()).unwrap();
    assert_eq!(issue(&keys, &request), answer, "the same batch gets the same answer");
    let vouchers = stored.finish(&keys, &answer).unwrap();
    let classes: Vec<u8> = vouchers.iter().map(|voucher| voucher.class().as_number()).collect();
    assert_eq!(classes, [0, 0, 1, 1]);
    let mut seen = Vec::new();
    for voucher in vouchers {
        let read = Voucher::read(voucher.danger_expose(), &keys).unwrap();
        assert_eq!((read.class(), read.week()), (voucher.class(), voucher.week()));
        let (class, nullifier) = (voucher.class(), voucher.nullifier());
        let shown = voucher.present();
        assert_eq!(shown.to_text().len(), 533, "a QR code 12-L holds 535 characters");
        let till = UnverifiedPresentation::parse_text(&shown.to_text()).unwrap();
        let verified = till.verify([&keys], NOW).unwrap();
        assert_eq!((verified.class(), verified.week()), (class, keys.week()));
        assert_eq!(verified.nullifier(), nullifier);
        assert!(!seen.contains(&nullifier));
        seen.push(nullifier);
    }
}

#[test]
fn what_the_issuer_signs_says_nothing_of_what_is_shown() {
    let keys = keys();
    let batch = PendingBatch::make(&keys, &mut rng()).unwrap();
    let answer = issue(&keys, &batch.request());
    let shown: Vec<u8> = batch
        .finish(&keys, &answer)
        .unwrap()
        .iter()
        .flat_map(|voucher| *voucher.danger_expose())
        .collect();
    let seen = batch.request().to_wire().into_iter().chain(answer.to_wire());
    for bytes in seen {
        for part in bytes.as_ref().chunks_exact(8) {
            assert!(!shown.windows(8).any(|window| window == part));
        }
    }
}

#[test]
fn a_voucher_counts_from_monday_until_the_tuesday_after() {
    let keys = keys();
    let voucher = vouchers(&keys).remove(0).present();
    let at = |now| verify(voucher.as_bytes(), &keys, now).map(|_| ());
    let (monday, tuesday) = (keys.week().start(), keys.week().end().plus(24 * 3600));
    assert_eq!(at(monday), Ok(()));
    assert_eq!(at(monday.minus(1)), Err(VerifyVoucherError::NotYet));
    assert_eq!(at(tuesday.minus(1)), Ok(()));
    assert_eq!(at(tuesday), Err(VerifyVoucherError::Expired));
}

#[test]
fn every_changed_bit_spoils_a_voucher() {
    let keys = keys();
    let voucher = vouchers(&keys).remove(0);
    for at in 0..Voucher::LEN {
        let mut bytes = *voucher.danger_expose();
        bytes[at] ^= 1;
        let read = UnverifiedPresentation::parse(&bytes).map(|shown| shown.verify([&keys], NOW));
        assert!(!matches!(read, Ok(Ok(_))), "{at}");
    }
    for short in [0, 1, 354] {
        let bytes = &voucher.danger_expose()[..short];
        assert_eq!(UnverifiedPresentation::parse(bytes).err(), Some(ParseVoucherError::Length));
    }
}

#[test]
fn another_retailer_week_or_class_refuses_a_voucher() {
    let keys = keys();
    let voucher = vouchers(&keys).remove(0);
    let bytes = voucher.danger_expose();
    // The same keys, as no honest retailer uses them.
    let elsewhere = sign(draft(Week::of(NOW)), "other.example").unwrap();
    assert_eq!(verify(bytes, &elsewhere, NOW), Err(VerifyVoucherError::Challenge));
    let later = sign(draft(Week::of(NOW).next()), "shop.example").unwrap();
    assert_eq!(verify(bytes, &later, later.opens()), Err(VerifyVoucherError::Challenge));
    assert!(keys.shares_a_key_with(&later));
    let mut swapped = draft(Week::of(NOW));
    let [a, b] = &mut swapped.classes[..] else { panic!("two classes") };
    core::mem::swap(&mut a.spki, &mut b.spki);
    let swapped = sign(swapped, "shop.example").unwrap();
    assert_eq!(verify(bytes, &swapped, NOW), Err(VerifyVoucherError::Challenge));
    let mut other = draft(Week::of(NOW));
    other.classes = vec![class(2, five_euros())];
    let other = sign(other, "shop.example").unwrap();
    assert_eq!(verify(bytes, &other, NOW), Err(VerifyVoucherError::Key));
    assert!(!keys.shares_a_key_with(&other));
}

#[test]
fn one_bad_signature_spoils_the_whole_batch() {
    let keys = keys();
    let batch = PendingBatch::make(&keys, &mut rng()).unwrap();
    let good = issue(&keys, &batch.request()).to_wire();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at].0[255] ^= 1;
        let bad = VoucherResponse::parse(&bad).unwrap();
        assert_eq!(batch.finish(&keys, &bad).err(), Some(FinishBatchError::Signature));
    }
    let short = VoucherResponse::parse(&good[1..]).unwrap();
    assert_eq!(batch.finish(&keys, &short).err(), Some(FinishBatchError::Count));
    let mut swapped = good;
    swapped.swap(0, 2);
    let swapped = VoucherResponse::parse(&swapped).unwrap();
    assert_eq!(batch.finish(&keys, &swapped).err(), Some(FinishBatchError::Signature));
    let later = sign(draft(Week::of(NOW).next()), "shop.example").unwrap();
    assert_eq!(batch.finish(&later, &swapped).err(), Some(FinishBatchError::Keys));
}

#[test]
fn a_request_has_exactly_one_batch_of_the_week() {
    let keys = keys();
    let body = PendingBatch::make(&keys, &mut rng()).unwrap().request().to_wire();
    let week = keys.week();
    let parse = |week, body: &[Bytes]| VoucherRequest::parse(week, body, &keys).err();
    assert_eq!(parse(week.next(), &body), Some(ParseVoucherRequestError::Week));
    assert_eq!(parse(week, &body[1..]), Some(ParseVoucherRequestError::Count));
    assert_eq!(
        parse(week, &[&body[..], &body[..1]].concat()),
        Some(ParseVoucherRequestError::Count)
    );
    let mut short = body;
    short[0].0.pop();
    assert_eq!(parse(week, &short), Some(ParseVoucherRequestError::Length));
    // A number beyond the modulus is no message.
    let beyond = Blinded::from_bytes([0xff; BLIND_RSA_LEN]);
    assert!(secret(0).blind_sign(&beyond, &mut rng()).is_err());
}

#[test]
fn private_keys_must_be_those_of_the_week() {
    let keys = keys();
    assert!(WeekSecrets::new(&keys, vec![secret(0), secret(1)]).is_ok());
    assert!(WeekSecrets::new(&keys, vec![secret(1), secret(0)]).is_err());
    assert!(WeekSecrets::new(&keys, vec![secret(0)]).is_err());
}

#[test]
fn keys_of_a_week_keep_their_rules() {
    let rule = |change: &dyn Fn(&mut VoucherKeysDraft)| {
        let mut draft = draft(Week::of(NOW));
        change(&mut draft);
        match sign(draft, "shop.example") {
            Ok(_) => None,
            Err(SignDocumentError::Rule(rule)) => Some(rule),
            Err(error) => panic!("{error}"),
        }
    };
    let dollars = Money { currency: Currency::parse("USD").unwrap(), minor: 1 };
    assert_eq!(rule(&|_| ()), None);
    assert_eq!(rule(&|d| d.batch = 0), Some(DocumentRule::Bounds));
    assert_eq!(rule(&|d| d.batch = 9), Some(DocumentRule::Bounds));
    assert_eq!(rule(&|d| d.classes.clear()), Some(DocumentRule::List));
    assert_eq!(rule(&|d| d.classes.reverse()), Some(DocumentRule::List));
    assert_eq!(rule(&|d| d.classes[1].spki = d.classes[0].spki.clone()), Some(DocumentRule::List));
    assert_eq!(rule(&|d| d.classes[0].benefit = Benefit::Price), Some(DocumentRule::Terms));
    assert_eq!(rule(&|d| d.classes[0].benefit = Benefit::Points(5)), Some(DocumentRule::Terms));
    assert_eq!(
        rule(&|d| d.classes[1].benefit = Benefit::PercentOff(91)),
        Some(DocumentRule::Bounds)
    );
    assert_eq!(rule(&|d| d.classes[0].minimum = Some(dollars)), Some(DocumentRule::Terms));
    assert_eq!(
        rule(&|d| d.classes[0].minimum = Some(Money::euro_cents(0))),
        Some(DocumentRule::Bounds)
    );
    assert_eq!(
        rule(&|d| d.week = Week::of(NOW).previous().unwrap()),
        Some(DocumentRule::Order),
        "made after its week"
    );
}

#[test]
fn a_discount_is_rounded_down_and_never_exceeds_the_basket() {
    let euros = Money::euro_cents;
    let off = |benefit, basket| class(0, benefit).discount(euros(basket)).unwrap().minor;
    assert_eq!(off(five_euros(), 4_000), 500);
    assert_eq!(off(five_euros(), 300), 300);
    assert_eq!(off(Benefit::PercentOff(20), 999), 199);
    assert_eq!(off(Benefit::PercentOff(90), u64::MAX), 16_602_069_666_338_596_453);
    let gift =
        Localized { en: Title::parse("laces").unwrap(), fr: Title::parse("lacets").unwrap() };
    assert_eq!(off(Benefit::Gift(gift), 999), 0);
    let mut least = class(0, five_euros());
    least.minimum = Some(euros(3_000));
    assert_eq!(least.discount(euros(3_000)), Ok(euros(500)));
    assert_eq!(least.discount(euros(1_760)), Err(BasketError::Minimum { missing: euros(1_240) }));
    let dollars = Money { currency: Currency::parse("USD").unwrap(), minor: 5_000 };
    assert_eq!(least.discount(dollars), Err(BasketError::Currency));
}

#[test]
fn what_a_shop_learns_is_counted_in_thousandths_of_a_bit() {
    let bits = |redeemable, of_class| Reach { of_class, redeemable }.millibits();
    assert_eq!(bits(100, 100), Some(0));
    assert_eq!(bits(2, 1), Some(1_000));
    assert_eq!(bits(3, 1), Some(1_585));
    assert_eq!(bits(1_000, 100), Some(3_322));
    assert_eq!(bits(20_000, 1), Some(14_288));
    assert_eq!(bits(u32::MAX, 1), Some(32_000));
    assert_eq!(bits(5, 0), None);
}

#[test]
fn debug_shows_no_secret() {
    let keys = keys();
    let batch = PendingBatch::make(&keys, &mut rng()).unwrap();
    let voucher = batch.finish(&keys, &issue(&keys, &batch.request())).unwrap().remove(0);
    let text =
        std::format!("{:?} {:?} {:?} {:?}", secret(0), batch, voucher, voucher.clone().present());
    assert!(text.contains("[REDACTED]"));
    // No list of bytes is printed anywhere.
    assert!(!text.contains(", 1") && text.len() < 2_000, "{text}");
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..800)) {
        let _ = UnverifiedPresentation::parse(&bytes).is_ok();
        let _ = PendingBatch::parse(&bytes).is_ok();
        prop_assert!(IssuerPublicKey::parse(&bytes).is_err());
        prop_assert!(IssuerSecretKey::from_der(&bytes).is_err());
        prop_assert!(UnverifiedVoucherKeys::parse(&bytes).is_err());
    }

    #[test]
    fn two_baskets_never_get_more_off_than_one(a in 0_u64..1 << 40, b in 0_u64..1 << 40, percent in 1_u8..=90) {
        let class = class(0, Benefit::PercentOff(percent));
        let off = |basket| class.discount(Money::euro_cents(basket)).unwrap().minor;
        prop_assert!(off(a) + off(b) <= off(a + b));
        prop_assert!(off(a) <= a);
    }

    #[test]
    fn bits_are_those_of_the_logarithm(of_class in 1_u32..50_000, more in 0_u32..50_000) {
        let exact = (f64::from(of_class + more) / f64::from(of_class)).log2() * 1000.0;
        let bits = Reach { of_class, redeemable: of_class + more }.millibits().unwrap();
        prop_assert!((f64::from(bits) - exact).abs() <= 1.0, "{} {}", bits, exact);
    }
}
