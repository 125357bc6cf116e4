-- Where backups go, each place as she set it up.
CREATE TABLE backup_places (
    name TEXT PRIMARY KEY,              -- hers; fixed
    kind TEXT NOT NULL CHECK (kind IN ('folder', 's3')), -- fixed
    address TEXT NOT NULL,              -- folder: its absolute path; S3: the address of the server; fixed
    bucket TEXT,                        -- S3 only; fixed
    prefix TEXT,                        -- S3 only: what stands before each name, may be empty; fixed
    region TEXT,                        -- S3 only; fixed
    access_key TEXT,                    -- S3 only: name of the key; fixed
    secret_key TEXT,                    -- S3 only: secret; fixed
    keep INTEGER NOT NULL,              -- how many backups stay; fixed
    minute INTEGER NOT NULL,            -- of the day in UTC at which one is made, drawn; fixed
    added_at INTEGER NOT NULL,          -- seconds; fixed
    tried_at INTEGER,                   -- seconds of the last attempt, NULL = none yet; grows
    failure TEXT                        -- why the last attempt failed (closed list in backup.rs), NULL = it did not
) STRICT, WITHOUT ROWID;

-- Backups that were written and read back, as they lay in their place.
CREATE TABLE backups (
    place TEXT NOT NULL REFERENCES backup_places (name) ON DELETE CASCADE, -- fixed
    name TEXT NOT NULL,                 -- of the file, without its ending; fixed
    at INTEGER NOT NULL,                -- seconds, the moment of its rows; fixed
    bytes INTEGER NOT NULL,             -- size of the file; fixed
    row_count INTEGER NOT NULL,         -- fixed
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- of its rows (restore.rs); fixed
    rehearsed_at INTEGER,               -- seconds of the last rehearsed restore, NULL = none; grows
    PRIMARY KEY (place, name)
) STRICT, WITHOUT ROWID;
