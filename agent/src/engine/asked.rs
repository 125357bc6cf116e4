//! What has to hold before she is asked for a consent: `spec/mirror.md`.

use besace_protocol::{
    consent::{ConsentRequest, Guess, guesses},
    time::Timestamp,
};
use jiff::tz::TimeZone;

use super::{Engine, step::StepError};

impl Engine {
    /// What could be guessed of who says yes to a request.
    pub(super) fn mirror(&self, asked: &ConsentRequest) -> Result<Vec<Guess>, StepError> {
        let manifest = self.manifest(&asked.controller)?;
        guesses(&manifest.payload().shops, &asked.terms).map_err(StepError::Mirror)
    }

    /// Since when the vault is a minor's no more, if it is one's now: the beginning of that day where UTC says so,
    /// which is no earlier than in France.
    pub fn minor_until(&self) -> Result<Option<Timestamp>, StepError> {
        let profile = self.vault()?.profile()?;
        let now = i64::try_from(self.now().as_unix_seconds()).unwrap_or(i64::MAX);
        let now = jiff::Timestamp::from_second(now).unwrap_or(jiff::Timestamp::MAX);
        let until = profile.minor_until(now.to_zoned(TimeZone::UTC).date());
        Ok(until.and_then(|day| {
            let seconds = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
            Some(Timestamp::from_unix_seconds(u64::try_from(seconds).ok()?))
        }))
    }
}
