//! Counts what an organisation's export holds besides what everybody in the organisation could read.

use super::Result;
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::profile::{PlannedTables, Profile, ScopeNotice};
use crate::server::rows::{Catalog, ForeignKey, KeySetId, Round, Rows, Step};
use crate::server::selection::FilledSets;
use crate::server::source::Snapshot;
use crate::server::subset::{Membership, SubsetPlan};

/// What is to be counted, and the reference to the people concerned.
pub struct NoticeCounter<'p> {
    notice: &'p ScopeNotice,
    person: ForeignKey,
}

impl<'p> NoticeCounter<'p> {
    /// What the profile wants to be counted of the selection, if anything.
    pub fn of(profile: &'p Profile, catalog: &Catalog, planned: &PlannedTables, selection: &Selection) -> Option<Self> {
        let scope = profile.scopes.organization.as_ref().filter(|_| selection.organization.is_some())?;
        let notice = scope.notice.as_ref()?;
        let people = &notice.people.0;
        let mut keys = profile.references_of(catalog.table(&people.table)?).into_iter();
        let person = keys.find(|key| key.columns == [people.column.as_str()])?;
        planned.of(&person.target).is_some().then_some(Self { notice, person })
    }

    /// The table of the people: one further set is filled with them.
    pub fn people_table(&self) -> TableName {
        self.person.target.clone()
    }

    /// Such as "3,112 direct messages of 48 people"; nothing where there are none. `people` is an empty set of their table.
    /// Blocks.
    ///
    /// # Errors
    /// `Source` if the people cannot be counted.
    pub fn count(
        &self,
        snapshot: &mut dyn Snapshot,
        subset: &SubsetPlan,
        filled: &FilledSets,
        people: KeySetId,
    ) -> Result<Option<String>> {
        let (records, person) = (&self.notice.records.0, &self.notice.people.0);
        let by_rule = filled.records.get(&records.table).map(|counted| &counted.by_rule);
        let count = by_rule.and_then(|rules| rules.get(&format!("by {records}"))).copied().unwrap_or(0);
        let Some(part) = subset.tables.get(&person.table).filter(|_| count > 0) else { return Ok(None) };
        let children = if let Membership::Keys(set) = part.rows { Some(set) } else { None };
        let rows = Rows::Parents { child: person.table.clone(), key: self.person.clone(), children };
        let step = Step { into: people, rows, within: Vec::new(), except: Vec::new() };
        let number = u32::try_from(filled.rounds.len() + 1).unwrap_or(u32::MAX);
        let persons = snapshot.run_step(&step, Round { number, since: 0 })?;
        let persons = match persons {
            // The table that names them was not asked for.
            0 => String::new(),
            1 => " of 1 person".to_owned(),
            more => format!(" of {} people", text::count(more)),
        };
        Ok(Some(format!("{} {}{persons}", text::count(count), self.notice.contains)))
    }
}
