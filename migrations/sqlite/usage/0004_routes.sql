-- How it was decided where each request goes: see routing/trace.rs. Facts and names only; read one by one, never by lists.

CREATE TABLE routes (
    record_seq INTEGER PRIMARY KEY,
    trace      BLOB NOT NULL
) STRICT;
