-- Until when openings are kept that only say what came and went (spec/log.md#retention). What proves a grant has no row here.
CREATE TABLE opening_deadlines (
    leaf INTEGER PRIMARY KEY REFERENCES log_openings (leaf) ON DELETE CASCADE, -- fixed; goes with the opening
    grant_id BLOB NOT NULL REFERENCES grants (id), -- what it is about; fixed
    destroy_day INTEGER NOT NULL        -- first day on which it is gone; may come nearer
) STRICT;
CREATE INDEX opening_deadlines_by_grant ON opening_deadlines (grant_id);
CREATE INDEX opening_deadlines_by_day ON opening_deadlines (destroy_day);

-- That openings were destroyed: how many on a day, never which.
CREATE TABLE openings_destroyed (
    day INTEGER PRIMARY KEY,            -- day number; fixed, rows are never deleted
    count INTEGER NOT NULL              -- grows within the day
) STRICT;

-- What stands in a store of before: the longest that the rule allows, from when it was written.
INSERT INTO opening_deadlines (leaf, grant_id, destroy_day)
SELECT leaf, unhex(substr(said ->> 'grant', 7)), (said ->> 'at') / 86400 + 31
FROM (SELECT leaf, CAST(record AS TEXT) AS said FROM log_openings WHERE json_valid(CAST(record AS TEXT)))
WHERE said ->> 'kind' IN ('release_received', 'disclosure_received', 'deleted')
    AND unhex(substr(said ->> 'grant', 7)) IN (SELECT id FROM grants);
