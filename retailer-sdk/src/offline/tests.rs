//! A till without a network, killed and started again.

use std::{fs, path::PathBuf};

use besace_protocol::{
    crypto::{IssuerSecretKey, SecretBytes, SigningKey},
    time::Week,
    voucher::{PendingBatch, Voucher, VoucherKeysDraft, WeekSecrets},
};
use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

/// Tuesday, 17 November 2026.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_916_800);

const CEILING: Ceiling = Ceiling { vouchers: 100, amount: Money::euro_cents(100_000) };

struct Desk {
    folder: tempfile::TempDir,
    keys: Vec<u8>,
    vouchers: Vec<String>,
    rng: StdRng,
}

impl Desk {
    fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(1);
        let domain = ControllerId::parse("shop.example").unwrap();
        let signing = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(2)));
        let secret = IssuerSecretKey::generate(&mut rng).unwrap();
        let class = VoucherClass {
            benefit: Benefit::AmountOff(Money::euro_cents(500)),
            class: BenefitClass::from_number(4).unwrap(),
            minimum: Some(Money::euro_cents(3_000)),
            spki: secret.public_key().clone(),
        };
        let draft = VoucherKeysDraft { batch: 8, classes: vec![class], week: Week::of(NOW) };
        let keys = VoucherKeys::sign(draft, &domain, &signing, NOW).unwrap();
        let batch = PendingBatch::make(&keys, &mut rng).unwrap();
        let secrets = WeekSecrets::new(&keys, vec![secret]).unwrap();
        let response = secrets.issue(&batch.request(), &mut rng).unwrap();
        let vouchers = batch.finish(&keys, &response).unwrap();
        let file =
            TillKeys::write(&domain, signing.verifying_key(), vec![keys.as_bytes().to_vec()]);
        let text = |voucher: Voucher| voucher.present().to_text();
        Self {
            folder: tempfile::tempdir().unwrap(),
            keys: file.unwrap(),
            vouchers: vouchers.into_iter().map(text).collect(),
            rng,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("spent")
    }

    fn open(&self, ceiling: Ceiling) -> Result<OfflineTill, SpentFileError> {
        OfflineTill::open(&self.path(), TillKeys::parse(&self.keys).unwrap(), ceiling)
    }
}

#[test]
fn a_voucher_counts_once_also_after_a_new_start() {
    let mut desk = Desk::new();
    let mut till = desk.open(CEILING).unwrap();
    let basket = Some(Money::euro_cents(4_000));
    let taken = till.redeem(&desk.vouchers[0], basket, NOW, &mut desk.rng).unwrap();
    assert_eq!(taken.class.as_number(), 4);
    assert_eq!(taken.discount, Some(Money::euro_cents(500)));
    let again = till.redeem(&desk.vouchers[0], None, NOW, &mut desk.rng);
    assert!(matches!(again, Err(TakeError::AlreadyRedeemed)));
    assert!(matches!(desk.open(CEILING), Err(SpentFileError::Busy)));
    drop(till);
    let mut till = desk.open(CEILING).unwrap();
    let again = till.redeem(&desk.vouchers[0], None, NOW, &mut desk.rng);
    assert!(matches!(again, Err(TakeError::AlreadyRedeemed)));
    assert_eq!(till.redeem(&desk.vouchers[1], None, NOW, &mut desk.rng).unwrap().discount, None);
    let pending = OfflineTill::pending(&desk.path()).unwrap();
    assert_eq!(pending.redemptions.len(), 2);
    assert_eq!(pending.redemptions[0].id, taken.id);
}

#[test]
fn what_does_not_hold_is_refused_and_leaves_nothing() {
    let mut desk = Desk::new();
    let mut till = desk.open(CEILING).unwrap();
    let voucher = desk.vouchers[0].clone();
    let mut refused = |text: &str, basket, now| {
        let taken = till.redeem(text, basket, now, &mut desk.rng);
        taken.unwrap_err()
    };
    assert!(matches!(refused("4006381333931", None, NOW), TakeError::Parse(_)));
    let late = Week::of(NOW).end().plus(VoucherKeys::GRACE_SECONDS);
    let expired = refused(&voucher, None, late);
    assert!(matches!(expired, TakeError::Verify(VerifyVoucherError::Expired)));
    let small = refused(&voucher, Some(Money::euro_cents(1)), NOW);
    assert!(matches!(small, TakeError::Basket(BasketError::Minimum { .. })));
    assert_eq!(fs::read(desk.path()).unwrap(), b"");
}

#[test]
fn a_till_stops_at_its_ceiling_until_somebody_uploads() {
    let mut desk = Desk::new();
    for ceiling in [
        Ceiling { vouchers: 2, ..CEILING },
        Ceiling { amount: Money::euro_cents(1_499), ..CEILING },
    ] {
        drop(fs::remove_file(desk.path()));
        drop(fs::remove_file(desk.folder.path().join("spent.uploaded")));
        let mut till = desk.open(ceiling).unwrap();
        for voucher in &desk.vouchers[..2] {
            till.redeem(voucher, None, NOW, &mut desk.rng).unwrap();
        }
        let third = till.redeem(&desk.vouchers[2], None, NOW, &mut desk.rng);
        assert!(matches!(third, Err(TakeError::Ceiling)));
        let upload = OfflineTill::pending(&desk.path()).unwrap();
        OfflineTill::mark_uploaded(&desk.path(), &upload).unwrap();
        let again = OfflineTill::mark_uploaded(&desk.path(), &upload);
        assert!(matches!(again, Err(SpentFileError::Order)));
        assert!(OfflineTill::pending(&desk.path()).unwrap().redemptions.is_empty());
        assert!(till.redeem(&desk.vouchers[2], None, NOW, &mut desk.rng).is_ok());
        assert_eq!(OfflineTill::pending(&desk.path()).unwrap().redemptions.len(), 1);
    }
}

#[test]
fn half_a_line_is_cut_off_and_a_strange_one_stops_the_till() {
    let mut desk = Desk::new();
    let mut till = desk.open(CEILING).unwrap();
    till.redeem(&desk.vouchers[0], None, NOW, &mut desk.rng).unwrap();
    drop(till);
    let one = fs::read(desk.path()).unwrap();
    till = desk.open(CEILING).unwrap();
    till.redeem(&desk.vouchers[1], None, NOW, &mut desk.rng).unwrap();
    drop(till);
    let two = fs::read(desk.path()).unwrap();
    for cut in [one.len(), one.len() + 1, two.len() - 1] {
        fs::write(desk.path(), &two[..cut]).unwrap();
        drop(desk.open(CEILING).unwrap());
        assert_eq!(fs::read(desk.path()).unwrap(), one);
    }
    fs::write(desk.path(), [b"{}\n", &one[..]].concat()).unwrap();
    assert!(matches!(desk.open(CEILING), Err(SpentFileError::Line { line: 1 })));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(desk.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_of_keys_is_checked_week_by_week() {
    let desk = Desk::new();
    let text = String::from_utf8(desk.keys.clone()).unwrap();
    assert!(TillKeys::parse(&desk.keys).is_ok());
    assert!(TillKeys::parse(format!("{text}\n").as_bytes()).is_ok());
    let elsewhere = text.replace("shop.example", "other.example");
    let wrong = TillKeys::parse(elsewhere.as_bytes()).unwrap_err();
    assert_eq!(wrong, ParseTillKeysError::Keys { index: 0 });
    for bad in [text.replace("\"v\":1", "\"v\":2"), text.replace('{', "{ "), String::new()] {
        assert_eq!(TillKeys::parse(bad.as_bytes()).unwrap_err(), ParseTillKeysError::Form);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_keys_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(TillKeys::parse(&bytes).is_err());
    }
}
