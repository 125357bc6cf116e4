//! Before she starts afresh with a shop: what ends, what is lost, and what would still tell who she is.

use besace_protocol::{party::ControllerId, time::Timestamp};

use super::{
    view::{AfreshView, plain},
    voice::Voice,
};
use crate::engine::{Acquaintance, Engine, StepError};

/// Longest name of a retailer, in characters.
const NAME_MAX: usize = 80;

/// The page, as things stand now.
pub fn view(
    voice: &Voice,
    engine: &Engine,
    domain: &ControllerId,
) -> Result<AfreshView, StepError> {
    let manifest = engine.manifest(domain)?;
    let retailer = plain(&manifest.payload().legal.display_name, NAME_MAX);
    let known = engine.acquaintance(domain)?;
    Ok(AfreshView {
        domain: domain.to_string(),
        told: told(voice, &retailer),
        refusal: refusal(voice, &retailer, known, engine.now()),
        retailer,
    })
}

/// What she reads before.
fn told(voice: &Voice, retailer: &str) -> Vec<String> {
    let who = || [("retailer", retailer.to_owned().into())];
    vec![
        voice.say_with("afresh-ends", who()),
        voice.say_with("afresh-lost", who()),
        voice.say_with("afresh-kept", who()),
        voice.say_with("afresh-wait", who()),
        voice.say_with("afresh-links", who()),
        voice.say_with("afresh-erased", who()),
    ]
}

/// Why there is no fresh start now, if there is none.
fn refusal(voice: &Voice, retailer: &str, known: Acquaintance, now: Timestamp) -> Option<String> {
    let who = ("retailer", retailer.to_owned().into());
    match known {
        Acquaintance::Nobody => Some(voice.say_with("afresh-nobody", [who])),
        Acquaintance::Known { again_from } => again_from.map(|from| {
            let when = ("date", voice.date(from, now).into());
            voice.say_with("afresh-too-soon", [who, when])
        }),
        Acquaintance::Waiting { from } => Some(waiting(voice, retailer, from, now)),
    }
}

/// That a shop hears of nobody yet.
pub fn waiting(voice: &Voice, retailer: &str, from: Timestamp, now: Timestamp) -> String {
    let who = ("retailer", retailer.to_owned().into());
    voice.say_with("afresh-waiting", [who, ("date", voice.date(from, now).into())])
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    /// 2026-03-10T16:42:05Z, a Tuesday.
    const AT: Timestamp = Timestamp::from_unix_seconds(1_773_160_925);

    #[test]
    fn what_is_lost_and_what_still_tells_who_she_is_stands_before_the_button() {
        let say = |language| {
            let voice = Voice::new(language, TimeZone::get("Europe/Paris").unwrap());
            let from = AT.plus(86_400);
            let ways = [
                Acquaintance::Nobody,
                Acquaintance::Known { again_from: Some(from) },
                Acquaintance::Waiting { from },
            ];
            let mut lines = told(&voice, "Maison Lumen");
            lines.extend(
                ways.into_iter().filter_map(|known| refusal(&voice, "Maison Lumen", known, AT)),
            );
            assert_eq!(refusal(&voice, "", Acquaintance::Known { again_from: None }, AT), None);
            lines.join("\n")
        };
        insta::assert_snapshot!(say(Language::Fr), @r"
        Tout ce que vous permettez à Maison Lumen s’arrête à l’instant, que l’enseigne réponde ou non. Plus rien ne part sous l’ancienne clé.
        Vous perdez ce qui tient à l’ancienne clé chez Maison Lumen : points, paliers, cagnotte, avantages promis contre un accord. Rien n’en passe à la nouvelle.
        Les bons déjà rangés dans votre besace restent bons : ils ne tiennent à personne. Ce que vous avez refusé le reste, et Maison Lumen l’ignore.
        Ensuite, silence : entre un et sept jours, tirés au sort. Après cela, Maison Lumen peut vous redemander, et vous pouvez dire oui sous une clé neuve.
        Maison Lumen ne pourra relier l’ancienne et la nouvelle que par ce que vous lui montrez. La même carte, au paiement ou de fidélité ; votre visage ou votre nom ; la même adresse sur le réseau.
        L’ancienne clé ne sert plus qu’à dire l’arrêt et à recevoir la signature que tout est effacé.
        Maison Lumen ne connaît encore personne sous une clé de votre besace : il n’y a rien à quitter.
        Le dernier nouveau départ avec Maison Lumen est trop récent : à force de recommencer, on se fait reconnaître. Ce sera possible à partir du 11 mars. Arrêter reste possible à tout moment.
        Pour Maison Lumen, votre besace n’existe plus. Elle ne s’y présentera pas avant le 11 mars.
        ");
        insta::assert_snapshot!(say(Language::En), @r"
        Everything you allow Maison Lumen stops at once, whether the shop answers or not. Nothing leaves under the old key any more.
        You lose what hangs on the old key at Maison Lumen: points, tiers, credit, advantages promised for a consent. None of it passes to the new one.
        Vouchers that are in your besace already stay good: they hang on nobody. What you refused stays refused, and Maison Lumen does not know.
        Then silence: between one and seven days, drawn by lot. After that, Maison Lumen may ask you again, and you can say yes under a new key.
        Maison Lumen will be able to connect the old and the new only by what you show it. The same card, for paying or for loyalty; your face or your name; the same address on the network.
        The old key serves only to say that it is over, and to receive the signature that all is erased.
        Maison Lumen knows nobody yet under a key of your besace: there is nothing to leave.
        The last fresh start with Maison Lumen is too recent: who begins again and again is known by it. It will be possible from 11 March. Stopping is possible at any time.
        To Maison Lumen, your besace exists no more. It will not present itself there before 11 March.
        ");
    }
}
