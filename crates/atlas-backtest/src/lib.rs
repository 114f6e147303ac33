//! The engine and sequencer driven over history on the venue core.
