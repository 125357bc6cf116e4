-- Letters of the sealed inbox that were merged and whose files may still be there: none most of the time.
CREATE TABLE merged_letters (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), -- fixed; the row goes after the file
    merged_at INTEGER NOT NULL                   -- seconds; fixed
) STRICT, WITHOUT ROWID;
