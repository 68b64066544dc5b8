//! What a scope has, in words of whoever owns it.

use crate::model::name::TableName;
use crate::model::preview::Preview;
use crate::model::text;
use crate::server::profile::Layout;

/// The words of a layout's manifest, or those of the tables.
pub struct ScopeWords<'l>(pub Option<&'l Layout>);

impl ScopeWords<'_> {
    /// What a table's records are.
    pub fn name(&self, table: &TableName) -> String {
        let counts = self.0.iter().flat_map(|layout| &layout.manifest.counts);
        let named = counts.into_iter().find(|(_, counted)| *counted == table);
        in_words(named.map_or(table.as_str(), |(name, _)| name))
    }

    /// What is counted, and how many records there are; `None` while they are counted.
    pub fn counts(&self, preview: &Preview) -> Vec<(String, Option<u64>)> {
        let records_of = |table| {
            let counted = preview.selected_records.get(table).map(|records| records.total() - records.stubs);
            let is_counted = preview.part.as_ref().is_some_and(|part| part.database_records.is_some());
            counted.or_else(|| is_counted.then_some(0))
        };
        match self.0 {
            Some(layout) => {
                layout.manifest.counts.iter().map(|(name, table)| (in_words(name), records_of(table))).collect()
            }
            None => preview.tables.iter().map(|table| (self.name(&table.name), table.records)).collect(),
        }
    }
}

/// `pinnedMessages` and `pinned_messages` become `Pinned messages`.
fn in_words(key: &str) -> String {
    let key = key.replace('_', " ");
    let letters = key.chars().flat_map(|letter| {
        let space = letter.is_uppercase().then_some(' ');
        space.into_iter().chain(letter.to_lowercase())
    });
    text::capitalized(&letters.collect::<String>())
}
