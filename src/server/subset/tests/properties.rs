//! Properties of every subset, on random databases: several keys between two tables, composite keys and keys to columns
//! that are no primary key, references of a table to itself, circles.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Filter, FilterKind, Graph, Outside, Ownership, Reference, SubsetPlan};
use super::definition;
use super::memory::{Found, Memory, Row, refers};
use crate::model::name::TableName;
use crate::server::rows::{Bound, Condition, ForeignKey};

const TABLES: usize = 5;

#[derive(Clone, Debug)]
struct Case {
    graph: Graph,
    memory: Memory,
    filters: Vec<Filter>,
    selected: Option<BTreeSet<TableName>>,
}

fn table(index: usize) -> TableName {
    TableName::from(format!("t{index}").as_str())
}

/// The key at a place of its table: to one column, to two, or to two of which the other one is the first owner's, too.
fn key(place: usize, target: usize, width: u8) -> ForeignKey {
    let own = format!("r{place}a");
    let (columns, target_columns) = match (width, place) {
        (0, _) => (vec![own], vec!["a".to_owned()]),
        (1, _) | (_, 0) => (vec![own, format!("r{place}b")], vec!["a".to_owned(), "b".to_owned()]),
        _ => (vec![own, "r0a".to_owned()], vec!["a".to_owned(), "r0a".to_owned()]),
    };
    ForeignKey::new(columns, table(target), target_columns)
}

fn outside() -> impl Strategy<Value = Outside> {
    prop_oneof![
        Just(Outside::Keep),
        Just(Outside::Stub),
        Just(Outside::Include),
        Just(Outside::Stop),
        Just(Outside::Null(Vec::new())),
    ]
}

fn references() -> impl Strategy<Value = Vec<Reference>> {
    let kind = (any::<bool>(), prop::bool::weighted(0.15), prop::bool::weighted(0.8));
    let one = (0..TABLES, 0_u8..3, kind, outside());
    prop::collection::vec(one, 0..4).prop_map(|references| {
        let numbered = references.into_iter().enumerate();
        let reference = |(place, (target, width, kind, outside))| {
            let (key, (is_owner, is_sharing, is_followed)) = (key(place, target, width), kind);
            let outside = match outside {
                Outside::Null(_) => Outside::Null(vec![key.columns[0].clone()]),
                other => other,
            };
            Reference { key, is_owner, is_to_one: false, is_sharing, is_followed, outside }
        };
        numbered.map(reference).collect()
    })
}

fn row() -> impl Strategy<Value = Row> {
    let columns = ["a", "b", "r0a", "r0b", "r1a", "r1b", "r2a", "r2b"];
    prop::collection::vec(prop::option::weighted(0.7, 0_i64..3), columns.len()).prop_map(move |values| {
        columns.iter().zip(values).filter_map(|(column, value)| Some(((*column).to_owned(), value?))).collect()
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let kind = prop_oneof![Just(FilterKind::Open), Just(FilterKind::Boundary), Just(FilterKind::Scope)];
    (0..TABLES, prop::collection::vec(0_i64..3, 1..3), any::<bool>(), kind).prop_map(
        |(root, values, is_range, kind)| {
            let column = "a".to_owned();
            let condition = if is_range {
                Condition::Range { column, from: Some(Bound::Integer(values[0])), to: None }
            } else {
                Condition::AnyOf { column, values: values.iter().map(ToString::to_string).collect() }
            };
            Filter { name: format!("f{root}"), table: table(root), condition, kind }
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let graph = prop::collection::vec(references(), TABLES);
    let rows = prop::collection::vec(prop::collection::vec(row(), 0..5), TABLES);
    let selected = prop::option::weighted(0.3, prop::collection::btree_set(0..TABLES, 1..TABLES));
    let owned = prop::collection::vec((prop::bool::weighted(0.1), prop::bool::weighted(0.1)), TABLES);
    (graph, owned, rows, prop::collection::vec(filter(), 0..3), selected, any::<bool>()).prop_map(
        |(references, owned, mut rows, filters, selected, is_to_one)| {
            let mut graph = Graph::default();
            for (index, (mut references, (is_whole, is_private))) in references.into_iter().zip(owned).enumerate() {
                for reference in &mut references {
                    reference.is_to_one = is_to_one;
                }
                // The first column of a key names the owner, as a profile does; a composite key may be NULL in the other.
                let owners = references.iter().filter(|reference| reference.is_owner);
                let columns = owners.map(|reference| reference.key.columns[0].clone()).collect();
                graph.add(table(index), references, Ownership { columns, is_whole, is_private });
            }
            for (place, row) in rows.iter_mut().filter(|_| is_to_one).flat_map(|rows| rows.iter_mut().enumerate()) {
                row.insert("a".to_owned(), i64::try_from(place).unwrap());
            }
            let memory = Memory(rows.into_iter().enumerate().map(|(index, rows)| (table(index), rows)).collect());
            Case {
                graph,
                memory,
                filters,
                selected: selected.map(|selected| selected.into_iter().map(table).collect()),
            }
        },
    )
}

/// Whether a scope has to decide about an owner to which more than one reference, or more than one record, may lead. In a circle,
/// what is decided then depends on the order: nothing of others is in, but not everything of its own may be.
fn has_ambiguous_owners(case: &Case) -> bool {
    let is_ambiguous = |table: &TableName| {
        let owners = case.graph.owner_columns(table).iter();
        owners
            .map(|column| case.graph.references_of_owner(table, column))
            .any(|references| !matches!(references[..], [only] if only.is_to_one))
    };
    case.filters.iter().any(|filter| filter.kind == FilterKind::Scope) && case.graph.tables().any(is_ambiguous)
}

fn planned(case: &Case, filters: &[Filter]) -> Found {
    case.memory.run(&case.graph, &SubsetPlan::new(&case.graph, filters, case.selected.as_ref()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_plan_gives_what_the_definition_says(case in case()) {
        prop_assume!(!has_ambiguous_owners(&case));
        let defined = definition::subset(&case.memory, &case.graph, &case.filters, case.selected.as_ref());
        prop_assert_eq!(planned(&case, &case.filters), defined);
    }

    #[test]
    fn nothing_dangles_but_what_may(case in case()) {
        let found = planned(&case, &case.filters);
        let may_dangle = |outside: &Outside| matches!(outside, Outside::Keep | Outside::Stop | Outside::Include);
        for edge in case.graph.edges().filter(|edge| edge.reference.is_followed) {
            let (key, target) = (&edge.reference.key, edge.target());
            let is_stub_of_private = case.graph.is_private(target) && edge.reference.outside == Outside::Stub;
            let is_limited = case.filters.iter().any(|filter| filter.kind != FilterKind::Open);
            if is_limited && (may_dangle(&edge.reference.outside) || is_stub_of_private) {
                continue;
            }
            for child in &found.rows[edge.child] {
                let is_nulled = key.columns.iter().any(|column| {
                    found.nulled.contains(&(edge.child.clone(), *child, column.clone()))
                });
                let row = &case.memory.0[edge.child][*child];
                let parents = &case.memory.0[target];
                let is_in = |place: &usize| found.rows[target].contains(place) || found.stubs[target].contains(place);
                let referred: Vec<usize> =
                    parents.iter().enumerate().filter(|(_, parent)| refers(row, key, parent)).map(|(place, _)| place).collect();
                prop_assert!(is_nulled || referred.is_empty() || referred.iter().any(is_in), "{target} misses a row");
            }
        }
    }

    #[test]
    fn a_scope_has_nothing_that_does_not_belong_to_it(case in case()) {
        let found = planned(&case, &case.filters);
        for scope in case.filters.iter().filter(|filter| filter.kind == FilterKind::Scope) {
            let own = definition::belongs(&case.memory, &case.graph, scope);
            for (table, rows) in found.rows.iter().filter(|(table, _)| !case.graph.is_whole(table)) {
                let own = own.get(table).cloned().unwrap_or_default();
                prop_assert!(rows.is_subset(&own), "{table} has rows of others");
            }
        }
    }

    /// Whatever the references are like: two of one column, to columns that are not unique, in circles.
    #[test]
    fn nobody_else_owns_a_record_of_a_scope(case in case()) {
        let found = planned(&case, &case.filters);
        for scope in case.filters.iter().filter(|filter| filter.kind == FilterKind::Scope) {
            let reached = case.graph.in_scope_of(&scope.table);
            for table in reached.iter().filter(|table| **table != scope.table && !case.graph.is_whole(table)) {
                let is_shared = case.graph.sharing_edges().any(|edge| edge.target() == table);
                for place in found.rows[table].iter().filter(|_| !is_shared) {
                    let row = &case.memory.0[table][*place];
                    for column in case.graph.owner_columns(table).iter().filter(|column| row.contains_key(*column)) {
                        for reference in case.graph.references_of_owner(table, column) {
                            let target = &reference.key.target;
                            let own = definition::belongs(&case.memory, &case.graph, scope);
                            for (owner, parent) in case.memory.0[target].iter().enumerate() {
                                let is_own = own.get(target).is_some_and(|own| own.contains(&owner));
                                prop_assert!(!refers(row, &reference.key, parent) || is_own, "{table} {place}: {column}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_filter_within_a_scope_adds_nothing(case in case(), further in filter()) {
        let before = planned(&case, &case.filters);
        let mut filters = case.filters.clone();
        filters.push(further);
        let is_scope = |filter: &Filter| filter.kind == FilterKind::Scope;
        if case.filters.iter().any(is_scope) && case.selected.is_none() {
            for (table, rows) in planned(&case, &filters).rows {
                let scope = case.filters.iter().filter(|filter| is_scope(filter));
                let all: Found = planned(&case, &scope.cloned().collect::<Vec<_>>());
                prop_assert!(rows.is_subset(&all.rows[&table]), "{table}: {rows:?} {:?}", before.rows[&table]);
            }
        }
    }

    #[test]
    fn a_further_value_of_a_filter_removes_nothing(case in case(), further in 0_i64..3) {
        let before = planned(&case, &case.filters);
        let mut filters = case.filters.clone();
        for filter in &mut filters {
            if let Condition::AnyOf { values, .. } = &mut filter.condition {
                values.push(further.to_string());
            }
        }
        let after = planned(&case, &filters);
        for (table, rows) in before.rows {
            prop_assert!(rows.is_subset(&after.rows[&table]), "{table} lost rows");
        }
    }

    #[test]
    fn the_order_of_filters_does_not_matter(case in case()) {
        let reversed: Vec<Filter> = case.filters.iter().rev().cloned().collect();
        prop_assert_eq!(planned(&case, &case.filters), planned(&case, &reversed));
    }
}
