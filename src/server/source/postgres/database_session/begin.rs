//! The shortest safe transaction, for a query or two on a connection without a session.

/// Begins a transaction in which names resolve to what PostgreSQL ships. A database's owner may create functions,
/// operators and types of the same names in other schemas, and put those ahead of `pg_catalog` in everyone's search
/// path (`docs/trust.md`, "A source is hostile"). Temporary objects come last: behind a pooler, they may belong to
/// another client.
pub const BEGIN_WITH_SEARCH_PATH: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp";
