-- Presence roots that take the place of a grant's own from a day on: somebody may have read the one before
-- (spec/vault.md#rekey). A row becomes the grant's own once its first day is over, and goes when the grant ends.
CREATE TABLE later_presence_roots (
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    from_day INTEGER NOT NULL,          -- first day whose keys follow from it (spec/presence.md); fixed
    root BLOB NOT NULL CHECK (length(root) = 32), -- secret; fixed
    PRIMARY KEY (grant_id, from_day)
) STRICT, WITHOUT ROWID;
