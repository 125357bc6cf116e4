-- Tills: keys that certify their challenges, challenges that wait for an answer, and keys of presence that
-- come with a till key.

CREATE TABLE released_keys_with_till (
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    day INTEGER NOT NULL,               -- day number; fixed
    keys BLOB NOT NULL CHECK (length(keys) IN (48, 80)), -- locator, binder and, for a loyalty account, till key; fixed
    commitment BLOB NOT NULL CHECK (length(commitment) = 32), -- commit(d), as it was logged; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf), -- of `release_received`; fixed
    PRIMARY KEY (grant_id, day)
) STRICT, WITHOUT ROWID;
INSERT INTO released_keys_with_till SELECT grant_id, day, keys, commitment, leaf FROM released_keys;
DROP TABLE released_keys;
ALTER TABLE released_keys_with_till RENAME TO released_keys;

-- One for each shop key with the scope `tills`. Deleted when that key is revoked.
CREATE TABLE till_keys (
    name TEXT PRIMARY KEY REFERENCES shop_keys (name), -- fixed
    seed BLOB NOT NULL CHECK (length(seed) = 32) -- Ed25519 seed; fixed
) STRICT, WITHOUT ROWID;

-- Deleted a minute after they expired. Names nobody: who settled one stands nowhere here.
CREATE TABLE till_challenges (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of the challenge; fixed
    till TEXT NOT NULL,                 -- name of the key of the till that asked; fixed
    challenge BLOB NOT NULL CHECK (length(challenge) = 104), -- as it was shown; fixed
    settled INTEGER NOT NULL CHECK (settled IN (0, 1)), -- changes once, before the till hears of it
    forget_at INTEGER NOT NULL          -- seconds; fixed
) STRICT, WITHOUT ROWID;

-- Presentations and typed codes that counted, so that none counts twice. Deleted when none could.
CREATE TABLE till_counted (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of what was shown or typed; fixed
    forget_at INTEGER NOT NULL          -- seconds; fixed
) STRICT, WITHOUT ROWID;
