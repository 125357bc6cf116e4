//! What is made for one day and destroyed after it.

use besace_protocol::{
    crypto::SealingSecretKey,
    party::ShopCode,
    presence::{ShopChain, ShopValue},
    time::Day,
};
use rusqlite::{OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::{Session, StoreError, identity::secret};

impl Session<'_> {
    pub(crate) fn add_day_key(self, day: Day, key: &SealingSecretKey) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO day_keys (day, sealing_secret) VALUES (?1, ?2)",
            params![day.as_number(), key.danger_bytes().danger_expose()],
        )?;
        Ok(())
    }

    pub(crate) fn day_key(self, day: Day) -> Result<Option<SealingSecretKey>, StoreError> {
        let row = self.query_row(
            "SELECT sealing_secret FROM day_keys WHERE day = ?1",
            params![day.as_number()],
            |row| Ok(SealingSecretKey::from_bytes(secret(row.get(0)?))),
        );
        Ok(row.optional()?)
    }

    /// The days that have a key, in order.
    pub(crate) fn days(self) -> Result<Vec<Day>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT day FROM day_keys ORDER BY day")?;
        let days = statement.query_map([], |row| row.get(0).map(Day::from_number))?;
        Ok(days.collect::<Result<_, _>>()?)
    }

    pub(crate) fn add_chain(self, chain: &ShopChain) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO shop_chains (day, shop, last, anchor) VALUES (?1, ?2, ?3, ?4)",
            params![
                chain.day().as_number(),
                chain.shop().code.as_bytes(),
                *chain.danger_end(),
                chain.anchor_value().as_bytes(),
            ],
        )?;
        Ok(())
    }

    /// The anchors of a day's chains, by shop.
    pub(crate) fn anchors(self, day: Day) -> Result<Vec<(ShopCode, ShopValue)>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT shop, anchor FROM shop_chains WHERE day = ?1 ORDER BY shop")?;
        let rows = statement.query_map(params![day.as_number()], |row| {
            Ok((ShopCode::from_bytes(row.get(0)?), ShopValue::from_bytes(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// `v[1440]` of a shop's chain.
    pub(crate) fn chain(
        self,
        day: Day,
        shop: ShopCode,
    ) -> Result<Option<Zeroizing<[u8; 16]>>, StoreError> {
        let row = self.query_row(
            "SELECT last FROM shop_chains WHERE day = ?1 AND shop = ?2",
            params![day.as_number(), shop.as_bytes()],
            |row| row.get(0).map(Zeroizing::new),
        );
        Ok(row.optional()?)
    }

    /// Deletes keys and chains of the days before `first`; how many days there were.
    pub(crate) fn delete_days_before(self, first: Day) -> Result<usize, StoreError> {
        self.execute("DELETE FROM shop_chains WHERE day < ?1", params![first.as_number()])?;
        Ok(self.execute("DELETE FROM day_keys WHERE day < ?1", params![first.as_number()])?)
    }

    /// Deletes keys and chains of the days after `last`, which a clock made that was far ahead; how many days there were.
    pub(crate) fn delete_days_after(self, last: Day) -> Result<usize, StoreError> {
        self.execute("DELETE FROM shop_chains WHERE day > ?1", params![last.as_number()])?;
        Ok(self.execute("DELETE FROM day_keys WHERE day > ?1", params![last.as_number()])?)
    }
}
