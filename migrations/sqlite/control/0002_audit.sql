-- What was changed by whom. Rows are written in the transaction of the change itself, and stay.
-- `changes` is a JSON object: a field, and what it was and became. It never holds a secret.

CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL CHECK (actor IN ('open', 'token', 'session', 'cli', 'config', 'anonymous')),
    actor_id   TEXT,
    action     TEXT NOT NULL,
    target     TEXT,
    outcome    TEXT NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
    error_code TEXT,
    changes    TEXT NOT NULL CHECK (json_valid(changes)),
    CHECK ((outcome = 'ok') = (error_code IS NULL))
) STRICT;

CREATE INDEX audit_by_target ON audit (target, seq) WHERE target IS NOT NULL;

CREATE TRIGGER audit_is_never_updated BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
