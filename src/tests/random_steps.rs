//! Random steps over sets of keys, on every engine: each adds the rows that a model in memory adds. Most sets have most rows of
//! their table, which PostgreSQL stores in another way than few. References are NULL, lead nowhere, to several rows, to the
//! table itself, by one column or two.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use waybill::model::name::TableName;
use waybill::server::rows::Rows::{All, AllNull, Children, Matching, Parents};
use waybill::server::rows::{
    Bound, Condition, ForeignKey, KeySetId, NewKeySet, Owner, ReferenceInside, Restriction, Round, Scan, Step, Table,
};
use waybill::server::source::Extent;

use crate::source_contract::{EngineCase, Rows, on_every_engine};

/// The columns of every table. `n` is the number of the row, which no step looks at.
const COLUMNS: [&str; 6] = ["n", "id", "p", "q", "x", "y"];
/// What the tables are known by: one column, two, nothing.
const PRIMARY_KEYS: [&str; 4] = [", PRIMARY KEY (id)", ", PRIMARY KEY (x, y)", "", ", PRIMARY KEY (id)"];
/// The table of each set.
const SETS: [usize; 7] = [0, 1, 2, 3, 0, 3, 2];

type Row = BTreeMap<&'static str, i64>;

#[derive(Clone, Debug)]
struct Case {
    tables: Vec<Vec<Row>>,
    steps: Vec<Step>,
    nulled: Vec<(String, ForeignKey, usize)>,
}

fn name(table: usize) -> TableName {
    format!("t{table}").as_str().into()
}

fn number(table: &TableName) -> usize {
    table.as_str()[1..].parse().unwrap()
}

fn rows(table: usize) -> impl Strategy<Value = Vec<Row>> {
    let value = || prop::option::weighted(0.9, 0_i64..6);
    prop::collection::vec((value(), value(), 0_i64..6, 0_i64..6, value()), 4..16).prop_map(move |rows| {
        let mut rows: Vec<Row> = rows
            .into_iter()
            .zip(0..)
            .map(|((p, q, x, y, nullable), n)| {
                let known = [("n", Some(n)), ("id", Some(n)), ("p", p), ("q", q), ("x", Some(x)), ("y", Some(y))];
                let is_null = |column: &str| column == "x" && table != 1 && nullable.is_none();
                known.into_iter().filter(|(column, _)| !is_null(column)).filter_map(|(c, v)| Some((c, v?))).collect()
            })
            .collect();
        let mut seen = BTreeSet::new();
        rows.retain(|row| table != 1 || seen.insert((row["x"], row["y"])));
        rows
    })
}

/// A reference from a table to the table `target`.
fn key(target: usize) -> impl Strategy<Value = ForeignKey> {
    let pairs: [(&[&str], &[&str]); 6] = [
        (&["p"], &["id"]),
        (&["q"], &["id"]),
        (&["x", "y"], &["x", "y"]),
        (&["y", "p"], &["y", "x"]),
        (&["p"], &["q"]),
        (&["q"], &["x"]),
    ];
    (prop::sample::select(pairs.to_vec()), prop::bool::weighted(0.2)).prop_map(move |((own, referred), has_when)| {
        let names = |columns: &[&str]| columns.iter().map(ToString::to_string).collect();
        let key = ForeignKey::new(names(own), name(target), names(referred));
        let when = if has_when { vec![("y".to_owned(), (0..5).map(|n| n.to_string()).collect())] } else { Vec::new() };
        ForeignKey { when, ..key }
    })
}

/// A reference, and a set that it may lead into.
fn key_and_set() -> impl Strategy<Value = (ForeignKey, usize)> {
    (0..SETS.len()).prop_flat_map(|set| (key(SETS[set]), Just(set)))
}

fn step(into: usize) -> impl Strategy<Value = Step> {
    let table = SETS[into];
    let owner = (key_and_set(), any::<bool>()).prop_map(|((key, set), is_in_a_set)| Owner {
        column: key.columns[0].clone(),
        references: vec![(key, is_in_a_set.then_some(KeySetId(set)))],
        is_unambiguous: false,
    });
    let owners = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(owner, 1..3)];
    let range = |(column, from): (&str, i64)| {
        Matching(Condition::Range { column: column.into(), from: Some(Bound::Integer(from)), to: None })
    };
    let children =
        (key_and_set(), owners).prop_map(|((key, set), owners)| Children { key, parents: KeySetId(set), owners });
    let parents = (0..SETS.len(), key(table), any::<bool>()).prop_map(|(set, key, is_of_set)| Parents {
        child: name(SETS[set]),
        key,
        children: is_of_set.then_some(KeySetId(set)),
    });
    let rows = prop_oneof![
        2 => (prop::sample::select(vec!["id", "p", "q", "x"]), 0_i64..4).prop_map(range),
        1 => Just(AllNull { columns: vec!["p".into()] }),
        1 => Just(All),
        5 => children,
        4 => parents,
    ];
    let same: Vec<KeySetId> = (0..SETS.len()).filter(|set| SETS[*set] == table && *set != into).map(KeySetId).collect();
    let some = move || {
        let same = same.clone();
        prop::bool::weighted(0.2).prop_map(move |is_limited| if is_limited { same.clone() } else { Vec::new() })
    };
    (rows, some(), some())
        .prop_map(move |(rows, within, except)| Step::new(KeySetId(into), rows).within(within).except(except))
}

fn case() -> impl Strategy<Value = Case> {
    let first = |into: usize| {
        (0_i64..3).prop_map(move |from| {
            let condition = Condition::Range { column: "id".into(), from: Some(Bound::Integer(from)), to: None };
            Step::new(KeySetId(into), Matching(condition))
        })
    };
    let steps = prop::collection::vec((0..SETS.len()).prop_flat_map(step), 4..12);
    let nulled = prop::collection::vec((prop::sample::select(vec!["p", "q"]), key_and_set()), 0..3);
    ((rows(0), rows(1), rows(2), rows(3)), (first(0), first(1)), steps, nulled).prop_map(
        |((a, b, c, d), (one, other), steps, nulled)| Case {
            tables: vec![a, b, c, d],
            steps: [one, other].into_iter().chain(steps).collect(),
            nulled: nulled.into_iter().map(|(column, (key, set))| (column.to_owned(), key, set)).collect(),
        },
    )
}

/// The rows of each set, by their numbers.
struct Model<'c> {
    tables: &'c [Vec<Row>],
    sets: Vec<BTreeSet<usize>>,
}

fn values(row: &Row, columns: &[String]) -> Option<Vec<i64>> {
    columns.iter().map(|column| row.get(column.as_str()).copied()).collect()
}

fn refers(child: &Row, key: &ForeignKey, parent: &Row) -> bool {
    let applies = key
        .when
        .iter()
        .all(|(column, texts)| child.get(column.as_str()).is_some_and(|value| texts.contains(&value.to_string())));
    let own = values(child, &key.columns);
    applies && own.is_some() && own == values(parent, &key.target_columns)
}

impl Model<'_> {
    fn set(&self, id: KeySetId) -> impl Iterator<Item = &Row> {
        self.sets[id.0].iter().map(move |place| &self.tables[SETS[id.0]][*place])
    }

    fn leads_into(&self, row: &Row, key: &ForeignKey, set: KeySetId) -> bool {
        self.set(set).any(|parent| refers(row, key, parent))
    }

    fn is_owned(&self, row: &Row, owner: &Owner) -> bool {
        let is_inside =
            |(key, set): &(ForeignKey, Option<KeySetId>)| set.is_some_and(|set| self.leads_into(row, key, set));
        let leads_outside = |(key, set): &(ForeignKey, Option<KeySetId>)| {
            let parents = self.tables[number(&key.target)].iter().enumerate();
            let is_in = |place: usize| set.is_some_and(|set| self.sets[set.0].contains(&place));
            parents.filter(|(_, parent)| refers(row, key, parent)).any(|(place, _)| !is_in(place))
        };
        !row.contains_key(owner.column.as_str())
            || owner.references.iter().any(is_inside) && !owner.references.iter().any(leads_outside)
    }

    fn selects(&self, step: &Step, row: &Row) -> bool {
        match &step.rows {
            All => true,
            Matching(Condition::Range { column, from: Some(Bound::Integer(from)), .. }) => {
                row.get(column.as_str()).is_some_and(|value| value >= from)
            }
            Matching(other) => panic!("{other:?}"),
            AllNull { columns } => columns.iter().all(|column| !row.contains_key(column.as_str())),
            Children { key, parents, owners } => {
                self.leads_into(row, key, *parents) && owners.iter().all(|owner| self.is_owned(row, owner))
            }
            Parents { child, key, children: None } => {
                self.tables[number(child)].iter().any(|child| refers(child, key, row))
            }
            Parents { key, children: Some(children), .. } => self.set(*children).any(|child| refers(child, key, row)),
        }
    }

    fn run(&mut self, step: &Step) -> usize {
        let rows = self.tables[SETS[step.into.0]].iter().enumerate();
        let is_in = |set: &KeySetId, place: usize| self.sets[set.0].contains(&place);
        let added = rows.filter(|(place, row)| {
            let is_free = !is_in(&step.into, *place) && !step.except.iter().any(|set| is_in(set, *place));
            is_free && step.within.iter().all(|set| is_in(set, *place)) && self.selects(step, row)
        });
        let added: Vec<usize> = added.map(|(place, _)| place).collect();
        self.sets[step.into.0].extend(&added);
        added.len()
    }

    /// What is read of a set, with NULL where a reference leads outside.
    fn read(&self, set: usize, nulled: &[&(String, ForeignKey, usize)]) -> Vec<Vec<String>> {
        let value = |row: &Row, column: &str| {
            let of_column: Vec<_> = nulled.iter().filter(|(name, ..)| name == column).collect();
            let is_kept = of_column.iter().all(|(_, key, _)| {
                let mut same = of_column.iter().filter(|(_, other, _)| other.columns == key.columns);
                let applies = |(_, key, _): &(String, ForeignKey, usize)| {
                    key.when.iter().all(|(column, texts)| {
                        row.get(column.as_str()).is_some_and(|value| texts.contains(&value.to_string()))
                    })
                };
                let is_nowhere = same.clone().all(|one| !one.1.when.is_empty() && !applies(one));
                is_nowhere || same.any(|(_, key, set)| self.leads_into(row, key, KeySetId(*set)))
            });
            row.get(column).filter(|_| is_kept).map_or("NULL".to_owned(), ToString::to_string)
        };
        self.set(KeySetId(set)).map(|row| COLUMNS.iter().map(|column| value(row, column)).collect()).collect()
    }
}

fn fill(case: &Case, engine: &EngineCase) {
    for (table, rows) in case.tables.iter().enumerate() {
        let value = |row: &Row, column: &str| row.get(column).map_or("NULL".to_owned(), ToString::to_string);
        let row = |row: &Row| format!("({})", COLUMNS.map(|column| value(row, column)).join(", "));
        let rows = rows.iter().map(row).collect::<Vec<_>>().join(", ");
        (engine.change)(&format!("DELETE FROM t{table}; INSERT INTO t{table} VALUES {rows}; ANALYZE t{table}"));
    }
}

fn check(case: &Case, engine: &EngineCase) {
    fill(case, engine);
    let mut model = Model { tables: &case.tables, sets: vec![BTreeSet::new(); SETS.len()] };
    let mut snapshot = engine.source.begin_snapshot(Extent::Parts, &|_| ()).unwrap();
    let catalog = snapshot.catalog().unwrap();
    // A source may store the columns that refer, or look them up.
    let new = SETS.map(|table| NewKeySet {
        table: name(table),
        referring: ["p", "x", "y"].map(str::to_owned).into(),
        is_repeated: false,
        is_looked_up: false,
        keeps_rounds: false,
    });
    snapshot.create_key_sets(&new).unwrap();
    for (step, number) in case.steps.iter().zip(1..) {
        let is_first = model.sets[step.into.0].is_empty();
        let expected = snapshot.estimate_step(step).unwrap();
        let added = snapshot.run_step(step, Round { number, since: 0 }).unwrap();
        if is_first && matches!(step.rows, Children { .. }) {
            assert_eq!(expected, added, "what refers to a set is counted: {step:?}");
        }
        assert_eq!(added, model.run(step) as u64, "{step:?}");
        assert_eq!(
            snapshot.run_step(step, Round { number, since: 0 }).unwrap(),
            model.run(step) as u64,
            "again: {step:?}"
        );
    }
    for (set, table) in SETS.iter().enumerate() {
        let table: &Table = catalog.table(&name(*table)).unwrap();
        let nulled: Vec<_> = case.nulled.iter().collect();
        let expected = model.read(set, &nulled);
        let nulled = nulled.into_iter().map(|(column, key, set)| ReferenceInside {
            column: column.clone(),
            key: key.clone(),
            sets: vec![KeySetId(*set)],
        });
        let stored =
            Scan { restrict: Restriction::Keys(KeySetId(set)), nulled: nulled.collect(), ..Scan::whole(table) };
        let ordered = Scan { order: vec!["n".into()], ..stored.clone() };
        for scan in [stored, ordered] {
            assert_eq!(snapshot.count(&scan).unwrap(), expected.len() as u64);
            let mut rows = Rows::default();
            snapshot.read_table(&scan, &mut rows).unwrap();
            assert_eq!(rows.0, expected, "set {set} in the order {:?}", scan.order);
        }
    }
}

#[test]
fn random_steps_add_what_a_model_adds() {
    on_every_engine(|engine| {
        for (table, primary_key) in PRIMARY_KEYS.iter().enumerate() {
            let column = |column: &str| {
                format!("{column} integer{}", if primary_key.contains(column) { " NOT NULL" } else { "" })
            };
            let columns = COLUMNS.map(column).join(", ");
            (engine.change)(&format!("CREATE TABLE t{table} ({columns}{primary_key})"));
        }
        let mut runner =
            TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) });
        runner
            .run(&case(), |case| {
                check(&case, engine);
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{error}"));
    });
}
