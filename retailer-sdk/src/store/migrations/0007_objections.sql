-- Who objects to direct marketing, and who took that back (spec/ends.md#objection). Rows are never deleted: that she
-- objects has to be known for as long as somebody could market to her.
CREATE TABLE objections (
    subject_key_id TEXT PRIMARY KEY,    -- key id of the pseudonym; fixed
    said INTEGER NOT NULL,              -- seconds, as in the document; grows
    objects INTEGER NOT NULL CHECK (objects IN (0, 1)), -- as in the document; changes
    jws BLOB NOT NULL,                  -- what she signed last; changes
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf) -- changes
) STRICT, WITHOUT ROWID;
