//! What a preview says of a part, in words.

use super::subset::PartCounts;
use crate::model::manifest::SelectedRecords;
use crate::model::name::TableName;
use crate::model::part_query::PartQuery;
use crate::model::preview::PartSummary;
use crate::model::selection::Selection;
use crate::model::text;

/// What is known before any record is found; nothing of the whole database.
pub fn summarize(selection: &Selection) -> Option<PartSummary> {
    (!selection.is_whole_database()).then(|| PartSummary {
        query: PartQuery::from(selection.clone()).to_string(),
        tables: selection.tables.iter().flatten().cloned().collect(),
        ..PartSummary::default()
    })
}

/// Adds what was found.
pub fn add_counts(summary: &mut PartSummary, counts: &PartCounts) {
    summary.database_records = Some(counts.database_records);
    let in_part = counts.selected.iter().map(|(_, records)| records.total()).sum::<u64>();
    summary.is_empty = !counts.has_match || in_part == 0;
    let lines = counts.selected.iter().filter(|(_, records)| records.total() > 0);
    summary.sums = lines.map(|(table, records)| sum(table, records)).collect();
    summary.outside = counts.selected.iter().flat_map(|(table, records)| outside(table, records)).collect();
}

/// Such as `incidents: 1,240 by incidents.company_id, 312 came along through incident_analysis.incident_id`.
fn sum(table: &TableName, records: &SelectedRecords) -> String {
    if records.by_rule.is_empty() {
        return format!("{table}: all {}, which no filter reaches", text::count(records.total()));
    }
    let rules = records.by_rule.iter().map(|(rule, number)| format!("{} {rule}", text::count(*number)));
    format!("{table}: {}", rules.collect::<Vec<_>>().join(", "))
}

fn outside(table: &TableName, records: &SelectedRecords) -> Vec<String> {
    let reasons = [
        (records.stubs, "of others, which are referred to: the file has the key and a few columns, nothing else"),
        (records.owners_disagree, "left out, because one owner is inside and another one outside"),
        (records.nobodys, "left out, because they belong to nobody"),
    ];
    let lines = reasons.into_iter().filter(|(number, _)| *number > 0);
    lines.map(|(number, reason)| format!("{table}: {} {reason}", text::count(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ordered_map::OrderedMap;

    #[test]
    fn sums_and_what_stays_outside_are_told_in_words() {
        let by_rule = OrderedMap(vec![
            ("by incidents.company_id".to_owned(), 1240),
            ("came along through incident_analysis.incident_id".to_owned(), 312),
        ]);
        let incidents =
            SelectedRecords { asked_for: 1240, came_along: 312, by_rule, nobodys: 2, ..SelectedRecords::default() };
        let words = SelectedRecords { asked_for: 7, ..SelectedRecords::default() };
        let selected = OrderedMap(vec![("incidents".into(), incidents), ("words".into(), words)]);
        let mut summary = PartSummary::default();
        add_counts(&mut summary, &PartCounts { selected, database_records: 2000, has_match: true, contains: None });
        assert_eq!(
            summary.sums,
            [
                "incidents: 1,240 by incidents.company_id, 312 came along through incident_analysis.incident_id",
                "words: all 7, which no filter reaches"
            ]
        );
        assert_eq!(summary.outside, ["incidents: 2 left out, because they belong to nobody"]);
        assert!(!summary.is_empty && summary.database_records == Some(2000));
    }
}
