//! Vouchers, as pages show them: what she has, what showing one tells, and the code itself.

use besace_protocol::{
    encoding::to_base64url,
    money::Money,
    offer::Benefit,
    time::{DAY_SECONDS, Timestamp},
};

use super::{
    barcode,
    view::{CodeView, VoucherAskView, VoucherClassView, VoucherShelfView, VoucherShownView, plain},
    voice::Voice,
};
use crate::{
    engine::{BITS_A_YEAR, HeldClass, ShownVoucher, VoucherView},
    vault::Symbology,
};

/// What she has, by retailer.
pub fn shelves(voice: &Voice, views: &[VoucherView], now: Timestamp) -> Vec<VoucherShelfView> {
    let shelf = |view: &VoucherView| VoucherShelfView {
        retailer: plain(&view.retailer, 200),
        classes: view.classes.iter().map(|held| class(voice, view, held, now)).collect(),
        told: voice.say_with(
            "voucher-told",
            [("told", bits(voice, view.told_millibits).into()), ("budget", BITS_A_YEAR.into())],
        ),
    };
    views.iter().map(shelf).collect()
}

fn class(voice: &Voice, view: &VoucherView, held: &HeldClass, now: Timestamp) -> VoucherClassView {
    VoucherClassView {
        address: address(&view.domain, held),
        benefit: benefit(voice, &held.benefit),
        left: voice.count("voucher-left", held.left),
        minimum: minimum(voice, held.minimum),
        until: until(voice, held.until, now),
    }
}

/// The address of the page that asks whether to show one.
pub fn address(domain: &besace_protocol::party::ControllerId, held: &HeldClass) -> String {
    format!("/vouchers/{domain}/{}", held.class)
}

/// What a shop would learn, before anything is shown.
pub fn ask(voice: &Voice, view: &VoucherView, held: &HeldClass, linked: bool) -> VoucherAskView {
    let retailer = plain(&view.retailer, 200);
    let benefit = benefit(voice, &held.benefit);
    let learns = voice.say_with("shop-learns", [("benefit", benefit.as_str().into())]);
    let in_bits = if held.millibits == 0 {
        voice.say_with("voucher-no-bits", [("retailer", retailer.as_str().into())])
    } else {
        voice.say_with(
            "voucher-bits",
            [
                ("retailer", retailer.as_str().into()),
                ("bits", bits(voice, held.millibits.into()).into()),
                ("questions", held.millibits.div_ceil(1_000).into()),
            ],
        )
    };
    VoucherAskView {
        domain: view.domain.to_string(),
        class: held.class.to_string(),
        linked,
        links: linked.then(|| voice.say_with("voucher-links", [("retailer", retailer.into())])),
        learns,
        in_bits,
        told: voice.say_with(
            "voucher-told",
            [("told", bits(voice, view.told_millibits).into()), ("budget", BITS_A_YEAR.into())],
        ),
        over: (!held.affordable).then(|| voice.say("voucher-budget")),
        benefit,
    }
}

/// The voucher, for a till to read.
pub fn shown(voice: &Voice, shown: &ShownVoucher, now: Timestamp) -> VoucherShownView {
    let benefit = benefit(voice, &shown.benefit);
    VoucherShownView {
        nullifier: to_base64url(shown.nullifier.as_bytes()),
        label: voice.say_with("voucher-qr", [("benefit", benefit.as_str().into())]),
        code: barcode::draw(Symbology::QrCode, &shown.text, None)
            .map_or(CodeView::Undrawable, CodeView::Drawn),
        minimum: minimum(voice, shown.minimum),
        until: until(voice, shown.until, now),
        text: shown.text.clone(),
        benefit,
    }
}

fn benefit(voice: &Voice, benefit: &Benefit) -> String {
    // No benefit of a class speaks of the price.
    plain(&benefit.sentence(Money::euro_cents(0), None, voice.language()), 120)
}

fn minimum(voice: &Voice, minimum: Option<Money>) -> Option<String> {
    minimum.map(|least| voice.say_with("voucher-minimum", [("amount", voice.money(least).into())]))
}

fn until(voice: &Voice, until: Timestamp, now: Timestamp) -> String {
    // The end falls into the first hours of a day, or of an evening west of Greenwich: she is told the
    // last day that she can count on whole.
    voice.say_with("today-until", [("date", voice.date(until.minus(DAY_SECONDS), now).into())])
}

/// `1,6` in French, `1.6` in English: tenths of a bit, rounded up.
fn bits(voice: &Voice, millibits: u64) -> String {
    let tenths = millibits.div_ceil(100);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    if tenth == 0 {
        return whole.to_string();
    }
    let mark = match voice.language() {
        besace_protocol::lang::Language::Fr => ',',
        besace_protocol::lang::Language::En => '.',
    };
    format!("{whole}{mark}{tenth}")
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn bits_are_rounded_up_to_tenths() {
        let (fr, en) =
            (Voice::new(Language::Fr, TimeZone::UTC), Voice::new(Language::En, TimeZone::UTC));
        for (millibits, french, english) in
            [(0, "0", "0"), (1, "0,1", "0.1"), (1_585, "1,6", "1.6"), (2_000, "2", "2")]
        {
            assert_eq!(
                (bits(&fr, millibits), bits(&en, millibits)),
                (french.into(), english.into())
            );
        }
    }
}
