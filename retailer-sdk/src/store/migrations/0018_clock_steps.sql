-- How far the clock went ahead in steps that nobody saw pass (spec/log.md#a-clock-that-leaps).
ALTER TABLE clock ADD COLUMN
    stepped INTEGER NOT NULL DEFAULT 0; -- seconds; grows, and shrinks while time is seen to pass
