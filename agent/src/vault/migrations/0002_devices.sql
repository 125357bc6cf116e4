-- Telephones that report where she is, each with its own password.
CREATE TABLE devices (
    name TEXT PRIMARY KEY,              -- hers, also the user name it logs in with; fixed
    password_hash BLOB NOT NULL CHECK (length(password_hash) = 32), -- SHA-256 of 100 random bits; fixed
    added_at INTEGER NOT NULL,          -- seconds; fixed
    heard_at INTEGER                    -- seconds of its last accepted message, NULL = never; grows
) STRICT, WITHOUT ROWID;
