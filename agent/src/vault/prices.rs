//! Prices that stood in catalogues, as spans of time in which one did not change.

use std::collections::BTreeMap;

use besace_protocol::{
    money::Money,
    offer::Gtin,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};
use rusqlite::Transaction;

use super::{Vault, VaultError, column};

/// How long a price is remembered after it was last seen, in days.
const KEPT_DAYS: u64 = 400;

/// A price that one retailer asked from one moment to another, as far as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPrice {
    /// Whose.
    pub domain: ControllerId,
    /// How much.
    pub price: Money,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
}

impl Vault {
    /// The prices seen for an article, the oldest first.
    pub fn seen_prices(&self, gtin: Gtin) -> Result<Vec<SeenPrice>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT domain, minor, currency, first_seen, last_seen FROM seen_prices
                 WHERE gtin = ?1 ORDER BY first_seen, domain",
            )?;
            let prices = statement.query_map([gtin.to_string()], |row| {
                let price = column::optional_money(row, 1, 2)?;
                Ok(SeenPrice {
                    domain: column::parsed(row, 0, ControllerId::parse)?,
                    price: price.ok_or(rusqlite::Error::InvalidQuery)?,
                    first_seen: column::time(row, 3)?,
                    last_seen: column::time(row, 4)?,
                })
            })?;
            Ok(prices.collect::<Result<_, _>>()?)
        })
    }
}

/// Notes the prices of a catalogue that is kept now. A price that stayed makes its row longer.
pub(super) fn see(
    db: &Transaction<'_>,
    domain: &ControllerId,
    prices: &BTreeMap<Gtin, Money>,
    now: Timestamp,
) -> Result<(), VaultError> {
    let mut longer = db.prepare(
        "UPDATE seen_prices SET last_seen = max(last_seen, ?3)
         WHERE gtin = ?1 AND domain = ?2 AND minor = ?4 AND currency = ?5 AND first_seen =
           (SELECT max(first_seen) FROM seen_prices WHERE gtin = ?1 AND domain = ?2)",
    )?;
    let mut another = db.prepare(
        "INSERT INTO seen_prices (gtin, domain, first_seen, last_seen, minor, currency)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5)
         ON CONFLICT (gtin, domain, first_seen) DO UPDATE SET minor = excluded.minor,
           currency = excluded.currency",
    )?;
    let seconds = column::from_time(now);
    for (gtin, price) in prices {
        let row = (
            gtin.to_string(),
            domain.as_str(),
            seconds,
            column::from_number(price.minor),
            price.currency.as_str().to_owned(),
        );
        if longer.execute(row.clone())? == 0 {
            another.execute(row)?;
        }
    }
    let gone = column::from_time(now.minus(KEPT_DAYS.saturating_mul(DAY_SECONDS)));
    db.execute("DELETE FROM seen_prices WHERE last_seen < ?1", [gone])?;
    Ok(())
}
