-- Answers that shoppers gave (spec/answers.md). Gone with the disclosure that told them, on their own day, or when she takes them back.
CREATE TABLE given_answers (
    grant_id BLOB NOT NULL REFERENCES disclosures (grant_id) ON DELETE CASCADE, -- fixed
    question TEXT NOT NULL,             -- word of the question; fixed
    choice INTEGER NOT NULL,            -- number of the choice, 0 = taken back; becomes 0
    destroy_day INTEGER NOT NULL,       -- days since 1970-01-01; fixed
    PRIMARY KEY (grant_id, question)
) STRICT, WITHOUT ROWID;
