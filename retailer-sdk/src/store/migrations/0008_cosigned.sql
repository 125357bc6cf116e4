-- The largest head of the log that enough witnesses cosigned (spec/witness.md#serving). It tells no more than the log.
CREATE TABLE cosigned_head (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- one row
    checkpoint TEXT NOT NULL            -- the signed note with the lines of the witnesses; changes
) STRICT;
