-- Whose log is whose. Two pseudonyms never name one log or one key of a log: else who knows her log could
-- move it, or speak of it in her place (spec/succession.md#what-the-gateway-does). Rows are never deleted.
CREATE TABLE subject_logs (
    log BLOB PRIMARY KEY CHECK (length(log) = 16), -- log id that a grant names, or a continuation goes on in; fixed
    log_key BLOB NOT NULL UNIQUE CHECK (length(log_key) = 32), -- Ed25519 public key of it; fixed
    subject_key BLOB NOT NULL CHECK (length(subject_key) = 32) -- Ed25519 public key of who named it first; fixed
) STRICT, WITHOUT ROWID;

-- A head counts under the key that signed it.
ALTER TABLE subject_heads RENAME TO former_heads;
CREATE TABLE subject_heads (
    log BLOB NOT NULL CHECK (length(log) = 16), -- log id of a pseudonym; fixed
    log_key BLOB NOT NULL CHECK (length(log_key) = 32), -- Ed25519 public key that signed the checkpoint; fixed
    size INTEGER NOT NULL,              -- entries under the head; grows
    checkpoint TEXT NOT NULL,           -- as she signed it; changes
    PRIMARY KEY (log, log_key)
) STRICT, WITHOUT ROWID;
