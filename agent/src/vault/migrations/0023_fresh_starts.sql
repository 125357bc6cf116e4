-- A pseudonym that she left to start afresh with a retailer (spec/afresh.md) is one whose `ended_at` is not NULL.
ALTER TABLE pseudonyms ADD COLUMN
    next_from INTEGER;                  -- seconds before which the retailer hears of no other, drawn; NULL while in use; changes once
ALTER TABLE pseudonyms ADD COLUMN
    settled_at INTEGER;                 -- seconds, when nothing was left to say or to fetch under it, NULL = not yet; changes
