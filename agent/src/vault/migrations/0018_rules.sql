-- What she decided once for many requests (spec/negotiation.md): every version, also of what she took away, so that no number is
-- given a second time and what was decided by one can be explained.
CREATE TABLE rules (
    number INTEGER NOT NULL CHECK (number > 0), -- fixed
    version INTEGER NOT NULL CHECK (version > 0), -- the last one counts; fixed
    rule BLOB NOT NULL,                 -- JSON: name, purpose, retailers, verdict; fixed
    removed_at INTEGER,                 -- seconds, NULL = not taken away; changes once
    PRIMARY KEY (number, version)
) STRICT, WITHOUT ROWID;

-- Which rule gave a grant. The grant itself says it only under a salt, which leaves this vault in a receipt that she asks to name the rule.
CREATE TABLE grant_rules (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    number INTEGER NOT NULL,            -- name of the rule; fixed
    version INTEGER NOT NULL,           -- fixed
    confirmed_at INTEGER NOT NULL,      -- seconds; fixed
    salt BLOB NOT NULL CHECK (length(salt) = 32) -- fixed
) STRICT, WITHOUT ROWID;

-- What the agent did last with a request by her rules, and why.
CREATE TABLE decisions (
    request_id BLOB PRIMARY KEY REFERENCES requests (id), -- fixed
    decision BLOB NOT NULL,             -- JSON; changes
    at INTEGER NOT NULL                 -- seconds; changes
) STRICT, WITHOUT ROWID;
