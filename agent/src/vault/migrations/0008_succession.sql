-- Her logs go on in others (spec/succession.md). From here on `pseudonyms.log_id` changes with each.
ALTER TABLE logs ADD COLUMN key BLOB CHECK (length(key) = 32); -- Ed25519 public key, NULL while it follows from the root; changes once
ALTER TABLE logs ADD COLUMN left_at INTEGER; -- seconds, NULL while the log is written; changes once

-- How each pseudonym went on, to be told to its retailer in this order.
CREATE TABLE continuations (
    sequence INTEGER PRIMARY KEY,       -- order; fixed
    generation BLOB NOT NULL REFERENCES pseudonyms (generation), -- fixed
    jws BLOB NOT NULL,                  -- as it travels; fixed
    made_at INTEGER NOT NULL,           -- seconds; fixed
    settled_at INTEGER                  -- seconds, NULL until the retailer logged it or never knew her; changes once
) STRICT;

-- Heads of her own logs that a retailer told back and that were not here.
CREATE TABLE known_heads (
    log_id BLOB NOT NULL CHECK (length(log_id) = 16), -- fixed
    size INTEGER NOT NULL,              -- entries under it; fixed
    root BLOB NOT NULL CHECK (length(root) = 32), -- root of the tree; fixed
    checkpoint TEXT NOT NULL,           -- as she had signed it; fixed
    domain TEXT NOT NULL,               -- who told it; fixed
    told_at INTEGER NOT NULL,           -- seconds; fixed
    PRIMARY KEY (log_id, size, root)
) STRICT, WITHOUT ROWID;

-- What opens mail that was sealed before her keys changed. Deleted when the mailbox has been emptied after that.
CREATE TABLE former_sealing_keys (
    generation BLOB NOT NULL REFERENCES pseudonyms (generation), -- fixed
    secret BLOB NOT NULL CHECK (length(secret) = 32), -- X25519 secret; fixed
    left_at INTEGER NOT NULL,           -- seconds; fixed
    PRIMARY KEY (generation, secret)
) STRICT, WITHOUT ROWID;
