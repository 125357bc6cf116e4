//! The record of processing: GDPR art. 30(1).

use besace_protocol::{
    consent::NoticeItem,
    money::Money,
    purpose::{DataCategory, Granularity},
};
use besace_retailer::{PublishedRequest, Retailer};

use super::{
    Facts,
    facts::Treatment,
    lang::Lang,
    measures::{left_to_people, measures},
    page::{Line, Page},
};

pub(super) fn page(facts: &Facts, lang: Lang) -> Page {
    let mut page =
        Page::new(lang.say("Registre des activités de traitement", "Record of processing"));
    page.paragraph(lang.say(
        &format!("RGPD, article 30, paragraphe 1. État au {}.", lang.date(facts.now)),
        &format!("GDPR, article 30(1). As of {}.", lang.date(facts.now)),
    ));
    page.heading(lang.say("Responsable du traitement", "Controller"));
    page.pairs(controller(facts, lang));
    let treatments = facts.treatments();
    if treatments.is_empty() {
        page.heading(lang.say("Traitements fondés sur le consentement", "Processing by consent"));
        page.paragraph(lang.say(
            "Aucune demande de consentement n’est publiée : rien n’est traité à ce titre.",
            "No consent request is published: nothing is processed by consent.",
        ));
    }
    for (index, treatment) in treatments.iter().enumerate() {
        let number = index.saturating_add(1);
        page.heading(format!("{number} — {}", lang.purpose(treatment.purpose)));
        page.pairs(rows(facts, treatment, lang));
        page.subheading(lang.say("Demandes publiées", "Published requests"));
        page.table(
            vec![
                lang.say("Demande", "Request"),
                lang.say("Ouverte jusqu’au", "Open until"),
                lang.say("Information", "Notice"),
                lang.say("En échange", "In return"),
            ],
            treatment.requests.iter().map(|one| request(one, lang)).collect(),
        );
    }
    let number = treatments.len().saturating_add(1);
    page.heading(lang.say(
        &format!("{number} — Prouver les consentements et répondre aux droits"),
        &format!("{number} — Proving consents and answering rights"),
    ));
    page.pairs(proof(lang));
    if facts.vouchers {
        let number = number.saturating_add(1);
        page.heading(
            lang.say(&format!("{number} — Bons de réduction"), &format!("{number} — Vouchers")),
        );
        page.pairs(vouchers(lang));
    }
    page.heading(lang.say(
        "Mesures de sécurité (articles 30, 1, g, et 32)",
        "Security measures (articles 30(1)(g) and 32)",
    ));
    page.pairs(
        measures(facts, lang)
            .into_iter()
            .map(|measure| (measure.title.clone(), measure.described(lang)))
            .collect(),
    );
    page.subheading(lang.say("Ce que ce programme ne fait pas", "What this program does not do"));
    page.list(left_to_people(facts, lang));
    page
}

/// Art. 30(1)(a).
fn controller(facts: &Facts, lang: Lang) -> Vec<(String, Line)> {
    let legal = &facts.identity.legal;
    let shops: Vec<String> =
        facts.identity.shops.iter().map(|shop| facts.shop(shop.code)).collect();
    let mut officers: Vec<&str> = Vec::new();
    for one in &facts.requests {
        let said = item(one, NoticeItem::DataProtectionOfficer);
        if !officers.contains(&said) {
            officers.push(said);
        }
    }
    let officer = if officers.is_empty() {
        Line::gap(lang.say(
            "son nom et ses coordonnées, ou qu’il n’y en a pas",
            "name and contact, or that there is none",
        ))
    } else {
        Line::text(officers.join(" / "))
    };
    vec![
        (lang.say("Nom", "Name"), Line::text(&legal.name)),
        (lang.say("Enseigne", "Trading as"), Line::text(&legal.display_name)),
        (lang.say("Adresse", "Address"), Line::text(&legal.address)),
        (lang.say("Contact pour les personnes", "Contact for people"), Line::text(&legal.contact)),
        (lang.say("Domaine", "Domain"), Line::text(facts.identity.domain.as_str())),
        (lang.say("Magasins", "Shops"), Line::text(shops.join(", "))),
        (lang.say("Délégué à la protection des données", "Data protection officer"), officer),
        (
            lang.say("Représentant ; responsables conjoints", "Representative; joint controllers"),
            Line::gap(
                lang.say(
                    "leurs noms, ou qu’il n’y en a pas",
                    "their names, or that there are none",
                ),
            ),
        ),
    ]
}

fn rows(facts: &Facts, treatment: &Treatment<'_>, lang: Lang) -> Vec<(String, Line)> {
    let texts = |item: NoticeItem| Line::text(quoted(&treatment.requests, item, lang));
    let shops: Vec<String> = treatment.shops.iter().map(|code| facts.shop(*code)).collect();
    vec![
        (lang.say("Finalité", "Purpose"), texts(NoticeItem::Purpose)),
        (
            lang.say("Base juridique", "Legal basis"),
            Line::text(lang.say(
                "Consentement de la personne (article 6, paragraphe 1, a), donné pour cette seule finalité.",
                "Consent of the person (article 6(1)(a)), given for this purpose alone.",
            )),
        ),
        (
            lang.say("Personnes concernées", "Data subjects"),
            Line::text(lang.say(
                "Clientes et clients qui ont donné leur accord par leur propre agent ; personne d’autre n’est connu.",
                "Customers who gave their consent through their own agent; nobody else is known.",
            )),
        ),
        (lang.say("Données", "Data"), Line::text(data(treatment, lang))),
        (lang.say("Données sensibles (article 9)", "Special categories (article 9)"), special(treatment, lang)),
        (lang.say("Limites", "Limits"), Line::text(limits(treatment, &shops, lang))),
        (lang.say("Destinataires", "Recipients"), recipients(treatment, lang)),
        (
            lang.say("Transferts hors de l’Union", "Transfers outside the Union"),
            texts(NoticeItem::Transfers),
        ),
        (lang.say("Effacement", "Erasure"), Line::text(erasure(treatment, lang))),
    ]
}

/// Categories with what is the finest that any request asks.
pub(super) fn data(treatment: &Treatment<'_>, lang: Lang) -> String {
    let one = |(category, granularity): (&DataCategory, &Granularity)| {
        format!("{}, {}", lang.category(*category), lang.granularity(*granularity))
    };
    let all: Vec<String> = treatment.categories.iter().map(one).collect();
    format!("{}.", all.join(" ; "))
}

fn special(treatment: &Treatment<'_>, lang: Lang) -> Line {
    let free = treatment.categories.keys().any(|category| match category {
        DataCategory::ChosenName
        | DataCategory::FeedbackWords
        | DataCategory::GreetingTopics
        | DataCategory::WishDetail => true,
        DataCategory::AnswerAdvice
        | DataCategory::AnswerMoment
        | DataCategory::AnswerReach
        | DataCategory::AnswerVisits
        | DataCategory::Feedback
        | DataCategory::Presence
        | DataCategory::ReceiptTotals
        | DataCategory::Receipts
        | DataCategory::TillAnswers
        | DataCategory::WishKind => false,
    });
    let none = lang.say(
        "Aucune n’est demandée, et un magasin dont la fréquentation en dirait ne peut rien demander.",
        "None is asked for, and a shop that going to would tell of some can ask for nothing.",
    );
    if !free {
        return Line::text(none);
    }
    Line::text(none)
        .and(" ")
        .and(lang.say(
            "Un texte libre peut contenir ce que la personne y écrit : ",
            "A free text may hold what the person writes there: ",
        ))
        .and_gap(
            lang.say("la consigne au personnel pour ce cas", "what the staff is told to do then"),
        )
}

fn limits(treatment: &Treatment<'_>, shops: &[String], lang: Lang) -> String {
    let Treatment { frequency_per_day, valid_days, lookback_days, release_ahead_days, .. } =
        treatment;
    let (valid, back) = (lang.days(u64::from(*valid_days)), lang.days(u64::from(*lookback_days)));
    let mut text = lang.say(
        &format!("Un consentement vaut au plus {valid} ; au plus {frequency_per_day} usages par jour et par magasin. "),
        &format!("A consent lives for at most {valid}; at most {frequency_per_day} uses a day in each shop. "),
    );
    text.push_str(&if *lookback_days == 0 {
        lang.say("Rien de ce qui précède le consentement. ", "Nothing from before the consent. ")
    } else {
        lang.say(
            &format!("Les données peuvent remonter à {back}. "),
            &format!("Data may reach back {back}. "),
        )
    });
    if treatment.releases() {
        let ahead = lang.days(u64::from(*release_ahead_days));
        text.push_str(&lang.say(
            &format!("Les clés d’un jour sont remises au plus {ahead} d’avance. "),
            &format!("Keys of a day are released at most {ahead} ahead. "),
        ));
    }
    let lead = lang.say("Magasins : ", "Shops: ");
    format!("{text}{lead}{}.", shops.join(", "))
}

/// Art. 30(1)(d).
pub(super) fn recipients(treatment: &Treatment<'_>, lang: Lang) -> Line {
    if treatment.recipients.is_empty() {
        return nobody_else(lang);
    }
    let mut line = Line::default();
    for one in &treatment.recipients {
        line = line
            .and(format!("{one}, "))
            .and_gap(lang.say("son rôle et son contrat", "its role and its contract"))
            .and(lang.say(" ; ", "; "));
    }
    line.and(
        lang.say(
            "et les sous-traitants du responsable : ",
            "and the processors of the controller: ",
        ),
    )
    .and_gap(processors(lang))
}

/// Art. 30(1)(d), where no request names a recipient.
fn nobody_else(lang: Lang) -> Line {
    Line::text(lang.say(
        "Personne d’autre que le responsable du traitement et ses sous-traitants : ",
        "Nobody but the controller and its processors: ",
    ))
    .and_gap(processors(lang))
}

/// What only a person knows, whoever else receives something.
fn processors(lang: Lang) -> String {
    lang.say("les sous-traitants, hébergeur compris", "the processors, the host among them")
}

/// Art. 30(1)(e), where no notice says it.
fn nothing_sent(lang: Lang) -> Line {
    Line::text(lang.say(
        "Ce programme n’envoie rien hors de la machine à ce titre. ",
        "This program sends nothing away from the machine for this. ",
    ))
    .and_gap(lang.say(
        "où se trouvent la machine, ses sauvegardes et ceux qui y ont accès",
        "where the machine is, its backups, and those who have access to it",
    ))
}

/// Art. 30(1)(f).
pub(super) fn erasure(treatment: &Treatment<'_>, lang: Lang) -> String {
    let kept = lang.days(u64::from(treatment.retention_days));
    let proof = lang.days(Retailer::PROOF_DAYS);
    let keys = if treatment.releases() {
        lang.say(
            "Clés d’un jour : détruites dans la demi-heure qui suit minuit (UTC). ",
            "Keys of a day: destroyed within half an hour of midnight (UTC). ",
        )
    } else {
        String::new()
    };
    let rest = lang.say(
        &format!("Données reçues, et usages scellés à l’intention de la personne : {kept} au plus. Au retrait ou au terme : effacement aussitôt, signé dans le mois. Preuve du consentement et de sa fin : {proof} après le terme qu’il nomme."),
        &format!("Data received, and uses sealed to the person: at most {kept}. With the withdrawal or the end: erased at once, and signed for within a month. Proof of the consent and of its end: {proof} after the end that it names."),
    );
    format!("{keys}{rest}")
}

fn request(one: &PublishedRequest, lang: Lang) -> Vec<Line> {
    let (request, notice) = (&one.request, &one.notice);
    let benefit = &request.terms.benefit;
    let amount =
        benefit.amount.map(|money| format!(" ({})", amount_text(money, lang))).unwrap_or_default();
    vec![
        Line::default().and_code(request.id.to_string()),
        Line::text(lang.date(request.expires)),
        Line::text(format!("{} ({})", notice.version(), notice.language())),
        Line::text(format!("{}{amount}", lang.benefit(benefit.kind))),
    ]
}

/// An amount, in its units.
fn amount_text(money: Money, lang: Lang) -> String {
    let decimals = usize::from(money.currency.decimals());
    let digits = format!("{:0>width$}", money.minor, width = decimals.saturating_add(1));
    let (units, rest) = digits.split_at(digits.len().saturating_sub(decimals));
    let mark = if decimals == 0 { "" } else { lang.name(",", ".") };
    format!("{units}{mark}{rest}\u{a0}{}", money.currency)
}

fn proof(lang: Lang) -> Vec<(String, Line)> {
    let kept = lang.days(Retailer::PROOF_DAYS);
    vec![
        (
            lang.say("Finalité", "Purpose"),
            Line::text(lang.say(
                "Démontrer les consentements (article 7, paragraphe 1), les retraits et les effacements ; tenir compte des oppositions au démarchage (article 21, paragraphe 3).",
                "Demonstrating consents (article 7(1)), withdrawals and erasures; heeding objections to direct marketing (article 21(3)).",
            )),
        ),
        (
            lang.say("Base juridique", "Legal basis"),
            Line::text(lang.say("Proposée : obligation légale (article 6, paragraphe 1, c). ", "Proposed: legal obligation (article 6(1)(c)). "))
                .and_gap(lang.say("à confirmer par le délégué", "to be confirmed by the officer")),
        ),
        (
            lang.say("Personnes concernées", "Data subjects"),
            Line::text(lang.say(
                "Clientes et clients qui ont donné leur accord ou se sont opposés, connus par un pseudonyme.",
                "Customers who gave their consent or objected, known by a pseudonym.",
            )),
        ),
        (
            lang.say("Données", "Data"),
            Line::text(lang.say(
                "Clés d’un pseudonyme, passages d’une clé ou d’un journal à un autre, taille de son journal, consentements, retraits, accusés, effacements, consentements terminés par l’enseigne, oppositions et nombre d’usages, jamais leur moment.",
                "Keys of a pseudonym, its moves from one key or log to another, the size of its log, consents, withdrawals, acknowledgements, erasures, consents that the retailer ended, objections and numbers of uses, never their moment.",
            )),
        ),
        (lang.say("Destinataires", "Recipients"), nobody_else(lang)),
        (lang.say("Transferts hors de l’Union", "Transfers outside the Union"), nothing_sent(lang)),
        (
            lang.say("Effacement", "Erasure"),
            Line::text(lang.say(
                &format!("Consentements, retraits, accusés et effacements : {kept} après le terme que nomme le consentement. Oppositions, passages d’un pseudonyme d’une clé ou d’un journal à un autre, ses clés et la taille de son journal : à la fin du service ; sans eux, un refus ou une clé abandonnée seraient oubliés."),
                &format!("Consents, withdrawals, acknowledgements and erasures: {kept} after the end that the consent names. Objections, the moves of a pseudonym from one key or log to another, its keys and the size of its log: when the service ends; without them a no, or a key that was left, would be forgotten."),
            )),
        ),
    ]
}

fn vouchers(lang: Lang) -> Vec<(String, Line)> {
    let kept = lang.days(Retailer::REDEMPTION_DAYS);
    vec![
        (
            lang.say("Finalité", "Purpose"),
            Line::text(lang.say(
                "Émettre des bons, un lot par pseudonyme et par semaine, et ne prendre chacun qu’une fois.",
                "Issuing vouchers, one batch for each pseudonym and week, and taking each of them once.",
            )),
        ),
        (
            lang.say("Personnes concernées", "Data subjects"),
            Line::text(lang.say(
                "Clientes et clients qui demandent des bons par leur agent. Qui présente un bon n’est pas connu.",
                "Customers who ask for vouchers through their agent. Who shows a voucher is not known.",
            )),
        ),
        (
            lang.say("Données", "Data"),
            Line::text(lang.say(
                "À l’émission : la clé d’un pseudonyme et la semaine. En caisse : le genre de bon, la semaine, le magasin et la remise ; rien ne relie les deux.",
                "When issued: the key of a pseudonym, and the week. At the till: the class of voucher, the week, the shop and the discount; nothing joins the two.",
            )),
        ),
        (
            lang.say("Base juridique", "Legal basis"),
            Line::gap(lang.say("celle de l’émission des bons", "that of issuing vouchers")),
        ),
        (lang.say("Destinataires", "Recipients"), nobody_else(lang)),
        (lang.say("Transferts hors de l’Union", "Transfers outside the Union"), nothing_sent(lang)),
        (
            lang.say("Effacement", "Erasure"),
            Line::text(lang.say(
                &format!("Qui a reçu un lot : à la fin de la semaine du bon. Ce qui a été pris en caisse, annulation comprise : {kept} après que la semaine n’est plus acceptée. Ce programme ne tient aucun compte de points."),
                &format!("Who received a batch: when the week of the voucher is over. What was taken at the till, reversals included: {kept} after the week is accepted no more. This program keeps no account of points."),
            )),
        ),
    ]
}

/// What notices say of one item, each once; in their own language.
pub(super) fn quoted(requests: &[&PublishedRequest], what: NoticeItem, lang: Lang) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for one in requests {
        let said = item(one, what);
        if !texts.contains(&said) {
            texts.push(said);
        }
    }
    let quote = |said: &&str| match lang {
        Lang::Fr => format!("«\u{a0}{said}\u{a0}»"),
        Lang::En => format!("“{said}”"),
    };
    texts.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// A notice that was read is complete.
pub(super) fn item(one: &PublishedRequest, what: NoticeItem) -> &str {
    one.notice.items().find(|(item, _)| *item == what).map_or("", |(_, said)| said)
}
