-- Shoppers' own logs (spec/succession.md): the largest head of each that its writer showed us, and who goes on
-- where a pseudonym stood.

-- Never deleted while the log's grants are kept: it is what a shopper whose vault went back in time asks for.
CREATE TABLE subject_heads (
    log BLOB PRIMARY KEY CHECK (length(log) = 16), -- log id of a pseudonym; fixed
    size INTEGER NOT NULL,              -- entries under the head; grows
    checkpoint TEXT NOT NULL            -- as she signed it; changes
) STRICT, WITHOUT ROWID;

-- Who stands for a pseudonym that went on under another key or in another log. One that never did has no
-- row: its grants name its keys.
CREATE TABLE pseudonyms (
    first_key_id TEXT PRIMARY KEY,      -- key id of the key it began with; fixed
    key BLOB NOT NULL CHECK (length(key) = 32), -- Ed25519 public key that signs now; changes
    sealing_key BLOB NOT NULL CHECK (length(sealing_key) = 32), -- X25519 public key; changes
    log BLOB NOT NULL UNIQUE CHECK (length(log) = 16), -- log id of the log it writes now; changes
    log_key BLOB NOT NULL CHECK (length(log_key) = 32) -- Ed25519 public key of that log; changes
) STRICT, WITHOUT ROWID;

-- Every key such a pseudonym has or had.
CREATE TABLE pseudonym_keys (
    key_id TEXT PRIMARY KEY,            -- key id; fixed
    key BLOB NOT NULL CHECK (length(key) = 32), -- Ed25519 public key; fixed
    first_key_id TEXT NOT NULL REFERENCES pseudonyms (first_key_id) -- fixed
) STRICT, WITHOUT ROWID;

CREATE INDEX pseudonym_keys_by_first ON pseudonym_keys (first_key_id);

-- Rows are never deleted: a log that was left must not come back.
CREATE TABLE continuations (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of the payload; fixed
    jws BLOB NOT NULL,                  -- as she signed it; fixed
    from_log BLOB NOT NULL UNIQUE CHECK (length(from_log) = 16), -- log id; fixed
    to_log BLOB NOT NULL UNIQUE CHECK (length(to_log) = 16), -- log id; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf), -- fixed
    discrepancy_leaf INTEGER REFERENCES log_openings (leaf) -- NULL where the heads agree; fixed
) STRICT, WITHOUT ROWID;
