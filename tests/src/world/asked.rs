//! What the shops of this world ask, and what they tell before.

use besace_protocol::{
    consent::{Benefit, BenefitKind, NoticeItem, NoticeText, Terms},
    money::Money,
    purpose::{DataCategory, Granularity, Purpose},
};
use besace_retailer::{NegotiationPolicy, RequestDraft};

use crate::department_store;

/// What a shop tells before it asks (`spec/notice.md`).
pub fn notice(what: &str) -> NoticeText {
    let told = |item| match item {
        NoticeItem::Purpose => format!("Nous souhaitons {what}."),
        NoticeItem::LegalBasis => {
            "Votre consentement (RGPD, article 6, paragraphe 1, a).".to_owned()
        }
        NoticeItem::Obligation => {
            "Rien ne vous oblige à dire oui. Un non ne change rien à vos avantages.".to_owned()
        }
        NoticeItem::Recipients => "Personne d’autre que nous.".to_owned(),
        NoticeItem::Transfers => "Ces données ne quittent pas l’Union européenne.".to_owned(),
        NoticeItem::Retention => "30 jours au plus.".to_owned(),
        NoticeItem::AutomatedDecisions => "Aucune, et aucun profil de vous.".to_owned(),
        NoticeItem::Withdrawal => {
            "Un geste suffit, ici même. Ce qui est acquis vous reste.".to_owned()
        }
        NoticeItem::Rights => {
            "Accès, rectification, effacement, limitation, portabilité : écrivez-nous.".to_owned()
        }
        NoticeItem::Complaint => "Auprès de la CNIL, www.cnil.fr.".to_owned(),
        NoticeItem::DataProtectionOfficer => "Nous n’en avons pas désigné.".to_owned(),
    };
    let items = NoticeItem::ALL.iter().map(|item| (*item, told(*item))).collect();
    NoticeText { items, language: "fr".to_owned(), version: "2026-11".to_owned() }
}

/// What a shop asks everybody for a purpose, with its notice.
pub(super) fn request(shop: &department_store::Retailer, purpose: Purpose) -> RequestDraft {
    let (categories, benefit, release_ahead_days, what) = match purpose {
        Purpose::Recognition => (
            vec![(DataCategory::Presence, Granularity::Exact)],
            Benefit {
                amount: Some(Money::euro_cents(500)),
                kind: BenefitKind::MonthlyCredit,
                until: None,
            },
            1,
            "reconnaître votre besace quand vous entrez dans nos boutiques",
        ),
        Purpose::StaffGreeting => (
            vec![
                (DataCategory::ChosenName, Granularity::Exact),
                (DataCategory::GreetingTopics, Granularity::Exact),
            ],
            Benefit { amount: None, kind: BenefitKind::Service, until: None },
            0,
            "vous saluer par le nom que vous avez choisi",
        ),
        Purpose::LoyaltyAccount => (
            vec![(DataCategory::TillAnswers, Granularity::Exact)],
            Benefit { amount: None, kind: BenefitKind::Service, until: None },
            1,
            "reconnaître votre besace à la caisse, et y prendre ce que vous signez",
        ),
        Purpose::WishBroadcast => (
            vec![
                (DataCategory::WishDetail, Granularity::Exact),
                (DataCategory::WishKind, Granularity::Exact),
            ],
            Benefit { amount: None, kind: BenefitKind::Service, until: None },
            0,
            "entendre ce que vous cherchez, pour y répondre",
        ),
        Purpose::Answers => (
            purpose.categories().iter().map(|one| (*one, Granularity::Exact)).collect(),
            Benefit { amount: None, kind: BenefitKind::Service, until: None },
            0,
            "connaître vos réponses à quelques questions, pour mieux vous servir",
        ),
        Purpose::Feedback => (
            purpose.categories().iter().map(|one| (*one, Granularity::Exact)).collect(),
            Benefit { amount: None, kind: BenefitKind::Service, until: None },
            0,
            "lire ce que vous pensez de nos boutiques",
        ),
        Purpose::Receipts => (
            vec![
                (DataCategory::ReceiptTotals, Granularity::Exact),
                (DataCategory::Receipts, Granularity::Day),
            ],
            Benefit { amount: None, kind: BenefitKind::Service, until: None },
            0,
            "savoir lesquels de nos tickets de caisse sont à vous, pour un retour ou une réparation",
        ),
    };
    let domain = &shop.domain;
    RequestDraft {
        negotiation: NegotiationPolicy::default(),
        notice: notice(what),
        open_days: 120,
        terms: Terms {
            base_benefit_conditional: false,
            benefit,
            categories: categories.into_iter().collect(),
            frequency_per_day: 24,
            lookback_days: 0,
            purpose,
            recipients: Vec::new(),
            release_ahead_days,
            retention_days: 30,
            scope: format!("{domain}/fr/*"),
            shops: shop.shops.iter().map(|shop| shop.code).collect(),
            valid_days: 130,
        },
    }
}
