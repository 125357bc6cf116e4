-- A head of a retailer's log counts once it was proven to be of one history with the largest that counts.
ALTER TABLE seen_heads ADD COLUMN
    compared_at INTEGER;                -- seconds at which it began to count, NULL = not yet; changes once
-- Of those that were kept before, the largest counts; the others have to be compared with it.
UPDATE seen_heads SET compared_at = seen_at WHERE size =
    (SELECT MAX(size) FROM seen_heads AS others WHERE others.domain = seen_heads.domain);

-- Retailers whose log signed two histories: nothing is disclosed to them any more. Rows are never changed.
CREATE TABLE forks (
    domain TEXT PRIMARY KEY REFERENCES retailers (domain), -- fixed
    one TEXT NOT NULL,                  -- a signed checkpoint, as it travelled; fixed
    other TEXT NOT NULL,                -- one that is of another history; fixed
    noticed_at INTEGER NOT NULL         -- seconds; fixed
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO forks (domain, one, other, noticed_at)
    SELECT domain, seen.checkpoint, others.checkpoint, others.seen_at
    FROM seen_heads AS seen JOIN seen_heads AS others USING (domain, size)
    WHERE seen.root < others.root;
