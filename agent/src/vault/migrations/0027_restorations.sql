-- How retailers whose store was lost went on (spec/restoration.md). Rows are never changed.
CREATE TABLE restorations (
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    log INTEGER NOT NULL,               -- which log of the retailer it began; fixed
    jws BLOB NOT NULL,                  -- as it travelled; fixed
    shown INTEGER,                      -- entries of the largest head of the log before it that she was shown, where the retailer knew of fewer; fixed
    followed_at INTEGER NOT NULL,       -- seconds; fixed
    PRIMARY KEY (domain, log)
) STRICT, WITHOUT ROWID;

-- What retailers proved to her in logs that are written no further, as `evidence`. Rows are never changed.
CREATE TABLE former_evidence (
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    log INTEGER NOT NULL,               -- which log of the retailer; fixed
    entry INTEGER NOT NULL,             -- index in it; fixed
    grant_id BLOB REFERENCES grants (id), -- NULL = under no grant; fixed
    kind TEXT NOT NULL,                 -- a word of the protocol; fixed
    record BLOB NOT NULL,               -- as it travelled; fixed
    proof TEXT NOT NULL,                -- C2SP tlog-proof with the salt; fixed
    received_at INTEGER NOT NULL,       -- seconds; fixed
    PRIMARY KEY (domain, log, entry)
) STRICT, WITHOUT ROWID;

-- Heads of such logs, as `seen_heads`. Rows are never changed.
CREATE TABLE former_heads (
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    log INTEGER NOT NULL,               -- which log of the retailer; fixed
    size INTEGER NOT NULL,              -- entries under it; fixed
    root BLOB NOT NULL CHECK (length(root) = 32), -- root of the tree; fixed
    checkpoint TEXT NOT NULL,           -- as it travelled; fixed
    seen_at INTEGER NOT NULL,           -- seconds; fixed
    compared_at INTEGER,                -- seconds at which it began to count, NULL = it never did; fixed
    PRIMARY KEY (domain, log, size, root)
) STRICT, WITHOUT ROWID;

ALTER TABLE grants ADD COLUMN
    destroyed_at INTEGER;               -- seconds, when its retailer lost its store, by which what it held is gone; NULL = it has not; changes once
