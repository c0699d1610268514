-- A key's own provider keys: one JSON object by provider id or type, sealed as `providers.api_key` is, under the master
-- key of that id; and their names as a JSON list, for those who only look. NULL for none.
ALTER TABLE keys ADD COLUMN provider_keys BLOB;
ALTER TABLE keys ADD COLUMN provider_keys_master_key_id TEXT;
ALTER TABLE keys ADD COLUMN provider_key_names TEXT;
