-- Which app a telephone reports with, what it shares with the agent, and the places it named.
ALTER TABLE devices ADD COLUMN app TEXT NOT NULL DEFAULT 'owntracks'
    CHECK (app IN ('owntracks', 'overland'));                   -- fixed
ALTER TABLE devices ADD COLUMN secret TEXT;                     -- the app seals its messages with it, NULL = it sends them plain; fixed
ALTER TABLE devices ADD COLUMN shows_shops INTEGER NOT NULL DEFAULT 0
    CHECK (shows_shops IN (0, 1));                              -- whether the app is given the shops she has met; fixed
ALTER TABLE devices ADD COLUMN shops_digest BLOB
    CHECK (length(shops_digest) = 32);                          -- SHA-256 of the shops last given, NULL = none yet; replaced
ALTER TABLE devices ADD COLUMN shops_sent_at INTEGER;           -- seconds, when they were given, NULL = never; grows

-- Places she named in the app of a telephone.
CREATE TABLE named_places (
    device TEXT NOT NULL REFERENCES devices (name) ON DELETE CASCADE,
    made_at INTEGER NOT NULL,   -- seconds; the app's own key for it; fixed
    name TEXT NOT NULL,         -- hers; replaced
    lat_e7 INTEGER NOT NULL,    -- 10^-7 degrees north; replaced
    lon_e7 INTEGER NOT NULL,    -- 10^-7 degrees east; replaced
    radius_m INTEGER NOT NULL,  -- metres; replaced
    PRIMARY KEY (device, made_at)
) STRICT, WITHOUT ROWID;
