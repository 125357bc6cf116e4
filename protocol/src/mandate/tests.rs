use alloc::{boxed::Box, collections::BTreeSet, vec, vec::Vec};

use super::*;
use crate::{
    consent::{Benefit, BenefitKind},
    crypto::SecretBytes,
    document::{Unverified, sign},
    party::ShopCode,
    purpose::{DataCategory, Granularity},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const ID: MandateId = MandateId::from_bytes([7; 16]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|bytes| bytes.fill(seed)))
}

fn shop(name: &str) -> ControllerId {
    ControllerId::parse(name).unwrap()
}

fn set(names: &[&str]) -> BTreeSet<ControllerId> {
    names.iter().map(|name| shop(name)).collect()
}

fn mandate() -> Mandate {
    Mandate {
        acts: MandateAct::ALL.into(),
        controllers: Some(set(&["other.example", "shop.example"])),
        delegate_key: key(2).verifying_key(),
        expires: NOW.plus(DAY_SECONDS),
        id: ID,
        issued: NOW,
        subject_key: key(1).verifying_key(),
        v: 1,
    }
}

fn bounds() -> Bounds {
    Bounds {
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: [(DataCategory::Presence, Granularity::Exact)].into(),
        frequency_per_day: 3,
        lookback_days: 0,
        recipients: Vec::new(),
        release_ahead_days: 1,
        retention_days: 12,
        shops: None,
        valid_days: 180,
    }
}

fn narrow(to: Bounds, was: Bounds) -> Act {
    Act::Narrow(Box::new(Narrowing {
        bounds: to,
        controllers: Some(set(&["shop.example"])),
        purpose: Purpose::Recognition,
        rule: 3,
        was,
    }))
}

fn withdraw(controller: &str) -> Act {
    Act::Withdraw { controller: shop(controller), grant: GrantId::from_bytes([9; 16]) }
}

fn verify(
    jws: &VerifiedJws,
    mandate: &Mandate,
    now: Timestamp,
) -> Result<DelegateCall<Act>, VerifyDelegateCallError> {
    UnverifiedDelegateCall::parse(jws.as_bytes()).unwrap().verify(mandate, DELEGATE_ACTS_PATH, now)
}

fn call<B: Serialize>(body: &B, signer: u8) -> VerifiedJws {
    let message = MessageId::from_bytes([1; 16]);
    sign_delegate_call(DELEGATE_ACTS_PATH, ID, message, body, &key(signer), NOW).unwrap()
}

#[test]
fn a_mandate_allows_its_acts_towards_its_retailers_and_no_other() {
    let all = mandate();
    assert_eq!(all.allows(&withdraw("shop.example")), Ok(()));
    assert_eq!(all.allows(&withdraw("third.example")), Err(Beyond::Retailer));
    let refusing = Mandate { acts: [MandateAct::Refuse].into(), ..mandate() };
    assert_eq!(refusing.allows(&withdraw("shop.example")), Err(Beyond::Act));
    let purpose = Purpose::Recognition;
    let rule = |controllers| Act::WriteRule { controllers, purpose };
    assert_eq!(all.allows(&rule(Some(set(&["shop.example"])))), Ok(()));
    for beyond in [None, Some(set(&[])), Some(set(&["shop.example", "third.example"]))] {
        assert_eq!(all.allows(&rule(beyond)), Err(Beyond::Retailer));
    }
    let everywhere = Mandate { controllers: None, ..mandate() };
    assert_eq!(everywhere.allows(&rule(None)), Ok(()));
    assert_eq!(everywhere.allows(&rule(Some(set(&[])))), Err(Beyond::Retailer));
}

#[test]
fn a_rule_is_narrowed_in_any_member_and_widened_in_none() {
    let narrower = [
        Bounds { frequency_per_day: 2, ..bounds() },
        Bounds { retention_days: 1, ..bounds() },
        Bounds { valid_days: 1, ..bounds() },
        Bounds { release_ahead_days: 0, ..bounds() },
        Bounds { shops: Some(vec![ShopCode::from_bytes([0, 0, 0, 1])]), ..bounds() },
        Bounds { categories: [(DataCategory::Presence, Granularity::Day)].into(), ..bounds() },
    ];
    for less in narrower {
        assert_eq!(mandate().allows(&narrow(less.clone(), bounds())), Ok(()), "{less:?}");
        let back = narrow(bounds(), less.clone());
        assert_eq!(mandate().allows(&back), Err(Beyond::Wider), "{less:?}");
        let beside = Bounds { frequency_per_day: 4, ..less };
        assert_eq!(mandate().allows(&narrow(beside, bounds())), Err(Beyond::Wider));
    }
    assert_eq!(mandate().allows(&narrow(bounds(), bounds())), Err(Beyond::Wider));
    let no_rule = Bounds { frequency_per_day: 0, ..bounds() };
    assert_eq!(mandate().allows(&narrow(no_rule, bounds())), Err(Beyond::Wider));
}

#[test]
fn a_call_holds_under_its_mandate_at_its_address_and_in_its_minute() {
    let jws = call(&withdraw("shop.example"), 2);
    assert_eq!(verify(&jws, &mandate(), NOW).unwrap().body, withdraw("shop.example"));
    for off in [NOW.plus(90), NOW.minus(90)] {
        assert!(verify(&jws, &mandate(), off).is_ok());
    }
    for off in [NOW.plus(91), NOW.minus(91)] {
        let refused = verify(&jws, &mandate(), off);
        assert!(matches!(refused, Err(VerifyDelegateCallError::Clock)));
    }
    let parsed = UnverifiedDelegateCall::parse(jws.as_bytes()).unwrap();
    assert_eq!(parsed.claimed_mandate().unwrap(), ID);
    let elsewhere = parsed.verify::<Act>(&mandate(), DELEGATE_VIEW_PATH, NOW);
    assert!(matches!(elsewhere, Err(VerifyDelegateCallError::Address)));
    let other = Mandate { id: MandateId::from_bytes([8; 16]), ..mandate() };
    let refused = verify(&jws, &other, NOW);
    assert!(matches!(refused, Err(VerifyDelegateCallError::Mandate)));
    let by_her = call(&withdraw("shop.example"), 1);
    let refused = verify(&by_her, &mandate(), NOW);
    assert!(matches!(refused, Err(VerifyDelegateCallError::Signature(VerifyJwsError::Key))));
}

#[test]
fn what_no_mandate_allows_is_told_apart_from_what_is_no_call() {
    for act in ["give", "widen", "read_places", "export", "remove_rule", ""] {
        let refused = verify(&call(&serde_json::json!({"act": act}), 2), &mandate(), NOW);
        assert!(matches!(refused, Err(VerifyDelegateCallError::Beyond)), "{act}");
    }
    for body in [
        serde_json::json!({"act": "withdraw"}),
        serde_json::json!({"act": "write_rule", "controllers": null, "purpose": "recognition"}),
        serde_json::json!({"act": "write_rule", "purpose": "recognition", "verdict": "give"}),
        serde_json::json!({"act": "write_rule", "purpose": "recognition",
            "controllers": ["shop.example", "other.example"]}),
        serde_json::json!([]),
        serde_json::json!({}),
    ] {
        let refused = verify(&call(&body, 2), &mandate(), NOW);
        assert!(matches!(refused, Err(VerifyDelegateCallError::Body(_))), "{body}");
    }
}

#[test]
fn a_mandate_ends_and_names_two_keys() {
    let signs = |mandate: Mandate| sign(mandate, Role::Subject, &key(1), NOW).is_ok();
    assert!(signs(mandate()));
    assert!(signs(Mandate { expires: NOW.plus(MANDATE_SECONDS_MAX), ..mandate() }));
    for bad in [
        Mandate { expires: NOW.plus(MANDATE_SECONDS_MAX + 1), ..mandate() },
        Mandate { expires: NOW, ..mandate() },
        Mandate { acts: [].into(), ..mandate() },
        Mandate { controllers: Some([].into()), ..mandate() },
        Mandate { delegate_key: key(1).verifying_key(), ..mandate() },
        Mandate { v: 2, ..mandate() },
    ] {
        assert!(!signs(bad));
    }
    let signed = sign(mandate(), Role::Subject, &key(3), NOW).unwrap();
    let read = Unverified::<Mandate>::parse(signed.as_bytes()).unwrap();
    assert!(read.verify(&[(Role::Subject, &key(3).verifying_key())]).is_err(), "not its key");
    assert!(mandate().is_live(NOW) && !mandate().is_live(NOW.plus(DAY_SECONDS)));
    assert!(!mandate().is_live(NOW.minus(1)));
}
