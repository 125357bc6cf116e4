//! The edge cases of Ed25519 and X25519 that Project Wycheproof publishes: signatures through our types; of X25519 which
//! keys our type takes, and that the curve crate beneath it then computes what is published.

use besace_protocol::crypto::{SealingPublicKey, Signature, VerifyingKey};
use wycheproof::{TestResult, eddsa, xdh};

#[test]
fn every_signature_gets_the_published_answer() {
    let cases = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut counted = 0;
    for group in cases.test_groups {
        let key = VerifyingKey::from_slice(&group.key.pk).unwrap();
        for case in group.tests {
            let holds = Signature::from_slice(&case.sig)
                .is_some_and(|signature| key.verify(&case.msg, &signature).is_ok());
            let expected = match case.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("case {} leaves it open", case.tc_id),
            };
            assert_eq!(holds, expected, "case {}: {}", case.tc_id, case.comment);
            counted += 1;
        }
    }
    assert_eq!(counted, cases.number_of_tests);
}

#[test]
fn keys_that_contribute_in_one_spelling_are_taken_and_no_others() {
    let cases = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for case in cases.test_groups.into_iter().flat_map(|group| group.tests) {
        let why_not = [
            xdh::TestFlag::LowOrderPublic,
            xdh::TestFlag::NonCanonicalPublic,
            xdh::TestFlag::PublicKeyTooLong,
            xdh::TestFlag::ZeroSharedSecret,
        ];
        // RFC 7748 drops the highest bit; to us it is a second spelling of the key without it.
        let has_high_bit = case.public_key.last().is_some_and(|last| *last > 0x7f);
        let expected = !has_high_bit && !case.flags.iter().any(|flag| why_not.contains(flag));
        let key = SealingPublicKey::from_slice(&case.public_key);
        assert_eq!(key.is_ok(), expected, "case {}: {}", case.tc_id, case.comment);
        let Ok(key) = key else {
            refused += 1;
            continue;
        };
        assert_ne!(case.result, TestResult::Invalid, "case {}: {}", case.tc_id, case.comment);
        let secret: [u8; 32] = case.private_key.as_slice().try_into().unwrap();
        let shared = x25519_dalek::StaticSecret::from(secret)
            .diffie_hellman(&x25519_dalek::PublicKey::from(*key.as_bytes()));
        assert_eq!(shared.as_bytes().as_slice(), case.shared_secret.as_slice(), "{}", case.tc_id);
        taken += 1;
    }
    assert_eq!(taken + refused, cases.number_of_tests);
    assert!(taken > 400 && refused > 20, "{taken} taken, {refused} refused");
}
