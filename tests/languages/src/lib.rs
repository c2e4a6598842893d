//! Nothing but a test: `tests/languages`.
