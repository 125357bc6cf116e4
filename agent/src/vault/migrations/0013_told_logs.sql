-- Logs of hers that a retailer told back and that are not here: she went on in them elsewhere. What she decided with
-- that in view stops nothing a second time (spec/rollback.md#retailers-remember).
CREATE TABLE told_logs (
    log_id BLOB PRIMARY KEY CHECK (length(log_id) = 16), -- fixed
    domain TEXT NOT NULL,               -- who told it first; fixed
    told_at INTEGER NOT NULL,           -- seconds; fixed
    decided_at INTEGER                  -- seconds, NULL until her logs went on after it was told; changes once
) STRICT, WITHOUT ROWID;
