-- What a key may use and spend, and the operator's own words about it: JSON objects, `budgets` a list of such;
-- NULL for none (see config/limits/json.rs).
ALTER TABLE keys ADD COLUMN limits TEXT;
ALTER TABLE keys ADD COLUMN budgets TEXT;
ALTER TABLE keys ADD COLUMN metadata TEXT;
