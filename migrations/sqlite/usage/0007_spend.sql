-- What calls cost, per quarter hour: budgets read here what was spent before the process began. `provider` and
-- `model` are those that were asked (a record's row in `dimensions` tells who answered last), '' is "none named".
-- Calls that cost nothing are left out.
CREATE TABLE spend (
    quarter         INTEGER NOT NULL,
    dimension_id    INTEGER NOT NULL REFERENCES dimensions (id),
    provider        TEXT NOT NULL,
    model           TEXT NOT NULL,
    cost_microcents INTEGER NOT NULL,
    -- Calls whose cost is not known.
    unknown_calls   INTEGER NOT NULL,
    PRIMARY KEY (quarter, dimension_id, provider, model)
) STRICT, WITHOUT ROWID;

INSERT INTO spend
SELECT records.started_at / 900000000, records.dimension_id, attempts.provider, coalesce(attempts.model, ''),
       sum(max(min(coalesce(attempts.cost_microcents, 0), 100000000000000), -100000000000000)),
       sum(attempts.cost_microcents IS NULL)
FROM attempts JOIN records ON records.seq = attempts.record_seq
WHERE attempts.cost_microcents IS NOT 0
GROUP BY 1, 2, 3, 4;
