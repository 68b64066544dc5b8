//! What the server is and can do.

use super::super::client::{self, Connection};
use super::begin::BEGIN_WITH_SEARCH_PATH;

/// The server's version and features.
#[derive(Debug)]
pub struct ServerInfo {
    /// Such as "15.14".
    pub version: String,
    pub major_version: i32,
    pub is_linux: bool,
    pub can_refuse_views: bool,
}

impl ServerInfo {
    pub fn fetch(connection: &mut Connection) -> client::Result<Self> {
        let sql = "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, \
                        CAST(current_setting('server_version_num') AS integer) / 10000 AS major_version, \
                        version() LIKE '%linux%' AS is_linux, \
                        current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL AS can_refuse_views";
        connection.execute(BEGIN_WITH_SEARCH_PATH)?;
        let rows = connection.query(sql, &[])?;
        let row = rows.first().ok_or(client::Error::Protocol)?;
        let server = Self {
            version: row.text("version")?.into(),
            major_version: row.parse("major_version")?,
            is_linux: row.is_true("is_linux")?,
            can_refuse_views: row.is_true("can_refuse_views")?,
        };
        connection.execute("ROLLBACK")?;
        Ok(server)
    }
}
