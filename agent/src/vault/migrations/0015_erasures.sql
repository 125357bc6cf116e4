-- By what a retailer signed that what it held under a grant that is over is erased (spec/ends.md#erasure).
ALTER TABLE grants ADD COLUMN
    erasure BLOB;                       -- JWS of the erasure, NULL = owed or not due; changes once
