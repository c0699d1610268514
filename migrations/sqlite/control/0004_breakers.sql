-- Circuit breakers that are not closed, so that a restart does not forget who is out of order.
-- Times are microseconds since the Unix epoch; a model of '' is none.

CREATE TABLE breakers (
    provider   TEXT NOT NULL,
    model      TEXT NOT NULL,
    open_until INTEGER NOT NULL,
    failures   INTEGER NOT NULL,
    PRIMARY KEY (provider, model)
) STRICT, WITHOUT ROWID;
