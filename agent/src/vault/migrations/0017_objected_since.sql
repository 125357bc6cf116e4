-- Since when she has said what she says to a retailer, also where it was signed again since: under new keys, after a restore.
ALTER TABLE objections ADD COLUMN
    since INTEGER;                      -- seconds, NULL = said_at; changes
