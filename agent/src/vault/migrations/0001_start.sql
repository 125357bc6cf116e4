-- Times are seconds since 1970-01-01 UTC. Identifiers are 16 bytes. Texts are UTF-8.
-- "fixed" is written once; "changes" may be updated; rows may be deleted unless said otherwise.

CREATE TABLE profile (
    field TEXT PRIMARY KEY,             -- name of the fact (closed list in vault/profile.rs); fixed
    value TEXT NOT NULL,                -- what she said; changes
    changed_at INTEGER NOT NULL         -- seconds; changes
) STRICT, WITHOUT ROWID;

CREATE TABLE imports (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- import id; fixed
    format TEXT NOT NULL,               -- closed list in vault/imports.rs; fixed
    at INTEGER NOT NULL,                -- seconds; fixed
    imported INTEGER NOT NULL,          -- count of rows made; fixed
    updated INTEGER NOT NULL,           -- count of rows changed; fixed
    skipped INTEGER NOT NULL,           -- count of rows refused; fixed
    undone_at INTEGER                   -- seconds, NULL while it stands; changes once
) STRICT, WITHOUT ROWID;

CREATE TABLE cards (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- card id; fixed
    store TEXT NOT NULL,                -- name of the shop as she reads it; fixed
    number TEXT NOT NULL,               -- number printed on the card; fixed
    barcode TEXT NOT NULL,              -- content of the code, often equal to number; changes
    symbology TEXT,                     -- closed list in vault/cards.rs, NULL = no code; changes
    charset TEXT,                       -- character set of the code, NULL = not said; changes
    note TEXT NOT NULL,                 -- her words, may be empty; changes
    balance INTEGER,                    -- minor units, or points when balance_currency is NULL; changes
    balance_currency TEXT,              -- ISO 4217; changes
    valid_from INTEGER,                 -- seconds; changes
    expires_at INTEGER,                 -- seconds; changes
    starred INTEGER NOT NULL,           -- 0 or 1; changes
    archived INTEGER NOT NULL,          -- 0 or 1; changes
    import_id BLOB REFERENCES imports (id), -- last import that wrote the row, NULL = she typed it; changes
    changed_at INTEGER NOT NULL,        -- seconds; changes
    UNIQUE (store, number)              -- the stable key that makes an import idempotent
) STRICT, WITHOUT ROWID;

-- What a card was before an import changed it, so that the import can be undone; columns as in cards.
CREATE TABLE card_history (
    by_import_id BLOB NOT NULL REFERENCES imports (id), -- which import changed it; fixed
    id BLOB NOT NULL REFERENCES cards (id) ON DELETE CASCADE, -- card id; fixed
    barcode TEXT NOT NULL,              -- fixed
    symbology TEXT,                     -- fixed
    charset TEXT,                       -- fixed
    note TEXT NOT NULL,                 -- fixed
    balance INTEGER,                    -- minor units or points; fixed
    balance_currency TEXT,              -- ISO 4217; fixed
    valid_from INTEGER,                 -- seconds; fixed
    expires_at INTEGER,                 -- seconds; fixed
    starred INTEGER NOT NULL,           -- 0 or 1; fixed
    archived INTEGER NOT NULL,          -- 0 or 1; fixed
    import_id BLOB,                     -- who wrote the row before; fixed
    changed_at INTEGER NOT NULL,        -- seconds; fixed
    PRIMARY KEY (by_import_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE wishes (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- wish id; fixed
    text TEXT NOT NULL,                 -- her words; changes
    gtin TEXT,                          -- GTIN digits with a right check digit; changes
    category TEXT,                      -- id or name of a category; changes
    max_price INTEGER,                  -- minor units; changes
    max_price_currency TEXT,            -- ISO 4217; changes
    deadline INTEGER,                   -- seconds; changes
    created_at INTEGER NOT NULL         -- seconds; fixed
) STRICT, WITHOUT ROWID;

CREATE TABLE fixes (
    id INTEGER PRIMARY KEY,             -- order of arrival; fixed
    at INTEGER NOT NULL,                -- seconds; fixed
    lat_e7 INTEGER NOT NULL,            -- degrees north times 10^7, WGS 84; fixed
    lon_e7 INTEGER NOT NULL,            -- degrees east times 10^7, WGS 84; fixed
    accuracy_m INTEGER,                 -- radius in metres, NULL = not said; fixed
    import_id BLOB REFERENCES imports (id), -- NULL = heard live; fixed
    UNIQUE (at, lat_e7, lon_e7)         -- the stable key that makes an import idempotent
) STRICT;

CREATE TABLE visits (
    id INTEGER PRIMARY KEY,             -- order of arrival; fixed
    domain TEXT NOT NULL,               -- the retailer; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- code of the shop in the manifest; fixed
    arrived_at INTEGER NOT NULL,        -- seconds; fixed
    left_at INTEGER,                    -- seconds, NULL while she is there; changes
    UNIQUE (domain, shop, arrived_at)
) STRICT;

CREATE TABLE retailers (
    domain TEXT PRIMARY KEY,            -- lower-case A-labels; fixed
    pinned_key BLOB NOT NULL CHECK (length(pinned_key) = 32), -- Ed25519 public key; changes only by a manifest it signed
    manifest BLOB NOT NULL,             -- JWS as it travelled; changes
    fetched_at INTEGER NOT NULL,        -- seconds; changes
    first_met_at INTEGER NOT NULL       -- seconds; fixed
) STRICT;

-- Who she is to a retailer. A fresh start ends one row and makes another.
CREATE TABLE pseudonyms (
    generation BLOB PRIMARY KEY CHECK (length(generation) = 16), -- random; fixed
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    facet INTEGER NOT NULL,             -- which "me", 0 is the ordinary one; fixed
    log_id BLOB NOT NULL UNIQUE CHECK (length(log_id) = 16), -- her log towards this retailer; fixed
    started_at INTEGER NOT NULL,        -- seconds; fixed
    ended_at INTEGER                    -- seconds, NULL while in use; changes once
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pseudonyms_in_use ON pseudonyms (domain, facet) WHERE ended_at IS NULL;

CREATE TABLE catalogues (
    domain TEXT PRIMARY KEY REFERENCES retailers (domain), -- fixed
    jws BLOB NOT NULL,                  -- as it travelled; changes
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of jws; changes
    fetched_at INTEGER NOT NULL         -- seconds; changes
) STRICT;

CREATE TABLE requests (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- request id; fixed
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    jws BLOB NOT NULL,                  -- as it travelled; fixed
    received_at INTEGER NOT NULL,       -- seconds; fixed
    state TEXT NOT NULL,                -- open, given, refused; changes
    decided_at INTEGER                  -- seconds, NULL while open; changes once
) STRICT;

-- Rows are never deleted: an absent grant and an ended one must not look alike.
CREATE TABLE grants (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- grant id; fixed
    request_id BLOB NOT NULL REFERENCES requests (id), -- fixed
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    generation BLOB NOT NULL REFERENCES pseudonyms (generation), -- who gave it; fixed
    purpose TEXT NOT NULL,              -- closed list of the protocol; fixed
    jws BLOB NOT NULL,                  -- as it travelled; changes once, when the second signature arrives
    state TEXT NOT NULL,                -- given, active, expired, withdrawn, revoked; changes forward only
    handle BLOB CHECK (length(handle) = 16), -- name in presence, NULL = no presence; fixed
    presence_root BLOB CHECK (length(presence_root) = 32), -- secret; set to NULL when the grant ends
    given_at INTEGER NOT NULL,          -- seconds; fixed
    expires_at INTEGER NOT NULL,        -- seconds; fixed
    ended_at INTEGER,                   -- seconds, NULL while it lives; changes once
    withdrawal BLOB,                    -- JWS of the withdrawal; changes once
    acknowledgement BLOB,               -- JWS by which the retailer acknowledged it; changes once
    unreceived_at INTEGER,              -- seconds, when the retailer said that it never had it; changes once
    emitted_epoch INTEGER               -- last epoch an identifier was emitted in, NULL = never; grows
) STRICT;

CREATE TABLE key_releases (
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    day INTEGER NOT NULL,               -- day of presence (spec/presence.md); fixed
    commitment BLOB NOT NULL CHECK (length(commitment) = 32), -- digest in her log; fixed
    entry INTEGER NOT NULL,             -- index in the pseudonym's log; fixed
    state TEXT NOT NULL,                -- logged, delivered; changes forward only
    at INTEGER NOT NULL,                -- seconds, of the last change; changes
    PRIMARY KEY (grant_id, day)
) STRICT, WITHOUT ROWID;

-- Data that left under a grant. What was logged but not delivered is deleted by a withdrawal.
CREATE TABLE disclosures (
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of jws; fixed
    jws BLOB NOT NULL,                  -- what she signed; fixed
    entry INTEGER NOT NULL,             -- index in the pseudonym's log; fixed
    state TEXT NOT NULL,                -- logged, delivered; changes forward only
    at INTEGER NOT NULL,                -- seconds, of the last change; changes
    PRIMARY KEY (grant_id, digest)
) STRICT, WITHOUT ROWID;

-- Notices as they were fetched, to be shown before she decides and kept as what was shown.
CREATE TABLE notices (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of body; fixed
    body BLOB NOT NULL,                 -- as it travelled; fixed
    fetched_at INTEGER NOT NULL         -- seconds; fixed
) STRICT, WITHOUT ROWID;

-- Signed counts of all uses under a grant, the newest that the retailer stated.
CREATE TABLE use_statements (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    jws BLOB NOT NULL,                  -- as it travelled; changes
    count INTEGER NOT NULL,             -- uses stated; grows
    received_at INTEGER NOT NULL        -- seconds; changes
) STRICT, WITHOUT ROWID;

-- Entries of a retailer's log that were shown to her with their proofs: her evidence.
CREATE TABLE evidence (
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    entry INTEGER NOT NULL,             -- index in the log of the retailer; fixed
    grant_id BLOB REFERENCES grants (id), -- NULL = under no grant; fixed
    kind TEXT NOT NULL,                 -- a word of the protocol; fixed
    record BLOB NOT NULL,               -- as it travelled; fixed
    proof TEXT NOT NULL,                -- C2SP tlog-proof with the salt; fixed
    received_at INTEGER NOT NULL,       -- seconds; fixed
    PRIMARY KEY (domain, entry)
) STRICT, WITHOUT ROWID;

-- Heads of a retailer's log that were verified. Two of one size prove that it forked its log.
CREATE TABLE seen_heads (
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    size INTEGER NOT NULL,              -- entries under it; fixed
    root BLOB NOT NULL CHECK (length(root) = 32), -- root of the tree; fixed
    checkpoint TEXT NOT NULL,           -- as it travelled; fixed
    seen_at INTEGER NOT NULL,           -- seconds; fixed
    PRIMARY KEY (domain, size, root)
) STRICT, WITHOUT ROWID;

-- What left this machine and what came, without content. Rows are never changed.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,             -- order; fixed
    at INTEGER NOT NULL,                -- seconds; fixed
    direction TEXT NOT NULL,            -- out, in; fixed
    domain TEXT NOT NULL,               -- the retailer; fixed
    kind TEXT NOT NULL,                 -- what it was, a word of the protocol; fixed
    bytes INTEGER NOT NULL              -- size of the body; fixed
) STRICT;

-- Mail that is safe here and that the retailer has not been told to destroy yet.
CREATE TABLE mail (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- mail id; fixed
    generation BLOB NOT NULL REFERENCES pseudonyms (generation), -- whose mailbox; fixed
    received_at INTEGER NOT NULL,       -- seconds; fixed
    acknowledged_at INTEGER             -- seconds, NULL until the retailer was told; changes once
) STRICT, WITHOUT ROWID;

-- Her logs: one towards each retailer and generation, and the one of the vault.
CREATE TABLE logs (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- log id, its origin; fixed
    generation BLOB REFERENCES pseudonyms (generation), -- NULL = the vault's own log; fixed
    created_at INTEGER NOT NULL,        -- seconds; fixed
    checkpoint TEXT                     -- newest signed checkpoint, NULL while empty; changes
) STRICT, WITHOUT ROWID;

-- Entries are never deleted; erasing a record sets salt and record to NULL.
CREATE TABLE log_entries (
    log_id BLOB NOT NULL REFERENCES logs (id), -- fixed
    entry INTEGER NOT NULL,             -- index from 0, without gaps; fixed
    commitment BLOB NOT NULL CHECK (length(commitment) = 32), -- fixed
    salt BLOB CHECK (length(salt) = 32), -- changes once, to NULL
    record BLOB,                        -- bytes that the commitment is over; changes once, to NULL
    at INTEGER NOT NULL,                -- seconds; fixed
    PRIMARY KEY (log_id, entry)
) STRICT;

CREATE TABLE log_nodes (
    log_id BLOB NOT NULL REFERENCES logs (id), -- fixed
    level INTEGER NOT NULL,             -- 0 are leaf hashes; fixed
    node INTEGER NOT NULL,              -- index within the level; fixed
    hash BLOB NOT NULL CHECK (length(hash) = 32), -- of a complete subtree; fixed
    PRIMARY KEY (log_id, level, node)
) STRICT, WITHOUT ROWID;
