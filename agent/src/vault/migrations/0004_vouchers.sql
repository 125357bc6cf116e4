-- The keys of one week of one retailer, and the batch that she asks for.
CREATE TABLE voucher_weeks (
    domain TEXT NOT NULL REFERENCES retailers (domain),
    week INTEGER NOT NULL,              -- number of the week (spec/redemption.md)
    keys BLOB NOT NULL,                 -- the signed keys as they travelled; fixed
    generation BLOB NOT NULL CHECK (length(generation) = 16), -- of the key that asks; used for nothing else; fixed
    ask_at INTEGER NOT NULL,            -- seconds, drawn when the keys came; fixed
    pending BLOB,                       -- secret: the blinded batch, from before it leaves until it is answered
    done_at INTEGER,                    -- seconds, NULL = not issued yet
    PRIMARY KEY (domain, week)
) STRICT, WITHOUT ROWID;

-- Vouchers she has. Whoever has the bytes can redeem them.
CREATE TABLE vouchers (
    nullifier BLOB PRIMARY KEY CHECK (length(nullifier) = 32),
    domain TEXT NOT NULL,
    week INTEGER NOT NULL,
    class INTEGER NOT NULL,             -- 0 to 15
    bytes BLOB NOT NULL CHECK (length(bytes) = 355), -- secret; fixed
    shown_at INTEGER,                   -- seconds of the last time a till could see it, NULL = never
    used_at INTEGER,                    -- seconds when she said that it was taken, NULL = not
    FOREIGN KEY (domain, week) REFERENCES voucher_weeks (domain, week)
) STRICT, WITHOUT ROWID;

-- What the vouchers that she showed told each retailer.
CREATE TABLE voucher_bits (
    nullifier BLOB PRIMARY KEY CHECK (length(nullifier) = 32),
    domain TEXT NOT NULL,
    at INTEGER NOT NULL,                -- seconds; fixed
    millibits INTEGER NOT NULL          -- thousandths of a bit; fixed
) STRICT, WITHOUT ROWID;
