-- Logs that were left because the store had gone back in time (spec/restoration.md). The largest number is that of the log that is written;
-- without a row that is 1. Rows are never deleted.
CREATE TABLE restorations (
    log INTEGER PRIMARY KEY CHECK (log BETWEEN 2 AND 64), -- number of the log that began with it; fixed
    jws BLOB NOT NULL,                  -- the restoration; fixed
    at INTEGER NOT NULL                 -- seconds, as in the document: what was signed before does not count; fixed
) STRICT;
