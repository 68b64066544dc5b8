//! The filters of a selection: what the profile says about each, and the rows that their values name.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::invalid_selection::InvalidSelection;
use super::{Error, Result};
use crate::model::catalog::Codec;
use crate::model::name::{FieldName, TableName};
use crate::model::selection::{ScopeKind, Selection};
use crate::server::profile::{FilterProfile, Profile, TimeUnit, did_you_mean, nearest};
use crate::server::rows::{Bound, Catalog, Condition, KeySetId, Round, Rows, Step};
use crate::server::source::SelectRows;
use crate::server::subset::{Filter, FilterKind};

/// The filters of one selection.
pub struct Filters(Vec<Requested>);

/// One filter, with the values that were given.
struct Requested {
    name: String,
    label: String,
    kind: FilterKind,
    what: What,
}

enum What {
    /// Records of a table, by their key or the name that is shown.
    Records { table: TableName, key: String, show: String, values: Vec<String> },
    /// The organisation, or the person, with this id.
    Scope { kind: ScopeKind, table: TableName, key: String, id: String },
    /// Records of a table by their time.
    Period { table: TableName, condition: Condition },
}

impl Filters {
    /// # Errors
    /// `Invalid` for a filter that the profile does not have, and for a period that is none.
    pub fn of(profile: &Profile, catalog: &Catalog, selection: &Selection) -> Result<Self> {
        let mut requested: Vec<Requested> = Vec::new();
        if let Some((kind, id)) = selection.scope() {
            requested.push(scope(profile, kind, id)?);
        }
        for (name, values) in &selection.filters {
            let filter = profile.filters.get(name).ok_or_else(|| unknown_filter(profile, name))?;
            let values: Vec<String> = values.iter().cloned().collect();
            let kind = if filter.boundary { FilterKind::Boundary } else { FilterKind::Open };
            for what in what(catalog, name, filter, values)? {
                requested.push(Requested { name: name.clone(), label: filter.label.clone(), kind, what });
            }
        }
        Ok(Self(requested))
    }

    /// The filters as the plan needs them for its sets, before the values of names are known.
    pub fn unresolved(&self) -> Vec<Filter> {
        let filter = |requested: &Requested| match &requested.what {
            What::Records { table, key, .. } | What::Scope { table, key, .. } => {
                requested.filter(table, Condition::any_of(key, Vec::new()))
            }
            What::Period { table, condition } => requested.filter(table, condition.clone()),
        };
        self.0.iter().map(filter).collect()
    }

    /// The tables of the sets in which values are looked up: two for each filter, by key and by name. Different values match
    /// different records in either, so each lookup adds what its value alone matches.
    pub fn lookup_tables(&self) -> Vec<TableName> {
        self.0.iter().flat_map(|requested| requested.what.lookups()).collect()
    }

    /// The sets in which `resolve` has looked the values up, by the filter's name.
    pub fn lookups(&self, first: usize) -> BTreeMap<String, Vec<KeySetId>> {
        let mut lookups: BTreeMap<String, Vec<KeySetId>> = BTreeMap::new();
        let names = self.0.iter().flat_map(|requested| vec![requested.name.clone(); requested.what.lookups().len()]);
        for (number, name) in names.enumerate() {
            lookups.entry(name).or_default().push(KeySetId(first + number));
        }
        lookups
    }

    /// Finds the rows that the values name, in the sets from `first` on; by their keys alone if that is all that values are.
    ///
    /// # Errors
    /// `Invalid` for a value that names no record, or several; `Source` if the database refuses a lookup.
    pub fn resolve(&self, rows: &mut dyn SelectRows, first: usize, only_keys: bool) -> Result<Vec<Filter>> {
        let mut next = first;
        let mut filters = Vec::new();
        for requested in &self.0 {
            let filter = match &requested.what {
                What::Period { table, condition } => requested.filter(table, condition.clone()),
                What::Scope { kind, table, key, id } => {
                    let condition = Condition::any_of(key, vec![id.clone()]);
                    if find(rows, next, condition.clone())? != 1 {
                        return Err(Error::Invalid(InvalidSelection::no_scope_with_id(*kind, id)));
                    }
                    next += 1;
                    requested.filter(table, condition)
                }
                What::Records { table, key, show, values } => {
                    let (mut keys, mut names) = (Vec::new(), Vec::new());
                    for value in values {
                        let mut find =
                            |set: usize, column: &str| find(rows, set, Condition::any_of(column, vec![value.clone()]));
                        match (find(next, key)?, find(next + 1, show)?) {
                            (1.., _) => keys.push(value.clone()),
                            (0, 1) if !only_keys => names.push(value.clone()),
                            (0, _) if only_keys => return Err(requested.no_record(value)),
                            (0, 0) => return Err(requested.no_record(value)),
                            (0, several) => return Err(requested.several_records(value, several)),
                        }
                    }
                    next += 2;
                    let (by_key, by_name) = (Condition::any_of(key, keys), Condition::any_of(show, names));
                    requested.filter(table, Condition::Either(vec![by_key, by_name]))
                }
            };
            filters.push(filter);
        }
        Ok(filters)
    }
}

impl What {
    /// The table of each set in which its values are looked up.
    fn lookups(&self) -> Vec<TableName> {
        match self {
            Self::Records { table, .. } => vec![table.clone(); 2],
            Self::Scope { table, .. } => vec![table.clone()],
            Self::Period { .. } => Vec::new(),
        }
    }
}

impl Requested {
    fn filter(&self, table: &TableName, condition: Condition) -> Filter {
        Filter { name: self.name.clone(), table: table.clone(), condition, kind: self.kind }
    }

    fn no_record(&self, value: &str) -> Error {
        let (label, name) = (&self.label, &self.name);
        invalid(format!("{label}: no record has the key or the name `{value}`, so {name}={value} selects nothing"))
    }

    fn several_records(&self, value: &str, several: u64) -> Error {
        invalid(format!("{}: {several} records have the name `{value}`; give the key of the one you mean", self.label))
    }
}

/// The scope of one organisation or person.
fn scope(profile: &Profile, kind: ScopeKind, id: &str) -> Result<Requested> {
    let scope = profile.scopes.of(kind);
    let scope = scope.ok_or_else(|| Error::Invalid(InvalidSelection::no_scope(kind, &profile.name)))?;
    if id.is_empty() {
        return Err(Error::Invalid(InvalidSelection::no_scope_with_id(kind, id)));
    }
    let what = What::Scope { kind, table: scope.table.clone(), key: scope.key.clone(), id: id.to_owned() };
    let name = kind.as_str().to_owned();
    Ok(Requested { label: name.clone(), name, kind: FilterKind::Scope, what })
}

/// The number of rows that fulfil the condition and were not in the set.
fn find(rows: &mut dyn SelectRows, set: usize, condition: Condition) -> Result<u64> {
    Ok(rows.run_step(&Step::new(KeySetId(set), Rows::Matching(condition)), Round::default())?)
}

fn what(catalog: &Catalog, name: &str, filter: &FilterProfile, values: Vec<String>) -> Result<Vec<What>> {
    if let (Some(table), Some(show)) = (&filter.table, &filter.show) {
        let primary_key = catalog.table(table).map(|found| &found.primary_key[..]);
        let Some([key]) = primary_key else {
            return Err(invalid(format!(
                "filter {name}: the table {table} must exist and have a primary key of one column"
            )));
        };
        return Ok(vec![What::Records { table: table.clone(), key: key.clone(), show: show.clone(), values }]);
    }
    let ([period], Some(unit)) = (&values[..], filter.unit) else {
        return Err(invalid(format!("{name} takes one period, such as {name}=2026-07-01..2026-10-01")));
    };
    for (table, column) in &filter.columns {
        check_unit(catalog, name, &table.field(column), unit)?;
    }
    let (from, to) = parse_period(name, period)?;
    let bound = |at: Option<NaiveDate>| at.map(|date| time_bound(date.and_time(NaiveTime::MIN), unit));
    let condition = |column: &String| Condition::Range { column: column.clone(), from: bound(from), to: bound(to) };
    let columns = filter.columns.iter();
    Ok(columns.map(|(table, column)| What::Period { table: table.clone(), condition: condition(column) }).collect())
}

/// A column that stores something else would be compared in another order, and select the wrong records.
fn check_unit(catalog: &Catalog, name: &str, field: &FieldName, unit: TimeUnit) -> Result<()> {
    let table = catalog.table(&field.table);
    let column = table.and_then(|table| table.columns.iter().find(|column| column.name == field.column));
    let codec = column.map(|column| column.codec);
    let fits = match unit {
        TimeUnit::EpochSeconds | TimeUnit::EpochMs => matches!(codec, Some(Codec::Integer)),
        TimeUnit::Iso => matches!(codec, Some(Codec::Date | Codec::Timestamp | Codec::Text)),
    };
    if fits {
        Ok(())
    } else {
        Err(invalid(format!("filter {name}: {field} does not store a time in the unit that the profile says")))
    }
}

/// A half-open range of days, UTC: `FROM..TO`, without the second one. One of them may be missing.
fn parse_period(name: &str, text: &str) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
    let parse = |text: &str| match text {
        "" => Some(None),
        date => NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().map(Some),
    };
    let days = text.split_once("..").and_then(|(from, to)| Some((parse(from)?, parse(to)?)));
    match days {
        Some((Some(from), Some(to))) if from >= to => {
            Err(invalid(format!("{name}: {text} ends before it begins; the second day is not part of the period")))
        }
        Some((None, None)) | None => Err(invalid(format!(
            "{name}: `{text}` is no period; write FROM..TO with days such as 2026-07-01..2026-10-01, where TO is not part of it"
        ))),
        Some(days) => Ok(days),
    }
}

fn time_bound(at: NaiveDateTime, unit: TimeUnit) -> Bound {
    match unit {
        TimeUnit::EpochSeconds => Bound::Integer(at.and_utc().timestamp()),
        TimeUnit::EpochMs => Bound::Integer(at.and_utc().timestamp_millis()),
        TimeUnit::Iso => Bound::Text(at.format("%Y-%m-%d").to_string()),
    }
}

fn unknown_filter(profile: &Profile, name: &str) -> Error {
    let known: Vec<&str> = profile.filters.keys().map(String::as_str).collect();
    let near = did_you_mean(nearest(name, known.iter().copied()));
    invalid(match known[..] {
        [] => format!("the profile {} has no filters; add them under [filters], or choose tables only", profile.name),
        _ => format!("the profile {} has no filter {name}{near} (it has {})", profile.name, known.join(", ")),
    })
}

fn invalid(message: String) -> Error {
    Error::Invalid(InvalidSelection(message))
}
