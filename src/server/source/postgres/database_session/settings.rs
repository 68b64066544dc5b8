//! The settings of a session's transactions: what names mean and how values are rendered.

use super::server_info::ServerInfo;

/// Settings that decide how names resolve and how values are rendered as text, fixed; server time limits switched
/// off. Synchronized scans are off, since they start large tables in the middle; `constraint_exclusion` is off, so
/// that the planner never evaluates CHECK constraints. `SET LOCAL`, so that a pooled connection goes back unchanged;
/// none of them takes a snapshot.
const SETTINGS: [(&str, &str); 17] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("row_security", "off"),
    ("constraint_exclusion", "off"),
    ("quote_all_identifiers", "off"),
    ("DateStyle", "'ISO, YMD'"),
    ("IntervalStyle", "'postgres'"),
    ("TimeZone", "'UTC'"),
    ("extra_float_digits", "3"),
    ("bytea_output", "'hex'"),
    ("lc_monetary", "'C'"),
    ("xmlbinary", "'base64'"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("synchronize_seqscans", "off"),
    ("jit", "off"),
    ("client_min_messages", "error"),
];
/// Lets the server notice within a second that the client has disconnected. Since 14, and not on every operating
/// system: where it is unsupported, setting it is an error.
const DETECT_DISCONNECT: (&str, &str) = ("client_connection_check_interval", "1000");
/// Since 17.
const NO_TRANSACTION_TIMEOUT: (&str, &str) = ("transaction_timeout", "0");
/// Makes the server refuse a view or foreign table that has replaced a table (CVE-2024-7348). Since 17, and the minor
/// releases of August 2024.
const REFUSE_VIEWS: (&str, &str) = ("restrict_nonsystem_relation_kind", "'view, foreign-table'");

/// Begins a transaction with these settings and `extra` ones. The mode is isolation level and access mode.
pub fn begin_sql(server: &ServerInfo, mode: &str, extra: &[(&str, &str)]) -> String {
    let newer = [
        (server.major_version >= 14 && server.is_linux).then_some(DETECT_DISCONNECT),
        (server.major_version >= 17).then_some(NO_TRANSACTION_TIMEOUT),
        server.can_refuse_views.then_some(REFUSE_VIEWS),
    ];
    let settings = SETTINGS.into_iter().chain(newer.into_iter().flatten()).chain(extra.iter().copied());
    let settings: Vec<String> = settings.map(|(name, value)| format!("SET LOCAL {name} = {value}")).collect();
    format!("BEGIN ISOLATION LEVEL {mode}; {}", settings.join("; "))
}
