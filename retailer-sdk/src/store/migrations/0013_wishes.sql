-- Wishes that may be answered (spec/wishes.md). Gone with the disclosure that told them, or when she takes them back.
CREATE TABLE wishes (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- intention id; fixed
    grant_id BLOB NOT NULL REFERENCES disclosures (grant_id) ON DELETE CASCADE, -- fixed
    content TEXT NOT NULL,              -- canonical JSON of the intention; changes
    accepted_at INTEGER                 -- seconds, NULL = not yet; changes once
) STRICT, WITHOUT ROWID;
CREATE INDEX wishes_of_grants ON wishes (grant_id);
-- How often data came under a grant on the last day that it was disclosed on.
ALTER TABLE disclosures ADD COLUMN
    told_day INTEGER NOT NULL DEFAULT 0; -- days since 1970-01-01; grows
ALTER TABLE disclosures ADD COLUMN
    told_count INTEGER NOT NULL DEFAULT 0; -- on that day; changes
