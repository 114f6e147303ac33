//! Streaming indicators and strategies that turn bars into signals.
