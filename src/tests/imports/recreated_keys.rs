//! Owners of empty tables: their foreign keys are dropped and created again, so that all references are checked at once, and afterwards
//! everything is as it was.

use super::*;

/// Two tables that refer to each other, one that refers to itself, and one that names its parent by two columns and comes before it.
const SCHEMA: &str = "CREATE TABLE teams (id bigint PRIMARY KEY, lead bigint);
     CREATE TABLE people (id bigint PRIMARY KEY, team bigint NOT NULL, boss bigint, name text, UNIQUE (team, name));
     CREATE TABLE badges (id bigint PRIMARY KEY, team bigint, name text);
     ALTER TABLE teams ADD CONSTRAINT \"led by\" FOREIGN KEY (lead) REFERENCES people ON DELETE SET NULL;
     ALTER TABLE people ADD FOREIGN KEY (team) REFERENCES teams ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
         ADD FOREIGN KEY (boss) REFERENCES people ON UPDATE CASCADE;
     ALTER TABLE badges ADD CONSTRAINT \"of a person\" FOREIGN KEY (team, name) REFERENCES people (team, name) MATCH FULL;";

const ROWS: &str = "INSERT INTO teams VALUES (1, 11), (2, NULL);
     INSERT INTO people VALUES (10, 1, 11, 'Ada'), (11, 1, NULL, 'Bob'), (12, 2, 10, 'Ada');
     INSERT INTO badges VALUES (5, 1, 'Ada'), (6, NULL, NULL);";

/// The keys as the catalog has them, with what they do.
const KEYS: &str = "SELECT string_agg(concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(k.oid), convalidated,
        (SELECT string_agg(concat_ws(' ', tgrelid::regclass, tgfoid::regproc, tgenabled), ', ' ORDER BY tgrelid, tgfoid)
           FROM pg_trigger WHERE tgconstraint = k.oid), obj_description(k.oid, 'pg_constraint')), E'\\n' ORDER BY conrelid::regclass::text, conname)
    FROM pg_constraint k WHERE contype = 'f'";

/// The keys that are still the ones which they were.
fn untouched(server: &Postgres, name: &str, before: &str) -> Vec<String> {
    let now = server.sql_as("waybill_owner", name, OIDS);
    let before: Vec<&str> = before.lines().collect();
    now.lines().filter(|key| before.contains(key)).map(|key| key.split('|').next().unwrap().to_owned()).collect()
}

const OIDS: &str = "SELECT conname, oid FROM pg_constraint WHERE contype = 'f' ORDER BY conname";

fn export_rows(folder: &Path, server: &Postgres, rows: &str) {
    server.sql_as("postgres", "postgres", "DROP DATABASE IF EXISTS source");
    let _ = fs::remove_file(folder.join("teams.json"));
    let free = SCHEMA.split("ALTER TABLE").next().unwrap();
    export(folder, &database(server, "source", &format!("{free}{rows}")), "teams.json");
}

#[test]
fn keys_that_were_dropped_for_an_import_are_as_they_were_and_hold() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    export_rows(folder, &server, ROWS);
    let url = database(&server, "target_copy", SCHEMA);
    let sql = |sql: &str| server.sql_as("waybill_owner", "target_copy", sql);
    let (keys, oids) = (sql(KEYS), sql(OIDS));
    let imported = import(folder, "teams.json", &url, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(sql(KEYS), keys);
    assert_eq!(untouched(&server, "target_copy", &oids), [""; 0]);
    export(folder, &url, "again.json");
    assert_eq!(table_digests(folder, "again.json"), table_digests(folder, "teams.json"));
    sql("DELETE FROM badges; DELETE FROM people WHERE id IN (10, 12)");
    assert_eq!(sql("SELECT count(*) FROM people"), "1");
    sql("DELETE FROM people WHERE id = 11");
    assert_eq!(sql("SELECT count(lead) FROM teams"), "0");
}

#[test]
fn a_reference_that_leads_nowhere_ends_the_import_and_the_keys_are_there() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let url = database(&server, "target_copy", SCHEMA);
    let sql = |sql: &str| server.sql_as("waybill_owner", "target_copy", sql);
    let oids = sql(OIDS);
    for (rows, constraint) in [
        (
            "INSERT INTO teams VALUES (1, 11)",
            "a record of teams is refused by the database: it refers to a record that is not there (led by)",
        ),
        ("INSERT INTO people VALUES (10, 1, NULL, 'Ada')", "(people_team_fkey)"),
        ("INSERT INTO teams VALUES (1, NULL); INSERT INTO people VALUES (10, 1, 11, 'Ada')", "(people_boss_fkey)"),
        ("INSERT INTO badges VALUES (5, 1, 'Ada')", "(of a person)"),
        ("INSERT INTO badges VALUES (5, 1, NULL)", "(of a person)"),
    ] {
        export_rows(folder, &server, rows);
        for options in [&["--dry-run"][..], &[]] {
            let refused = import(folder, "teams.json", &url, options);
            assert_eq!(refused.code, 3, "{rows}: {}", refused.text());
            assert!(!options.is_empty() || refused.stderr.contains(constraint), "{rows}: {}", refused.stderr);
        }
        assert_eq!(
            sql("SELECT (SELECT count(*) FROM teams) + (SELECT count(*) FROM people) + (SELECT count(*) FROM badges)"),
            "0"
        );
        assert_eq!(sql(OIDS), oids);
    }
}

#[test]
fn keys_that_could_not_be_told_from_others_afterwards_stay_and_check_each_row() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    export_rows(folder, &server, ROWS);
    let all = ["led by", "of a person", "people_boss_fkey", "people_team_fkey"];
    for (number, (further, as_superuser, stays)) in [
        ("COMMENT ON CONSTRAINT \"led by\" ON teams IS 'who decides'", "", &all[..1]),
        (
            "ALTER TABLE badges DROP CONSTRAINT \"of a person\"; ALTER TABLE badges ADD CONSTRAINT \"of a person\" \
          FOREIGN KEY (team, name) REFERENCES people (team, name) NOT VALID",
            "",
            &all[1..2],
        ),
        (
            "",
            "DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE badges DISABLE TRIGGER %I', tgname) FROM pg_trigger \
              WHERE tgrelid = 'badges'::regclass LIMIT 1); END $$",
            &all[1..2],
        ),
        (
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
          CREATE TRIGGER quiet AFTER DELETE ON badges EXECUTE FUNCTION nothing()",
            "",
            &all[..],
        ),
        (
            "",
            "CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; \
              CREATE EVENT TRIGGER seen ON sql_drop EXECUTE FUNCTION see()",
            &all[..],
        ),
        ("", "ALTER TABLE people OWNER TO postgres; GRANT ALL ON people TO waybill_owner", &all[..]),
    ]
    .into_iter()
    .enumerate()
    {
        // Whoever may put checks off needs no order of the tables.
        let later = "ALTER TABLE teams ALTER CONSTRAINT \"led by\" DEFERRABLE; ALTER TABLE badges ALTER CONSTRAINT \"of a person\" DEFERRABLE;";
        let name = format!("target_{number}");
        let url = database(&server, &name, &format!("{SCHEMA}{later}{further}"));
        server.sql_as("postgres", &name, as_superuser);
        let (keys, oids) = (server.sql_as("waybill_owner", &name, KEYS), server.sql_as("waybill_owner", &name, OIDS));
        let imported = import(folder, "teams.json", &url, &[]);
        assert_eq!(imported.code, 0, "{further}{as_superuser}: {}", imported.stderr);
        assert_eq!(untouched(&server, &name, &oids), stays, "{further}{as_superuser}");
        assert_eq!(server.sql_as("waybill_owner", &name, KEYS), keys, "{further}{as_superuser}");
    }
}

#[test]
fn a_key_into_a_table_that_the_file_does_not_have_checks_each_row() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    export_rows(folder, &server, ROWS);
    let further = "CREATE TABLE regions (name text PRIMARY KEY); INSERT INTO regions VALUES ('Ada'), ('Bob');
         ALTER TABLE people ADD CONSTRAINT \"in a region\" FOREIGN KEY (name) REFERENCES regions;";
    let url = database(&server, "target_copy", &format!("{SCHEMA}{further}"));
    let oids = server.sql_as("waybill_owner", "target_copy", OIDS);
    let imported = import(folder, "teams.json", &url, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(untouched(&server, "target_copy", &oids), ["in a region"]);
}
