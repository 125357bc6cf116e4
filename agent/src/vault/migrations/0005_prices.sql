-- Prices that stood in catalogues: what a claimed prior price is held against.
CREATE TABLE seen_prices (
    gtin TEXT NOT NULL,             -- fourteen digits; fixed
    domain TEXT NOT NULL,           -- retailer; fixed
    first_seen INTEGER NOT NULL,    -- seconds; fixed
    last_seen INTEGER NOT NULL,     -- seconds; grows while the price stays; the row goes 400 days after it
    minor INTEGER NOT NULL,         -- lowest price of the catalogue, minor units; fixed
    currency TEXT NOT NULL,         -- ISO 4217; fixed
    PRIMARY KEY (gtin, domain, first_seen)
) STRICT, WITHOUT ROWID;
