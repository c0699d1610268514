//! Upstream I/O: the one HTTP client and, per provider type, URL and credential.
