-- Incidents: failures of one cause that came close together. Counts may outlive the records that they count.

CREATE TABLE incidents (
    -- The order in which they were found.
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    -- The cause; '' is "none".
    kind            TEXT NOT NULL,
    provider        TEXT NOT NULL,
    subject         TEXT NOT NULL,
    -- notice, mitigated or customer_impacting: the worst of its requests.
    impact          TEXT NOT NULL,
    opened_at       INTEGER NOT NULL,
    last_seen_at    INTEGER NOT NULL,
    -- NULL while it is open.
    closed_at       INTEGER,
    reopened        INTEGER NOT NULL,
    -- Requests by impact.
    impacting       INTEGER NOT NULL,
    mitigated       INTEGER NOT NULL,
    notices         INTEGER NOT NULL,
    acknowledged_at INTEGER,
    note            TEXT
) STRICT;

CREATE INDEX incidents_cause ON incidents (kind, provider, subject, last_seen_at);
CREATE INDEX incidents_opened_at ON incidents (opened_at);
CREATE INDEX incidents_closed_at ON incidents (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX incidents_open ON incidents (last_seen_at) WHERE closed_at IS NULL;

-- Its first requests.
CREATE TABLE incident_records (
    incident_seq INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    record_id    BLOB NOT NULL CHECK (length(record_id) = 16),
    at           INTEGER NOT NULL,
    impact       TEXT NOT NULL,
    model        TEXT NOT NULL,
    error_kind   TEXT NOT NULL,
    PRIMARY KEY (incident_seq, number)
) STRICT, WITHOUT ROWID;

-- Its requests by minute (at / 60 s).
CREATE TABLE incident_minutes (
    incident_seq INTEGER NOT NULL,
    minute       INTEGER NOT NULL,
    impacting    INTEGER NOT NULL,
    mitigated    INTEGER NOT NULL,
    notices      INTEGER NOT NULL,
    PRIMARY KEY (incident_seq, minute)
) STRICT, WITHOUT ROWID;

-- Its requests by project, source, model, error and by who answered instead; '' is "not set".
CREATE TABLE incident_facets (
    incident_seq INTEGER NOT NULL,
    facet        TEXT NOT NULL,
    name         TEXT NOT NULL,
    requests     INTEGER NOT NULL,
    PRIMARY KEY (incident_seq, facet, name)
) STRICT, WITHOUT ROWID;
