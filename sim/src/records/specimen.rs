//! Made-up books for tests.
