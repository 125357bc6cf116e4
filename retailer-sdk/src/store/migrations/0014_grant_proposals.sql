-- The proposal that a grant names, once the negotiation is forgotten: what opens it goes with the grant.
CREATE TABLE grant_proposals (
    grant_id BLOB PRIMARY KEY REFERENCES grants (id), -- fixed
    leaf INTEGER NOT NULL REFERENCES log_openings (leaf) -- of the proposal; fixed
) STRICT, WITHOUT ROWID;
