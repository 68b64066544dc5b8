//! Conditions on rows `t` that are there and that a merge should not replace unasked.

use super::super::super::Result;
use super::super::super::target::TableLoad;
use super::super::catalog::{Relation, RelationColumn};
use super::super::decode::PgType;
use super::super::row_key::column;
use super::natural_keys;
use crate::model::change_reason::ChangeReason;
use crate::server::rows::Bound;

/// Of `YYYY-MM-DD`.
const DAY_LENGTH: usize = 10;
const DAY: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
/// In UTC, whole or with a fraction.
const TIME: &str = "[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+]00(:?00)?)?";

/// The conditions of one table. They name operators by their schema: a merge runs with the application's search path.
pub struct Conflicts {
    pub changed: Option<String>,
    pub hidden: Option<String>,
}

impl Conflicts {
    pub fn of(load: &TableLoad, relation: &Relation) -> Result<Self> {
        let own = |name: &String| column(relation, &load.table, name);
        let changed = load.merge.changed_since.as_ref();
        let changed =
            changed.map(|since| own(&since.column).map(|column| changed_since(column, &since.time))).transpose()?;
        let hidden = load.merge.hidden_by.as_ref();
        let hidden =
            hidden.map(|name| own(name).map(|column| format!("t.{} IS NOT NULL", column.expression))).transpose()?;
        Ok(Self { changed, hidden })
    }

    /// The further condition that a merge replaces a row that differs.
    pub fn replaceable(&self, load: &TableLoad) -> String {
        let conflicts = if load.merge.keeps_conflicts { [&self.changed, &self.hidden] } else { [&None, &None] };
        let conflicts = conflicts.into_iter().flatten();
        let conditions: Vec<String> = conflicts.map(|condition| format!(" AND ({condition}) IS NOT TRUE")).collect();
        conditions.concat()
    }

    /// The `ChangeReason` of a row `t` that a merge replaces, or of the missing one, of which the staged row is `s`.
    pub fn reason(&self, relation: &Relation, number: usize, load: &TableLoad) -> Result<String> {
        let matched = natural_keys::is_matched_sql(relation, number, load)?;
        let other = natural_keys::is_other_sql(relation, load)?.zip(matched.as_ref());
        let other = other.map(|(other, matched)| format!("{other} AND NOT {matched}"));
        let conditions = [
            (Some("t.ctid IS NULL"), ChangeReason::NewKey),
            (self.changed.as_deref(), ChangeReason::ChangedHereSinceExport),
            (self.hidden.as_deref(), ChangeReason::HiddenRow),
            (other.as_deref(), ChangeReason::OtherNaturalKey),
            (matched.as_deref(), ChangeReason::NaturalKey),
        ];
        let when = |(condition, reason): (Option<&str>, ChangeReason)| {
            condition.map(|condition| format!("WHEN {condition} THEN {} ", reason.number()))
        };
        let cases: String = conditions.into_iter().filter_map(when).collect();
        Ok(format!("CAST(CASE {cases}ELSE {} END AS bigint)", ChangeReason::ValuesDiffer.number()))
    }
}

fn changed_since(column: &RelationColumn, time: &Bound) -> String {
    let is_time = matches!(column.pg_type, PgType::Date | PgType::Timestamp | PgType::TimestampTz);
    let text = column.as_text("t");
    match time {
        Bound::Text(time) if is_time => {
            let (own, base_type) = (column.compared("t"), &column.base_type);
            format!("{own} OPERATOR(pg_catalog.>=) CAST('{time}Z' AS {base_type})")
        }
        // A day may be later; what is neither a day nor a time of UTC is not known to be earlier. Some write a blank before the time.
        Bound::Text(time) => {
            let compared = |bound: &str| {
                format!(
                    "pg_catalog.replace({text}, ' ', 'T') COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.>=) '{bound}'"
                )
            };
            let day = &time[..time.len().min(DAY_LENGTH)];
            format!(
                "CASE WHEN {text} OPERATOR(pg_catalog.~) '^{DAY}$' THEN {} WHEN {text} OPERATOR(pg_catalog.~) '^{DAY}[ T]{TIME}$' THEN {} \
                 ELSE {text} IS NOT NULL END",
                compared(day),
                compared(time)
            )
        }
        Bound::Integer(time) => {
            format!("{} OPERATOR(pg_catalog.>=) CAST('{time}' AS {})", column.compared("t"), column.base_type)
        }
    }
}
