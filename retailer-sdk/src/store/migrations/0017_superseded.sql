-- Which grant took the place of another (spec/renewal.md): that one is over, and in `state` as expired.
ALTER TABLE grants ADD COLUMN
    superseded_by BLOB CHECK (length(superseded_by) = 16); -- grant id, NULL until then; changes once
