//! The moments at which this was tidied up.

use besace_protocol::time::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, from_integer, to_integer, to_seconds};

/// What is known of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredClock {
    /// The last moment that was believed.
    pub(crate) seen: Timestamp,
    /// The first and the last moment since a leap that nobody confirmed.
    pub(crate) doubted: Option<(Timestamp, Timestamp)>,
    /// Seconds that it went ahead in steps that nobody saw pass.
    pub(crate) stepped: u64,
}

impl StoredClock {
    /// A clock that is right at `seen`.
    pub(crate) const fn sure(seen: Timestamp) -> Self {
        Self { seen, doubted: None, stepped: 0 }
    }
}

impl Session<'_> {
    pub(crate) fn clock(self) -> Result<Option<StoredClock>, StoreError> {
        let row = self
            .query_row("SELECT seen, doubted_first, doubted_last, stepped FROM clock", [], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, Option<i64>>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                    row.get(3)?,
                ))
            })
            .optional()?;
        let moment = |value| from_integer(value).map(Timestamp::from_unix_seconds);
        row.map(|(seen, first, last, stepped)| {
            let doubted = match first.zip(last) {
                Some((first, last)) => Some((moment(first)?, moment(last)?)),
                None => None,
            };
            Ok(StoredClock { seen: moment(seen)?, doubted, stepped: from_integer(stepped)? })
        })
        .transpose()
    }

    pub(crate) fn set_clock(self, clock: StoredClock) -> Result<(), StoreError> {
        let (first, last) = clock.doubted.unzip();
        self.execute(
            "INSERT INTO clock (one, seen, doubted_first, doubted_last, stepped)
             VALUES (1, ?1, ?2, ?3, ?4)
             ON CONFLICT (one) DO UPDATE SET seen = excluded.seen,
                doubted_first = excluded.doubted_first, doubted_last = excluded.doubted_last,
                stepped = excluded.stepped",
            params![
                to_seconds(clock.seen)?,
                first.map(to_seconds).transpose()?,
                last.map(to_seconds).transpose()?,
                to_integer(clock.stepped)?,
            ],
        )?;
        Ok(())
    }
}
