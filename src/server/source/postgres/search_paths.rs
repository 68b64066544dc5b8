//! Where unqualified names are looked up in a transaction that writes.

/// While the application's triggers, checks and casts may run: what they call without naming its schema is found as in the
/// application's own sessions.
pub const APPLICATION_PATH: &str = "SET LOCAL search_path TO DEFAULT";
/// For our own queries: nobody else decides what their names and operators mean.
pub const OWN_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";
