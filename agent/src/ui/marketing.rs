//! Whether the offers of a shop are shown, the button that changes it, and whether the shop knows her.

use besace_protocol::{party::Manifest, time::Timestamp};

use super::{
    afresh,
    view::{MarketingView, plain},
    voice::Voice,
};
use crate::engine::{Acquaintance, Engine, Marketing, StepError};

/// Longest name of a retailer, in characters.
const NAME_MAX: usize = 80;

/// As things stand now.
pub(super) fn view(
    voice: &Voice,
    engine: &Engine,
    manifest: &Manifest,
) -> Result<MarketingView, StepError> {
    let domain = &manifest.controller;
    let (said, known) = (engine.marketing(domain)?, engine.acquaintance(domain)?);
    Ok(marketing(voice, manifest, said, known, engine.now()))
}

fn marketing(
    voice: &Voice,
    manifest: &Manifest,
    said: Option<Marketing>,
    known: Acquaintance,
    now: Timestamp,
) -> MarketingView {
    let retailer = plain(&manifest.legal.display_name, NAME_MAX);
    let objects = said.is_some_and(|said| said.objects);
    let button = if objects { voice.say("marketing-allow") } else { voice.say("marketing-object") };
    let again = said.is_some_and(|said| said.objects && said.by_former);
    let again = again.then(|| format!("{} ({retailer})", voice.say("marketing-again")));
    let (mut link, mut waits) = (None, None);
    match known {
        Acquaintance::Nobody => {}
        Acquaintance::Known { .. } => {
            link = Some(format!("{} ({retailer})", voice.say("afresh-link")));
        }
        Acquaintance::Waiting { from } => {
            waits = Some(afresh::waiting(voice, &retailer, from, now));
        }
    }
    MarketingView {
        domain: manifest.controller.to_string(),
        afresh: link,
        waiting: waits,
        sentence: marketing_sentence(voice, &retailer, said, now),
        objects,
        again,
        label: format!("{button} ({retailer})"),
        retailer,
    }
}

fn marketing_sentence(
    voice: &Voice,
    retailer: &str,
    said: Option<Marketing>,
    now: Timestamp,
) -> String {
    let who = || ("retailer", retailer.to_owned().into());
    let Some(Marketing { objects, since, told, by_former, said_at: _ }) = said else {
        return voice.say_with("marketing-open", [who()]);
    };
    let known = if by_former {
        voice.say_with("marketing-former", [who()])
    } else if told {
        voice.say_with("marketing-told", [who()])
    } else {
        voice.say_with("marketing-pending", [who()])
    };
    if objects {
        let when = ("date", voice.date(since, now).into());
        let stopped = voice.say_with("marketing-stopped", [who(), when]);
        format!("{stopped} {known}")
    } else {
        let open = voice.say_with("marketing-open", [who()]);
        if told || by_former { open } else { format!("{open} {known}") }
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    const GIVEN: Timestamp = Timestamp::from_unix_seconds(1_772_556_125);
    const AT: Timestamp = Timestamp::from_unix_seconds(1_773_160_925);

    fn voice(language: Language) -> Voice {
        Voice::new(language, TimeZone::get("Europe/Paris").unwrap())
    }

    #[test]
    fn whether_offers_are_shown_is_said_in_words() {
        let said = |objects, told| {
            Some(Marketing { objects, said_at: AT, since: GIVEN, told, by_former: false })
        };
        let say = |language, said| marketing_sentence(&voice(language), "Maison Lumen", said, AT);
        for (language, sentences) in [
            (
                Language::Fr,
                [
                    "Les offres de Maison Lumen sont rapprochées de vos souhaits, ici, dans votre besace.",
                    "Depuis le 3 mars, aucune offre de Maison Lumen ne vous est montrée, et votre besace ne lui demande plus de bons. Les vôtres restent. Maison Lumen le sait\u{a0}: c’est inscrit dans son registre.",
                    "Depuis le 3 mars, aucune offre de Maison Lumen ne vous est montrée, et votre besace ne lui demande plus de bons. Les vôtres restent. Maison Lumen ne l’a pas encore inscrit dans son registre\u{a0}; nous le redirons jusque-là.",
                ],
            ),
            (
                Language::En,
                [
                    "The offers of Maison Lumen are held against your wishes here, in your besace.",
                    "Since 3 March, no offer of Maison Lumen is shown to you, and your besace asks it for no more vouchers. Yours stay. Maison Lumen knows: it stands in its log.",
                    "Since 3 March, no offer of Maison Lumen is shown to you, and your besace asks it for no more vouchers. Yours stay. Maison Lumen has not put it into its log yet; we will keep telling it until then.",
                ],
            ),
        ] {
            for (said, sentence) in
                [None, said(true, true), said(true, false)].into_iter().zip(sentences)
            {
                assert_eq!(say(language, said), sentence);
            }
            assert_eq!(say(language, said(false, true)), sentences[0]);
        }
    }

    #[test]
    fn what_she_said_before_a_fresh_start_is_not_said_to_be_known() {
        let now = GIVEN;
        let said = |objects| {
            Some(Marketing { objects, said_at: now, since: now, told: true, by_former: true })
        };
        let say = |language, objects| {
            marketing_sentence(&voice(language), "Maison Lumen", said(objects), now)
        };
        assert!(!say(Language::En, true).contains("knows: it stands"));
        assert!(say(Language::En, true).contains("before you started afresh"));
        assert!(say(Language::Fr, true).contains("avant de repartir à neuf"));
        assert!(!say(Language::En, false).contains("afresh"));
    }
}
