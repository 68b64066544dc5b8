//! Random data of a person, out and back in, in each mode.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::test_runner::{TestCaseResult, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use waybill::server::profile::builtin::carol::SampleSpec;

use super::import::TABLES;
use super::kept_data::{KeptData, Key, Rows, rows};
use super::own_import::{Console, IMPORT, export, import};
use super::{Archive, Carol};
use crate::harness::Browser;
use crate::imports::{random_cases, random_cases_by};

const CAROL: &str = "carol@sample.test";
const FEW_PEOPLE: SampleSpec = SampleSpec { users: 4, people: 3, seed: 1 };
/// A replacement needs a fresh sign-in, and many cases take longer than that lasts.
const CASES_OF_A_SIGN_IN: usize = 50;

/// Columns of texts that nothing is known by, and whether they may be empty.
const TEXTS: [(&str, &str, bool); 9] = [
    ("people", "given_name", false),
    ("people", "nickname", true),
    ("notes", "title", true),
    ("notes", "body", false),
    ("person_notes", "body", false),
    ("jobs", "employer", false),
    ("projects", "description", true),
    ("education", "notes", true),
    ("profiles", "summary", true),
];
/// Tables whose rows nothing refers to.
const LEAVES: [&str; 10] = [
    "person_notes",
    "person_dates",
    "person_contacts",
    "person_tags",
    "person_relations",
    "organization_key_people",
    "organization_links",
    "contributions",
    "education",
    "notes",
];
/// References that may be empty.
const REFERENCES: [(&str, &str, &str); 6] = [
    ("jobs", "organization_id", "organizations"),
    ("people", "organization_id", "organizations"),
    ("people", "introduced_by_id", "people"),
    ("organizations", "parent_id", "organizations"),
    ("organizations", "primary_person_id", "people"),
    ("projects", "job_id", "jobs"),
];

/// What YAML readers take for something else.
const HARD_TEXTS: [&str; 16] = [
    "",
    " ",
    "no",
    "~",
    "null",
    "1e3",
    "0x1f",
    "- a",
    "a: b",
    "2026-01-01",
    "# x",
    "\t",
    "a\n\n b ",
    "\u{feff}",
    "\u{2028}",
    "'\"\\",
];

/// What somebody does to their data. Rows are known by their number.
#[derive(Clone, Debug)]
enum Change {
    Text { column: usize, row: usize, text: Option<String> },
    Reference { column: usize, row: usize, to: Option<usize> },
    Skills { row: usize, skills: Vec<usize> },
    Insert { id: u32, person: usize, text: String },
    Delete { table: usize, row: usize },
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().filter(|char| *char != '\0').collect()),
        proptest::sample::select(&HARD_TEXTS[..]).prop_map(str::to_owned),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let row = || 0..12_usize;
    let change = prop_oneof![
        4 => (0..TEXTS.len(), row(), proptest::option::of(texts()))
            .prop_map(|(column, row, text)| Change::Text { column, row, text }),
        2 => (0..REFERENCES.len(), row(), proptest::option::of(row()))
            .prop_map(|(column, row, to)| Change::Reference { column, row, to }),
        1 => (row(), vec(row(), 0..3)).prop_map(|(row, skills)| Change::Skills { row, skills }),
        2 => (any::<u32>(), row(), texts()).prop_map(|(id, person, text)| Change::Insert { id, person, text }),
        2 => (0..LEAVES.len(), row()).prop_map(|(table, row)| Change::Delete { table, row }),
    ];
    vec(change, 0..8)
}

fn literal(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

/// The id of a row of the user's, or NULL.
fn nth(table: &str, user: &str, row: usize) -> String {
    let count = format!("(SELECT {row} % (count(*) + 1) FROM {table} WHERE user_id = '{user}')");
    format!("(SELECT id FROM {table} WHERE user_id = '{user}' ORDER BY id LIMIT 1 OFFSET {count})")
}

impl Change {
    /// `json` is the type of JSON in this database.
    fn sql(&self, user: &str, json: &str) -> String {
        match self {
            Self::Text { column, row, text } => {
                let (table, column, is_nullable) = TEXTS[*column];
                let text = text.as_deref().or_else(|| (!is_nullable).then_some(""));
                format!("UPDATE {table} SET {column} = {} WHERE id = {};", literal(text), nth(table, user, *row))
            }
            Self::Reference { column, row, to } => {
                let (table, column, target) = REFERENCES[*column];
                let to = to.map_or_else(|| "NULL".to_owned(), |to| nth(target, user, to));
                format!("UPDATE {table} SET {column} = {to} WHERE id = {};", nth(table, user, *row))
            }
            Self::Skills { row, skills } => {
                let skills = skills.iter().map(|skill| format!("coalesce({}, 'none')", nth("skills", user, *skill)));
                let list = skills.collect::<Vec<_>>().join(" || '\", \"' || ");
                let list = if list.is_empty() { "'[]'".to_owned() } else { format!("'[\"' || {list} || '\"]'") };
                format!(
                    "UPDATE contributions SET skill_ids = CAST({list} AS {json}) WHERE id = {};",
                    nth("contributions", user, *row)
                )
            }
            Self::Insert { id, person, text } => format!(
                "INSERT INTO person_notes SELECT '01990000-0000-7000-8000-0000{id:08x}', '{user}', id, {}, created_at, created_at,
                 updated_at FROM people WHERE id = {} ON CONFLICT DO NOTHING;",
                literal(Some(text)),
                nth("people", user, *person)
            ),
            Self::Delete { table, row } => match LEAVES[*table] {
                "person_tags" => format!("DELETE FROM person_tags WHERE person_id = {};", nth("people", user, *row)),
                table => format!("DELETE FROM {table} WHERE id = {};", nth(table, user, *row)),
            },
        }
    }
}

/// The console, and the database as it is before each case.
struct Ground {
    runtime: Runtime,
    console: Console,
    user: String,
    pristine: KeptData,
}

impl Ground {
    fn new(carol: Carol) -> Self {
        let runtime = Runtime::new().unwrap();
        let console = runtime.block_on(Console::on(carol, true));
        let (pristine, user) = (KeptData::of(&console.carol), console.carol.user(CAROL));
        Self { runtime, console, user, pristine }
    }

    fn sign_in(&self) -> Browser {
        self.runtime.block_on(self.console.browser(CAROL))
    }

    fn reset(&self) {
        self.pristine.put_back(&self.console.carol);
    }

    fn apply(&self, changes: &[Change]) {
        let json = if self.console.carol.is_in_postgres() { "jsonb" } else { "text" };
        let sql = changes.iter().map(|change| change.sql(&self.user, json)).collect::<String>();
        self.console.carol.execute(&format!("BEGIN; {sql} COMMIT;"));
    }

    /// What the database has, of everybody.
    fn rows(&self) -> Rows {
        rows(&self.console.carol)
    }

    fn is_own(&self, (key, row): &(&Key, &Map<String, Value>)) -> bool {
        TABLES.contains(&key.0) && row["user_id"].as_str() == Some(&self.user)
    }

    fn export(&self, browser: &Browser) -> Vec<u8> {
        self.runtime.block_on(export(browser))
    }

    /// Imports, and returns the answer.
    fn import(&self, browser: &Browser, file: &[u8], mode: &str) -> Value {
        let answer = self.runtime.block_on(async {
            if mode == "replace" {
                let fields = [("mode", &b"replace"[..]), ("confirm", b"replace"), ("file", file)];
                browser.send_form(IMPORT, &fields, &[]).await
            } else {
                import(browser, file, mode, "").await
            }
        });
        assert_eq!(answer.status, 200, "{mode}: {}", answer.text());
        // Which import came later is told by the time in its id.
        self.console.waybill.clock.advance(TimeDelta::seconds(1));
        answer.json()
    }

    fn undo(&self, browser: &Browser, imported: &Value) {
        let Some(id) = imported["undo"].as_str() else { return };
        let answer = self.runtime.block_on(browser.post(&format!("{IMPORT}/{id}/undo"), ""));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Created, updated and removed records.
fn effect(imported: &Value) -> [u64; 3] {
    ["created", "updated", "removed"].map(|what| imported["effect"][what].as_u64().unwrap())
}

/// What an archive says, but for when it was made.
fn content(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let entries = Archive::of(file).entries.into_iter();
    entries.filter(|(name, _)| !matches!(name.as_str(), "manifest.yaml" | "waybill.json")).collect()
}

/// Which columns copies have of their own: names that one person has once, and files.
fn is_given_anew(table: &str, column: &str) -> bool {
    matches!((table, column), ("organizations" | "skill_sections", "name") | ("media", "storage_key"))
}

/// The rows that are in `after` and not in `before`, as those of the archive that they are copies of.
fn copied(before: &Rows, after: &Rows, imported: &Value) -> (BTreeMap<Key, Value>, BTreeSet<String>) {
    let ids: Vec<(String, String)> = imported["idMap"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row[2].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned()))
        .collect();
    let mut originals = BTreeMap::new();
    for ((table, key), row) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let mut text = json!([key, without(table, row)]).to_string();
        for (new, old) in &ids {
            text = text.replace(new, old);
        }
        let mut original: Value = serde_json::from_str(&text).unwrap();
        let key = original[0].as_str().unwrap().to_owned();
        originals.insert((*table, key), original[1].take());
    }
    (originals, ids.into_iter().map(|(new, _)| new).collect())
}

fn without(table: &str, row: &Map<String, Value>) -> Map<String, Value> {
    row.iter()
        .filter(|(name, _)| !is_given_anew(table, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// An archive, and what has been done since.
struct Case<'c> {
    ground: &'c Ground,
    browser: &'c Browser,
    file: Vec<u8>,
    archived: Rows,
    before: Rows,
}

impl Case<'_> {
    fn check(&self, mode: &str) -> TestCaseResult {
        match mode {
            "replace" => self.check_replacement()?,
            "merge" => self.check_merge()?,
            _ => self.check_copies()?,
        }
        // All is undone.
        proptest::prop_assert_eq!(&self.ground.rows(), &self.before);
        Ok(())
    }

    fn check_replacement(&self) -> TestCaseResult {
        let Self { ground, browser, file, archived, .. } = self;
        let replaced = ground.import(browser, file, "replace");
        proptest::prop_assert_eq!(&ground.rows(), archived);
        proptest::prop_assert_eq!(content(&ground.export(browser)), content(file));
        ground.undo(browser, &replaced);
        Ok(())
    }

    fn check_merge(&self) -> TestCaseResult {
        let Self { ground, browser, file, before, .. } = self;
        let expected: Rows = before.clone().into_iter().chain(self.own()).collect();
        let merged = ground.import(browser, file, "merge");
        proptest::prop_assert_eq!(&ground.rows(), &expected);
        let again = ground.import(browser, file, "merge");
        proptest::prop_assert_eq!(effect(&again), [0, 0, 0]);
        ground.undo(browser, &again);
        ground.undo(browser, &merged);
        Ok(())
    }

    fn check_copies(&self) -> TestCaseResult {
        let Self { ground, browser, file, before, .. } = self;
        // The profile is there once.
        let copies = self.own().into_iter().filter(|((table, _), _)| *table != "profiles");
        let copies: BTreeMap<Key, Value> =
            copies.map(|(key, row)| (key.clone(), json!(without(key.0, &row)))).collect();
        let first = ground.import(browser, file, "copy");
        let once = ground.rows();
        let second = ground.import(browser, file, "copy");
        let twice = ground.rows();
        let (of_first, ids_of_first) = copied(before, &once, &first);
        let (of_second, ids_of_second) = copied(&once, &twice, &second);
        proptest::prop_assert_eq!(&of_first, &copies);
        proptest::prop_assert_eq!(&of_second, &copies);
        proptest::prop_assert!(ids_of_first.is_disjoint(&ids_of_second));
        proptest::prop_assert!(before.iter().all(|(key, row)| twice.get(key) == Some(row)));
        ground.undo(browser, &second);
        ground.undo(browser, &first);
        Ok(())
    }

    /// What the archive has.
    fn own(&self) -> Rows {
        let own = self.archived.iter().filter(|row| self.ground.is_own(row));
        own.map(|(key, row)| (key.clone(), row.clone())).collect()
    }
}

/// Tries random cases with the data of this database.
fn check(carol: Carol, mut cases: TestRunner) {
    let ground = Ground::new(carol);
    let signed_in = RefCell::new((ground.sign_in(), 0));
    let modes = proptest::sample::select(&["replace", "merge", "copy"][..]);
    let checked = cases.run(&(changes(), changes(), modes), |(then, since, mode)| {
        let (browser, cases) = &mut *signed_in.borrow_mut();
        if *cases >= CASES_OF_A_SIGN_IN {
            (*browser, *cases) = (ground.sign_in(), 0);
        }
        *cases += 1;
        ground.reset();
        ground.apply(&then);
        let (archived, file) = (ground.rows(), ground.export(browser));
        ground.apply(&since);
        let before = ground.rows();
        Case { ground: &ground, browser, file, archived, before }.check(mode)
    });
    checked.unwrap();
}

#[test]
fn random_data_of_a_person_comes_back_as_each_mode_means_it_and_every_undo_leaves_what_was() {
    check(Carol::new(&FEW_PEOPLE), random_cases());
}

/// PostgreSQL takes longer for a case.
#[test]
fn random_data_of_a_person_comes_back_on_postgres_too() {
    check(Carol::in_postgres(&FEW_PEOPLE), random_cases_by(20));
}
