//! Good documents for the tests of this module: each test changes one thing.

use alloc::{collections::BTreeMap, format, string::ToString as _, vec};

use super::{
    Benefit, BenefitKind, ConsentRequest, Grant, Indication, Notice, NoticeItem, NoticeText, Terms,
};
use crate::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    document::{Verified, sign},
    id::{GrantId, Handle, LogId, RequestId},
    jws::Role,
    party::{ControllerId, LegalIdentity, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
};

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

pub(super) fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

pub(super) fn controller() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// Recognition in one shop for 90 days.
pub(super) fn terms() -> Terms {
    Terms {
        base_benefit_conditional: false,
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: BTreeMap::from([(DataCategory::Presence, Granularity::Exact)]),
        frequency_per_day: 4,
        lookback_days: 0,
        purpose: Purpose::Recognition,
        recipients: vec![],
        release_ahead_days: 1,
        retention_days: 30,
        scope: "shop.example/fr/*".to_string(),
        shops: vec![ShopCode::from_bytes([0, 0, 0, 1])],
        valid_days: 90,
    }
}

pub(super) fn legal() -> LegalIdentity {
    LegalIdentity {
        address: "1 rue de Rivoli, 75001 Paris".to_string(),
        contact: "donnees@shop.example".to_string(),
        display_name: "Au Bon Rayon".to_string(),
        name: "Au Bon Rayon SAS".to_string(),
    }
}

/// Says something of everything.
pub(super) fn notice_text() -> NoticeText {
    let items = NoticeItem::ALL.iter().map(|item| (*item, format!("Voici : {}.", item.as_str())));
    NoticeText { items: items.collect(), language: "fr".to_string(), version: "1".to_string() }
}

/// The notice of [`request`].
pub(super) fn notice() -> Notice {
    notice_text().of(legal(), &terms()).unwrap()
}

/// Open from an hour before [`NOW`] until a week after it.
pub(super) fn request() -> ConsentRequest {
    ConsentRequest {
        alternatives: vec![],
        controller: controller(),
        controller_key: key(2).verifying_key(),
        expires: NOW.plus(7 * DAY_SECONDS),
        id: RequestId::from_bytes([1; 16]),
        issued: NOW.minus(3600),
        notice: notice().reference().unwrap(),
        terms: terms(),
        v: 1,
    }
}

pub(super) fn signed_request() -> Verified<ConsentRequest> {
    sign(request(), Role::Controller, &key(2), NOW.minus(3600)).unwrap()
}

/// Answers [`signed_request`] at [`NOW`].
pub(super) fn grant() -> Grant {
    Grant {
        controller: controller(),
        controller_key: key(2).verifying_key(),
        expires: NOW.plus(90 * DAY_SECONDS),
        given: NOW,
        handle: Handle::from_bytes([2; 16]),
        id: GrantId::from_bytes([3; 16]),
        indication: Indication::Page,
        notice: request().notice.digest,
        proposal: None,
        request: signed_request().digest(),
        request_id: RequestId::from_bytes([1; 16]),
        subject_key: key(1).verifying_key(),
        subject_log: LogId::from_bytes([4; 16]),
        subject_log_key: key(3).verifying_key(),
        supersedes: None,
        subject_sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(5)))
            .public_key(),
        terms: terms(),
        v: 1,
    }
}

pub(super) fn signed_grant() -> Verified<Grant> {
    sign(grant(), Role::Subject, &key(1), NOW)
        .unwrap()
        .countersign(Role::Controller, &key(2), NOW)
        .unwrap()
}
