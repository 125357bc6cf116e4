-- To whom she objects to direct marketing, and what she took back (spec/ends.md#objection).
CREATE TABLE objections (
    domain TEXT PRIMARY KEY REFERENCES retailers (domain), -- fixed
    generation BLOB NOT NULL REFERENCES pseudonyms (generation), -- who said it; changes
    objects INTEGER NOT NULL CHECK (objects IN (0, 1)), -- 0 = taken back; changes
    jws BLOB NOT NULL,                  -- what she signed last; changes
    said_at INTEGER NOT NULL,           -- seconds, as in the document; grows
    told_at INTEGER                     -- seconds, when the retailer showed it in its log, NULL = not yet; changes
) STRICT, WITHOUT ROWID;
