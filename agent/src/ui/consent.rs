//! Consent as pages show it: what is asked, what is allowed, who looked her up, what is over.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{GrantState, Notice, NoticeItem, NoticeText, RevocationReason, Terms},
    id::{GrantId, RequestId},
    party::Manifest,
    time::Timestamp,
};

use super::{
    looked_up, mandates, marketing, renewal, revocation, rules,
    terms::{self, RetailerWords},
    view::{ConsentView, EndedView, Fact, GrantView, Key, RequestView, plain},
    voice::Voice,
};
use crate::engine::{
    self, Duty, Engine, Erasing, LogStanding, OpenCounter, OpenRequest, Reconciliation, StepError,
};
use crate::vault::RevokedBy;

/// Longest item of a notice, in characters.
const NOTICE_ITEM_MAX: usize = NoticeText::ITEM_LEN_MAX;

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<ConsentView, StepError> {
    let now = engine.now();
    let pilot = (!engine.asks_witnesses()).then(|| voice.say("pilot-without-witnesses"));
    let minor = engine.minor_until()?.map(|until| minor(voice, until));
    let mut view = ConsentView { minor, pilot, ..ConsentView::default() };
    for manifest in engine.retailers()? {
        let domain = &manifest.payload().controller;
        let name = plain(&manifest.payload().legal.display_name, NAME_MAX);
        view.standing.extend(log_sentence(voice, &name, engine.log_standing(domain)?, now));
        view.standing.extend(revocation::knew_less(voice, engine, domain, &name)?);
        view.marketing.push(marketing::view(voice, engine, manifest.payload())?);
    }
    for open in engine.open_requests()? {
        let manifest = engine.manifest(&open.request.payload().controller)?;
        view.requests.push(request(voice, manifest.payload(), &open, now));
    }
    for open in engine.open_counters()? {
        let manifest = engine.manifest(&open.request.payload().controller)?;
        view.requests.push(counter(voice, manifest.payload(), &open, now));
    }
    let by_others = by_others(voice, engine, now)?;
    for known in engine.grants()? {
        match end_of(&known, now) {
            None => {
                let manifest = engine.manifest(&known.grant.controller)?;
                let words = retailer(manifest.payload(), &known.grant.terms);
                let mut card = live(voice, &words, &known, now);
                if known.ends_soon(now) && engine.renewable_by(known.grant.id)?.is_some() {
                    card.renew = Some(renewal::renew(voice, &words.name, &known, now));
                }
                view.live.push(card);
            }
            Some(end) => {
                let name = plain(&known.display_name, NAME_MAX);
                view.ended.push(EndedView {
                    id: known.grant.id.to_string(),
                    sentence: with(
                        over(voice, &name, &known, end, now),
                        by_others.grants.get(&known.grant.id),
                    ),
                    retailer: name,
                });
            }
        }
        let counted = engine.reconcile(known.grant.id)?;
        if let Some(alarm) = discrepancy(voice, &known.display_name, counted) {
            view.alarms.push(alarm);
        }
    }
    for refused in engine.refused_by_rule()? {
        view.ended.push(EndedView {
            id: refused.id.to_string(),
            sentence: rules::refused(voice, refused.rule, now),
            retailer: plain(&refused.display_name, NAME_MAX),
        });
    }
    for refused in engine.refused_requests()? {
        let name = plain(&refused.display_name, NAME_MAX);
        view.ended.push(EndedView {
            id: refused.id.to_string(),
            sentence: with(
                ended(voice, &name, End::Refused(refused.paused_until), now),
                by_others.requests.get(&refused.id),
            ),
            retailer: name,
        });
    }
    view.looked_up =
        engine.look_ups()?.iter().map(|used| looked_up::view(voice, used, now)).collect();
    Ok(view)
}

/// Who ended what under a mandate, in words.
struct ByOthers {
    grants: BTreeMap<GrantId, String>,
    requests: BTreeMap<RequestId, String>,
}

fn by_others(voice: &Voice, engine: &Engine, now: Timestamp) -> Result<ByOthers, StepError> {
    let mut by = ByOthers { grants: BTreeMap::new(), requests: BTreeMap::new() };
    for mandate in engine.mandates()? {
        let words = mandates::by(voice, &mandate, now);
        for act in mandate.acts.iter().filter(|act| act.undone_at.is_none()) {
            by.grants.extend(act.grant.map(|grant| (grant, words.clone())));
            by.requests.extend(act.request.map(|request| (request, words.clone())));
        }
    }
    Ok(by)
}

fn with(sentence: String, more: Option<&String>) -> String {
    match more {
        Some(more) => format!("{sentence} {more}"),
        None => sentence,
    }
}

fn minor(voice: &Voice, until: Timestamp) -> String {
    voice.say_with("consent-minor", [("date", voice.date_with_year(until).into())])
}

/// Longest name of a retailer or a shop, in characters.
pub(super) const NAME_MAX: usize = 80;

fn request(voice: &Voice, manifest: &Manifest, open: &OpenRequest, now: Timestamp) -> RequestView {
    let asked = open.request.payload();
    let words = retailer(manifest, &asked.terms);
    RequestView {
        id: asked.id.to_string(),
        sentence: terms::question(voice, &words, &asked.terms, now),
        mirror: terms::mirror_of(voice, &words.name, &open.guesses, &asked.terms),
        beyond: renewal::beside(voice, open, now),
        facts: terms::request_facts(voice, &words, &asked.terms, now),
        retailer: words.name,
        notice_language: plain(open.notice.language(), 2),
        notice: notice(voice, &open.notice),
    }
}

/// What a shop answered to what her agent proposed: asked like any request, under the name of the negotiation.
fn counter(voice: &Voice, manifest: &Manifest, open: &OpenCounter, now: Timestamp) -> RequestView {
    let words = retailer(manifest, &open.terms);
    let answers = voice.say_with(
        "counter-answers",
        [("retailer", words.name.clone().into()), ("date", voice.date(open.expires, now).into())],
    );
    let beyond = open.beyond.iter().map(|one| rules::beyond(voice, one, now));
    RequestView {
        id: open.id.to_string(),
        sentence: terms::question(voice, &words, &open.terms, now),
        mirror: terms::mirror_of(voice, &words.name, &open.guesses, &open.terms),
        beyond: std::iter::once(answers).chain(beyond).collect(),
        facts: terms::request_facts(voice, &words, &open.terms, now),
        retailer: words.name,
        notice_language: plain(open.notice.language(), 2),
        notice: notice(voice, &open.notice),
    }
}

/// What has to be told, each item under its name.
fn notice(voice: &Voice, notice: &Notice) -> Vec<Fact> {
    let who = notice.controller();
    let who = format!("{}, {}, {}", who.name, who.address, who.contact);
    let told = notice.items().map(|(item, text)| (notice_key(item), plain(text, NOTICE_ITEM_MAX)));
    std::iter::once((Key("notice-controller"), plain(&who, NOTICE_ITEM_MAX)))
        .chain(told)
        .map(|(key, text)| Fact::new(voice, key, text))
        .collect()
}

const fn notice_key(item: NoticeItem) -> Key {
    match item {
        NoticeItem::Purpose => Key("notice-purpose"),
        NoticeItem::LegalBasis => Key("notice-legal-basis"),
        NoticeItem::Obligation => Key("notice-obligation"),
        NoticeItem::Recipients => Key("notice-recipients"),
        NoticeItem::Transfers => Key("notice-transfers"),
        NoticeItem::Retention => Key("notice-retention"),
        NoticeItem::AutomatedDecisions => Key("notice-automated-decisions"),
        NoticeItem::Withdrawal => Key("notice-withdrawal"),
        NoticeItem::Rights => Key("notice-rights"),
        NoticeItem::Complaint => Key("notice-complaint"),
        NoticeItem::DataProtectionOfficer => Key("notice-data-protection-officer"),
    }
}

fn live(
    voice: &Voice,
    words: &RetailerWords,
    known: &engine::GrantView,
    now: Timestamp,
) -> GrantView {
    let grant = &known.grant;
    let span = (grant.given, grant.expires);
    let mut facts = terms::grant_facts(voice, words, &grant.terms, span, now);
    if let Some(rule) = known.rule {
        facts.push(Fact::new(voice, Key("rule-given-by"), rules::accepted(voice, rule, now)));
    }
    if known.state == GrantState::Given {
        let waiting = voice.say_with("consent-unsigned", [("retailer", words.name.clone().into())]);
        facts.push(Fact::new(voice, Key("consent-state"), waiting));
    }
    let stop = voice.say("consent-stop");
    GrantView {
        id: grant.id.to_string(),
        retailer: words.name.clone(),
        facts,
        stop_label: format!("{stop} ({})", words.name),
        renew: None,
    }
}

/// What is wrong with the log of `retailer`, if anything.
fn log_sentence(
    voice: &Voice,
    retailer: &str,
    standing: LogStanding,
    now: Timestamp,
) -> Option<String> {
    let who = ("retailer", retailer.to_owned().into());
    match standing {
        LogStanding::Sound => None,
        LogStanding::Waits { .. } => Some(voice.say_with("log-waits", [who])),
        LogStanding::Forked { noticed_at } => {
            let when = ("date", voice.date(noticed_at, now).into());
            Some(voice.say_with("log-forked", [who, when]))
        }
    }
}

/// What a retailer counted and did not show her, if anything.
fn discrepancy(voice: &Voice, retailer: &str, counted: Reconciliation) -> Option<String> {
    let who = || ("retailer", plain(retailer, NAME_MAX).into());
    match counted {
        Reconciliation::Complete { .. } => None,
        Reconciliation::Missing { counted, opened } => {
            let counts = [who(), ("counted", counted.into()), ("opened", opened.into())];
            Some(voice.say_with("looked-up-missing", counts))
        }
        Reconciliation::Other { counted } => {
            Some(voice.say_with("looked-up-other", [who(), ("counted", counted.into())]))
        }
    }
}

fn end_of(known: &engine::GrantView, now: Timestamp) -> Option<End> {
    let at = known.ended_at.unwrap_or(known.grant.expires);
    match known.state {
        GrantState::Given | GrantState::Active => None,
        GrantState::Withdrawn => Some(match known.owed(now) {
            Some(duty) => End::StopPending(duty),
            None if known.unanswered => End::Unanswered,
            None => End::Stopped,
        }),
        GrantState::Expired => Some(End::Expired(known.grant.expires)),
        GrantState::Revoked => Some(End::Revoked(
            at,
            (known.revoked_by.unwrap_or(RevokedBy::Revocation), known.revoked_for),
        )),
        GrantState::Superseded => Some(End::Superseded(at)),
    }
}

/// The retailer of these terms, as its manifest names it.
fn retailer(manifest: &Manifest, terms: &Terms) -> RetailerWords {
    let legal = &manifest.legal;
    let shops = terms.shops.iter().filter_map(|code| manifest.shop(*code));
    RetailerWords {
        name: plain(&legal.display_name, NAME_MAX),
        legal: plain(&format!("{}, {}", legal.name, legal.address), 400),
        contact: plain(&legal.contact, 200),
        domain: manifest.controller.to_string(),
        shops: shops.map(|shop| plain(&shop.name, NAME_MAX)).collect(),
    }
}

/// How a grant or a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// She stopped it, and the retailer signed for that.
    Stopped,
    /// She stopped it; the retailer has not signed for that yet, and owes it.
    StopPending(Duty),
    /// She said yes, and the retailer did not sign it in the end.
    Unanswered,
    /// It ran out.
    Expired(Timestamp),
    /// Somebody else ended it: its retailer.
    Revoked(Timestamp, (RevokedBy, Option<RevocationReason>)),
    /// She renewed it: another grant took its place.
    Superseded(Timestamp),
    /// She said no; it may not be asked again before this moment.
    Refused(Timestamp),
}

/// What she reads about the end of something with `retailer`.
pub fn ended(voice: &Voice, retailer: &str, end: End, now: Timestamp) -> String {
    let who = || ("retailer", retailer.to_owned().into());
    let when = |at| ("date", voice.date(at, now).into());
    match end {
        End::Stopped => voice.say_with("stopped", [who()]),
        End::StopPending(duty) => {
            let pending = voice.say_with("stop-pending", [who()]);
            format!("{pending} {}", owed(voice, duty, now))
        }
        End::Unanswered => voice.say_with("consent-ended-unanswered", [who()]),
        End::Expired(at) => voice.say_with("consent-ended-expired", [when(at)]),
        End::Revoked(at, by) => revocation::sentence(voice, retailer, at, by, now),
        End::Superseded(at) => voice.say_with("consent-ended-superseded", [who(), when(at)]),
        End::Refused(until) => voice.say_with("refused", [when(until)]),
    }
}

/// How a grant ended, and how the erasure stands that is owed after it.
fn over(
    voice: &Voice,
    retailer: &str,
    known: &engine::GrantView,
    end: End,
    now: Timestamp,
) -> String {
    let sentence = ended(voice, retailer, end, now);
    match known.erasing(now) {
        Some(standing) => format!("{sentence} {}", erasing(voice, retailer, standing, now)),
        None => sentence,
    }
}

/// Until when a retailer has time to sign that what it held is erased, how late it is, or when it signed.
fn erasing(voice: &Voice, retailer: &str, standing: Erasing, now: Timestamp) -> String {
    let who = || ("retailer", retailer.to_owned().into());
    let when = |at| ("date", voice.date(at, now).into());
    match standing {
        Erasing::Due { until } => voice.say_with("erasure-due", [who(), when(until)]),
        Erasing::Late { since, days } => {
            let days = ("days", days.into());
            voice.say_with("erasure-late", [who(), when(since), days])
        }
        Erasing::Done { at, shown_late, others_told, mail_waits } => {
            let mut said = vec![voice.say_with("erasure-done", [who(), when(at)])];
            said.extend(shown_late.map(|at| voice.say_with("erasure-shown-late", [when(at)])));
            said.push(voice.say("erasure-kept"));
            said.extend(mail_waits.then(|| voice.say("erasure-mail")));
            said.extend(others_told.then(|| voice.say("erasure-told")));
            said.join(" ")
        }
    }
}

/// Until when a retailer has time, or how late it is.
fn owed(voice: &Voice, duty: Duty, now: Timestamp) -> String {
    match duty {
        Duty::Due { until } => voice.say_with("stop-due", [("moment", voice.moment(until).into())]),
        Duty::Late { since, days, erasure_late } => {
            let date = ("date", voice.date(since, now).into());
            let late = voice.say_with("stop-late", [date, ("days", days.into())]);
            if erasure_late { format!("{late} {}", voice.say("stop-erasure-late")) } else { late }
        }
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    /// 2026-03-10T16:42:05Z, a Tuesday; given a week earlier.
    const AT: Timestamp = Timestamp::from_unix_seconds(1_773_160_925);
    const GIVEN: Timestamp = Timestamp::from_unix_seconds(1_772_556_125);

    fn voice(language: Language) -> Voice {
        Voice::new(language, TimeZone::get("Europe/Paris").unwrap())
    }

    #[test]
    fn how_late_a_shop_is_that_does_not_sign_is_said_in_words() {
        let day = 86_400;
        let say = |language, after| {
            let now = AT.plus(after);
            let end = End::StopPending(Duty::after(AT, now));
            ended(&voice(language), "Maison Lumen", end, now)
        };
        insta::assert_snapshot!(say(Language::En, 0), @"Maison Lumen isn’t answering. For you, it has stopped; we will keep telling them until they sign for it. They have until Wednesday 11 March at 5.42 pm to sign.");
        insta::assert_snapshot!(say(Language::En, day), @"Maison Lumen isn’t answering. For you, it has stopped; we will keep telling them until they sign for it. They should have signed by 11 March.");
        insta::assert_snapshot!(say(Language::En, 2 * day), @"Maison Lumen isn’t answering. For you, it has stopped; we will keep telling them until they sign for it. They should have signed by 11 March: they are one day late.");
        insta::assert_snapshot!(say(Language::En, 31 * day), @"Maison Lumen isn’t answering. For you, it has stopped; we will keep telling them until they sign for it. They should have signed by 11 March: they are 30 days late. The month that the law gives them to erase what they held is over. You may complain to the data protection authority.");
        insta::assert_snapshot!(say(Language::Fr, 0), @"Maison Lumen ne répond pas. Pour vous, c’est arrêté ; à elle, nous le redirons jusqu’à ce qu’elle en signe la réception. Elle a jusqu’au mercredi 11 mars à 17 h 42 pour signer.");
        insta::assert_snapshot!(say(Language::Fr, day), @"Maison Lumen ne répond pas. Pour vous, c’est arrêté ; à elle, nous le redirons jusqu’à ce qu’elle en signe la réception. Elle devait signer avant le 11 mars.");
        insta::assert_snapshot!(say(Language::Fr, 2 * day), @"Maison Lumen ne répond pas. Pour vous, c’est arrêté ; à elle, nous le redirons jusqu’à ce qu’elle en signe la réception. Elle devait signer avant le 11 mars : elle a un jour de retard.");
        insta::assert_snapshot!(say(Language::Fr, 31 * day), @"Maison Lumen ne répond pas. Pour vous, c’est arrêté ; à elle, nous le redirons jusqu’à ce qu’elle en signe la réception. Elle devait signer avant le 11 mars : elle a 30 jours de retard. Le mois que la loi lui donne pour effacer ce qu’elle avait est passé. Vous pouvez vous plaindre à la CNIL.");
    }

    #[test]
    fn how_the_erasure_stands_is_said_in_words() {
        let say = |language, standing| erasing(&voice(language), "Maison Lumen", standing, AT);
        let due = Erasing::Due { until: AT };
        let late = |days| Erasing::Late { since: AT, days };
        let done = |more: bool| Erasing::Done {
            at: GIVEN,
            shown_late: more.then_some(AT),
            others_told: more,
            mail_waits: more,
        };
        insta::assert_snapshot!(say(Language::Fr, due), @"Maison Lumen doit signer avant le 10 mars que ce qu’elle avait est effacé.");
        insta::assert_snapshot!(say(Language::En, due), @"Maison Lumen has to sign before 10 March that what it held is erased.");
        insta::assert_snapshot!(say(Language::Fr, late(0)), @"Maison Lumen devait signer avant le 10 mars que ce qu’elle avait est effacé. Vous pouvez vous plaindre à la CNIL.");
        insta::assert_snapshot!(say(Language::En, late(0)), @"Maison Lumen should have signed before 10 March that what it held is erased. You may complain to the data protection authority.");
        insta::assert_snapshot!(say(Language::Fr, late(1)), @"Maison Lumen devait signer avant le 10 mars que ce qu’elle avait est effacé : elle a un jour de retard. Vous pouvez vous plaindre à la CNIL.");
        insta::assert_snapshot!(say(Language::En, late(1)), @"Maison Lumen should have signed before 10 March that what it held is erased: it is one day late. You may complain to the data protection authority.");
        insta::assert_snapshot!(say(Language::Fr, late(9)), @"Maison Lumen devait signer avant le 10 mars que ce qu’elle avait est effacé : elle a 9 jours de retard. Vous pouvez vous plaindre à la CNIL.");
        insta::assert_snapshot!(say(Language::En, late(9)), @"Maison Lumen should have signed before 10 March that what it held is erased: it is 9 days late. You may complain to the data protection authority.");
        insta::assert_snapshot!(say(Language::Fr, done(false)), @"Maison Lumen a signé le 3 mars que ce qu’elle avait est effacé. Elle garde la preuve de votre oui et de sa fin.");
        insta::assert_snapshot!(say(Language::En, done(false)), @"Maison Lumen signed on 3 March that what it held is erased. It keeps the proof of your yes and of its end.");
        insta::assert_snapshot!(say(Language::Fr, done(true)), @"Maison Lumen a signé le 3 mars que ce qu’elle avait est effacé. Votre besace ne l’a su que le 10 mars. Elle garde la preuve de votre oui et de sa fin. Des preuves d’usage vous y attendent encore, scellées pour vous. Elle a prévenu ceux à qui elle l’avait transmis.");
        insta::assert_snapshot!(say(Language::En, done(true)), @"Maison Lumen signed on 3 March that what it held is erased. Your besace learnt of it only on 10 March. It keeps the proof of your yes and of its end. Proofs of use still wait for you there, sealed to you. It told those to whom it had passed it on.");
    }

    #[test]
    fn a_log_that_does_not_stand_is_said_in_words() {
        let say = |language, standing| {
            log_sentence(&voice(language), "Maison Lumen", standing, AT).unwrap_or_default()
        };
        let forked = LogStanding::Forked { noticed_at: GIVEN };
        insta::assert_snapshot!(say(Language::Fr, forked), @"Maison Lumen a signé deux histoires différentes dans son registre. Depuis le 3 mars, votre besace ne lui confie plus rien. Les deux versions signées sont gardées : montrez-les à qui vérifie.");
        insta::assert_snapshot!(say(Language::En, forked), @"Maison Lumen signed two different histories in its log. Since 3 March, your besace entrusts nothing to it. Both signed versions are kept: show them to whoever checks.");
        let waits = LogStanding::Waits { since: GIVEN };
        insta::assert_snapshot!(say(Language::Fr, waits), @"Le registre de Maison Lumen n’a pas encore pu être comparé à ce que l’enseigne en a montré. D’ici là, votre besace ne lui confie rien de nouveau.");
        insta::assert_snapshot!(say(Language::En, waits), @"The log of Maison Lumen could not be compared yet with what the shop showed of it. Until then, your besace entrusts nothing new to it.");
        assert_eq!(say(Language::En, LogStanding::Sound), "");
    }

    #[test]
    fn a_count_that_does_not_agree_is_said_in_words() {
        let say = |language, counted| {
            discrepancy(&voice(language), "Maison Lumen", counted).unwrap_or_default()
        };
        let lacks = |counted, opened| Reconciliation::Missing { counted, opened };
        let other = |counted| Reconciliation::Other { counted };
        insta::assert_snapshot!(say(Language::En, lacks(1, 0)), @"Maison Lumen counted one look-up and showed you none. Its signed count is kept: show it to whoever checks.");
        insta::assert_snapshot!(say(Language::En, lacks(3, 1)), @"Maison Lumen counted 3 look-ups and showed you only one. Its signed count is kept: show it to whoever checks.");
        insta::assert_snapshot!(say(Language::Fr, lacks(3, 1)), @"Maison Lumen a compté 3 lectures et ne vous en a montré qu’une. Son décompte signé est gardé : montrez-le à qui vérifie.");
        insta::assert_snapshot!(say(Language::En, lacks(9, 7)), @"Maison Lumen counted 9 look-ups and showed you only 7. Its signed count is kept: show it to whoever checks.");
        insta::assert_snapshot!(say(Language::En, other(1)), @"Maison Lumen signed a count of one look-up that does not match what it showed you. Its signed count is kept: show it to whoever checks.");
        insta::assert_snapshot!(say(Language::En, other(3)), @"Maison Lumen signed a count of 3 look-ups that does not match what it showed you. Its signed count is kept: show it to whoever checks.");
        insta::assert_snapshot!(say(Language::Fr, other(3)), @"Maison Lumen a signé un décompte de 3 lectures qui ne correspond pas à ce qu’elle vous a montré. Ce décompte signé est gardé : montrez-le à qui vérifie.");
        assert_eq!(say(Language::En, Reconciliation::Complete { uses: 3 }), "");
    }

    #[test]
    fn every_end_has_its_sentence() {
        let say = |end| ended(&voice(Language::En), "Maison Lumen", end, AT);
        insta::assert_snapshot!(say(End::Stopped), @"It has stopped. From this moment your besace is silent to Maison Lumen. What you have earned stays yours.");
        insta::assert_snapshot!(say(End::Unanswered), @"Maison Lumen did not sign your yes in the end: nothing was given.");
        insta::assert_snapshot!(say(End::Expired(AT)), @"Ran out on 10 March.");
        insta::assert_snapshot!(say(End::Revoked(AT, (RevokedBy::Revocation, Some(RevocationReason::ShopClosed)))), @"Ended by the shop: Maison Lumen ended it on 10 March. The shop closes. What you have earned stays yours.");
        insta::assert_snapshot!(
            say(End::Superseded(AT)),
            @"On 10 March another consent to Maison Lumen took its place."
        );
        insta::assert_snapshot!(say(End::Refused(AT)), @"It’s a no, and it’s understood. This request will not come back before 10 March.");
    }
}
