-- Who destroys an opening or a grant asks each table that may name it: by an index, never row by row. No rows.
CREATE INDEX grants_opened ON grants (leaf);
CREATE INDEX withdrawals_opened ON withdrawals (leaf);
CREATE INDEX withdrawals_acknowledged ON withdrawals (acknowledgement_leaf);
CREATE INDEX released_keys_opened ON released_keys (leaf);
CREATE INDEX disclosures_opened ON disclosures (leaf);
CREATE INDEX documents_opened ON documents (leaf);
CREATE INDEX erasures_opened ON erasures (leaf);
CREATE INDEX objections_opened ON objections (leaf);
CREATE INDEX continuations_opened ON continuations (leaf);
CREATE INDEX continuations_disputed ON continuations (discrepancy_leaf) WHERE discrepancy_leaf IS NOT NULL;
CREATE INDEX grant_proposals_opened ON grant_proposals (leaf);
CREATE INDEX grants_to_destroy ON grants (expires) WHERE state <> 'active' AND erased = 1;
