-- What time it was when this was last tidied up, so that a clock that leaps is noticed (spec/log.md#a-clock-that-leaps).
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- one row
    seen INTEGER NOT NULL,              -- seconds, to the hour or so: the last moment that was believed; changes
    doubted_first INTEGER,              -- seconds: the first moment after a leap that nobody confirmed, or NULL; changes
    doubted_last INTEGER                -- seconds: the last moment since, or NULL; changes
) STRICT;
