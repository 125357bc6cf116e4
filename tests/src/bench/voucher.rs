//! `bench voucher`: a voucher from the agent to the till, and what a till spends on one.

use std::hint::black_box;

use anyhow::{Context as _, Result, ensure};
use besace_protocol::{
    crypto::{IssuerSecretKey, SigningKey},
    money::Money,
    offer::Benefit,
    party::ControllerId,
    time::{Timestamp, Week},
    voucher::{
        BenefitClass, PendingBatch, UnverifiedPresentation, VoucherClass, VoucherKeys,
        VoucherKeysDraft, WeekSecrets,
    },
};
use rand::{SeedableRng as _, rngs::StdRng};
use rxing::{BarcodeFormat, EncodeHints, MultiFormatWriter, Writer as _};

use super::{
    Run,
    figures::Figures,
    yardstick::{cpu_of, ed25519_verify_nanoseconds, number},
};

/// A Wednesday.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

/// Benefits of the week, in euro cents.
const BENEFITS: [u64; 4] = [200, 500, 1_000, 2_000];

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let mut figures = Figures::default();
    let mut rng = StdRng::seed_from_u64(9);
    let runs = if run.quick { 1 } else { 7 };
    let (keys, secrets) = week(&mut rng, &mut figures)?;
    let vouchers = number(keys.vouchers());
    figures.count("classes_count", keys.classes().len());
    figures.count("batch_count", keys.vouchers());

    let pending = PendingBatch::make(&keys, &mut rng)?;
    let blind = cpu_of(runs, || PendingBatch::make(&keys, &mut rng).is_ok());
    figures.sample("blind_microseconds", blind.times(1e6 / vouchers));
    let request = pending.request();
    let response = secrets.issue(&request, &mut rng)?;
    let sign = cpu_of(runs, || secrets.issue(&request, &mut rng).is_ok());
    figures.sample("sign_microseconds", sign.times(1e6 / vouchers));
    let finalize = cpu_of(runs, || pending.finish(&keys, &response).is_ok());
    figures.sample("finalize_microseconds", finalize.times(1e6 / vouchers));

    let voucher = pending.finish(&keys, &response)?.into_iter().next().context("a voucher")?;
    let presentation = voucher.present();
    let bytes = *presentation.as_bytes();
    let checks = |bytes: &[u8]| {
        UnverifiedPresentation::parse(bytes).is_ok_and(|given| given.verify([&keys], NOW).is_ok())
    };
    ensure!(checks(&bytes), "the till takes it");
    let times = if run.quick { 20 } else { 500 };
    // Turn by turn, so that a busy moment strikes both.
    let (verify, yardstick) = (
        cpu_of(runs, || (0..times).filter(|_| checks(black_box(&bytes))).count()),
        ed25519_verify_nanoseconds(),
    );
    let verify = verify.times(1e9 / number(times));
    figures.sample("verify_microseconds", verify.times(1e-3));
    figures.sample("ed25519_verify_microseconds", yardstick.times(1e-3));
    figures.set("ratio_to_ed25519_verify", verify.minimum / yardstick.minimum);

    let text = presentation.to_text();
    figures.count("presentation_bytes", bytes.len());
    figures.count("presentation_text_bytes", text.len());
    figures.count("qr_version", qr_version(&text)?);
    figures.count("keys_document_bytes", keys.as_bytes().len());
    Ok(figures)
}

/// Keys of a week, public and private.
fn week(rng: &mut StdRng, figures: &mut Figures) -> Result<(VoucherKeys, WeekSecrets)> {
    let controller = ControllerId::parse("shop.example")?;
    let signing = SigningKey::generate(rng);
    let generate = cpu_of(1, || IssuerSecretKey::generate(rng).is_ok());
    figures.set("generate_key_milliseconds", generate.median * 1e3);
    let secrets = BENEFITS.map(|_| IssuerSecretKey::generate(rng));
    let secrets = secrets.into_iter().collect::<Result<Vec<_>, _>>()?;
    let classes = secrets.iter().zip(BENEFITS).zip(0..).map(|((secret, cents), class)| {
        let class = BenefitClass::from_number(class).context("a class")?;
        let benefit = Benefit::AmountOff(Money::euro_cents(cents));
        Ok(VoucherClass { benefit, class, minimum: None, spki: secret.public_key().clone() })
    });
    let draft = VoucherKeysDraft {
        batch: 2,
        classes: classes.collect::<Result<_>>()?,
        week: Week::of(NOW),
    };
    let keys = VoucherKeys::sign(draft, &controller, &signing, NOW)?;
    let secrets = WeekSecrets::new(&keys, secrets)?;
    Ok((keys, secrets))
}

/// The version of the QR code with the least correction that holds a text: its side is 17 + 4 versions.
fn qr_version(text: &str) -> Result<u32> {
    let hints = EncodeHints {
        Margin: Some("0".to_owned()),
        ErrorCorrection: Some("L".to_owned()),
        ..EncodeHints::default()
    };
    let code = MultiFormatWriter.encode_with_hints(text, &BarcodeFormat::QR_CODE, 0, 0, &hints)?;
    Ok((code.getWidth() - 17) / 4)
}
