//! The terms of a consent, in words: the question that is asked, and every term as a fact.

use besace_protocol::{
    consent::{Benefit, BenefitKind, Guess, Terms},
    party::ControllerId,
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
};

use super::{
    view::{Fact, Key},
    voice::Voice,
};

/// A retailer as pages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetailerWords {
    /// The name over the door.
    pub name: String,
    /// The controller in law, with its address.
    pub legal: String,
    /// Where she writes to.
    pub contact: String,
    /// The domain, which is what signatures bind.
    pub domain: String,
    /// The shops that the terms name, as far as the manifest knows them.
    pub shops: Vec<String>,
}

/// "Maison Lumen would like to know when you enter …": the question, if she said yes `now`.
pub fn question(voice: &Voice, retailer: &RetailerWords, terms: &Terms, now: Timestamp) -> String {
    let variables = [
        ("retailer", retailer.name.as_str().into()),
        ("shops", shops(voice, retailer, terms).into()),
        ("date", voice.date(end_if_given(terms, now), now).into()),
        ("benefit", benefit(voice, &terms.benefit).into()),
        ("questions", terms.questions().count().to_string().into()),
    ];
    match terms.purpose {
        Purpose::Recognition => voice.say_with("ask-recognition", variables),
        Purpose::StaffGreeting => voice.say_with("ask-greeting", variables),
        Purpose::LoyaltyAccount => voice.say_with("ask-till", variables),
        Purpose::WishBroadcast => voice.say_with("ask-wishes", variables),
        Purpose::Answers => voice.say_with("ask-answers", variables),
        Purpose::Feedback => voice.say_with("ask-feedback", variables),
        Purpose::Receipts => voice.say_with("ask-receipts", variables),
    }
}

/// The mirror of terms: what could be guessed, and where questions are asked, how much all answers together tell at most.
pub fn mirror_of(voice: &Voice, retailer: &str, guesses: &[Guess], terms: &Terms) -> String {
    let said = mirror(voice, retailer, guesses);
    match terms.answer_groups() {
        1 => said,
        groups => {
            let groups = [("groups", groups.to_string().into())];
            format!("{said} {}", voice.say_with("mirror-groups", groups))
        }
    }
}

/// "With this, Maison Lumen could guess …": what is not asked for, and comes along.
pub fn mirror(voice: &Voice, retailer: &str, guesses: &[Guess]) -> String {
    let who = ("retailer", retailer.into());
    let words = |guess: &Guess| voice.say(&format!("guess-{}", guess.as_str()));
    let Some((last, before)) = guesses.split_last() else {
        return voice.say_with("mirror-nothing", [who]);
    };
    let before = before.iter().map(words).collect::<Vec<_>>().join(", ");
    let guesses = if before.is_empty() {
        words(last)
    } else {
        voice.say_with("mirror-and", [("before", before.into()), ("last", words(last).into())])
    };
    voice.say_with("mirror", [who, ("guesses", guesses.into())])
}

/// Every term of a request that is not answered yet.
pub fn request_facts(
    voice: &Voice,
    retailer: &RetailerWords,
    terms: &Terms,
    now: Timestamp,
) -> Vec<Fact> {
    let fact = |key, value| Fact::new(voice, key, value);
    vec![
        fact(Key("consent-who"), format!("{} ({})", retailer.legal, retailer.domain)),
        fact(Key("consent-what"), what(voice, terms)),
        fact(Key("consent-where"), where_in_full(voice, retailer, terms)),
        fact(Key("consent-why"), purpose(voice, terms.purpose)),
        fact(Key("consent-until"), voice.date(end_if_given(terms, now), now)),
        fact(Key("consent-get"), benefit(voice, &terms.benefit)),
        fact(Key("consent-kept"), days(voice, terms.retention_days)),
        fact(Key("consent-sent-to"), recipients(voice, &terms.recipients)),
        fact(Key("consent-contact"), retailer.contact.clone()),
    ]
}

/// A live grant in four lines: what, where, until when, what she gets.
pub fn grant_facts(
    voice: &Voice,
    retailer: &RetailerWords,
    terms: &Terms,
    (given, expires): (Timestamp, Timestamp),
    now: Timestamp,
) -> Vec<Fact> {
    let fact = |key, value| Fact::new(voice, key, value);
    vec![
        fact(Key("consent-what"), what(voice, terms)),
        fact(Key("consent-where"), where_in_full(voice, retailer, terms)),
        fact(Key("consent-since"), voice.date(given, now)),
        fact(Key("consent-until"), voice.date(expires, now)),
        fact(Key("consent-get"), benefit(voice, &terms.benefit)),
    ]
}

/// `5 € par mois`.
pub fn benefit(voice: &Voice, benefit: &Benefit) -> String {
    let amount = benefit.amount.map(|amount| voice.money(amount));
    match (benefit.kind, amount) {
        (BenefitKind::MonthlyCredit, Some(amount)) => {
            voice.say_with("benefit-monthly", [("amount", amount.into())])
        }
        (BenefitKind::WelcomeCredit, Some(amount)) => {
            voice.say_with("benefit-welcome", [("amount", amount.into())])
        }
        (BenefitKind::Service, _) | (_, None) => voice.say("benefit-service"),
    }
}

pub(super) fn purpose(voice: &Voice, purpose: Purpose) -> String {
    match purpose {
        Purpose::Recognition => voice.say("purpose-recognition"),
        Purpose::StaffGreeting => voice.say("purpose-greeting"),
        Purpose::LoyaltyAccount => voice.say("purpose-till"),
        Purpose::WishBroadcast => voice.say("purpose-wishes"),
        Purpose::Answers => voice.say("purpose-answers"),
        Purpose::Feedback => voice.say("purpose-feedback"),
        Purpose::Receipts => voice.say("purpose-receipts"),
    }
}

pub(super) fn what(voice: &Voice, terms: &Terms) -> String {
    let words: Vec<String> = terms
        .categories
        .iter()
        .map(|(category, granularity)| match (category, granularity) {
            (DataCategory::AnswerAdvice, _) => voice.say("what-answer-advice"),
            (DataCategory::AnswerMoment, _) => voice.say("what-answer-moment"),
            (DataCategory::AnswerReach, _) => voice.say("what-answer-reach"),
            (DataCategory::AnswerVisits, _) => voice.say("what-answer-visits"),
            (DataCategory::ChosenName, _) => voice.say("what-chosen-name"),
            (DataCategory::Feedback, _) => voice.say("what-feedback"),
            (DataCategory::FeedbackWords, _) => voice.say("what-feedback-words"),
            (DataCategory::GreetingTopics, _) => voice.say("what-topics"),
            (DataCategory::Presence, Granularity::Month) => voice.say("what-presence-month"),
            (DataCategory::Presence, Granularity::Week) => voice.say("what-presence-week"),
            (DataCategory::Presence, Granularity::Day) => voice.say("what-presence-day"),
            (DataCategory::Presence, Granularity::Exact) => voice.say("what-presence-exact"),
            (DataCategory::ReceiptTotals, _) => voice.say("what-receipt-totals"),
            (DataCategory::Receipts, Granularity::Month | Granularity::Week) => {
                voice.say("what-receipts-month")
            }
            (DataCategory::Receipts, Granularity::Day | Granularity::Exact) => {
                voice.say("what-receipts-day")
            }
            (DataCategory::TillAnswers, _) => voice.say("what-till"),
            (DataCategory::WishDetail, _) => voice.say("what-wish-detail"),
            (DataCategory::WishKind, _) => voice.say("what-wish-kind"),
        })
        .collect();
    words.join(", ")
}

fn shops(voice: &Voice, retailer: &RetailerWords, terms: &Terms) -> String {
    match (terms.shops.len(), retailer.shops.first()) {
        (1, Some(name)) => voice.say_with("shop-one", [("name", name.as_str().into())]),
        (count, _) => voice.count("shop-many", count),
    }
}

fn where_in_full(voice: &Voice, retailer: &RetailerWords, terms: &Terms) -> String {
    if retailer.shops.is_empty() {
        voice.count("shop-many", terms.shops.len())
    } else {
        retailer.shops.join(", ")
    }
}

fn days(voice: &Voice, days: u16) -> String {
    voice.say_with("consent-kept-days", [("days", days.into())])
}

fn recipients(voice: &Voice, recipients: &[ControllerId]) -> String {
    if recipients.is_empty() {
        return voice.say("consent-sent-to-nobody");
    }
    let names: Vec<&str> = recipients.iter().map(ControllerId::as_str).collect();
    names.join(", ")
}

fn end_if_given(terms: &Terms, now: Timestamp) -> Timestamp {
    now.plus(u64::from(terms.valid_days).saturating_mul(DAY_SECONDS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use besace_protocol::{
        consent::guesses,
        lang::Language,
        money::Money,
        party::{Shop, ShopCode, ShopKind},
    };
    use jiff::tz::TimeZone;

    use super::*;

    /// 2026-03-03T16:42:05Z.
    const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_556_125);

    fn terms() -> Terms {
        Terms {
            base_benefit_conditional: false,
            benefit: Benefit {
                amount: Some(Money::euro_cents(500)),
                kind: BenefitKind::MonthlyCredit,
                until: None,
            },
            categories: BTreeMap::from([(DataCategory::Presence, Granularity::Exact)]),
            frequency_per_day: 4,
            lookback_days: 0,
            purpose: Purpose::Recognition,
            recipients: vec![],
            release_ahead_days: 1,
            retention_days: 30,
            scope: "lumen.example/fr/*".into(),
            shops: vec![ShopCode::from_bytes([0, 0, 0, 1])],
            valid_days: 28,
        }
    }

    fn lumen() -> RetailerWords {
        RetailerWords {
            name: "Maison Lumen".into(),
            legal: "Lumen SAS, 1 rue de la République, 69002 Lyon".into(),
            contact: "donnees@lumen.example".into(),
            domain: "lumen.example".into(),
            shops: vec!["Lyon".into()],
        }
    }

    fn voice(language: Language) -> Voice {
        Voice::new(language, TimeZone::get("Europe/Paris").unwrap())
    }

    #[test]
    fn the_question_has_who_what_where_until_in_return_and_both_answers() {
        let say = |language| question(&voice(language), &lumen(), &terms(), NOW);
        insta::assert_snapshot!(say(Language::Fr), @"Maison Lumen souhaite savoir quand vous entrez dans sa boutique Lyon, jusqu’au 31 mars. En échange : 5 € par mois. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.");
        insta::assert_snapshot!(say(Language::En), @"Maison Lumen would like to know when you enter its Lyon shop, until 31 March. In return: €5 a month. Say no, and your points stay your points. Say yes, and one tap will stop it.");
    }

    #[test]
    fn every_term_has_its_line() {
        let facts: Vec<String> = request_facts(&voice(Language::Fr), &lumen(), &terms(), NOW)
            .into_iter()
            .map(|fact| format!("{}: {}", fact.label, fact.value))
            .collect();
        insta::assert_snapshot!(facts.join("\n"), @"
        Qui: Lumen SAS, 1 rue de la République, 69002 Lyon (lumen.example)
        Quoi: le moment où vous entrez
        Où: Lyon
        Pour quoi faire: vous reconnaître quand vous entrez
        Jusqu’au: 31 mars
        En échange: 5 € par mois
        Gardé: 30 jours
        Transmis à: personne d’autre
        Pour écrire: donnees@lumen.example
        ");
    }

    fn mirrored(
        language: Language,
        kinds: &[ShopKind],
        granularity: Granularity,
        often: u16,
    ) -> String {
        let shop = |(kind, n): (&ShopKind, u8)| Shop {
            code: ShopCode::from_bytes([0, 0, 0, n]),
            kind: Some(*kind),
            latitude_e7: 0,
            longitude_e7: 0,
            name: "Lyon".into(),
            radius_metres: 60,
            scope: "lumen.example/fr/*".into(),
            till_keys: vec![],
        };
        let shops: Vec<Shop> = kinds.iter().zip(1..).map(shop).collect();
        let terms = Terms {
            categories: BTreeMap::from([(DataCategory::Presence, granularity)]),
            frequency_per_day: often,
            shops: shops.iter().map(|shop| shop.code).collect(),
            ..terms()
        };
        let voice = Voice::new(language, TimeZone::UTC);
        mirror(&voice, "Maison Lumen", &guesses(&shops, &terms).unwrap())
    }

    #[test]
    fn what_could_be_guessed_is_said_word_for_word() {
        use Granularity::{Day, Exact, Month, Week};
        use ShopKind as Kind;

        for (kinds, granularity, often, guessed) in [
            (
                &[Kind::Clothing][..],
                Exact,
                2,
                "vos horaires, le temps que vous restez et si vous êtes plutôt une femme ou un homme",
            ),
            (
                &[Kind::Clothing],
                Exact,
                1,
                "vos horaires et si vous êtes plutôt une femme ou un homme",
            ),
            (
                &[Kind::Clothing],
                Day,
                1,
                "vos jours libres et si vous êtes plutôt une femme ou un homme",
            ),
            (
                &[Kind::Clothing],
                Week,
                1,
                "la régularité de vos visites et si vous êtes plutôt une femme ou un homme",
            ),
            (
                &[Kind::Beauty],
                Week,
                4,
                "la régularité de vos visites et si vous êtes plutôt une femme ou un homme",
            ),
            (
                &[Kind::Children],
                Day,
                1,
                "vos jours libres et si vous avez un enfant, ou en attendez un",
            ),
            (
                &[Kind::Grocery],
                Exact,
                4,
                "vos horaires, le temps que vous restez et combien vous êtes à la maison",
            ),
            (&[Kind::Bakery], Day, 1, "vos jours libres et si vous habitez ou travaillez à côté"),
            (&[Kind::Restaurant], Week, 1, "la régularité de vos visites et vos sorties"),
            (&[Kind::Drinks], Day, 1, "vos jours libres et ce que vous buvez"),
            (&[Kind::Jewellery], Day, 1, "vos jours libres et vos moyens"),
            (&[Kind::Electronics], Exact, 1, "vos horaires et vos moyens"),
            (&[Kind::Pets], Week, 1, "la régularité de vos visites et si vous avez un animal"),
            (&[Kind::Books], Week, 1, "la régularité de vos visites et vos loisirs"),
            (
                &[Kind::Garden, Kind::Sports],
                Week,
                1,
                "la régularité de vos visites, le quartier où vous vivez et vos loisirs",
            ),
            (&[Kind::Hardware], Day, 1, "vos jours libres et des travaux ou un déménagement"),
            (&[Kind::Furniture], Exact, 1, "vos horaires et des travaux ou un déménagement"),
            (&[Kind::DepartmentStore], Exact, 4, "vos horaires et le temps que vous restez"),
            (&[Kind::DepartmentStore], Day, 1, "vos jours libres"),
            (
                &[Kind::DepartmentStore, Kind::DepartmentStore],
                Day,
                1,
                "vos jours libres et le quartier où vous vivez",
            ),
        ] {
            let said = format!("Avec cela, Maison Lumen pourrait deviner {guessed}.");
            assert_eq!(mirrored(Language::Fr, kinds, granularity, often), said);
            // The same shops, by the month.
            assert_eq!(
                mirrored(Language::Fr, kinds, Month, often),
                "Avec cela, Maison Lumen ne devine rien de plus que ce que dit cette phrase."
            );
        }
        assert_eq!(
            mirrored(Language::En, &[Kind::Clothing], Exact, 2),
            "With this, Maison Lumen could guess your daily hours, how long you stay and whether you are rather a \
             woman or a man."
        );
    }

    #[test]
    fn of_answers_it_is_said_how_finely_they_sort() {
        use DataCategory as Asked;

        let voice = voice(Language::Fr);
        for (asked, groups, guesses) in [
            (&[Asked::AnswerAdvice][..], 3, None),
            (&[Asked::AnswerMoment], 5, Some("vos jours libres")),
            (&[Asked::AnswerAdvice, Asked::AnswerReach], 15, Some("le quartier où vous vivez")),
            (&[Asked::AnswerVisits], 4, Some("la régularité de vos visites et vos loisirs")),
        ] {
            let exact = |category: &Asked| (*category, Granularity::Exact);
            let categories = asked.iter().map(exact).collect();
            let terms = Terms { categories, purpose: Purpose::Answers, ..terms() };
            let shop = Shop {
                code: terms.shops[0],
                kind: Some(ShopKind::Books),
                latitude_e7: 0,
                longitude_e7: 0,
                name: "Lyon".into(),
                radius_metres: 60,
                scope: "lumen.example/fr/*".into(),
                till_keys: vec![],
            };
            let mirrored = guesses_of(&shop, &terms);
            let said = mirror_of(&voice, "Maison Lumen", &mirrored, &terms);
            let first = guesses.map_or_else(
                || "ne devine rien de plus que ce que dit cette phrase.".to_owned(),
                |guesses| format!("pourrait deviner {guesses}."),
            );
            assert_eq!(
                said,
                format!(
                    "Avec cela, Maison Lumen {first} Toutes vos réponses ensemble vous rangent dans un groupe \
                     parmi {groups}, silence compris."
                )
            );
        }
        let none = mirror_of(&voice, "Maison Lumen", &[], &terms());
        assert!(!none.contains("réponses"), "{none}");
    }

    fn guesses_of(shop: &Shop, terms: &Terms) -> Vec<Guess> {
        guesses(std::slice::from_ref(shop), terms).unwrap()
    }

    #[test]
    fn there_are_words_for_every_guess() {
        for language in [Language::Fr, Language::En] {
            let voice = Voice::new(language, TimeZone::UTC);
            let said: Vec<String> =
                Guess::ALL.iter().map(|guess| mirror(&voice, "L", &[*guess])).collect();
            let distinct: std::collections::BTreeSet<_> = said.iter().collect();
            assert_eq!(distinct.len(), Guess::ALL.len());
            assert!(said.iter().all(|said| !said.contains("guess-")), "{said:?}");
        }
    }
}
