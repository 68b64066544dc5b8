//! Drafts a profile for a database that has none: every class is a guess with its reason.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::draft_auth::{HashStatsByColumn, suggest_auth};
use super::infer::{self, Inference};
use super::toml_text::{toml_key, toml_string};
use super::{ColumnProfile, ColumnSampler, Origin, OutsideRules, Profile, Scopes, TableProfile, Treatments};
use crate::model::catalog::ColumnSchema;
use crate::model::classification::Classification;
use crate::model::drift::{Guess, ProfileLine};
use crate::model::name::TableName;
use crate::server::rows::{Catalog, Table};

/// A drafted profile: TOML to review and correct, or a profile to use unchanged.
#[derive(Debug)]
pub struct Draft {
    name: String,
    tables: Vec<(Table, Vec<Inference>)>,
    stored_passwords: HashStatsByColumn,
}

/// Guesses the class of every column, from the sampled values of its table where there are any.
#[must_use]
pub fn draft(name: &str, catalog: &Catalog, samples: &BTreeMap<TableName, ColumnSampler>) -> Draft {
    let guessed = |table: &Table| -> Vec<Inference> {
        let columns = 0..table.columns.len();
        match samples.get(&table.name) {
            Some(sample) => columns.map(|at| infer::by_values(table, at, sample)).collect(),
            None => columns.map(|at| infer::by_name(table, &table.columns[at])).collect(),
        }
    };
    let tables = catalog.tables.iter().map(|table| (table.clone(), guessed(table)));
    let hash_stats = samples.iter().flat_map(|(table, sample)| sample.hash_stats(table)).collect();
    Draft { name: name.to_owned(), tables: tables.collect(), stored_passwords: hash_stats }
}

impl Draft {
    /// Turns the guesses into a profile that an export can use.
    #[must_use]
    pub fn into_profile(self) -> Profile {
        let (mut tables, mut guesses) = (BTreeMap::new(), Vec::new());
        for (table, guessed) in self.tables {
            let mut columns = BTreeMap::new();
            for (column, Inference { class, reason }) in table.columns.iter().zip(guessed) {
                let is_withheld = class == Classification::Secret;
                let line = is_withheld.then(|| ProfileLine {
                    under: columns_header(&table),
                    line: column_line(column, Classification::Plain),
                });
                guesses.push(Guess { field: table.name.field(&column.name), class, reason, line });
                let profile =
                    ColumnProfile { class, codec: None, native_type: None, on_import: None, set_by_target: false };
                columns.insert(column.name.clone(), profile);
            }
            tables.insert(table.name, TableProfile { columns, ..TableProfile::default() });
        }
        Profile {
            filters: BTreeMap::new(),
            scopes: Scopes::default(),
            references: Vec::new(),
            outside: OutsideRules::new(),
            file_name: file_name(&self.name),
            name: self.name,
            app_version: None,
            notice: None,
            auth: None,
            roles: BTreeMap::new(),
            treatments: Treatments::default(),
            tables,
            guesses,
            origin: Origin::Guess,
        }
    }

    /// Returns the profile as TOML, the reasons as comments. `database` names the database.
    #[must_use]
    pub fn to_toml(&self, database: &str) -> String {
        let mut out = format!(
            "# Drafted from {database}. Every class is a guess, followed by its reason: review and correct them.\n\
             # plain · personal · sensitive · secret (its holder can sign in as somebody else; always left out)\n\n\
             name = {}\nfile_name = {}\n\n\
             # [treatments]            # keep (the default), omit, mask or pseudonymise\n\
             # personal = \"keep\"\n# sensitive = \"keep\"\n\n",
            toml_string(&self.name),
            toml_string(&file_name(&self.name))
        );
        out.push_str(&suggest_auth(self.tables.iter().map(|(table, _)| table), &self.stored_passwords));
        for (table, guesses) in &self.tables {
            let _ = writeln!(out, "{}", columns_header(table));
            for (column, Inference { class, reason }) in table.columns.iter().zip(guesses) {
                let _ = writeln!(out, "{}  # {reason}", column_line(column, *class));
            }
            out.push('\n');
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    format!("{}-export-{{date}}-{{time}}.json", name.chars().map(plain).collect::<String>())
}

/// `email = { class = "personal", type = "text" }`.
pub fn column_line(column: &ColumnSchema, class: Classification) -> String {
    let name = toml_key(&column.name);
    format!("{name} = {{ class = \"{}\", type = {} }}", class.as_str(), toml_string(&column.native_type))
}

/// The TOML header of a table's columns.
pub fn columns_header(table: &Table) -> String {
    format!("[tables.{}.columns]", toml_key(table.name.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::catalog::Codec;
    use crate::model::export::DriftPolicy;
    use crate::model::manifest::RecordOrder;

    fn table(name: &str, columns: &[String]) -> Table {
        let column = |name: &String| ColumnSchema {
            name: name.clone(),
            native_type: "character varying(5)".into(),
            codec: Codec::Text,
            nullable: true,
            generated: false,
            computed_from: vec![],
            identity: None,
            references: None,
            comment: None,
        };
        let columns = columns.iter().map(column).collect();
        Table { name: name.into(), columns, primary_key: vec![], foreign_keys: vec![], indexed: vec![], comment: None }
    }

    proptest! {
        #[test]
        fn a_draft_of_any_names_is_a_profile_without_drift(name in any::<String>(), columns in proptest::collection::btree_set(any::<String>(), 0..4)) {
            let columns: Vec<String> = columns.into_iter().collect();
            let catalog = Catalog { tables: vec![table(&name, &columns)], ..Catalog::default() };
            let text = draft("x", &catalog, &BTreeMap::new()).to_toml("a test");
            let profile = Profile::from_toml(&text).unwrap();
            prop_assert!(profile.drift(&catalog).is_empty());
            prop_assert!(profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report).unwrap().redaction.unclassified.is_empty());
        }
    }
}
