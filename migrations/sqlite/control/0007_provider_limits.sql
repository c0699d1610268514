-- What may be asked of a provider and what its requests are given where they state nothing themselves: JSON objects,
-- NULL for none (see config/limits/json.rs and config/params.rs). `model_params` holds one object for each model.
ALTER TABLE providers ADD COLUMN limits TEXT;
ALTER TABLE providers ADD COLUMN api_params TEXT;
ALTER TABLE providers ADD COLUMN model_params TEXT;
