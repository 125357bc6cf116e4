-- By what somebody else ended a grant (spec/revocation.md).
ALTER TABLE grants ADD COLUMN
    revoked_by TEXT;                    -- revocation, restoration; NULL = nobody else ended it; changes once
ALTER TABLE grants ADD COLUMN
    revocation BLOB;                    -- JWS of the revocation, NULL = there is none; changes once
ALTER TABLE grants ADD COLUMN
    end_seen_at INTEGER;                -- seconds, when Today first said that somebody else ended it; changes once
