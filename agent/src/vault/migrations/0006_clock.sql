-- The latest time that this vault has seen: what ended by it does not come back when a clock goes back.
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- there is one row; fixed
    latest INTEGER NOT NULL             -- seconds; grows, unless she says that an earlier time is right
) STRICT;
