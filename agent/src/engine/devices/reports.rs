//! What telephones report, and what they are answered.

use besace_protocol::{
    crypto::sha256,
    presence::ShopId,
    time::{DAY_SECONDS, Timestamp},
};
use serde_json::{Value, json};

use super::AdmittedDevice;
use crate::{
    engine::{Engine, EngineError, StepError, VisitRules},
    overland::{self, BatchError},
    owntracks::{self, Crossing, Emitter, Report, ReportError, ShownShop},
    vault::{Fix, Position, ShopVisit},
};

/// How far a telephone's clock may run ahead, in seconds.
pub(in crate::engine) const SKEW_SECONDS: u64 = 600;
/// Most circles she can be in at once, as far as we remember them.
pub(in crate::engine) const INSIDE_MAX: usize = 64;
/// Most shops that are shown on the app's map at once.
const SHOWN_MAX: usize = 5;
/// Most regions an app of iOS watches.
const WATCHED_MAX: usize = 20;

/// A report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeReportError {
    /// The message is refused.
    #[error("the message is refused")]
    Report(#[source] ReportError),
    /// The batch is refused.
    #[error("the batch is refused")]
    Batch(#[source] BatchError),
    /// The message is of tomorrow.
    #[error("the clock of the device is ahead")]
    Clock,
    /// Keeping it failed.
    #[error("the report was not kept")]
    Step(#[from] StepError),
}

impl From<EngineError> for TakeReportError {
    fn from(error: EngineError) -> Self {
        Self::Step(error.into())
    }
}

impl Engine {
    /// Takes one message of `OwnTracks`, and says what the app is answered.
    pub fn take_report(
        &self,
        device: &AdmittedDevice,
        body: &[u8],
    ) -> Result<Value, TakeReportError> {
        let report = owntracks::read(body, device.keys.secret.as_ref());
        match report.map_err(TakeReportError::Report)? {
            Report::Fix(fix) => self.take_fix(fix)?,
            Report::Heard(emitter) => {
                for shop in self.shops_of(&emitter)? {
                    self.note_frame(&shop.id)?;
                }
            }
            Report::Crossed(crossing) => self.cross(crossing)?,
            Report::Places { places, among_others } => {
                let kept =
                    self.vault()?.put_named_places(device.name.clone(), places, among_others);
                kept.map_err(EngineError::from)?;
            }
            Report::Nothing => {}
        }
        self.hear(device)?;
        Ok(self.answer(device)?)
    }

    /// Takes one batch of Overland. Says how many places in it were new, and how much was passed over.
    pub fn take_batch(
        &self,
        device: &AdmittedDevice,
        body: &[u8],
    ) -> Result<(usize, usize), TakeReportError> {
        let mut batch = overland::read(body).map_err(TakeReportError::Batch)?;
        let read = batch.fixes.len();
        let limit = self.clock_limit();
        batch.fixes.retain(|fix| fix.at <= limit);
        let ahead = read.saturating_sub(batch.fixes.len());
        let new = self.vault()?.add_fixes(batch.fixes).map_err(EngineError::from)?;
        if new > 0 {
            self.follow_visits(VisitRules::STANDARD)?;
        }
        self.hear(device)?;
        Ok((new, batch.passed_over.saturating_add(ahead)))
    }

    fn hear(&self, device: &AdmittedDevice) -> Result<(), EngineError> {
        Ok(self.vault()?.hear_device(device.name.clone(), self.now())?)
    }

    fn take_fix(&self, fix: Fix) -> Result<(), TakeReportError> {
        if fix.at > self.clock_limit() {
            return Err(TakeReportError::Clock);
        }
        self.vault()?.add_fix(fix).map_err(EngineError::from)?;
        self.follow_visits(VisitRules::STANDARD)?;
        Ok(())
    }

    /// The app itself watches the circle, so that between coming and going it may say nothing.
    fn cross(&self, crossing: Crossing) -> Result<(), TakeReportError> {
        if crossing.at > self.clock_limit() {
            return Err(TakeReportError::Clock);
        }
        if let Some(fix) = crossing.fix {
            self.take_fix(fix)?;
        }
        let Some(shop) = crossing.shop else { return Ok(()) };
        if self.shops_of(&Emitter::Shop(shop.clone()))?.is_empty() {
            return Ok(());
        }
        let open = self.open()?;
        let mut inside = open.phones.inside();
        if crossing.entered {
            if inside.len() < INSIDE_MAX || inside.contains_key(&shop) {
                inside.insert(shop, crossing.at);
            }
        } else if let Some(since) = inside.remove(&shop)
            && crossing.at >= since.plus(VisitRules::STANDARD.dwell_seconds)
        {
            drop(inside);
            self.keep_stay(shop, since, crossing.at)?;
        }
        Ok(())
    }

    /// A stay that the app itself saw from its beginning to its end; one visit, whatever the fixes
    /// made of it.
    fn keep_stay(
        &self,
        shop: ShopId,
        since: Timestamp,
        left: Timestamp,
    ) -> Result<(), EngineError> {
        let visit = self.stay(shop, since, left)?;
        self.vault()?.put_visit(visit)?;
        Ok(())
    }

    /// The visit that such a stay is.
    pub(in crate::engine) fn stay(
        &self,
        shop: ShopId,
        since: Timestamp,
        left: Timestamp,
    ) -> Result<ShopVisit, EngineError> {
        let absence = VisitRules::STANDARD.absence_seconds;
        let known = self.vault()?.visits()?.into_iter().find(|visit| {
            visit.domain == shop.domain
                && visit.shop == shop.code
                && visit.left_at.is_none_or(|left| since <= left.plus(absence))
        });
        let arrived_at = known.map_or(since, |visit| visit.arrived_at);
        let ShopId { domain, code } = shop;
        Ok(ShopVisit { domain, shop: code, arrived_at, left_at: Some(left) })
    }

    /// The shops whose circle the app saw her enter, long enough ago for a stay, and not leave.
    pub(in crate::engine) fn circles_entered(
        &self,
        rules: VisitRules,
    ) -> Result<Vec<ShopId>, EngineError> {
        let (now, open) = (self.now(), self.open()?);
        let stays = |since: Timestamp| {
            since.plus(rules.dwell_seconds) <= now && now <= since.plus(rules.silence_seconds)
        };
        let inside = open.phones.inside();
        Ok(inside.iter().filter(|(_, at)| stays(**at)).map(|(shop, _)| shop.clone()).collect())
    }

    /// The shops of retailers she has met that an emitter may stand for.
    pub(in crate::engine) fn shops_of(
        &self,
        emitter: &Emitter,
    ) -> Result<Vec<ShownShop>, StepError> {
        let mut shops = self.shops_met()?;
        shops.retain(|shop| match emitter {
            Emitter::Shop(named) => *named == shop.id,
            Emitter::Code(code) => *code == shop.id.code,
        });
        Ok(shops)
    }

    /// Every shop of the retailers she has met that is on the earth.
    fn shops_met(&self) -> Result<Vec<ShownShop>, StepError> {
        let mut shops = Vec::new();
        for manifest in self.retailers()? {
            let manifest = manifest.payload();
            for shop in &manifest.shops {
                if let Ok(centre) = Position::from_e7(shop.latitude_e7, shop.longitude_e7) {
                    shops.push(ShownShop {
                        id: ShopId { domain: manifest.controller.clone(), code: shop.code },
                        name: format!("{}, {}", manifest.legal.display_name, shop.name),
                        centre,
                        radius_metres: shop.radius_metres,
                    });
                }
            }
        }
        Ok(shops)
    }

    fn answer(&self, device: &AdmittedDevice) -> Result<Value, StepError> {
        let present = self.present_at()?;
        let shops = self.shops_met()?;
        let here: Vec<ShownShop> = shops
            .iter()
            .filter(|shop| present.contains(&shop.id))
            .take(SHOWN_MAX)
            .cloned()
            .collect();
        let regions = if device.keys.shows_shops { self.regions(device, shops)? } else { None };
        let answer = owntracks::answer(&here, regions, self.now());
        let Some(secret) = &device.keys.secret else { return Ok(answer) };
        let plain = serde_json::to_vec(&answer).map_err(|_| StepError::Make)?;
        let data = secret.seal(&plain, &mut self.rng()).ok_or(StepError::Make)?;
        Ok(json!({"_type": "encrypted", "data": data}))
    }

    /// The shops to watch, if they are others than the app has, or once a day: an answer may be lost.
    fn regions(
        &self,
        device: &AdmittedDevice,
        mut shops: Vec<ShownShop>,
    ) -> Result<Option<Value>, StepError> {
        if shops.len() > WATCHED_MAX {
            let now = self.now();
            let fixes = self.fixes(now.minus(DAY_SECONDS), now.plus(1))?;
            if let Some(last) = fixes.last() {
                let here = *last.position.reveal();
                shops.sort_by(|a, b| here.metres_to(a.centre).total_cmp(&here.metres_to(b.centre)));
            }
            shops.truncate(WATCHED_MAX);
            shops.sort_by(|a, b| a.id.cmp(&b.id));
        }
        let command = owntracks::shops_as_regions(&shops);
        let digest = sha256(&[command.to_string().as_bytes()]);
        let vault = self.vault()?;
        let given = vault.shops_given(device.name.clone())?;
        let has =
            given.is_some_and(|(known, at)| known == digest && self.now() < at.plus(DAY_SECONDS));
        if has || shops.is_empty() {
            return Ok(None);
        }
        vault.give_shops(device.name.clone(), digest, self.now())?;
        Ok(Some(command))
    }

    pub(in crate::engine) fn clock_limit(&self) -> Timestamp {
        self.now().plus(SKEW_SECONDS)
    }

    /// Until when fixes are looked at.
    pub(in crate::engine) fn fixes_end(&self) -> Timestamp {
        self.clock_limit().plus(1)
    }
}
