-- Routing profiles made over the API; those of the config file win over them under the same id.
CREATE TABLE profiles (
    id                 TEXT PRIMARY KEY,
    -- A JSON object of numbers: quality, price, latency, reliability, affinity.
    weights            TEXT NOT NULL CHECK (json_valid(weights)),
    -- A JSON array of abilities' names.
    needs              TEXT NOT NULL CHECK (json_valid(needs)),
    min_context_tokens INTEGER,
    local_only         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER profiles_inserted AFTER INSERT ON profiles BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER profiles_updated AFTER UPDATE ON profiles BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER profiles_deleted AFTER DELETE ON profiles BEGIN UPDATE revision SET number = number + 1; END;
