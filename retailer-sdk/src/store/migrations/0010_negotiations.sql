-- Negotiations (spec/negotiation.md#both-sides). A row stands from what she said first until a day after the request has expired: its name is
-- never used again until then. What was said in it is deleted with it.
CREATE TABLE negotiations (
    subject_key_id TEXT NOT NULL,       -- key id of the pseudonym that began it; fixed
    id BLOB NOT NULL CHECK (length(id) = 16), -- drawn by her agent; fixed
    request_id BLOB NOT NULL CHECK (length(request_id) = 16), -- name of the consent request; fixed
    begun INTEGER NOT NULL,             -- seconds; fixed
    outcome TEXT CHECK (outcome IN ('settled', 'refused', 'lapsed')), -- NULL while it goes on; who comes late to one that lapsed is refused
    look_at INTEGER NOT NULL,           -- seconds: when it may have lapsed; grows
    forget_at INTEGER NOT NULL,         -- seconds; fixed
    PRIMARY KEY (subject_key_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX negotiations_open ON negotiations (look_at) WHERE outcome IS NULL;
CREATE INDEX negotiations_done ON negotiations (forget_at);

-- What was said, in order, as it was signed.
CREATE TABLE negotiation_messages (
    subject_key_id TEXT NOT NULL,       -- of the negotiation; fixed
    negotiation BLOB NOT NULL,          -- of the negotiation; fixed
    number INTEGER NOT NULL,            -- from 0; fixed
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- of the payload; fixed
    jws BLOB NOT NULL,                  -- fixed
    leaf INTEGER REFERENCES log_openings (leaf), -- NULL for a grant that she alone signed; fixed
    PRIMARY KEY (subject_key_id, negotiation, number),
    FOREIGN KEY (subject_key_id, negotiation) REFERENCES negotiations (subject_key_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX negotiation_messages_named ON negotiation_messages (subject_key_id, digest);
CREATE INDEX negotiation_messages_opened ON negotiation_messages (leaf) WHERE leaf IS NOT NULL;

-- What is enough for the retailer, beside what its request offers: told to nobody before it is countered with.
CREATE TABLE negotiation_policies (
    request_id BLOB PRIMARY KEY CHECK (length(request_id) = 16), -- name of the consent request; fixed
    enough BLOB NOT NULL                -- canonical JSON: a list of terms; fixed
) STRICT, WITHOUT ROWID;
