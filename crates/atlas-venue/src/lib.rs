//! A deterministic simulated exchange with an Alpaca-compatible server.
