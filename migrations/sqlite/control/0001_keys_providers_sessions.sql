-- Times are microseconds since the Unix epoch. Lists are JSON arrays of strings.

CREATE TABLE keys (
    id                TEXT PRIMARY KEY,
    hash              BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    label             TEXT,
    team              TEXT,
    project           TEXT,
    allowed_models    TEXT NOT NULL,
    allowed_providers TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER,
    rotated_at        INTEGER,
    revoked_at        INTEGER
) STRICT;

CREATE TABLE providers (
    id                    TEXT PRIMARY KEY,
    provider_type         TEXT NOT NULL,
    enabled               INTEGER NOT NULL,
    -- none, own or passthrough; api_key is set for own only: 12 bytes of nonce, then the ciphertext.
    key_kind              TEXT NOT NULL CHECK (key_kind IN ('none', 'own', 'passthrough')),
    api_key               BLOB,
    master_key_id         TEXT,
    base_url              TEXT NOT NULL,
    deployment            TEXT,
    api_version           TEXT,
    default_model         TEXT,
    models                TEXT NOT NULL,
    priority              INTEGER NOT NULL,
    allow_private_network INTEGER NOT NULL,
    connect_timeout_ms    INTEGER NOT NULL,
    first_token_timeout_ms INTEGER NOT NULL,
    idle_timeout_ms       INTEGER NOT NULL,
    total_timeout_ms      INTEGER NOT NULL,
    pricing               TEXT,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    CHECK ((key_kind = 'own') = (api_key IS NOT NULL)),
    CHECK ((api_key IS NULL) = (master_key_id IS NULL))
) STRICT;

CREATE TABLE sessions (
    hash         BLOB PRIMARY KEY CHECK (length(hash) = 32),
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that counts the changes of keys and providers, so that a running gateway notices
-- those that another process (the keys command) made.
CREATE TABLE revision (number INTEGER NOT NULL) STRICT;
INSERT INTO revision VALUES (0);
CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER keys_updated AFTER UPDATE ON keys BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER keys_deleted AFTER DELETE ON keys BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER providers_inserted AFTER INSERT ON providers BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER providers_updated AFTER UPDATE ON providers BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER providers_deleted AFTER DELETE ON providers BEGIN UPDATE revision SET number = number + 1; END;
