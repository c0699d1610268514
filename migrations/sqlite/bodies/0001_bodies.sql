-- Bodies of requests and answers, when they are kept: apart from the records, so that they can be
-- dropped, bounded and expired without touching money. Times are microseconds since the Unix epoch.

CREATE TABLE bodies (
    record_id  BLOB NOT NULL CHECK (length(record_id) = 16),
    kind       TEXT NOT NULL CHECK (kind IN ('request', 'response')),
    -- zstd
    compressed BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (record_id, kind)
) STRICT;
CREATE INDEX bodies_expires_at ON bodies (expires_at);
