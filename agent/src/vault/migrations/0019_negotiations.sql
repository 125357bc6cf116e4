-- What is said between her agent and retailers before she gives (spec/negotiation.md). One negotiation at most about a request.
CREATE TABLE negotiations (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- never used again; fixed
    request_id BLOB NOT NULL UNIQUE REFERENCES requests (id), -- fixed
    generation BLOB NOT NULL REFERENCES pseudonyms (generation), -- who negotiates; fixed
    domain TEXT NOT NULL REFERENCES retailers (domain), -- fixed
    purpose TEXT NOT NULL,              -- fixed
    subject_key BLOB NOT NULL,          -- key of the pseudonym when it began; fixed
    begun_at INTEGER NOT NULL,          -- seconds; fixed
    stopped_at INTEGER,                 -- seconds, she did something by hand that ends it: nothing but a no is said; changes once
    outcome TEXT,                       -- settled, refused, lapsed, NULL = open; changes once
    refused_by TEXT,                    -- subject, controller; changes once
    reason TEXT,                        -- of the refusal; changes once
    ended_at INTEGER,                   -- seconds; changes once
    delivered_at INTEGER                -- seconds, when her no was heard; changes once
) STRICT, WITHOUT ROWID;

-- Everything that was said, in order. A message is written here before it is sent, or acted on.
CREATE TABLE negotiation_messages (
    negotiation_id BLOB NOT NULL REFERENCES negotiations (id), -- fixed
    number INTEGER NOT NULL,            -- from 0; fixed
    jws BLOB NOT NULL,                  -- as it travels; fixed
    PRIMARY KEY (negotiation_id, number)
) STRICT, WITHOUT ROWID;
