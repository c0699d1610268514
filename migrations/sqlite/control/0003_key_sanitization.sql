-- What a key states over its project's sanitization, as a JSON object of the shape of [sanitization].
ALTER TABLE keys ADD COLUMN sanitization TEXT CHECK (sanitization IS NULL OR json_valid(sanitization));
