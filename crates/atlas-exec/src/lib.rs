//! Journal, sequencer, reconciliation and states: execution that cannot lose track.
