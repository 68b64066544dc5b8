//! When the references of new rows are checked: one by one as the rows come, or all at once at the end, where that finds as much.

use super::super::super::Result;
use super::super::super::target::TargetRules;
use super::super::catalog::Schema;
use super::super::database_session::DatabaseSession;
use super::super::error;
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::recreated_keys::RecreatedKeys;
use super::replica_role::ReplicaRole;
use crate::model::name::TableName;

#[derive(Default)]
pub enum ReferenceChecks {
    /// By the database's own triggers.
    #[default]
    OfEachRow,
    InReplicaRole(ReplicaRole),
    OfNewKeys(RecreatedKeys),
}

impl ReferenceChecks {
    /// How the references of rows in these empty tables are checked, and what that changes in their rules.
    pub fn find(
        session: &mut DatabaseSession,
        schema: &Schema,
        tables: &[TableName],
        rules: &mut TargetRules,
    ) -> Result<Self> {
        if let Some(role) = ReplicaRole::find(session, schema, tables)? {
            rules.silent_triggers = std::mem::take(&mut rules.triggers);
            rules.checked_at_once.clear();
            return Ok(Self::InReplicaRole(role));
        }
        // What runs there may count on the keys.
        if !rules.run_code.is_empty() {
            return Ok(Self::OfEachRow);
        }
        let Some(keys) = RecreatedKeys::find(session, schema, tables)? else { return Ok(Self::OfEachRow) };
        rules.checked_at_once.retain(|reference| !keys.contains(&reference.table, &reference.constraint));
        Ok(Self::OfNewKeys(keys))
    }

    /// Before the first row.
    ///
    /// # Errors
    /// `Locked` if somebody reads one of the tables for too long.
    pub fn begin(&self, session: &mut DatabaseSession) -> Result<()> {
        match self {
            Self::InReplicaRole(_) => return ReplicaRole::take(session),
            Self::OfNewKeys(keys) => keys.drop(session)?,
            Self::OfEachRow => {}
        }
        session.execute("SET CONSTRAINTS ALL DEFERRED")
    }

    /// After the last row, and before sequences change, which no rollback undoes.
    ///
    /// # Errors
    /// `Refused` with references that lead nowhere.
    pub fn end(&self, session: &mut DatabaseSession) -> Result<()> {
        if let Self::InReplicaRole(role) = self {
            session.execute(OWN_PATH)?;
            role.leave(session)?;
            session.execute(APPLICATION_PATH)?;
        }
        let checked = session.execute("SET CONSTRAINTS ALL IMMEDIATE");
        checked.map_err(|error| error::refused_row(&"the import".into(), error))?;
        // A table with checks that were put off cannot be altered.
        if let Self::OfNewKeys(keys) = self {
            session.execute(OWN_PATH)?;
            keys.create(session)?;
            session.execute(APPLICATION_PATH)?;
        }
        Ok(())
    }
}
