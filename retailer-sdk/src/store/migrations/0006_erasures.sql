-- What was signed when nothing was held any more under a grant that is over (spec/ends.md#erasure).
CREATE TABLE erasures (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed, rows are never deleted
    jws BLOB NOT NULL,                  -- the erasure; fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf) -- fixed
) STRICT, WITHOUT ROWID;
