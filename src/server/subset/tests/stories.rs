//! What subsets hold, on the tables of an application that reports incidents.

use std::collections::BTreeSet;

use super::super::{Filter, FilterKind, Graph, Outside, Ownership, Reference, SubsetPlan};
use super::memory::{Memory, Row};
use crate::model::name::TableName;
use crate::server::rows::{Condition, ForeignKey};

fn reference(column: &str, target: &str, is_owner: bool) -> Reference {
    let key = ForeignKey::new(vec![column.into()], target.into(), vec!["id".into()]);
    Reference { key, is_owner, is_to_one: true, is_sharing: false, is_followed: true, outside: Outside::Keep }
}

fn owned_by(column: &str) -> Ownership {
    Ownership { columns: vec![column.into()], ..Ownership::default() }
}

/// Companies have people and sites, sites have incidents, which a person has written. A company was made by a person.
fn graph() -> Graph {
    let mut graph = Graph::default();
    graph.add("companies".into(), vec![reference("created_by", "people", false)], Ownership::default());
    graph.add(
        "people".into(),
        vec![reference("company", "companies", true), reference("manager", "people", false)],
        owned_by("company"),
    );
    graph.add("sites".into(), vec![reference("company", "companies", true)], owned_by("company"));
    graph.add(
        "incidents".into(),
        vec![reference("site", "sites", true), reference("author", "people", false)],
        owned_by("site"),
    );
    graph.add("words".into(), vec![], Ownership::default());
    graph
}

fn rows(columns: &[&str], rows: &[&[i64]]) -> Vec<Row> {
    // 0 stands for NULL.
    let row = |values: &&[i64]| {
        let named = columns.iter().zip(values.iter());
        named.filter(|(_, value)| **value > 0).map(|(column, value)| ((*column).to_owned(), *value)).collect()
    };
    rows.iter().map(row).collect()
}

/// Company 1 was made by person 4 of company 2. Person 1 of company 1 has manager 2, who has manager 3. Incident 1 was
/// written by person 1, incident 2 by person 4, incident 3 belongs to company 2, incident 4 to nobody.
fn memory() -> Memory {
    let tables = [
        ("companies", rows(&["id", "created_by"], &[&[1, 4], &[2, 0]])),
        ("people", rows(&["id", "company", "manager"], &[&[1, 1, 2], &[2, 1, 3], &[3, 1, 0], &[4, 2, 0]])),
        ("sites", rows(&["id", "company"], &[&[1, 1], &[2, 2]])),
        (
            "incidents",
            rows(&["id", "site", "author", "day"], &[&[1, 1, 1, 7], &[2, 1, 4, 8], &[3, 2, 4, 8], &[4, 0, 0, 9]]),
        ),
        ("words", rows(&["id"], &[&[1], &[2]])),
    ];
    Memory(tables.into_iter().map(|(table, rows)| (table.into(), rows)).collect())
}

fn filter(table: &str, column: &str, value: i64, kind: FilterKind) -> Filter {
    let condition = Condition::AnyOf { column: column.into(), values: vec![value.to_string()] };
    Filter { name: table.into(), table: table.into(), condition, kind }
}

/// The ids of the table's rows that are in.
fn ids(filters: &[Filter], selected: Option<&[&str]>, table: &str) -> Vec<i64> {
    let selected: Option<BTreeSet<TableName>> =
        selected.map(|tables| tables.iter().map(|table| TableName::from(*table)).collect());
    let (memory, graph) = (memory(), graph());
    let subset = memory.run(&graph, &SubsetPlan::new(&graph, filters, selected.as_ref()));
    let table = TableName::from(table);
    subset.rows[&table].iter().map(|place| memory.0[&table][*place]["id"]).collect()
}

#[test]
fn a_company_has_its_people_sites_and_incidents_and_brings_along_who_they_refer_to() {
    let company = [filter("companies", "id", 1, FilterKind::Open)];
    assert_eq!(ids(&company, None, "incidents"), [1, 2, 4]);
    assert_eq!(ids(&company, None, "sites"), [1]);
    assert_eq!(ids(&company, None, "people"), [1, 2, 3, 4]);
    assert_eq!(ids(&company, None, "companies"), [1, 2], "the company of the person who came along");
    assert_eq!(ids(&company, None, "words"), [1, 2], "no filter reaches it");
}

#[test]
fn a_boundary_keeps_out_other_companies_and_what_is_nobodys() {
    let company = [filter("companies", "id", 1, FilterKind::Boundary)];
    assert_eq!(ids(&company, None, "people"), [1, 2, 3]);
    assert_eq!(ids(&company, None, "companies"), [1]);
    assert_eq!(ids(&company, None, "incidents"), [1, 2]);
}

#[test]
fn a_filter_below_brings_along_only_the_owners_that_are_needed() {
    let site = [filter("sites", "id", 2, FilterKind::Open)];
    assert_eq!(ids(&site, Some(&["sites", "incidents"]), "incidents"), [3, 4]);
    assert_eq!(ids(&site, Some(&["sites", "incidents"]), "companies"), [2]);
    assert_eq!(ids(&site, Some(&["sites", "incidents"]), "people"), [4]);
    assert_eq!(ids(&site, None, "companies"), [1, 2], "every person is in, and has a company");
}

#[test]
fn filters_are_combined_by_and() {
    let both = [filter("companies", "id", 1, FilterKind::Boundary), filter("incidents", "day", 8, FilterKind::Open)];
    assert_eq!(ids(&both, None, "incidents"), [2]);
    assert_eq!(ids(&both, None, "people"), [1, 2, 3]);
}

#[test]
fn tables_that_are_not_selected_hold_only_what_comes_along() {
    assert_eq!(ids(&[], Some(&["incidents"]), "incidents"), [1, 2, 3, 4]);
    assert_eq!(ids(&[], Some(&["incidents"]), "people"), [1, 2, 3, 4], "the authors, and their managers");
    assert_eq!(ids(&[], Some(&["sites"]), "people"), [4], "the company's maker");
    assert_eq!(ids(&[], Some(&["sites"]), "words"), [] as [i64; 0]);
}
