//! Wire formats, pure: bytes in, facts or bytes out.
