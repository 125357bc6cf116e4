//! The steps from each schema to the next: forward only.
//!
//! A step that was released is never edited. To add one: write `migrations/NNNN_name.sql`, add its row
//! below, and take the digest from the test in `schema.rs`, which fails and says it.

use rusqlite::Connection;

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    /// Statements that bring the schema from the step before to this one.
    pub(super) sql: &'static str,
    /// The digest of the schema after it (`schema.rs`).
    pub(super) schema: &'static str,
}

/// The schema after migration number n, from 1, has `user_version` n.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: include_str!("migrations/0001_start.sql"),
        schema: "e79856c5f03410725a6095e8dcb3f7eddd8a71a843a88fb2982827f7a429de29",
    },
    Migration {
        sql: include_str!("migrations/0002_devices.sql"),
        schema: "4f73ed8f7a7b8be4b1fee3df5b1b75719d4c0b45ed0b5716fa096d0229caa1d5",
    },
    Migration {
        sql: include_str!("migrations/0003_phones.sql"),
        schema: "460a5c9b3d94453580102caafff83ec5f8cc5cc3ad2cafd97b7bfa618af1de4b",
    },
    Migration {
        sql: include_str!("migrations/0004_vouchers.sql"),
        schema: "4847758aee0addc114c742405613ceff7966cf673080871830438b0cb9c03306",
    },
    Migration {
        sql: include_str!("migrations/0005_prices.sql"),
        schema: "463c490ae41a58c7f948c07f5b28643331cef5faacb08415bb125e673b2a6424",
    },
    Migration {
        sql: include_str!("migrations/0006_clock.sql"),
        schema: "2014d3e121b471aadcae8e8f86d0e83c7b36806f8b61449622f1923c97cdc8ad",
    },
    Migration {
        sql: include_str!("migrations/0007_letters.sql"),
        schema: "926b452f353bf5a3e5fef7bc3d333ead7779c45ab4dd6385ce191074a6517f07",
    },
    Migration {
        sql: include_str!("migrations/0008_succession.sql"),
        schema: "1df115bfb1771003edca99acea10adcb2569315f7d474e58d804c60ac9096450",
    },
    Migration {
        sql: include_str!("migrations/0009_seal.sql"),
        schema: "3c22e934e82d9146c58752e610b5bb09ab439724d1ef28396d98f27a6802259f",
    },
    Migration {
        sql: include_str!("migrations/0010_backups.sql"),
        schema: "e58fdc7fc15f1a4fb688495368a2296110d877b4d92b414fa7601b12c63ee615",
    },
    Migration {
        sql: include_str!("migrations/0011_presence_roots.sql"),
        schema: "626302ad1da66ecef16fdb7c15e0b3d0a5319b472a555f9751aef5bf3ab58ab1",
    },
    Migration {
        sql: include_str!("migrations/0012_disclosure_counts.sql"),
        schema: "fcf69c1b64953bc2368010a5043cdced35a31c5c7b2e612ac53416b3542bc10b",
    },
    Migration {
        sql: include_str!("migrations/0013_told_logs.sql"),
        schema: "88aae9bff3b7a423e55297a8576793d72c78e952b7446c11daf89bcd842af75a",
    },
    Migration {
        sql: include_str!("migrations/0014_seen_heads.sql"),
        schema: "1bb85583d478efa613591f4ea2a1396fbcbbf0bc86051ee851b8ff1acf0cb54e",
    },
    Migration {
        sql: include_str!("migrations/0015_erasures.sql"),
        schema: "6e8cab3959f39f57f424eacf671a5fbdb32e94053b66269ec835161d610046b2",
    },
    Migration {
        sql: include_str!("migrations/0016_objections.sql"),
        schema: "09c5fb85e36dc02fe1e5a33cee273f5f77223570fa8d737710b2c0f5a99f8c84",
    },
    Migration {
        sql: include_str!("migrations/0017_objected_since.sql"),
        schema: "1b632bf4c1ba906d250166c320f032321cc6029d00bc7e927235929ddf012c01",
    },
    Migration {
        sql: include_str!("migrations/0018_rules.sql"),
        schema: "dd993a252fb8fec09e1b6f3953acf641a1aa64c1f31056e4f4c4dd0db3990b0d",
    },
    Migration {
        sql: include_str!("migrations/0019_negotiations.sql"),
        schema: "d1e420ab67ad86e7014de39c54a2316c44302d6902352797dcf92a70db20c681",
    },
    Migration {
        sql: include_str!("migrations/0020_intentions.sql"),
        schema: "7c517a9064cf1794fe6ed8ba7c3041b61e4d7c9e8e7554aff9061380e95acfc9",
    },
    Migration {
        sql: include_str!("migrations/0021_rules_set_aside.sql"),
        schema: "66df97c7ec813439e96e91c1f8faf79fdc8e67e804f9d96969e070c1696eadff",
    },
    Migration {
        sql: include_str!("migrations/0022_answers.sql"),
        schema: "9297ba3dad391eea9ea9f6a50bc13c554d2902c88135d5ba35120f6f57f4b087",
    },
    Migration {
        sql: include_str!("migrations/0023_fresh_starts.sql"),
        schema: "4a49c6400f625c8a2806e6081d3b777f94bac359f882c9322d1b2f5a28356d69",
    },
    Migration {
        sql: include_str!("migrations/0024_mandates.sql"),
        schema: "8c2a976ef56541bbe35e014f26dcd615dd847f32750fae1043065995977fba11",
    },
    Migration {
        sql: include_str!("migrations/0025_remarks.sql"),
        schema: "4d813d52cf9af9b15f6a0dc18c741f41c670e95ef7726e809691651965e05bd5",
    },
    Migration {
        sql: include_str!("migrations/0026_revocations.sql"),
        schema: "942faa6f9ba9a6023cd3b216a959c2ff3abe936c9e1261bf28419c9fb7947afb",
    },
    Migration {
        sql: include_str!("migrations/0027_restorations.sql"),
        schema: "80307f08c95b996cb9eed0488366d20f6a9461711cba40531985912ae193bbed",
    },
    Migration {
        sql: include_str!("migrations/0028_till_receipts.sql"),
        schema: "e57a9b0989677581acc4fa1aeaf7b74647dd26658f13724b5017f545b5986622",
    },
];

/// The schema that this program writes.
pub(crate) const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Takes the steps after schema `from`, within the transaction of the caller; `taken` hears of each.
pub(super) fn apply(
    db: &Connection,
    migrations: &[Migration],
    from: usize,
    mut taken: impl FnMut(usize),
) -> Result<(), rusqlite::Error> {
    for (index, migration) in migrations.iter().enumerate().skip(from) {
        let version = index.saturating_add(1);
        db.execute_batch(migration.sql)?;
        db.pragma_update(None, "user_version", version.to_string())?;
        taken(version);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The tables that the first `version` migrations make.
    pub(crate) fn tables_of_schema(version: usize) -> BTreeSet<String> {
        let db = Connection::open_in_memory().unwrap();
        apply(&db, &MIGRATIONS[..version], 0, |_| {}).unwrap();
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let mut tables = db.prepare(tables).unwrap();
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}
