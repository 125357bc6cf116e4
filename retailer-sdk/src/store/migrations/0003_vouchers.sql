-- Vouchers (spec/redemption.md). Nothing here joins an issuance with a redemption: what is issued is blinded, and
-- no column of the one is in the other.

CREATE TABLE voucher_plan (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- one row
    plan BLOB NOT NULL                  -- canonical JSON of batch and classes; changes
) STRICT;

-- Private keys, deleted when their week is over.
CREATE TABLE voucher_secrets (
    week INTEGER NOT NULL,              -- week number; fixed
    class INTEGER NOT NULL,             -- 0 to 15; fixed
    secret BLOB NOT NULL,               -- PKCS #8; fixed
    PRIMARY KEY (week, class)
) STRICT, WITHOUT ROWID;

-- Who got a batch: a key that is good for one week and nothing else. Deleted when the week is over.
CREATE TABLE voucher_batches (
    week INTEGER NOT NULL,              -- week number; fixed
    subject BLOB NOT NULL CHECK (length(subject) = 16), -- key id; fixed
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the blinded messages; fixed
    PRIMARY KEY (week, subject)
) STRICT, WITHOUT ROWID;

-- The spent set. A row that is not here is absent. Deleted 31 days after the week closes.
CREATE TABLE redemptions (
    nullifier BLOB PRIMARY KEY CHECK (length(nullifier) = 32), -- of the voucher; fixed
    state TEXT NOT NULL CHECK (state IN ('reserved', 'committed')), -- changes once
    hold BLOB UNIQUE CHECK (length(hold) = 16), -- hold id, NULL when redeemed at once; changes with a new hold
    redemption BLOB UNIQUE CHECK (length(redemption) = 16), -- redemption id, NULL while reserved; changes once
    week INTEGER NOT NULL,              -- of the voucher; fixed
    class INTEGER NOT NULL,             -- of the voucher; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- shop code; changes with a new hold
    key_name TEXT NOT NULL,             -- of the shop key; changes with a new hold
    at INTEGER NOT NULL,                -- seconds, of the hold or the redemption; changes
    until INTEGER,                      -- first second after the hold, NULL when committed; changes
    currency TEXT NOT NULL,             -- of the basket; changes with a new hold
    discount INTEGER NOT NULL,          -- minor units; changes with a new hold
    CHECK ((state = 'reserved') = (until IS NOT NULL)),
    CHECK ((state = 'committed') = (redemption IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX redemptions_by_week ON redemptions (week);

-- What was taken back: not which voucher. Deleted with the redemptions of its week.
CREATE TABLE reversals (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- redemption id, or hold id of one never redeemed; fixed
    hold BLOB UNIQUE CHECK (length(hold) = 16), -- hold id, if there was one; fixed
    week INTEGER NOT NULL,              -- of the voucher; fixed
    class INTEGER NOT NULL,             -- of the voucher; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- shop code; fixed
    key_name TEXT NOT NULL,             -- of the shop key that took it back; fixed
    at INTEGER NOT NULL,                -- seconds; fixed
    currency TEXT NOT NULL,             -- of the basket; fixed
    discount INTEGER NOT NULL           -- minor units; fixed
) STRICT, WITHOUT ROWID;

-- What a till took without a network and was redeemed elsewhere before: the retailer's loss, not lost. Deleted with
-- the redemptions of its week.
CREATE TABLE conflicts (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- redemption id, drawn by the till; fixed
    week INTEGER NOT NULL,              -- of the voucher; fixed
    class INTEGER NOT NULL,             -- of the voucher; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- shop code; fixed
    key_name TEXT NOT NULL,             -- of the shop key that uploaded it; fixed
    at INTEGER NOT NULL,                -- seconds, by the till's clock; fixed
    currency TEXT NOT NULL,             -- of the basket; fixed
    discount INTEGER NOT NULL           -- minor units; fixed
) STRICT, WITHOUT ROWID;

-- Answers to writes of shops, by the key of the write, for a day.
CREATE TABLE answers (
    key_name TEXT NOT NULL,             -- of the shop key; fixed
    write_key TEXT NOT NULL,            -- Idempotency-Key; fixed
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of address and body; fixed
    answer BLOB NOT NULL,               -- canonical JSON; fixed
    forget_at INTEGER NOT NULL,         -- seconds; fixed
    PRIMARY KEY (key_name, write_key)
) STRICT, WITHOUT ROWID;
