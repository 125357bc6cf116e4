-- Times are seconds since 1970-01-01 UTC, days are UTC day numbers. Identifiers are 16 bytes.
-- "fixed" is written once; "changes" may be updated; rows may be deleted unless said otherwise.
--
-- What is absent on purpose: nothing here says when, where or how often in one place somebody was
-- recognised. A use leaves a count, a salted head, and a commitment among all others in the log.

CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- one row, never deleted
    domain TEXT NOT NULL,               -- the retailer's domain; fixed
    signing_seed BLOB NOT NULL CHECK (length(signing_seed) = 32),     -- Ed25519 seed; fixed
    log_seed BLOB NOT NULL CHECK (length(log_seed) = 32),             -- Ed25519 seed; fixed
    sealing_secret BLOB NOT NULL CHECK (length(sealing_secret) = 32), -- X25519 secret; fixed
    profile BLOB NOT NULL,              -- canonical JSON of legal identity and shops; changes
    manifest_sequence INTEGER NOT NULL, -- sequence of the last manifest; grows
    catalogue_sequence INTEGER NOT NULL -- sequence of the last catalogue; grows
) STRICT;

CREATE TABLE day_keys (
    day INTEGER PRIMARY KEY,            -- day number; fixed
    sealing_secret BLOB NOT NULL CHECK (length(sealing_secret) = 32) -- X25519 secret; fixed
) STRICT;

CREATE TABLE shop_chains (
    day INTEGER NOT NULL,               -- day number; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- shop code; fixed
    last BLOB NOT NULL CHECK (length(last) = 16), -- v[1440], from which the day follows; fixed
    anchor BLOB NOT NULL CHECK (length(anchor) = 16), -- v[0], which is published; fixed
    PRIMARY KEY (day, shop)
) STRICT, WITHOUT ROWID;

-- The log (C2SP tlog-tiles). Its three tables only ever grow, or replace the head.
CREATE TABLE log_entries (
    leaf INTEGER PRIMARY KEY,           -- index from 0; fixed
    commitment BLOB NOT NULL CHECK (length(commitment) = 32) -- the entry; fixed
) STRICT;

CREATE TABLE log_nodes (
    level INTEGER NOT NULL,             -- 0 for leaves; fixed
    position INTEGER NOT NULL,          -- index within the level; fixed
    hash BLOB NOT NULL CHECK (length(hash) = 32), -- of the complete subtree; fixed
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_head (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- one row
    checkpoint TEXT NOT NULL            -- the signed note that is served; changes
) STRICT;

-- Openings of what is not a use: documents, receptions, deletions.
CREATE TABLE log_openings (
    leaf INTEGER PRIMARY KEY REFERENCES log_entries (leaf), -- fixed
    salt BLOB NOT NULL CHECK (length(salt) = 32), -- fixed
    record BLOB NOT NULL                -- the bytes that were committed to; fixed
) STRICT;

CREATE TABLE documents (
    kind TEXT NOT NULL,                 -- manifest, request or catalogue; fixed
    name BLOB NOT NULL,                 -- request id, else empty; fixed
    jws BLOB NOT NULL,                  -- the bytes that travel; changes with a new issue
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf), -- changes with a new issue
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Manifests and catalogues that the log names by digest: each that there ever was, for auditors.
CREATE TABLE long_documents (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of the bytes; fixed
    jws BLOB NOT NULL                   -- the bytes that travelled; fixed, never deleted
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), -- SHA-256 of the text; fixed
    text TEXT NOT NULL                  -- what is shown with a request; fixed, never deleted
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- grant id; fixed, rows are never deleted
    handle BLOB NOT NULL UNIQUE CHECK (length(handle) = 16), -- its name in presence; fixed
    subject_key_id TEXT NOT NULL,       -- key id of the pseudonym; fixed
    offered BLOB NOT NULL CHECK (length(offered) = 32), -- SHA-256 of the bytes she sent; fixed
    jws BLOB NOT NULL,                  -- with both signatures; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf), -- fixed
    state TEXT NOT NULL CHECK (state IN ('active', 'expired', 'withdrawn')), -- changes
    expires INTEGER NOT NULL,           -- seconds, as in the grant; fixed
    use_count INTEGER NOT NULL,         -- uses so far; grows
    use_head BLOB NOT NULL CHECK (length(use_head) = 32) -- salted head of their chain; changes
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_by_subject ON grants (subject_key_id);

CREATE TABLE withdrawals (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed, rows are never deleted
    jws BLOB NOT NULL,                  -- the withdrawal; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf), -- fixed
    acknowledgement BLOB NOT NULL,      -- the answer, a JWS; fixed
    acknowledgement_leaf INTEGER NOT NULL REFERENCES log_openings (leaf) -- fixed
) STRICT, WITHOUT ROWID;

-- How often a grant was used today, over all shops: what is left of the frequency it allows, should the
-- gateway start again. Names no shop and no moment. Deleted with the day, at withdrawal and at expiry.
CREATE TABLE day_uses (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    day INTEGER NOT NULL,               -- day number of today; changes
    count INTEGER NOT NULL              -- grows within the day
) STRICT, WITHOUT ROWID;

-- Deleted at day+1 00:30 UTC, at withdrawal and at expiry, whichever comes first.
CREATE TABLE released_keys (
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    day INTEGER NOT NULL,               -- day number; fixed
    keys BLOB NOT NULL CHECK (length(keys) = 48), -- locator key and binder key; fixed
    commitment BLOB NOT NULL CHECK (length(commitment) = 32), -- commit(d), as it was logged; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf), -- of `release_received`; fixed
    PRIMARY KEY (grant_id, day)
) STRICT, WITHOUT ROWID;

-- Deleted at the deadline of the grant's terms, at withdrawal and at expiry.
CREATE TABLE disclosures (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the signed disclosure; changes
    chosen_name TEXT,                   -- NULL when she gave none; changes
    topics TEXT NOT NULL,               -- JSON array of texts; changes
    destroy_day INTEGER NOT NULL,       -- first day on which it is gone; changes
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf) -- of `disclosure_received`; changes
) STRICT, WITHOUT ROWID;

-- Sealed to the shopper; we cannot open it. Deleted on her acknowledgement and at the deadline.
CREATE TABLE mail (
    sequence INTEGER PRIMARY KEY,       -- order of arrival; fixed
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16), -- mail id; fixed
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    encapsulated BLOB NOT NULL,         -- HPKE encapsulated key; fixed
    ciphertext BLOB NOT NULL,           -- HPKE ciphertext; fixed
    destroy_day INTEGER NOT NULL        -- first day on which it is gone; fixed
) STRICT;

CREATE INDEX mail_by_grant ON mail (grant_id);

-- Message ids of calls, so that none counts twice. Names no pseudonym.
CREATE TABLE messages (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- message id; fixed
    forget_at INTEGER NOT NULL          -- seconds; fixed
) STRICT, WITHOUT ROWID;

CREATE TABLE shop_keys (
    name TEXT PRIMARY KEY,              -- what the operator calls it; fixed
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32), -- SHA-256 of the key; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- shop code it is bound to; fixed
    scopes TEXT NOT NULL,               -- JSON array of scopes; fixed
    revoked INTEGER NOT NULL            -- 0 or 1; changes once
) STRICT, WITHOUT ROWID;
