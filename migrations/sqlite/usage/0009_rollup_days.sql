-- Days of `rollups` that are over, for SQL that cannot read packs: see store/pack.rs.
CREATE TABLE rollup_days (
    -- The first of the day (UTC).
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

-- All days are packed anew, and get their rows thereby.
INSERT OR IGNORE INTO unpacked SELECT 96, first_quarter FROM rollup_packs WHERE quarters = 96;
DELETE FROM rollup_packs WHERE quarters = 96;
