-- Who may refuse, narrow and withdraw for her (spec/mandate.md): also those that are over, so that what was done can be explained.
CREATE TABLE mandates (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- fixed
    name TEXT NOT NULL,                 -- what she calls the delegate; leaves for nobody; fixed
    jws BLOB NOT NULL,                  -- as she signed it last; changes when she confirms it again
    made_at INTEGER NOT NULL,           -- seconds; fixed
    seen_at INTEGER,                    -- seconds, the last call that held; changes
    set_aside_at INTEGER,               -- seconds, NULL while it counts; changes
    withdrawal BLOB,                    -- as she signed it; changes once
    withdrawn_at INTEGER                -- seconds; changes once
) STRICT, WITHOUT ROWID;

-- Calls that are refused when they come again.
CREATE TABLE mandate_calls (
    mandate_id BLOB NOT NULL REFERENCES mandates (id), -- fixed
    message_id BLOB NOT NULL CHECK (length(message_id) = 16), -- fixed
    forget_at INTEGER NOT NULL,         -- seconds; fixed
    PRIMARY KEY (mandate_id, message_id)
) STRICT, WITHOUT ROWID;

-- What was done under mandates; the calls themselves stand in the vault's own log.
CREATE TABLE mandate_acts (
    id INTEGER PRIMARY KEY,             -- fixed
    mandate_id BLOB NOT NULL REFERENCES mandates (id), -- fixed
    at INTEGER NOT NULL,                -- seconds; fixed
    act TEXT NOT NULL,                  -- narrow, refuse, withdraw, write_rules; fixed
    request_id BLOB,                    -- what was refused; fixed
    grant_id BLOB,                      -- what was withdrawn; fixed
    rule_number INTEGER,                -- what was written or narrowed; fixed
    rule_version INTEGER,               -- fixed
    undone_at INTEGER                   -- seconds, when she undid it; changes once
) STRICT;
