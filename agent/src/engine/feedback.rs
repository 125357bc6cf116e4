//! What she says to shops: kept here, told under a grant, taken back.

use besace_protocol::{
    consent::{Grant, Month, REMARKS_MAX, Remark},
    id::GrantId,
    purpose::{DataCategory, Purpose},
    time::{Day, Timestamp},
};

use super::{Engine, EngineError, GrantView, StepError};
use crate::vault::StoredRemark;

/// Whom she may say something to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What was agreed.
    pub grant: Grant,
    /// The name over the shop's door.
    pub display_name: String,
    /// What she says to it.
    pub remarks: Vec<StoredRemark>,
    /// When the vault came back last: what is older waits until she says it again.
    back: Option<Timestamp>,
}

impl Listener {
    /// Whether the shop has had to forget it: it is told no more.
    pub fn is_over(&self, one: &StoredRemark, now: Timestamp) -> bool {
        is_over(&self.grant, one.at, now)
    }

    /// Whether it came back with a backup: she may have taken it back since, and it is told once she says it again.
    pub fn is_set_aside(&self, one: &StoredRemark) -> bool {
        is_set_aside(self.back, one.at)
    }

    /// Whether she may say one more.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let told = |one: &&StoredRemark| !self.is_over(one, now) && !self.is_set_aside(one);
        self.remarks.iter().filter(told).count() < REMARKS_MAX
    }

    /// Whether it may hear her words, not only a mark.
    pub fn hears_words(&self) -> bool {
        self.grant.terms.categories.contains_key(&DataCategory::FeedbackWords)
    }

    /// The months that she may speak of, the last first, a year at most.
    pub fn months(&self, now: Timestamp) -> Vec<Month> {
        let last = Month::of(Day::of(now)).map_or(0, Month::as_number);
        let about = |number: u32| Month::from_number(last.saturating_sub(number));
        let months = (0..12).map(about);
        months.filter(|month| self.grant.looks_back_to(*month)).collect()
    }
}

fn is_over(grant: &Grant, at: Timestamp, now: Timestamp) -> bool {
    Day::of(now) >= Day::of(at).plus(u32::from(grant.terms.retention_days))
}

fn is_set_aside(back: Option<Timestamp>, at: Timestamp) -> bool {
    back.is_some_and(|back| at <= back)
}

/// A remark is not kept.
#[derive(Debug, thiserror::Error)]
pub enum AddRemarkError {
    /// There is no such grant, it is over, or it is for something else.
    #[error(transparent)]
    Step(#[from] StepError),
    /// It says nothing, too much, or of a moment or a thing that it may not tell of.
    #[error("the remark cannot be kept")]
    Remark,
    /// There are as many as a shop may hear.
    #[error("there are eight remarks already")]
    Many,
}

impl Engine {
    /// The grants of a purpose under which something may leave or be used now, the newest first.
    pub fn live_for(&self, purpose: Purpose) -> Result<Vec<GrantView>, StepError> {
        let now = self.now();
        let live = |known: &GrantView| {
            known.grant.terms.purpose == purpose && known.state.is_live(known.grant.expires, now)
        };
        Ok(self.grants()?.into_iter().filter(live).collect())
    }

    /// The shops that hear what she says, the newest grant first.
    pub fn listeners(&self) -> Result<Vec<Listener>, StepError> {
        let (remarks, back) = (self.vault()?.remarks()?, self.vault()?.came_back_at()?);
        let listeners = self.live_for(Purpose::Feedback)?.into_iter().map(|known| {
            let (grant, display_name) = (known.grant, known.display_name);
            let here = remarks.iter().filter(|one| one.grant == grant.id).cloned().collect();
            Listener { grant, display_name, remarks: here, back }
        });
        Ok(listeners.collect())
    }

    /// She says something; it leaves with the next refresh.
    pub fn add_remark(&self, grant: GrantId, remark: Remark) -> Result<u32, AddRemarkError> {
        let missing = || AddRemarkError::Step(StepError::Engine(EngineError::NotFound));
        // A minor's vault gives nothing, also where it is marked as one since.
        if self.minor_until()?.is_some() {
            return Err(AddRemarkError::Step(StepError::Minor));
        }
        let listeners = self.listeners()?;
        let heard = listeners.iter().find(|one| one.grant.id == grant).ok_or_else(missing)?;
        let now = self.now();
        let told = |one: &&StoredRemark| one.remark == remark && !heard.is_over(one, now);
        let (aside, kept): (Vec<_>, Vec<_>) =
            heard.remarks.iter().filter(told).partition(|one| heard.is_set_aside(one));
        let same = !kept.is_empty();
        if same || !remark.is_sound(now) || !heard.grant.hears(&remark) {
            return Err(AddRemarkError::Remark);
        }
        if !heard.is_open(now) {
            return Err(AddRemarkError::Many);
        }
        let vault = self.vault().map_err(StepError::from)?;
        let added = vault.add_remark(grant, remark, now).map_err(StepError::from)?;
        let added = added.ok_or_else(missing)?;
        // What was set aside is said again by this one.
        for one in aside {
            vault.remove_remark(one.number).map_err(StepError::from)?;
        }
        Ok(added)
    }

    /// She takes a remark back: gone at the shop with the next refresh.
    pub fn remove_remark(&self, number: u32) -> Result<(), StepError> {
        if self.vault()?.remove_remark(number)? {
            Ok(())
        } else {
            Err(StepError::Engine(EngineError::NotFound))
        }
    }

    /// What the retailer of `grant` may keep of it now, in the order of the wire.
    pub(super) fn said(&self, grant: &Grant) -> Result<Vec<Remark>, StepError> {
        let (now, back) = (self.now(), self.vault()?.came_back_at()?);
        let mut remarks: Vec<Remark> = Vec::new();
        for one in self.vault()?.remarks()? {
            let known = remarks.contains(&one.remark);
            let here = one.grant == grant.id
                && !is_over(grant, one.at, now)
                && !is_set_aside(back, one.at)
                && grant.hears(&one.remark);
            if here && !known && one.remark.is_sound(now) && remarks.len() < REMARKS_MAX {
                remarks.push(one.remark);
            }
        }
        remarks.sort_by(|a, b| a.key().cmp(&b.key()));
        Ok(remarks)
    }
}
