//! Letters of the sealed inbox come into the open vault, each once and in the order in which they came.
//!
//! What a letter changes and the mark that it was merged are one transaction; its file goes afterwards. Killed
//! between the two, the next merge finds the mark and removes the file. What cannot be read is set aside.

use std::{collections::BTreeMap, io, sync::PoisonError};

use besace_protocol::{
    encoding::from_json,
    id::{GrantId, LetterId},
    party::ControllerId,
    presence::ShopId,
    time::{DAY_SECONDS, Day, Timestamp},
    wire::MailAcknowledged,
};

use super::{
    ARRIVAL_SECONDS, Delivery, Engine, EngineError, StepError, VisitRules,
    devices::{INSIDE_MAX, SKEW_SECONDS},
    outbox::kind_of,
};
use crate::{
    overland,
    owntracks::{self, Crossing, Emitter, Report},
    sealed::{Content, Letter, LetterKey, OpenLetterError, Waiting},
    vault::{DeviceApp, DeviceKeys, Direction, JournalEntry, LetterEffect, ShopVisit},
};

/// How many letters are merged in one transaction.
const CHUNK: usize = 256;

/// What became of the letters that waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Reports of devices that are in the vault now.
    pub reports: usize,
    /// Answers of retailers that are in the vault now.
    pub answers: usize,
    /// Letters that were set aside.
    pub set_aside: usize,
}

/// The merge was not finished; the next one goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum MergeInboxError {
    /// Locked meanwhile, or the vault failed.
    #[error("the sealed inbox was not merged")]
    Engine(#[from] EngineError),
    /// The folder of the inbox could not be read or written.
    #[error("the sealed inbox could not be read")]
    Io(#[source] io::Error),
    /// The inbox key has no spelling.
    #[error("the sealed inbox could not be opened")]
    Key(#[source] OpenLetterError),
}

/// Moments at which a machine may stop; tests stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// A letter was opened and nothing done with it.
    Opened,
    /// Effects and marks are in the vault.
    Committed,
    /// Visits were found.
    Followed,
    /// A letter was set aside.
    Aside,
    /// The files are gone.
    Removed,
    /// The marks are gone.
    Forgotten,
}

type AtPoint<'a> = &'a mut dyn FnMut(Point) -> Result<(), MergeInboxError>;

/// Why a letter is not merged.
enum Unmerged {
    /// It never will be: it is set aside.
    Aside(&'static str),
    /// It is proven under a head that does not count yet: it waits, and the others need not.
    Later,
    /// Something else failed: it waits.
    Stop(EngineError),
}

impl From<EngineError> for Unmerged {
    fn from(error: EngineError) -> Self {
        Self::Stop(error)
    }
}

impl From<StepError> for Unmerged {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Engine(error) => Self::Stop(error),
            StepError::Uncompared | StepError::Unwitnessed => Self::Later,
            _ => Self::Aside("its content does not fit what the vault knows"),
        }
    }
}

impl Engine {
    /// Merges what arrived while the vault was locked. To be called after each unlock, and again until it succeeds.
    pub fn merge_inbox(&self) -> Result<Merged, MergeInboxError> {
        self.refresh_door();
        self.merge_inbox_at(&mut |_| Ok(()))
    }

    fn merge_inbox_at(&self, at: AtPoint<'_>) -> Result<Merged, MergeInboxError> {
        let inbox = &self.0.outside.inbox;
        let _one_at_a_time = self.0.outside.merging.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made room meanwhile.
        inbox.recount();
        let waiting = inbox.waiting().map_err(MergeInboxError::Io)?;
        let open = self.open()?;
        if waiting.is_empty() {
            return Ok(Merged::default());
        }
        // An older vault knows neither the device nor the grant: what is for the newer one would be set aside.
        open.vault.ensure_sound().map_err(EngineError::from)?;
        let devices = open.vault.device_keys().map_err(EngineError::from)?;
        let mut merge = Merge {
            engine: self,
            key: LetterKey::of(&open.root).map_err(MergeInboxError::Key)?,
            devices: devices.into_iter().collect(),
            earliest: self.now().minus(DAY_SECONDS),
            again: false,
            ids: Vec::new(),
            effects: Vec::new(),
            merged: Merged::default(),
        };
        for chunk in waiting.chunks(CHUNK) {
            merge.chunk(chunk, at)?;
        }
        let Merged { reports, answers, set_aside } = merge.merged;
        if set_aside > 0 {
            tracing::warn!(set_aside, "letters of the sealed inbox were set aside");
        }
        tracing::debug!(reports, answers, "the sealed inbox was merged");
        Ok(merge.merged)
    }

    /// A shop was heard in the past: the visit that this makes, or makes longer.
    fn heard_at(&self, shop: ShopId, at: Timestamp) -> Result<ShopVisit, EngineError> {
        let ShopId { domain, code } = shop;
        let vault = self.vault()?;
        // A visit without an end goes on if something was heard of her in the hour before.
        let silence = VisitRules::STANDARD.silence_seconds;
        let heard = !vault.fixes(at.minus(silence), at.plus(1))?.is_empty();
        let known = vault.visits()?.into_iter().find(|visit| {
            visit.domain == domain
                && visit.shop == code
                && visit.arrived_at <= at
                && visit.left_at.map_or(heard, |left| at <= left.plus(ARRIVAL_SECONDS))
        });
        Ok(known
            .map_or(ShopVisit { domain, shop: code, arrived_at: at, left_at: Some(at) }, |known| {
                ShopVisit { left_at: known.left_at.map(|left| left.max(at)), ..known }
            }))
    }
}

struct Merge<'a> {
    engine: &'a Engine,
    key: LetterKey,
    devices: BTreeMap<String, DeviceKeys>,
    /// From when visits are looked for.
    earliest: Timestamp,
    /// The letter in hand was merged before, by a process that ended too early: what it changed is in the vault, and
    /// only what an open vault remembers follows from it again.
    again: bool,
    /// Letters whose effects are not in the vault yet.
    ids: Vec<LetterId>,
    effects: Vec<LetterEffect>,
    merged: Merged,
}

impl Merge<'_> {
    fn chunk(&mut self, chunk: &[Waiting], at: AtPoint<'_>) -> Result<(), MergeInboxError> {
        let engine = self.engine;
        let (inbox, vault) = (&engine.0.outside.inbox, engine.vault()?);
        let ids: Vec<LetterId> = chunk.iter().map(|letter| letter.id).collect();
        let known = vault.merged_letters(ids.clone()).map_err(EngineError::from)?;
        let mut done = Vec::new();
        for waiting in chunk {
            let sealed = match inbox.read(waiting) {
                // What the disk does not give now it may give later.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(MergeInboxError::Io(error));
                }
                sealed => sealed.map_err(|_| "it is not there any more"),
            };
            let read = sealed.and_then(|sealed| self.read(waiting, &sealed));
            at(Point::Opened)?;
            let taken = match read {
                Ok(letter) => {
                    // An app may send today what it could not send before.
                    self.earliest = self.earliest.min(letter.at.minus(DAY_SECONDS));
                    self.again = known.contains(&waiting.id);
                    self.take(&letter)
                }
                Err(reason) => Err(Unmerged::Aside(reason)),
            };
            match taken {
                Ok(()) => done.push(*waiting),
                Err(Unmerged::Later) => {}
                Err(Unmerged::Stop(error)) => return Err(error.into()),
                Err(Unmerged::Aside(reason)) => {
                    tracing::warn!(reason, "a letter of the sealed inbox is set aside");
                    // One that cannot even be moved stays; the others do not wait for it.
                    if inbox.set_aside(waiting).is_ok() {
                        self.merged.set_aside = self.merged.set_aside.saturating_add(1);
                    }
                    at(Point::Aside)?;
                }
            }
        }
        self.flush()?;
        at(Point::Committed)?;
        self.follow()?;
        at(Point::Followed)?;
        inbox.remove(&done).map_err(MergeInboxError::Io)?;
        at(Point::Removed)?;
        vault.forget_letters(ids).map_err(EngineError::from)?;
        at(Point::Forgotten)
    }

    fn read(&self, waiting: &Waiting, sealed: &[u8]) -> Result<Letter, &'static str> {
        let letter = self.key.open(sealed).map_err(|_| "it does not open")?;
        if (letter.id, letter.number) == (waiting.id, waiting.number) {
            Ok(letter)
        } else {
            Err("it has the name of another")
        }
    }

    fn take(&mut self, letter: &Letter) -> Result<(), Unmerged> {
        match &letter.content {
            Content::Report { app, device, password } => {
                let known = self.devices.get(device);
                let keys = known.filter(|keys| keys.app == app.0 && keys.password == *password);
                let keys = keys.cloned().ok_or(Unmerged::Aside("its device is none any more"))?;
                self.report(letter, device, &keys)?;
                let heard = LetterEffect::Heard { device: device.clone(), at: letter.at };
                self.change(heard);
                self.merged.reports = self.merged.reports.saturating_add(1);
            }
            content => {
                self.flush()?;
                if !self.again {
                    let domain = self.answer(content, &letter.body)?;
                    self.change(LetterEffect::Journal(JournalEntry {
                        at: letter.at,
                        direction: Direction::In,
                        domain,
                        kind: kind_of(content).to_owned(),
                        bytes: u64::try_from(letter.body.len()).unwrap_or(u64::MAX),
                    }));
                }
                self.merged.answers = self.merged.answers.saturating_add(1);
            }
        }
        self.ids.push(letter.id);
        Ok(())
    }

    fn report(&mut self, letter: &Letter, device: &str, keys: &DeviceKeys) -> Result<(), Unmerged> {
        const CLOCK: Unmerged = Unmerged::Aside("the clock of its device was ahead");
        let limit = letter.at.plus(SKEW_SECONDS);
        let report = match keys.app {
            DeviceApp::OwnTracks => owntracks::read(&letter.body, keys.secret.as_ref())
                .map_err(|_| Unmerged::Aside("its message is refused"))?,
            DeviceApp::Overland => {
                let mut batch = overland::read(&letter.body)
                    .map_err(|_| Unmerged::Aside("its batch is refused"))?;
                batch.fixes.retain(|fix| fix.at <= limit);
                self.change(LetterEffect::Fixes(batch.fixes));
                return Ok(());
            }
        };
        match report {
            Report::Fix(fix) if fix.at > limit => return Err(CLOCK),
            Report::Crossed(crossing) if crossing.at > limit => return Err(CLOCK),
            Report::Fix(fix) => self.change(LetterEffect::Fixes(vec![fix])),
            Report::Crossed(crossing) => self.cross(crossing)?,
            Report::Heard(emitter) => {
                for shop in self.engine.shops_of(&emitter)? {
                    self.follow()?;
                    let visit = self.engine.heard_at(shop.id, letter.at)?;
                    self.change(LetterEffect::Visit(visit));
                }
            }
            Report::Places { places, among_others } => {
                let device = device.to_owned();
                self.change(LetterEffect::Places { device, places, among_others });
            }
            Report::Nothing => {}
        }
        Ok(())
    }

    fn cross(&mut self, crossing: Crossing) -> Result<(), Unmerged> {
        if let Some(fix) = crossing.fix {
            self.change(LetterEffect::Fixes(vec![fix]));
        }
        let Some(shop) = crossing.shop else { return Ok(()) };
        if self.engine.shops_of(&Emitter::Shop(shop.clone()))?.is_empty() {
            return Ok(());
        }
        let open = self.engine.open()?;
        if crossing.entered {
            let mut inside = open.phones.inside();
            if inside.len() < INSIDE_MAX || inside.contains_key(&shop) {
                inside.insert(shop, crossing.at);
            }
            return Ok(());
        }
        let since = open.phones.inside().remove(&shop);
        let dwell = VisitRules::STANDARD.dwell_seconds;
        if let Some(since) = since.filter(|since| crossing.at >= since.plus(dwell)) {
            self.follow()?;
            let visit = self.engine.stay(shop, since, crossing.at)?;
            self.change(LetterEffect::Visit(visit));
        }
        Ok(())
    }

    /// What a retailer answered, and which; taking the same answer twice changes nothing.
    fn answer(&self, content: &Content, body: &[u8]) -> Result<ControllerId, Unmerged> {
        let engine = self.engine;
        let retailer_of = |grant: &GrantId| -> Result<ControllerId, StepError> {
            Ok(engine.vault()?.grant(*grant)?.ok_or(StepError::GrantOver)?.domain)
        };
        match content {
            Content::Report { .. } => Err(Unmerged::Aside("it answers nothing")),
            Content::Withdrawn { grant } => {
                engine.accept_acknowledgement(*grant, body)?;
                Ok(retailer_of(grant)?)
            }
            Content::Objected { domain, .. } => {
                // She may have said something else since, which is told by itself. What is not hers leaves no trace:
                // whoever can write here can seal a letter.
                let _is_what_she_says_now = engine.accept_objected(domain, body)?;
                Ok(domain.clone())
            }
            Content::Released { day, grant } => {
                let domain = retailer_of(grant)?;
                let delivery = Delivery::Keys { grant: *grant, day: Day::from_number(*day) };
                engine.accept_delivery(&domain, delivery, body)?;
                Ok(domain)
            }
            Content::MailAcknowledged { domain, mail } => {
                // Whoever can write here can seal a letter: one that ends nothing leaves no trace.
                let waits = engine.mail_to_acknowledge(domain)?;
                let _said: MailAcknowledged = from_json(body, body.len())
                    .map_err(|_| Unmerged::Aside("its content is no answer"))?;
                if mail.is_empty() || !mail.iter().all(|id| waits.contains(id)) {
                    return Err(Unmerged::Aside("it answers nothing that waits"));
                }
                engine.accept_mail_acknowledged(mail.clone())?;
                Ok(domain.clone())
            }
        }
    }

    /// What changes, unless it is in the vault already.
    fn change(&mut self, effect: LetterEffect) {
        if !self.again {
            self.effects.push(effect);
        }
    }

    /// Finds the visits that come of what was merged so far: before one that is known otherwise, which ends
    /// what fixes decide.
    fn follow(&mut self) -> Result<(), EngineError> {
        self.flush()?;
        match self.engine.follow_visits_since(VisitRules::STANDARD, self.earliest) {
            Err(StepError::Engine(error)) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "visits were not looked for");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        let (ids, effects) = (std::mem::take(&mut self.ids), std::mem::take(&mut self.effects));
        if !ids.is_empty() || !effects.is_empty() {
            self.engine.vault()?.merge_letters(ids, effects, self.engine.now())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
