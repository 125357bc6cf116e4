-- What she says to shops (spec/feedback.md): forgotten with the grant, and when she takes it back.
CREATE TABLE remarks (
    number INTEGER PRIMARY KEY,         -- its name here; fixed
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    category TEXT,                      -- of which kind of thing, or NULL; fixed
    month INTEGER,                      -- of which month, since January 1970, or NULL; fixed
    rating INTEGER,                     -- 1 to 5, or NULL; fixed
    words TEXT,                         -- hers, or NULL; fixed
    at INTEGER NOT NULL                 -- seconds; fixed
) STRICT;
