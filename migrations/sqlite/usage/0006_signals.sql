-- Signals: how good answers were. Sums of outcomes by themselves, and what people said one by one.

CREATE TABLE signals (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    at        INTEGER NOT NULL,
    -- NULL for a word about a model as such.
    record_id BLOB CHECK (length(record_id) = 16),
    -- '' is "any provider".
    provider  TEXT NOT NULL,
    model     TEXT NOT NULL,
    -- '' is "no task in particular".
    task      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    score     REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
    project   TEXT,
    -- The virtual key that gave it; NULL for the admin.
    key_id    TEXT,
    comment   TEXT
) STRICT;

-- Whoever says the same again changes his mind.
CREATE UNIQUE INDEX signals_record ON signals (record_id, kind, task) WHERE record_id IS NOT NULL;
CREATE INDEX signals_at ON signals (at);

CREATE TABLE signal_sums (
    -- human or automatic.
    origin   TEXT NOT NULL,
    provider TEXT NOT NULL,
    model    TEXT NOT NULL,
    task     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    count    INTEGER NOT NULL,
    score    REAL NOT NULL,
    PRIMARY KEY (origin, provider, model, task, kind)
) STRICT, WITHOUT ROWID;
