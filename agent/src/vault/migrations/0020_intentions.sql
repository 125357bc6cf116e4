-- Whether shops that she allowed it may hear of a wish; nobody does before she says so.
ALTER TABLE wishes ADD COLUMN
    shown INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1)); -- changes
-- The name that a wish has under one grant (spec/wishes.md#list): forgotten with the wish, when it changes, and with the grant.
CREATE TABLE intentions (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- intention id; fixed
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    wish_id BLOB NOT NULL REFERENCES wishes (id) ON DELETE CASCADE, -- fixed
    UNIQUE (grant_id, wish_id)
) STRICT, WITHOUT ROWID;
