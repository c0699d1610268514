-- Times are microseconds since the Unix epoch, durations microseconds, money microcents (10^-8 USD).
-- NULL is unknown or not set, never 0. No prompt, answer or secret is ever kept here.

CREATE TABLE records (
    -- The order of commits.
    seq                      INTEGER PRIMARY KEY AUTOINCREMENT,
    id                       BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    started_at               INTEGER NOT NULL,
    project                  TEXT,
    source                   TEXT,
    team                     TEXT,
    key_id                   TEXT,
    key_label                TEXT,
    profile                  TEXT,
    session_id               TEXT,
    -- A JSON object of strings, in the order they were sent; NULL for none.
    tags                     TEXT,
    client_api               TEXT NOT NULL,
    endpoint                 TEXT NOT NULL,
    model_requested          TEXT,
    provider                 TEXT,
    model                    TEXT,
    provider_api             TEXT,
    stream                   INTEGER NOT NULL,
    status                   INTEGER,
    outcome                  TEXT NOT NULL,
    error_kind               TEXT,
    finish_reason            TEXT,
    provider_request_id      TEXT,
    attempts                 INTEGER NOT NULL,
    cache                    TEXT NOT NULL,
    latency_us               INTEGER NOT NULL,
    ttft_us                  INTEGER,
    -- Token classes, disjoint.
    input_tokens             INTEGER,
    cache_read_tokens        INTEGER,
    cache_write_5m_tokens    INTEGER,
    cache_write_1h_tokens    INTEGER,
    input_audio_tokens       INTEGER,
    cache_read_audio_tokens  INTEGER,
    input_image_tokens       INTEGER,
    output_tokens            INTEGER,
    reasoning_tokens         INTEGER,
    output_audio_tokens      INTEGER,
    output_image_tokens      INTEGER,
    usage_estimated          INTEGER NOT NULL,
    cost_microcents          INTEGER,
    cost_unknown_reason      TEXT,
    price_version            TEXT,
    provider_cost_microcents INTEGER,
    saved_microcents         INTEGER,
    findings                 INTEGER NOT NULL,
    request_bytes            INTEGER NOT NULL,
    response_bytes           INTEGER NOT NULL
) STRICT;

-- Lists are newest first by (started_at, seq); every index ends in the rowid, which is seq.
CREATE INDEX records_started_at ON records (started_at);
CREATE INDEX records_project ON records (project, started_at) WHERE project IS NOT NULL;
CREATE INDEX records_source ON records (source, started_at) WHERE source IS NOT NULL;
CREATE INDEX records_key_id ON records (key_id, started_at) WHERE key_id IS NOT NULL;
CREATE INDEX records_model ON records (model, started_at) WHERE model IS NOT NULL;
CREATE INDEX records_session_id ON records (session_id, started_at) WHERE session_id IS NOT NULL;
-- Most records are ok; those that are not are looked for.
CREATE INDEX records_outcome ON records (outcome, started_at) WHERE outcome <> 'ok';

CREATE TABLE attempts (
    record_seq              INTEGER NOT NULL,
    -- 0 for the first call.
    number                  INTEGER NOT NULL,
    provider                TEXT NOT NULL,
    model                   TEXT,
    provider_api            TEXT NOT NULL,
    started_at              INTEGER NOT NULL,
    latency_us              INTEGER NOT NULL,
    ttft_us                 INTEGER,
    status                  INTEGER,
    outcome                 TEXT NOT NULL,
    error_kind              TEXT,
    provider_request_id     TEXT,
    input_tokens            INTEGER,
    cache_read_tokens       INTEGER,
    cache_write_5m_tokens   INTEGER,
    cache_write_1h_tokens   INTEGER,
    input_audio_tokens      INTEGER,
    cache_read_audio_tokens INTEGER,
    input_image_tokens      INTEGER,
    output_tokens           INTEGER,
    reasoning_tokens        INTEGER,
    output_audio_tokens     INTEGER,
    output_image_tokens     INTEGER,
    usage_estimated         INTEGER NOT NULL,
    cost_microcents         INTEGER,
    PRIMARY KEY (record_seq, number)
) STRICT, WITHOUT ROWID;

-- What roll-ups are kept by; '' is "not set".
CREATE TABLE dimensions (
    id         INTEGER PRIMARY KEY,
    project    TEXT NOT NULL,
    source     TEXT NOT NULL,
    team       TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    profile    TEXT NOT NULL,
    provider   TEXT NOT NULL,
    model      TEXT NOT NULL,
    client_api TEXT NOT NULL,
    endpoint   TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    error_kind TEXT NOT NULL,
    stream     INTEGER NOT NULL,
    cache      TEXT NOT NULL,
    UNIQUE (project, source, team, key_id, profile, provider, model, client_api, endpoint, outcome, error_kind,
            stream, cache)
) STRICT;

-- Sums per quarter hour (started_at / 900 s). All but the histograms are plain sums; the
-- histograms are lists of (bucket, count) pairs that merge by adding counts.
CREATE TABLE rollups (
    quarter                  INTEGER NOT NULL,
    dimension_id             INTEGER NOT NULL REFERENCES dimensions (id),
    requests                 INTEGER NOT NULL,
    input_tokens             INTEGER NOT NULL,
    cache_read_tokens        INTEGER NOT NULL,
    cache_write_5m_tokens    INTEGER NOT NULL,
    cache_write_1h_tokens    INTEGER NOT NULL,
    input_audio_tokens       INTEGER NOT NULL,
    cache_read_audio_tokens  INTEGER NOT NULL,
    input_image_tokens       INTEGER NOT NULL,
    output_tokens            INTEGER NOT NULL,
    reasoning_tokens         INTEGER NOT NULL,
    output_audio_tokens      INTEGER NOT NULL,
    output_image_tokens      INTEGER NOT NULL,
    -- Requests that called a provider and whose input, output, both, or cost are unknown.
    unknown_input            INTEGER NOT NULL,
    unknown_output           INTEGER NOT NULL,
    unknown_usage            INTEGER NOT NULL,
    unknown_cost             INTEGER NOT NULL,
    usage_estimated          INTEGER NOT NULL,
    cost_microcents          INTEGER NOT NULL,
    provider_cost_microcents INTEGER NOT NULL,
    saved_microcents         INTEGER NOT NULL,
    findings                 INTEGER NOT NULL,
    attempts                 INTEGER NOT NULL,
    request_bytes            INTEGER NOT NULL,
    response_bytes           INTEGER NOT NULL,
    latency_us               INTEGER NOT NULL,
    ttft_us                  INTEGER NOT NULL,
    ttft_count               INTEGER NOT NULL,
    latency_histogram        BLOB NOT NULL,
    ttft_histogram           BLOB NOT NULL,
    PRIMARY KEY (quarter, dimension_id)
) STRICT, WITHOUT ROWID;

-- Projects, requesters and keys (kind project, source, key) as they were first and last seen.
CREATE TABLE seen (
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
