-- What she answered under a grant (spec/answers.md): once, and forgotten with the grant.
CREATE TABLE answers (
    grant_id BLOB NOT NULL REFERENCES grants (id), -- fixed
    question TEXT NOT NULL,             -- word of the question; fixed
    choice INTEGER NOT NULL,            -- number of the choice, 0 = none; becomes 0
    at INTEGER NOT NULL,                -- seconds; fixed
    PRIMARY KEY (grant_id, question)
) STRICT, WITHOUT ROWID;
