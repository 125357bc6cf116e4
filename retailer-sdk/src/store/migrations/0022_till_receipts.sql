-- Till receipts that shoppers told the shop to be theirs (spec/till-receipts.md). Gone with the disclosure that told them, each on its own day, or when she takes it back.
CREATE TABLE till_receipts (
    grant_id BLOB NOT NULL REFERENCES disclosures (grant_id) ON DELETE CASCADE, -- fixed
    number TEXT NOT NULL,               -- of the shop, as it is printed; fixed
    shop BLOB NOT NULL CHECK (length(shop) = 4), -- where it was printed; fixed
    content TEXT NOT NULL,              -- canonical JSON of the till receipt; changes
    destroy_day INTEGER NOT NULL,       -- days since 1970-01-01; fixed
    PRIMARY KEY (number, shop, grant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX till_receipts_of_grants ON till_receipts (grant_id);
