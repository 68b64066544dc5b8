//! Why a row that is there, `t`, differs from the file's: conditions on rows that a merge should not replace unasked.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::super::Result;
use super::super::super::target::TableLoad;
use super::super::key_sets::main_table;
use super::changes::{column, differ, folded, has_key, of};
use super::row_buffer::RowBuffer;
use crate::model::change_reason::ChangeReason;
use crate::server::rows::Bound;

/// Of `YYYY-MM-DD`.
const DAY_LENGTH: usize = 10;
const DAY: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
const TIME: &str = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]";

/// What a row meets in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// No row has its key.
    None,
    /// One that a merge leaves as it is.
    Same,
    /// One that differs, with the reason that is told.
    Differs(ChangeReason),
}

/// Finds what the table has in place of this row.
/// `is_matched` says that it was found by a natural key.
pub fn find_existing(connection: &Connection, load: &TableLoad, row: &RowBuffer, is_matched: bool) -> Result<Existing> {
    let first = load.key.len() + 1;
    let differs =
        load.replaced().enumerate().map(|(place, name)| differ(&column("t", name), &format!("?{}", first + place)));
    let differs = differs.collect::<Vec<_>>().join(" OR ");
    let differs = if differs.is_empty() { "FALSE" } else { &differs };
    let sql = format!(
        "SELECT CASE WHEN {differs} THEN {} END FROM {} AS t WHERE {}",
        reason_sql(load, is_matched),
        main_table(&load.table),
        has_key(load)
    );
    let values = of(load, row, load.key.iter().chain(load.replaced()));
    let mut statement = connection.prepare_cached(&sql)?;
    let reason: Option<Option<i64>> = statement.query_row(params_from_iter(values), |row| row.get(0)).optional()?;
    Ok(match reason {
        None => Existing::None,
        Some(reason) => reason.and_then(ChangeReason::of_number).map_or(Existing::Same, Existing::Differs),
    })
}

/// Whether the row that is there under the key of this one has no natural key in common with it.
pub fn shares_no_natural_key(connection: &Connection, load: &TableLoad, row: &RowBuffer) -> Result<bool> {
    let natural = load.merge.natural_keys.iter().flat_map(|key| &key.0).map(|part| &part.name);
    let names: Vec<&String> = load.key.iter().chain(natural).collect();
    let (_, shared) = natural_key_conditions(load, &names).unwrap_or_default();
    let shared = if shared.is_empty() { "FALSE".to_owned() } else { shared.join(" OR ") };
    let sql = format!("SELECT ({shared}) IS NOT TRUE FROM {} AS t WHERE {}", main_table(&load.table), has_key(load));
    let mut statement = connection.prepare_cached(&sql)?;
    let is_other = statement.query_row(params_from_iter(of(load, row, names.into_iter())), |row| row.get(0));
    Ok(is_other.optional()?.unwrap_or(false))
}

/// The number of the `ChangeReason` of a row `t` that differs. The parameters are the file's key and the values that are replaced. A
/// row that was found by its natural key has the same one.
fn reason_sql(load: &TableLoad, is_matched: bool) -> String {
    let names: Vec<&String> = load.key.iter().chain(load.replaced()).collect();
    let other = other_natural_key_sql(load, &names).filter(|_| !is_matched);
    let hidden = load.merge.hidden_by.as_ref().map(|name| format!("{} IS NOT NULL", column("t", name)));
    let conditions = [
        (changed_sql(load), ChangeReason::ChangedHereSinceExport),
        (hidden, ChangeReason::HiddenRow),
        (other, ChangeReason::OtherNaturalKey),
    ];
    let when = |(condition, reason): (Option<String>, ChangeReason)| {
        condition.map(|condition| format!("WHEN {condition} THEN {} ", reason.number()))
    };
    let cases: Vec<String> = conditions.into_iter().filter_map(when).collect();
    let usual = if is_matched { ChangeReason::NaturalKey } else { ChangeReason::ValuesDiffer };
    if cases.is_empty() {
        usual.number().to_string()
    } else {
        format!("CASE {}ELSE {} END", cases.concat(), usual.number())
    }
}

/// What is no time of the unit is not known to be earlier.
fn changed_sql(load: &TableLoad) -> Option<String> {
    let since = load.merge.changed_since.as_ref()?;
    let own = column("t", &since.column);
    Some(match &since.time {
        // A day may be later; what is neither a day nor a time of UTC is not known to be earlier. Some write a blank before the time.
        Bound::Text(time) => {
            let is_time = format!(
                "{own} GLOB '{DAY}[ T]{TIME}*' AND ltrim(substr({own}, {}), '.0123456789') IN ('', 'Z', '+00', '+00:00')",
                time.len() + 1
            );
            format!(
                "CASE WHEN {own} IS NULL THEN FALSE WHEN typeof({own}) <> 'text' THEN TRUE \
                 WHEN {own} GLOB '{DAY}' THEN {own} >= '{}' COLLATE BINARY \
                 WHEN {is_time} THEN replace({own}, ' ', 'T') >= '{time}' COLLATE BINARY ELSE TRUE END",
                &time[..time.len().min(DAY_LENGTH)]
            )
        }
        Bound::Integer(time) => format!(
            "CASE WHEN {own} IS NULL THEN FALSE WHEN typeof({own}) NOT IN ('integer', 'real') THEN TRUE ELSE {own} >= {time} END"
        ),
    })
}

/// The row has no natural key in common with the file's, though both have one. The parameters are the values of `names`.
fn other_natural_key_sql(load: &TableLoad, names: &[&String]) -> Option<String> {
    let (are_set, are_same) = natural_key_conditions(load, names)?;
    let either = |conditions: &[String]| conditions.join(" OR ");
    (!are_set.is_empty()).then(|| format!("(({}) AND ({}) IS NOT TRUE)", either(&are_set), either(&are_same)))
}

/// Of each natural key, that both rows have it, and that it is the same; nothing if a column is not among `names`.
fn natural_key_conditions(load: &TableLoad, names: &[&String]) -> Option<(Vec<String>, Vec<String>)> {
    let place = |name: &String| names.iter().position(|known| *known == name).map(|at| at + 1);
    let (mut are_set, mut are_same) = (Vec::new(), Vec::new());
    for natural in &load.merge.natural_keys {
        let (mut set, mut same) = (Vec::new(), Vec::new());
        for part in &natural.0 {
            let (own, new) = (column("t", &part.name), format!("?{}", place(&part.name)?));
            set.push(format!("{own} IS NOT NULL AND {new} IS NOT NULL"));
            same.push(format!("{} = {}", folded(&own, part.folds_case), folded(&new, part.folds_case)));
        }
        are_set.push(set.join(" AND "));
        are_same.push(same.join(" AND "));
    }
    Some((are_set, are_same))
}
