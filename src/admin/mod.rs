//! The control plane: every route of the admin API.
