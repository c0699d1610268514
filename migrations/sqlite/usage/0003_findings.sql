-- What the sanitizer saw and did, by record. Never what matched, nor any other text of a request.

CREATE TABLE findings (
    record_seq INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    -- request or response.
    direction  TEXT NOT NULL,
    rule       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    category   TEXT NOT NULL,
    -- A path into the body: messages[2].content.
    place      TEXT NOT NULL,
    action     TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (record_seq, number)
) STRICT, WITHOUT ROWID;

-- Sums per quarter hour and row of `dimensions`, as in `rollups`.
CREATE TABLE finding_sums (
    quarter      INTEGER NOT NULL,
    dimension_id INTEGER NOT NULL,
    direction    TEXT NOT NULL,
    kind         TEXT NOT NULL,
    category     TEXT NOT NULL,
    action       TEXT NOT NULL,
    count        INTEGER NOT NULL,
    PRIMARY KEY (quarter, dimension_id, direction, kind, category, action)
) STRICT, WITHOUT ROWID;

-- The kinds found in each record once more, to find records by.
CREATE TABLE finding_kinds (
    kind         TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    dimension_id INTEGER NOT NULL,
    PRIMARY KEY (kind, started_at, seq)
) STRICT, WITHOUT ROWID;

-- Few records have findings; those are looked for.
CREATE INDEX records_findings ON records (started_at, dimension_id) WHERE findings > 0;
