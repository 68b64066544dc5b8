//! Properties of every subset, on random databases: several keys between two tables, composite keys and keys to columns
//! that are no primary key, references of a table to itself, circles.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Filter, Graph, Reference, SubsetPlan};
use super::definition;
use super::memory::{Memory, Row, refers};
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

/// The reference at a place of its table: to one column or to two.
fn reference(place: usize, target: usize, is_composite: bool, is_owner: bool, is_followed: bool) -> Reference {
    let names = |prefix: &str| {
        if is_composite { vec![format!("{prefix}a"), format!("{prefix}b")] } else { vec![format!("{prefix}a")] }
    };
    let key = ForeignKey { columns: names(&format!("r{place}")), target: table(target), target_columns: names("") };
    Reference { key, is_owner, is_followed }
}

fn references() -> impl Strategy<Value = Vec<Reference>> {
    let one = (0..TABLES, any::<bool>(), any::<bool>(), prop::bool::weighted(0.8));
    prop::collection::vec(one, 0..4).prop_map(|references| {
        let numbered = references.into_iter().enumerate();
        numbered
            .map(|(place, (target, composite, owner, followed))| reference(place, target, composite, owner, followed))
            .collect()
    })
}

fn row() -> impl Strategy<Value = Row> {
    let columns = ["a", "b", "r0a", "r0b", "r1a", "r1b", "r2a", "r2b"];
    prop::collection::vec(prop::option::weighted(0.7, 0_i64..3), columns.len()).prop_map(move |values| {
        columns.iter().zip(values).filter_map(|(column, value)| Some(((*column).to_owned(), value?))).collect()
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    (0..TABLES, prop::collection::vec(0_i64..3, 1..3), any::<bool>(), any::<bool>()).prop_map(
        |(root, values, is_range, is_boundary)| {
            let column = "a".to_owned();
            let condition = if is_range {
                Condition::Range { column, from: Some(Bound::Integer(values[0])), to: None }
            } else {
                Condition::AnyOf { column, values: values.iter().map(ToString::to_string).collect() }
            };
            Filter { name: format!("f{root}"), table: table(root), condition, is_boundary }
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let graph = prop::collection::vec(references(), TABLES);
    let rows = prop::collection::vec(prop::collection::vec(row(), 0..5), TABLES);
    let selected = prop::option::weighted(0.3, prop::collection::btree_set(0..TABLES, 1..TABLES));
    (graph, rows, prop::collection::vec(filter(), 0..3), selected).prop_map(|(references, rows, filters, selected)| {
        let mut graph = Graph::default();
        for (index, references) in references.into_iter().enumerate() {
            // The first column of a key names the owner, as a profile does; a composite key may be NULL in the other.
            let owners = references.iter().filter(|reference| reference.is_owner);
            let owners = owners.map(|reference| reference.key.columns[0].clone()).collect();
            graph.add(table(index), references, owners);
        }
        let memory = Memory(rows.into_iter().enumerate().map(|(index, rows)| (table(index), rows)).collect());
        Case { graph, memory, filters, selected: selected.map(|selected| selected.into_iter().map(table).collect()) }
    })
}

fn planned(case: &Case, filters: &[Filter]) -> super::memory::Subset {
    case.memory.run(&case.graph, &SubsetPlan::new(&case.graph, filters, case.selected.as_ref()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_plan_gives_what_the_definition_says(case in case()) {
        let defined = definition::subset(&case.memory, &case.graph, &case.filters, case.selected.as_ref());
        prop_assert_eq!(planned(&case, &case.filters), defined);
    }

    #[test]
    fn nothing_dangles_unless_a_boundary_keeps_it_out(mut case in case()) {
        case.filters.iter_mut().for_each(|filter| filter.is_boundary = false);
        let subset = planned(&case, &case.filters);
        for edge in case.graph.edges().filter(|edge| edge.reference.is_followed) {
            let key = &edge.reference.key;
            for child in &subset[edge.child] {
                for (place, parent) in case.memory.0[&key.target].iter().enumerate() {
                    let is_referred = refers(&case.memory.0[edge.child][*child], key, parent);
                    prop_assert!(!is_referred || subset[&key.target].contains(&place), "{} misses {place}", key.target);
                }
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
        for (table, rows) in before {
            prop_assert!(rows.is_subset(&after[&table]), "{table} lost rows");
        }
    }

    #[test]
    fn the_order_of_filters_does_not_matter(case in case()) {
        let reversed: Vec<Filter> = case.filters.iter().rev().cloned().collect();
        prop_assert_eq!(planned(&case, &case.filters), planned(&case, &reversed));
    }
}
