//! A record or a table of a full export, brought back with what it needs.

use super::undo::undo;
use super::*;

/// Teams with a leader among their people, who may have a boss: what a record needs is several steps away, and comes back to itself.
const PEOPLE: &str = "CREATE TABLE teams (country TEXT NOT NULL, n INTEGER NOT NULL, name TEXT, leader INTEGER, PRIMARY KEY (country, n),
         FOREIGN KEY (leader) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED);
     CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss INTEGER REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
         country TEXT, team INTEGER, FOREIGN KEY (country, team) REFERENCES teams (country, n) DEFERRABLE INITIALLY DEFERRED);
     CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id), text TEXT);";
const ROWS: &str = "INSERT INTO teams VALUES ('nz', 1, 'One', 3), ('nz', 2, 'Two', NULL), ('au', 1, 'Three', 5);
     INSERT INTO people VALUES (1, 'Ada', 2, 'nz', 2), (2, 'Bob', 3, 'nz', NULL), (3, 'Cay', NULL, 'nz', 1), (4, 'Dan', 4, NULL, NULL),
         (5, 'Eve', NULL, 'au', 1);
     INSERT INTO notes VALUES (10, 1, 'a'), (11, 4, 'b'), (12, 5, 'c');";

/// An export of these people, and an empty database of each engine.
fn people(folder: &Path, server: &Postgres, rows: &str) -> [String; 2] {
    let (_, source) = sqlite(folder, "people.db", &format!("{PEOPLE} BEGIN; {ROWS} COMMIT"));
    export(folder, &source, "people.json");
    let deferred =
        PEOPLE.replace("FOREIGN KEY (leader) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED", "CHECK (n > 0)");
    let leader = "ALTER TABLE teams ADD FOREIGN KEY (leader) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;";
    [
        sqlite(folder, "target.db", &format!("{PEOPLE} BEGIN; {rows} COMMIT")).1,
        database(server, "people_copy", &format!("{deferred}{leader} BEGIN; {rows} COMMIT")),
    ]
}

/// The ids and names that a database has: teams, people, notes.
fn names(folder: &Path, url: &str) -> String {
    export(folder, url, "now.json");
    let data = parse_export(&fs::read(folder.join("now.json")).unwrap()).data;
    fs::remove_file(folder.join("now.json")).unwrap();
    let column = |table: &str, column: &str| {
        let mut texts: Vec<String> =
            data[table].iter().map(|record| record[column].to_string().replace('"', "")).collect();
        texts.sort();
        texts.join(",")
    };
    format!("{} {} {}", column("teams", "name"), column("people", "name"), column("notes", "id"))
}

#[test]
fn a_record_comes_back_with_what_it_refers_to_and_nothing_else() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    // Bob is there, under another name: he is referred to, and stays as he is.
    for url in people(folder, &server, "INSERT INTO people VALUES (2, 'Robert', NULL, NULL, NULL);") {
        let note = ["--mode", "merge", "--table", "notes", "--key", "10"];
        let planned = import(folder, "people.json", &url, &[&note[..], &["--dry-run"]].concat());
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        let told = planned.text();
        assert!(
            told.starts_with("would import: 6 records in 3 tables, 5 new, 1 unchanged; nothing was written\n"),
            "{told}"
        );
        assert_eq!(names(folder, &url), " Robert ");
        let imported = import(folder, "people.json", &url, &[&note[..], &["--json"]].concat());
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        // Ada's boss is Bob, whose boss is Cay, who is in team One; Ada is in team Two.
        assert_eq!(names(folder, &url), "One,Two Ada,Cay,Robert 10");
        let report: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();
        let undone = undo(folder, &url, report["undo"].as_str().unwrap(), &[]);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        assert_eq!(names(folder, &url), " Robert ");
    }
}

#[test]
fn a_table_comes_back_whole_and_a_record_by_each_column_of_its_key() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for url in people(folder, &server, "") {
        let team = import(folder, "people.json", &url, &["--table", "teams", "--key", "n=1", "--key", "country=au"]);
        assert_eq!(team.code, 0, "{}", team.stderr);
        assert_eq!(names(folder, &url), "Three Eve ");
        let refused = import(folder, "people.json", &url, &["--table", "teams"]);
        assert!(refused.stderr.contains("teams has 1 record already"), "what is asked for: {}", refused.stderr);
        let notes = import(folder, "people.json", &url, &["--table", "notes", "--mode", "append"]);
        assert_eq!(notes.code, 0, "{}", notes.stderr);
        assert_eq!(names(folder, &url), "One,Three,Two Ada,Bob,Cay,Dan,Eve 10,11,12");
        let again = import(folder, "people.json", &url, &["--table", "notes", "--mode", "append", "--key", "11"]);
        assert_eq!(again.code, 3, "{}", again.text());
    }
}

#[test]
fn what_is_not_in_the_file_is_told_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, source) =
        sqlite(folder, "people.db", &format!("{PEOPLE} CREATE TABLE loose (n INTEGER); BEGIN; {ROWS} COMMIT"));
    export(folder, &source, "people.json");
    let (path, url) = sqlite(folder, "target.db", PEOPLE);
    for (options, why) in [
        (&["--table", "nowhere"][..], "the file has no table nowhere"),
        (&["--table", "people", "--key", "99"], "people has no record with this key in the file"),
        (
            &["--table", "teams", "--key", "1"],
            "the key of teams needs a value for each of its columns: --key country=VALUE --key n=VALUE",
        ),
        (
            &["--table", "people", "--key", "id=1", "--key", "id=2"],
            "the key of people needs a value for each of its columns",
        ),
        (&["--table", "loose", "--key", "1"], "loose has no primary key: leave --key away"),
        (&["--table", "loose"], "loose has no records in the file"),
    ] {
        let refused = import(folder, "people.json", &url, options);
        assert_eq!(refused.code, 3, "{options:?} {}{}", refused.text(), refused.stderr);
        assert!(refused.stderr.contains(why), "{options:?} {}", refused.stderr);
    }
    assert_eq!(import(folder, "people.json", &url, &["--key", "1"]).code, 2);
    assert_eq!(count(&path, "people"), 0);
}

#[test]
fn a_plan_of_one_part_is_no_plan_of_another() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (_, url) = sqlite(folder, "target.db", SHOP_ON_SQLITE);
    let plan = |options: &[&str]| {
        let planned =
            import(folder, "shop.json", &url, &[options, &["--dry-run", "--json", "--mode", "append"]].concat());
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        let report: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
        report["plan"].as_str().unwrap().to_owned()
    };
    let part = |id| ["--table", "customers", "--key", id];
    let first = plan(&part("1"));
    assert_ne!(first, plan(&part("2")), "both add one record");
    let planned = import(
        folder,
        "shop.json",
        &url,
        &[&part("1")[..], &["--mode", "append", "--dry-run", "--output", "plan.json"]].concat(),
    );
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    for (options, why) in [(&[][..], "the plan is for customers 1"), (&part("2")[..], "the plan is for customers 1")] {
        let refused =
            import(folder, "shop.json", &url, &[options, &["--mode", "append", "--plan", "plan.json"]].concat());
        assert_eq!(refused.code, 8, "{}", refused.stderr);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    let imported =
        import(folder, "shop.json", &url, &[&part("1")[..], &["--mode", "append", "--plan", &first]].concat());
    assert_eq!(imported.code, 0, "{}", imported.stderr);
}

/// Who is asked for is replaced; who is above them is not.
#[test]
fn records_of_the_same_table_that_are_only_referred_to_stay_as_they_are() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let there = "INSERT INTO people VALUES (3, 'Cay now', NULL, NULL, NULL), (1, 'Ada now', NULL, NULL, NULL);";
    for url in people(folder, &server, there) {
        for options in [
            &["--mode", "merge", "--dry-run", "--output", "plan.json"][..],
            &["--mode", "merge", "--plan", "plan.json"],
        ] {
            let imported =
                import(folder, "people.json", &url, &[&["--table", "people", "--key", "id=1"], options].concat());
            assert_eq!(imported.code, 0, "{options:?} {}", imported.stderr);
            let told = imported.text();
            assert!(told.contains("5 records in 2 tables, 3 new, 1 changed, 1 unchanged"), "{options:?} {told}");
        }
        let verified = run(folder, &["verify", "plan.json"]);
        assert_eq!(verified.code, 0, "one table, filled in two goes: {}{}", verified.text(), verified.stderr);
        fs::remove_file(folder.join("plan.json")).unwrap();
        assert_eq!(names(folder, &url), "One,Two Ada,Bob,Cay now ");
        let again = import(folder, "people.json", &url, &["--mode", "append", "--table", "people", "--key", "2"]);
        assert_eq!(again.code, 3, "{}", again.text());
        assert!(again.stderr.contains("1 record of people have a key that is there already"), "{}", again.stderr);
        let report = run(folder, &["import", "undo", "--target", &url]).text();
        let undone = undo(folder, &url, report.split_whitespace().next().unwrap(), &[]);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        assert_eq!(names(folder, &url), " Ada now,Cay now ");
    }
}

#[test]
fn a_part_of_a_large_file_comes_back_and_what_refers_too_far_is_refused() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let schema = "CREATE TABLE p (id INTEGER PRIMARY KEY, prev INTEGER REFERENCES p (id), body TEXT);";
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         INSERT INTO p SELECT i, CASE WHEN i % 200 > 1 THEN i - 1 END, 'some text of a record' FROM n;";
    let (_, source) = sqlite(folder, "source.db", &format!("{schema} {rows}"));
    export(folder, &source, "large.json");
    let (path, url) = sqlite(folder, "target.db", schema);
    let imported = import(folder, "large.json", &url, &["--table", "p", "--key", "35050"]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(count(&path, "p"), 50);
    let refused = import(folder, "large.json", &url, &["--mode", "merge", "--table", "p", "--key", "35199"]);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("or further than 100 steps: import the whole file"), "{}", refused.stderr);
}
