//! Bar sources, the bundled sample, validation, freshness and universes.
