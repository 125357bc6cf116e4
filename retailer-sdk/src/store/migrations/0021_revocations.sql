-- Grants that the retailer ended itself, and what it signed for it (spec/revocation.md): in `state` as expired.
ALTER TABLE grants ADD COLUMN
    revoked_at INTEGER;                 -- seconds, as in the revocation, NULL = it did not; changes once
CREATE TABLE revocations (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    jws BLOB NOT NULL,                  -- the revocation; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf) -- fixed
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_opened ON revocations (leaf);
