-- Her till receipts (spec/till-receipts.md): hers alone until she tells the shop.
CREATE TABLE till_receipts (
    id INTEGER PRIMARY KEY,             -- its name here; fixed
    domain TEXT NOT NULL,               -- of the retailer; fixed
    number TEXT NOT NULL,               -- of the shop, as it is printed; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- where it was printed; fixed
    day INTEGER NOT NULL,               -- days since 1970-01-01; fixed
    total INTEGER,                      -- minor units, or NULL; fixed
    total_currency TEXT,                -- three letters, with total; fixed
    label TEXT NOT NULL,                -- her words, which nobody else reads; fixed
    told_at INTEGER,                    -- seconds since when the shop may know, or NULL; changes
    UNIQUE (domain, number, shop)
) STRICT;
