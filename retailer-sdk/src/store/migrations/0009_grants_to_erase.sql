-- Grants that are over and whose erasure nobody signed are found without looking at those that are done with.
ALTER TABLE grants ADD COLUMN
    erased INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1)); -- 1 = there is a row in erasures; changes once
UPDATE grants SET erased = 1 WHERE id IN (SELECT grant_id FROM erasures);
CREATE INDEX grants_to_erase ON grants (leaf) WHERE state <> 'active' AND erased = 0;
