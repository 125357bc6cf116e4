-- What shoppers said of the shop (spec/feedback.md). Gone with the disclosure that told it, on its own day, or when she takes it back.
CREATE TABLE remarks (
    grant_id BLOB NOT NULL REFERENCES disclosures (grant_id) ON DELETE CASCADE, -- fixed
    content TEXT NOT NULL,              -- canonical JSON of the remark; fixed
    destroy_day INTEGER NOT NULL,       -- days since 1970-01-01; fixed
    PRIMARY KEY (grant_id, content)
) STRICT, WITHOUT ROWID;
