-- Lists find records by the row of `dimensions` that they are summed under, so that any filter and
-- any pair of filters reads about as many index entries as it returns records; and sums over long
-- times come from packed hours and days.

CREATE TABLE dimensions_next (
    id           INTEGER PRIMARY KEY,
    project      TEXT NOT NULL,
    source       TEXT NOT NULL,
    team         TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    profile      TEXT NOT NULL,
    provider     TEXT NOT NULL,
    model        TEXT NOT NULL,
    client_api   TEXT NOT NULL,
    endpoint     TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    error_kind   TEXT NOT NULL,
    stream       INTEGER NOT NULL,
    cache        TEXT NOT NULL,
    -- For lists alone; '' and 0 are "not set", and in rows of before this migration "not kept".
    provider_api TEXT NOT NULL,
    status       INTEGER NOT NULL,
    UNIQUE (project, source, team, key_id, profile, provider, model, client_api, endpoint, outcome, error_kind,
            stream, cache, provider_api, status)
) STRICT;

INSERT INTO dimensions_next
SELECT id, project, source, team, key_id, profile, provider, model, client_api, endpoint, outcome, error_kind, stream, cache, '', 0 FROM dimensions;

INSERT OR IGNORE INTO dimensions_next (project, source, team, key_id, profile, provider, model, client_api, endpoint, outcome, error_kind, stream, cache, provider_api, status)
SELECT DISTINCT coalesce(project, ''), coalesce(source, ''), coalesce(team, ''), coalesce(key_id, ''), coalesce(profile, ''), coalesce(provider, ''), coalesce(model, ''), client_api, endpoint, outcome, coalesce(error_kind, ''), stream, cache, coalesce(provider_api, ''), coalesce(status, 0)
FROM records;

CREATE TABLE rollups_next (
    quarter                  INTEGER NOT NULL,
    dimension_id             INTEGER NOT NULL REFERENCES dimensions_next (id),
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
INSERT INTO rollups_next SELECT * FROM rollups;
DROP TABLE rollups;
DROP TABLE dimensions;
ALTER TABLE dimensions_next RENAME TO dimensions;
ALTER TABLE rollups_next RENAME TO rollups;

-- Always the id of a row of `dimensions`.
ALTER TABLE records ADD COLUMN dimension_id INTEGER NOT NULL DEFAULT 0;
UPDATE records SET dimension_id = (
    SELECT d.id FROM dimensions AS d
    WHERE d.project = coalesce(records.project, '')
      AND d.source = coalesce(records.source, '')
      AND d.team = coalesce(records.team, '')
      AND d.key_id = coalesce(records.key_id, '')
      AND d.profile = coalesce(records.profile, '')
      AND d.provider = coalesce(records.provider, '')
      AND d.model = coalesce(records.model, '')
      AND d.client_api = records.client_api
      AND d.endpoint = records.endpoint
      AND d.outcome = records.outcome
      AND d.error_kind = coalesce(records.error_kind, '')
      AND d.stream = records.stream
      AND d.cache = records.cache
      AND d.provider_api = coalesce(records.provider_api, '')
      AND d.status = coalesce(records.status, 0)
);

DROP INDEX records_started_at;
DROP INDEX records_project;
DROP INDEX records_source;
DROP INDEX records_key_id;
DROP INDEX records_model;
DROP INDEX records_session_id;
DROP INDEX records_outcome;
-- Lists are newest first by (started_at, seq); every index ends in the rowid, which is seq.
CREATE INDEX records_started_at ON records (started_at, dimension_id);
CREATE INDEX records_dimension ON records (dimension_id, started_at);
CREATE INDEX records_session_id ON records (session_id, started_at, dimension_id);
CREATE INDEX records_model_requested ON records (model_requested, started_at, dimension_id);

-- The tags of records once more, to find records by.
CREATE TABLE record_tags (
    key          TEXT NOT NULL,
    value        TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    dimension_id INTEGER NOT NULL,
    PRIMARY KEY (key, value, started_at, seq)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO record_tags
SELECT tag.key, tag.value, records.started_at, records.seq, records.dimension_id
FROM records, json_each(records.tags) AS tag
WHERE records.tags IS NOT NULL;

-- Hours (4 quarters) and days (96) of `rollups` that are over, each as one value: see store/pack.rs.
CREATE TABLE rollup_packs (
    quarters      INTEGER NOT NULL CHECK (quarters IN (4, 96)),
    first_quarter INTEGER NOT NULL,
    entries       BLOB NOT NULL,
    UNIQUE (quarters, first_quarter)
) STRICT;

-- Hours and days with rows in `rollups` that are not packed, or have changed since.
CREATE TABLE unpacked (
    quarters      INTEGER NOT NULL,
    first_quarter INTEGER NOT NULL,
    PRIMARY KEY (quarters, first_quarter)
) STRICT, WITHOUT ROWID;
INSERT INTO unpacked SELECT DISTINCT 4, quarter - quarter % 4 FROM rollups;
INSERT INTO unpacked SELECT DISTINCT 96, quarter - quarter % 96 FROM rollups;
