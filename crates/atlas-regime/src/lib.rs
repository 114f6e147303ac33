//! Statistical jump models and the four-regime detector: exact, causal, incremental.
