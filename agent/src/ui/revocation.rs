//! The end of a grant by somebody else, in words.

use besace_protocol::{consent::RevocationReason, party::ControllerId, time::Timestamp};

use super::{
    consent::{End, NAME_MAX, ended},
    view::plain,
    voice::Voice,
};
use crate::{
    engine::{Engine, StepError},
    vault::RevokedBy,
};

/// That `retailer` ended it, why, and that what was earned stays.
pub(super) fn sentence(
    voice: &Voice,
    retailer: &str,
    at: Timestamp,
    by: (RevokedBy, Option<RevocationReason>),
    now: Timestamp,
) -> String {
    let who = || ("retailer", retailer.to_owned().into());
    let when = ("date", voice.date(at, now).into());
    let why = match by {
        (RevokedBy::Restoration, _) => Some(voice.say_with("consent-revoked-restoration", [who()])),
        (RevokedBy::Revocation, reason) => reason.map(|reason| match reason {
            RevocationReason::ProgrammeOver => voice.say("consent-revoked-programme-over"),
            RevocationReason::PurposeOver => voice.say("consent-revoked-purpose-over"),
            RevocationReason::Security => voice.say("consent-revoked-security"),
            RevocationReason::ShopClosed => voice.say("consent-revoked-shop-closed"),
        }),
    };
    let mut said = vec![voice.say_with("consent-ended-revoked", [who(), when])];
    said.extend(why);
    said.push(voice.say("consent-revoked-earned"));
    said.join(" ")
}

/// What Today says of grants that somebody else ended, once.
pub(super) fn to_tell(voice: &Voice, engine: &Engine) -> Result<Vec<String>, StepError> {
    let now = engine.now();
    let told = engine.revoked_to_tell()?;
    let sentences = told.into_iter().map(|known| {
        let name = plain(&known.display_name, NAME_MAX);
        let at = known.ended_at.unwrap_or(known.grant.expires);
        let by = known.revoked_by.unwrap_or(RevokedBy::Revocation);
        ended(voice, &name, End::Revoked(at, (by, known.revoked_for)), now)
    });
    Ok(sentences.collect())
}

/// That `retailer` lost its store and knew less of its log than it had shown her, as often as that was.
pub(super) fn knew_less(
    voice: &Voice,
    engine: &Engine,
    domain: &ControllerId,
    retailer: &str,
) -> Result<Vec<String>, StepError> {
    let now = engine.now();
    let less = engine.knew_less(domain)?;
    let sentences = less.into_iter().map(|one| {
        let said = &one.restoration;
        voice.say_with(
            "log-knew-less",
            [
                ("date", voice.date(said.at, now).into()),
                ("known", voice.number(said.from.head.size).into()),
                ("retailer", retailer.to_owned().into()),
                ("shown", voice.number(one.shown).into()),
            ],
        )
    });
    Ok(sentences.collect())
}
