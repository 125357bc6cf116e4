//! Her mandates as a page shows them: who may do what for her, and what was done.

use besace_protocol::{
    document::Verified,
    mandate::MandateAct,
    party::{ControllerId, Manifest},
    time::Timestamp,
};

use super::{
    view::{Fact, Key, plain},
    voice::Voice,
};
use crate::{
    engine::{Engine, MandateView, StepError},
    vault::StoredAct,
};

/// Longest name of a person or a retailer, in characters.
const NAME_MAX: usize = 80;

/// The page of mandates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MandatesView {
    /// Each mandate, the newest first.
    pub mandates: Vec<GivenView>,
    /// Retailers that a mandate may be for: domain and name.
    pub retailers: Vec<(String, String)>,
}

/// One mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenView {
    /// Its name, for addresses.
    pub id: String,
    /// `Karim, depuis le 12 mars`.
    pub title: String,
    /// That it is over, or waits for her.
    pub note: Option<String>,
    /// Whether she can confirm it.
    pub waits: bool,
    /// Whether she can take it back.
    pub counts: bool,
    /// What it says.
    pub facts: Vec<Fact>,
    /// What was done.
    pub acts: Vec<DoneView>,
}

/// Something that was done for her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoneView {
    /// Its number, for addresses, where it can be undone.
    pub undo: Option<String>,
    /// `Règle 3 resserrée le 12 mars.`
    pub sentence: String,
}

/// What stands in the form: as it was typed, where it was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MandateFields {
    /// What she calls them.
    pub name: String,
    /// Their key.
    pub key: String,
    /// For which retailer; empty is all.
    pub retailer: String,
    /// For how many days.
    pub days: String,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<MandatesView, StepError> {
    let manifests = engine.retailers()?;
    let known: Vec<&Manifest> = manifests.iter().map(Verified::payload).collect();
    let name = |manifest: &&Manifest| {
        (manifest.controller.to_string(), plain(&manifest.legal.display_name, NAME_MAX))
    };
    let retailers = known.iter().map(name).collect();
    let now = engine.now();
    let mandates = engine.mandates()?.iter().map(|one| given(voice, one, &known, now)).collect();
    Ok(MandatesView { mandates, retailers })
}

fn given(voice: &Voice, view: &MandateView, known: &[&Manifest], now: Timestamp) -> GivenView {
    let date = |at| ("date", voice.date(at, now).into());
    let name = plain(view.name.reveal(), NAME_MAX);
    let mandate = &view.mandate;
    let over = now >= mandate.expires;
    let waits = view.set_aside && view.withdrawn_at.is_none() && !over;
    let note = match view.withdrawn_at {
        Some(at) => Some(voice.say_with("mandate-withdrawn", [date(at)])),
        None if over => Some(voice.say_with("mandate-over", [date(mandate.expires)])),
        None if waits => Some(voice.say("mandate-set-aside")),
        None => None,
    };
    let fact = |key, value| Fact::new(voice, key, value);
    let words: Vec<String> = mandate.acts.iter().map(|act| word(voice, *act)).collect();
    let whose = mandate.controllers.as_ref().map_or_else(
        || voice.say("rule-retailer-all"),
        |named| named.iter().map(|one| shown(one, known)).collect::<Vec<_>>().join(", "),
    );
    let mut facts = vec![
        fact(Key("mandate-may"), words.join(", ")),
        fact(Key("rule-retailer"), whose),
        fact(Key("mandate-until"), voice.date(mandate.expires, now)),
    ];
    if let Some(seen) = view.seen_at {
        facts.push(fact(Key("mandate-seen"), voice.date(seen, now)));
    }
    GivenView {
        id: mandate.id.to_string(),
        title: voice.say_with("mandate-title", [("name", name.into()), date(view.made_at)]),
        note,
        waits,
        counts: view.withdrawn_at.is_none() && !over,
        facts,
        acts: view.acts.iter().map(|act| done(voice, act, now)).collect(),
    }
}

fn done(voice: &Voice, act: &StoredAct, now: Timestamp) -> DoneView {
    let date = ("date", voice.date(act.at, now).into());
    let number = || ("number", act.rule.map_or(0, |(number, _)| number).to_string().into());
    let sentence = match act.act {
        MandateAct::Narrow => voice.say_with("mandate-narrowed", [number(), date]),
        MandateAct::Refuse => voice.say_with("mandate-refused", [date]),
        MandateAct::Withdraw => voice.say_with("mandate-stopped", [date]),
        MandateAct::WriteRules => voice.say_with("mandate-wrote", [number(), date]),
    };
    if let Some(at) = act.undone_at {
        let undone = voice.say_with("mandate-undone", [("date", voice.date(at, now).into())]);
        return DoneView { undo: None, sentence: format!("{sentence} {undone}") };
    }
    let undo = (act.act != MandateAct::Withdraw).then(|| act.id.to_string());
    DoneView { undo, sentence }
}

fn word(voice: &Voice, act: MandateAct) -> String {
    match act {
        MandateAct::Narrow => voice.say("mandate-act-narrow"),
        MandateAct::Refuse => voice.say("mandate-act-refuse"),
        MandateAct::Withdraw => voice.say("mandate-act-withdraw"),
        MandateAct::WriteRules => voice.say("mandate-act-rules"),
    }
}

fn shown(domain: &ControllerId, known: &[&Manifest]) -> String {
    let manifest = known.iter().find(|manifest| manifest.controller == *domain);
    let name = manifest.map(|manifest| plain(&manifest.legal.display_name, NAME_MAX));
    name.unwrap_or_else(|| domain.to_string())
}

/// "Withdrawn by Karim, under your mandate of 12 March."
pub fn by(voice: &Voice, view: &MandateView, now: Timestamp) -> String {
    let name = plain(view.name.reveal(), NAME_MAX);
    let date = voice.date(view.made_at, now);
    voice.say_with("mandate-by", [("name", name.into()), ("date", date.into())])
}
