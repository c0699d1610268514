//! What outlives the process: control state, history, and the one writer.
