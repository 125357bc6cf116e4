-- What holds the file together. spec/rollback.md#seal

-- One row, written anew by every transaction; of this file only, never exported.
CREATE TABLE seal (
    id INTEGER PRIMARY KEY CHECK (id = 1),      -- always 1
    counter INTEGER NOT NULL,                   -- how many changes the vault has had; only grows
    sitting BLOB NOT NULL CHECK (length(sitting) = 16),  -- random name of the time between unlock and lock
    prints BLOB NOT NULL CHECK (length(prints) = 32),    -- sum over every page but the first and this one
    at INTEGER NOT NULL                         -- UTC seconds of the change; 0 where nobody looked
) STRICT;
