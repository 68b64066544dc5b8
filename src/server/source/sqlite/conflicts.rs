//! Conditions on rows that are there and that a merge should not replace unasked.

use super::super::double_quote_identifier;
use super::super::target::TableLoad;
use crate::model::import_plan::ChangeReason;
use crate::server::rows::Bound;

/// The number of the `ChangeReason` of a row `t` that differs.
pub fn reason_sql(load: &TableLoad) -> String {
    let name = |name: &String| format!("t.{}", double_quote_identifier(name));
    let changed = changed_sql(load, name).map(|changed| (changed, ChangeReason::ChangedHereSinceExport));
    let hidden = hidden_sql(load, name).map(|hidden| (hidden, ChangeReason::HiddenRow));
    let cases = changed.into_iter().chain(hidden);
    let cases: Vec<String> =
        cases.map(|(condition, reason)| format!("WHEN {condition} THEN {} ", reason.number())).collect();
    let differs = ChangeReason::ValuesDiffer.number();
    if cases.is_empty() { differs.to_string() } else { format!("CASE {}ELSE {differs} END", cases.concat()) }
}

/// The further condition on a row of the table itself that a merge replaces it.
pub fn replaceable_sql(load: &TableLoad) -> String {
    let name = |name: &String| double_quote_identifier(name);
    let conflicts = [changed_sql(load, name), hidden_sql(load, name)].into_iter().flatten();
    let conflicts = conflicts.filter(|_| load.merge.keeps_conflicts);
    let conditions: Vec<String> = conflicts.map(|condition| format!(" AND ({condition}) IS NOT TRUE")).collect();
    conditions.concat()
}

fn changed_sql(load: &TableLoad, name: impl Fn(&String) -> String) -> Option<String> {
    let since = load.merge.changed_since.as_ref()?;
    let own = name(&since.column);
    Some(match &since.time {
        // Some write a blank before the time.
        Bound::Text(time) => format!("replace({own}, ' ', 'T') >= '{time}' COLLATE BINARY"),
        Bound::Integer(time) => format!("{own} >= {time}"),
    })
}

fn hidden_sql(load: &TableLoad, name: impl Fn(&String) -> String) -> Option<String> {
    load.merge.hidden_by.as_ref().map(|column| format!("{} IS NOT NULL", name(column)))
}
