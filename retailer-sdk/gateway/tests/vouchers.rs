//! Vouchers over real HTTP, against the real program over a real file: also when it is killed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails"
)]

#[path = "vouchers/bridge.rs"]
mod bridge;
#[path = "vouchers/shop.rs"]
mod shop;

use std::{
    sync::{Arc, Barrier},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use besace_protocol::{
    crypto::{SecretBytes, SigningKey},
    id::RedemptionId,
    money::Money,
    problem::ProblemType,
    time::{Timestamp, Week},
    voucher::PendingBatch,
    wire::{
        HOLDS_PATH, Held, OFFLINE_REDEMPTIONS_PATH, OfflineRedemption, Outcome, REDEMPTIONS_PATH,
        Redeemed, Reversed, UploadRedemptions, Uploaded, VOUCHERS_PATH, VoucherText,
        VouchersIssued,
    },
};
use rand::{SeedableRng as _, rngs::StdRng};
use shop::{Answer, Shop};

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_seconds(now.as_secs())
}

fn subject(seed: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|to| to.fill(seed)))
}

/// Whether a redemption of a basket of 40 euros was answered, and with what.
fn at_once(text: &str) -> String {
    format!(r#"{{"basket":{{"currency":"EUR","minor":4000}},"voucher":"{text}"}}"#)
}

fn redeemed(answer: &Answer) -> Redeemed {
    let redeemed: Redeemed = answer.json();
    assert_eq!(redeemed.discount, Money::euro_cents(500));
    redeemed
}

#[test]
fn a_voucher_is_issued_redeemed_and_refused_the_second_time() {
    let shop = Shop::open();
    let keys = shop.keys(Week::of(now()));
    let batch = PendingBatch::make(&keys, &mut StdRng::seed_from_u64(1)).unwrap();
    let first: VouchersIssued = shop.ask_for(&subject(1), &batch).json();
    let again: VouchersIssued = shop.ask_for(&subject(1), &batch).json();
    assert_eq!(again, first, "another call, the same answer");
    let other = PendingBatch::make(&keys, &mut StdRng::seed_from_u64(2)).unwrap();
    assert_eq!(shop.ask_for(&subject(1), &other).problem(), ProblemType::AlreadyIssued);
    let vouchers = Shop::finish(&keys, &batch, &first);

    let text = vouchers[0].clone().present().to_text();
    let small = r#"{"basket":{"currency":"EUR","minor":1760},"voucher":"VOUCHER"}"#;
    let small = shop.write(REDEMPTIONS_PATH, "a", &small.replace("VOUCHER", &text));
    assert_eq!(small.problem(), ProblemType::BasketRulesNotMet);
    assert_eq!(small.body["missing"]["basket"]["minor"], 1240);
    let done = shop.write(REDEMPTIONS_PATH, "b", &at_once(&text));
    let first = redeemed(&done);
    assert!(!done.head.contains("idempotent-replayed"));
    let replayed = shop.write(REDEMPTIONS_PATH, "b", &at_once(&text));
    assert_eq!(redeemed(&replayed), first);
    assert!(replayed.head.contains("idempotent-replayed: true"), "{}", replayed.head);
    let second = shop.write(REDEMPTIONS_PATH, "c", &at_once(&text));
    assert_eq!(second.problem(), ProblemType::AlreadyRedeemed);
    let refused_again = shop.write(REDEMPTIONS_PATH, "c", &at_once(&text));
    assert_eq!(refused_again.problem(), ProblemType::AlreadyRedeemed);
    assert!(refused_again.head.contains("idempotent-replayed: true"));
    let mismatch = shop.write(REDEMPTIONS_PATH, "b", &at_once(&format!("{text} ")));
    assert_eq!(mismatch.problem(), ProblemType::IdempotencyMismatch);
    let elsewhere = shop.write(HOLDS_PATH, "b", &at_once(&text));
    assert_eq!(elsewhere.problem(), ProblemType::IdempotencyMismatch);

    let reverse = format!("{REDEMPTIONS_PATH}/{}/reverse", first.redemption);
    let _taken_back: Reversed = shop.write(&reverse, "d", "{}").json();
    redeemed(&shop.write(REDEMPTIONS_PATH, "e", &at_once(&text)));
}

#[test]
fn a_hold_is_redeemed_and_an_upload_says_what_became_of_each() {
    let shop = Shop::open();
    let vouchers = shop.vouchers(1);
    let text = |number: usize| vouchers[number].clone().present().to_text();
    let laid: Held = shop.write(HOLDS_PATH, "a", &at_once(&text(0))).json();
    assert_eq!(laid.discount, Money::euro_cents(500));
    let taken = shop.write(REDEMPTIONS_PATH, "b", &at_once(&text(0)));
    assert_eq!(taken.problem(), ProblemType::AlreadyRedeemed);
    let hold = format!(r#"{{"hold":"{}"}}"#, laid.hold);
    let first = redeemed(&shop.write(REDEMPTIONS_PATH, "c", &hold));
    assert_eq!(redeemed(&shop.write(REDEMPTIONS_PATH, "d", &hold)), first);
    let one = |number: u8, text: String| OfflineRedemption {
        basket: Some(Money::euro_cents(4_000)),
        id: RedemptionId::from_bytes([number; 16]),
        redeemed: now(),
        voucher: VoucherText(text),
    };
    let redemptions = vec![one(1, text(1)), one(2, text(0)), one(3, "X".to_owned())];
    let upload = serde_json::to_string(&UploadRedemptions { redemptions }).unwrap();
    for key in ["e", "f"] {
        let uploaded: Uploaded = shop.write(OFFLINE_REDEMPTIONS_PATH, key, &upload).json();
        assert_eq!(
            uploaded.outcomes,
            [Outcome::Redeemed, Outcome::AlreadyRedeemed, Outcome::VoucherInvalid]
        );
    }
}

#[test]
fn what_is_not_of_the_form_is_refused() {
    let shop = Shop::open();
    let text = shop.vouchers(1)[0].clone().present().to_text();
    let redeem = |key, body: &str| shop.write(REDEMPTIONS_PATH, key, body).problem();
    assert_eq!(redeem("a", r#"{"email":"x"}"#), ProblemType::UnknownField);
    for bad in ["{}", "[]", "", r#"{"hold":"redemption_00"}"#, r#"{"voucher":"X"}"#] {
        assert_eq!(redeem("a", bad), ProblemType::Malformed, "{bad}");
    }
    for seconds in ["0", "901", "-1"] {
        let hold =
            at_once(&text).replace("\"voucher\"", &format!("\"seconds\":{seconds},\"voucher\""));
        assert_eq!(shop.write(HOLDS_PATH, "a", &hold).problem(), ProblemType::Malformed);
    }
    let invalid = at_once("NO VOUCHER");
    assert_eq!(redeem("b", &invalid), ProblemType::VoucherInvalid);
    for key in ["", "a b", &"x".repeat(65)] {
        assert_eq!(redeem(key, &at_once(&text)), ProblemType::Malformed, "{key:?}");
    }
    for id in [
        "x",
        "redemption_00112233445566778899aabbccddeeff",
        "hold_00112233445566778899aabbccddeeff",
    ] {
        let reverse = shop.write(&format!("{REDEMPTIONS_PATH}/{id}/reverse"), id, "{}");
        assert_eq!(reverse.problem(), ProblemType::NotFound);
    }
    let door = shop.request(&shop.receiver, "POST", REDEMPTIONS_PATH, "z", &at_once(&text));
    assert_eq!(door.unwrap().problem(), ProblemType::Forbidden);
    let nobody = shop.request("", "POST", REDEMPTIONS_PATH, "z", &at_once(&text));
    assert_eq!(nobody.unwrap().problem(), ProblemType::Unauthorized);
    for week in ["0", "4294967296", "x", "-1", "02968"] {
        let keys = shop.get(&format!("{VOUCHERS_PATH}/{week}"));
        assert_eq!(keys.problem(), ProblemType::NotFound, "{week}");
    }
    redeemed(&shop.write(REDEMPTIONS_PATH, "good", &at_once(&text)));
}

#[test]
fn a_thousand_tills_show_one_voucher_and_one_of_them_gets_it() {
    const TILLS: usize = 1_000;
    let shop = Arc::new(Shop::open());
    let text = shop.vouchers(1)[0].clone().present().to_text();
    let body: Arc<str> = at_once(&text).into();
    let together = Arc::new(Barrier::new(TILLS));
    let tills: Vec<_> = (0..TILLS)
        .map(|till| {
            let (shop, body, together) =
                (Arc::clone(&shop), Arc::clone(&body), Arc::clone(&together));
            let thread = std::thread::Builder::new().stack_size(256 << 10);
            let work = move || {
                together.wait();
                // A connection may be refused while a thousand come at once: a till tries again, with its key.
                let answer = shop.insist(REDEMPTIONS_PATH, &format!("till-{till}"), &body);
                if answer.status == 200 { None } else { Some(answer.problem()) }
            };
            thread.spawn(work).unwrap()
        })
        .collect();
    let answers: Vec<_> = tills.into_iter().map(|till| till.join().unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1);
    let refused = |answer: &&Option<ProblemType>| **answer == Some(ProblemType::AlreadyRedeemed);
    assert_eq!(answers.iter().filter(refused).count(), TILLS - 1);
}

#[test]
fn a_gateway_killed_between_hold_and_redemption_leaves_the_one_or_the_other() {
    let mut shop = Shop::open();
    let vouchers = shop.vouchers(1);
    let text = |number: usize| vouchers[number].clone().present().to_text();
    // Killed after the answer: the hold stands, and is redeemed once.
    let laid: Held = shop.write(HOLDS_PATH, "a", &at_once(&text(0))).json();
    shop.kill_and_start_again();
    let other_till = shop.write(REDEMPTIONS_PATH, "b", &at_once(&text(0)));
    assert_eq!(other_till.problem(), ProblemType::AlreadyRedeemed, "it is still held");
    let hold = format!(r#"{{"hold":"{}"}}"#, laid.hold);
    let first = redeemed(&shop.write(REDEMPTIONS_PATH, "c", &hold));
    shop.kill_and_start_again();
    let again = shop.write(REDEMPTIONS_PATH, "c", &hold);
    assert_eq!(redeemed(&again), first);
    assert!(again.head.contains("idempotent-replayed: true"), "{}", again.head);
    assert_eq!(redeemed(&shop.write(REDEMPTIONS_PATH, "d", &hold)), first);

    // Killed after a hold that nobody redeems: it ends by itself.
    let short = at_once(&text(1)).replace("\"voucher\"", "\"seconds\":1,\"voucher\"");
    let laid: Held = shop.write(HOLDS_PATH, "e", &short).json();
    shop.kill_and_start_again();
    let begun = Instant::now();
    for attempt in 0.. {
        let answer = shop.write(REDEMPTIONS_PATH, &format!("f{attempt}"), &at_once(&text(1)));
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.problem(), ProblemType::AlreadyRedeemed);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    let over = shop.write(REDEMPTIONS_PATH, "g", &format!(r#"{{"hold":"{}"}}"#, laid.hold));
    assert_eq!(over.problem(), ProblemType::HoldExpired);
}

#[test]
fn a_gateway_killed_in_the_middle_of_a_redemption_gives_one_answer_when_asked_again() {
    let mut shop = Shop::open();
    let vouchers = shop.vouchers(1);
    for (round, voucher) in vouchers.iter().enumerate() {
        let text = voucher.clone().present().to_text();
        let laid: Held = shop.write(HOLDS_PATH, &format!("hold-{round}"), &at_once(&text)).json();
        let hold = format!(r#"{{"hold":"{}"}}"#, laid.hold);
        let key = format!("redeem-{round}");
        // The request is under way when the process dies; how far it came is chance.
        let sent = shop.send(REDEMPTIONS_PATH, &key, &hold);
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_micros(400 * u64::try_from(round).unwrap()) {
            std::hint::spin_loop();
        }
        shop.kill_and_start_again();
        drop(sent);
        let answer = shop.write(REDEMPTIONS_PATH, &key, &hold);
        let first = redeemed(&answer);
        assert_eq!(redeemed(&shop.write(REDEMPTIONS_PATH, &key, &hold)), first);
        let second = shop.write(REDEMPTIONS_PATH, &format!("other-{round}"), &at_once(&text));
        assert_eq!(second.problem(), ProblemType::AlreadyRedeemed);
    }
}
