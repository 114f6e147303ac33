//! Run reports, artifacts, metrics and the incident log.
