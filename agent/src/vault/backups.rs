//! Where backups go, and which were made.

use std::path::PathBuf;

use age::secrecy::{ExposeSecret as _, SecretString};
use besace_protocol::{crypto::Digest, id::VaultId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{Vault, VaultError, column};
use crate::backup::{
    BackupName, Kept, PLACES_MAX, Place, S3Target, Target, Trouble, UnknownTrouble,
};

/// What became of an attempt.
#[derive(Clone, Debug)]
pub enum BackupOutcome {
    /// It was written and read back.
    Made(Kept),
    /// It was not.
    Failed(Trouble),
}

impl Vault {
    /// Every place, by name. `vault` is the name of this vault.
    pub fn backup_places(&self, vault: VaultId) -> Result<Vec<Place>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT name, kind, address, bucket, prefix, region, access_key, secret_key, keep, minute,
                        added_at, tried_at, failure,
                        (SELECT max(rehearsed_at) FROM backups WHERE place = backup_places.name)
                 FROM backup_places ORDER BY name",
            )?;
            let mut places: Vec<Place> = statement.query_map([], place)?.collect::<Result<_, _>>()?;
            for place in &mut places {
                place.last = newest(db, &place.name, vault)?;
            }
            Ok(places)
        })
    }

    /// Keeps a new place; false if there is one of this name, or there are too many.
    pub fn add_backup_place(&self, place: Place) -> Result<bool, VaultError> {
        self.write(move |db| {
            let count: i64 =
                db.query_row("SELECT count(*) FROM backup_places", [], |r| r.get(0))?;
            if usize::try_from(count).unwrap_or(usize::MAX) >= PLACES_MAX {
                return Ok(false);
            }
            let (kind, address, s3) = match &place.target {
                Target::Folder(path) => ("folder", path.to_string_lossy().into_owned(), None),
                Target::S3(target) => ("s3", target.endpoint.clone(), Some(target)),
            };
            let added = db.execute(
                "INSERT OR IGNORE INTO backup_places
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULL, NULL)",
                params![
                    place.name,
                    kind,
                    address,
                    s3.map(|s3| &s3.bucket),
                    s3.map(|s3| &s3.prefix),
                    s3.map(|s3| &s3.region),
                    s3.map(|s3| &s3.access_key),
                    s3.map(|s3| s3.secret_key.expose_secret()),
                    place.keep,
                    place.minute,
                    column::from_time(place.added_at),
                ],
            )?;
            Ok(added == 1)
        })
    }

    /// Forgets a place and what was made there; what lies there stays. False if there is none.
    pub fn remove_backup_place(&self, name: &str) -> Result<bool, VaultError> {
        let name = name.to_owned();
        self.write(move |db| {
            Ok(db.execute("DELETE FROM backup_places WHERE name = ?1", [name])? == 1)
        })
    }

    /// A backup is begun. Refused by a vault that may not write, before anything leaves it.
    pub fn note_backup_begun(&self, place: &str, now: Timestamp) -> Result<(), VaultError> {
        let place = place.to_owned();
        self.write(move |db| {
            let query = "UPDATE backup_places SET tried_at = ?2 WHERE name = ?1";
            db.execute(query, params![place, column::from_time(now)])?;
            Ok(())
        })
    }

    /// What became of it.
    pub fn note_backup(&self, place: &str, outcome: BackupOutcome) -> Result<(), VaultError> {
        let place = place.to_owned();
        self.write(move |db| note(db, &place, outcome))
    }

    /// The backups that were made, the newest first.
    pub fn backups(&self, place: &str, vault: VaultId) -> Result<Vec<Kept>, VaultError> {
        let place = place.to_owned();
        self.read(move |db| {
            let mut statement = db.prepare(KEPT)?;
            let rows = statement.query_map([place], |row| kept(row, vault))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// These are not there any more.
    pub fn forget_backups(&self, place: &str, gone: Vec<BackupName>) -> Result<(), VaultError> {
        let place = place.to_owned();
        self.write(move |db| {
            for name in gone {
                let query = "DELETE FROM backups WHERE place = ?1 AND name = ?2";
                db.execute(query, params![place, name.as_str()])?;
            }
            Ok(())
        })
    }

    /// A restore of one was rehearsed, well.
    pub fn note_rehearsal(
        &self,
        place: &str,
        rehearsed: Kept,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let place = place.to_owned();
        let rehearsed = Kept { rehearsed_at: Some(now), ..rehearsed };
        self.write(move |db| keep(db, &place, &rehearsed))
    }
}

fn note(db: &Transaction<'_>, place: &str, outcome: BackupOutcome) -> Result<(), VaultError> {
    let failure = match &outcome {
        BackupOutcome::Made(_) => None,
        BackupOutcome::Failed(trouble) => Some(trouble.as_str()),
    };
    let query = "UPDATE backup_places SET failure = ?2 WHERE name = ?1";
    let known = db.execute(query, params![place, failure])? == 1;
    match outcome {
        BackupOutcome::Made(made) if known => keep(db, place, &made),
        BackupOutcome::Made(_) | BackupOutcome::Failed(_) => Ok(()),
    }
}

fn keep(db: &Transaction<'_>, place: &str, made: &Kept) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO backups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET at = ?3, bytes = ?4, row_count = ?5, digest = ?6,
           rehearsed_at = coalesce(?7, rehearsed_at)",
        params![
            place,
            made.name.as_str(),
            column::from_time(made.at),
            column::from_number(made.bytes),
            column::from_number(made.rows),
            made.digest.as_bytes(),
            made.rehearsed_at.map(column::from_time),
        ],
    )?;
    Ok(())
}

const KEPT: &str = "SELECT name, at, bytes, row_count, digest, rehearsed_at FROM backups
                    WHERE place = ?1 ORDER BY name DESC";

fn newest(db: &Connection, place: &str, vault: VaultId) -> Result<Option<Kept>, rusqlite::Error> {
    db.prepare(KEPT)?.query_row([place], |row| kept(row, vault)).optional()
}

fn kept(row: &Row<'_>, vault: VaultId) -> rusqlite::Result<Kept> {
    Ok(Kept {
        name: column::parsed(row, 0, |text| BackupName::parse(text, vault).ok_or(UnknownTrouble))?,
        at: column::time(row, 1)?,
        bytes: column::number(row, 2)?,
        rows: column::number(row, 3)?,
        digest: column::bytes(row, 4, |bytes| bytes.try_into().ok().map(Digest::from_bytes))?,
        rehearsed_at: column::optional_time(row, 5)?,
    })
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    let kind: String = row.get(1)?;
    let address: String = row.get(2)?;
    let text = |index| row.get::<_, Option<String>>(index).map(Option::unwrap_or_default);
    let target = if kind == "folder" {
        Target::Folder(PathBuf::from(address))
    } else {
        Target::S3(S3Target {
            endpoint: address,
            bucket: text(3)?,
            prefix: text(4)?,
            region: text(5)?,
            access_key: text(6)?,
            secret_key: SecretString::from(text(7)?),
        })
    };
    Ok(Place {
        name: row.get(0)?,
        target,
        keep: row.get(8)?,
        minute: row.get(9)?,
        added_at: column::time(row, 10)?,
        tried_at: column::optional_time(row, 11)?,
        failure: column::optional(row, 12, Trouble::parse)?,
        last: None,
        rehearsed_at: column::optional_time(row, 13)?,
    })
}
