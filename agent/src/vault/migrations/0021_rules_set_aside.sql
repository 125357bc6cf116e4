-- A rule that came back with a backup counts only once she confirmed it again: she may have changed it since.
ALTER TABLE rules ADD COLUMN set_aside_at INTEGER; -- seconds, NULL while it counts; changes once
