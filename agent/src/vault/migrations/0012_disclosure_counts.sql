-- How often data left under a grant on the last day it did: the gate holds this against the grant (spec/consent.md#terms).
CREATE TABLE disclosure_counts (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    day INTEGER NOT NULL,               -- days since 1970-01-01; grows
    count INTEGER NOT NULL              -- disclosures logged on it; changes
) STRICT, WITHOUT ROWID;
