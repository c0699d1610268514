-- Most requests belong to no session: they need no place in the index of sessions.
DROP INDEX records_session_id;
CREATE INDEX records_session_id ON records (session_id, started_at, dimension_id) WHERE session_id IS NOT NULL;
