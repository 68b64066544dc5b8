//! A table's owner must not gain rights of the user who reads the table.

use tempfile::TempDir;
use waybill::server::source::{Error, Kind, Predicate, Source};

use crate::harness::{Postgres, WaybillCommand, connect_source};

/// The owner can create an index between the check of a table and the reading of its rows; a user who only reads
/// cannot prevent it.
#[test]
fn a_user_with_more_rights_than_a_tables_owner_reads_it_only_with_trust_owner() {
    let server = Postgres::start();
    server.sql(
        "CREATE TABLE things (id integer PRIMARY KEY); INSERT INTO things VALUES (1); CREATE TABLE others (id integer);
         CREATE TABLE parts (id integer) PARTITION BY RANGE (id);
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (9)",
    );
    server.sql_as(
        "postgres",
        "app",
        "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
         CREATE ROLE stranger; CREATE TABLE secrets (id integer);",
    );
    let folder = TempDir::new().unwrap();
    let export = |user: &str, more: &[&str]| {
        let url = server.url_as(user, "app");
        let arguments = [&["export", "--source", &url, "--output", "out.json", "--force"], more].concat();
        WaybillCommand::new(folder.path()).run(arguments)
    };
    // Role names may contain any character.
    let trust_options = ["--trust-owner", r#"quo"te\d"#, "--trust-owner", "waybill_owner"];
    let refused = export("postgres", &[]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    for said in [
        "others, parts, things (it belongs to waybill_owner, who could make the server run their code",
        "with the privileges of postgres",
        "connect as waybill_owner or as a role that may only read what waybill_owner may",
        "--trust-owner waybill_owner",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    let signs_in = |user: &str| {
        connect_source(&server.url_as(user, "app")).find_unique(
            &"things".into(),
            &[Predicate::equals("id", "1")],
            &["id"],
        )
    };
    assert!(matches!(signs_in("postgres"), Err(Error { kind: Kind::Unsuitable, .. })));
    assert_eq!(export("postgres", &trust_options).code, 0);
    // A user with no more rights than the owner has nothing to lend.
    let own_tables = "name = \"x\"\n[tables.secrets]\nexclude = \"not ours\"\n[tables.parts.columns]\nid = \"plain\"\n\
                      [tables.others.columns]\nid = \"plain\"\n[tables.things.columns]\nid = \"plain\"\n";
    std::fs::write(folder.path().join("own.toml"), own_tables).unwrap();
    let own = ["--profile", "own.toml"];
    for user in ["waybill_owner", "reader"] {
        let ended = export(user, &own);
        assert_eq!(ended.code, 0, "{user}: {}", ended.stderr);
        assert_eq!(signs_in(user).unwrap(), Some(vec![Some("1".into())]));
    }
    // One more table, function, membership or attribute is something to gain.
    for (more, less) in [
        ("GRANT SELECT ON secrets TO reader", "REVOKE SELECT ON secrets FROM reader"),
        ("GRANT SELECT (id) ON secrets TO reader", "REVOKE SELECT (id) ON secrets FROM reader"),
        ("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO reader", "REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM reader"),
        (
            "CREATE SCHEMA private; REVOKE ALL ON SCHEMA private FROM PUBLIC; GRANT USAGE ON SCHEMA private TO reader;
             CREATE FUNCTION private.secret() RETURNS integer SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
            "DROP SCHEMA private CASCADE",
        ),
        (
            "CREATE TABLE pay (who text); ALTER TABLE pay ENABLE ROW LEVEL SECURITY;
             GRANT SELECT ON pay TO reader, waybill_owner",
            "DROP TABLE pay",
        ),
        ("GRANT pg_monitor TO reader", "REVOKE pg_monitor FROM reader"),
        ("ALTER ROLE reader BYPASSRLS", "ALTER ROLE reader NOBYPASSRLS"),
        // A partition or schema owned by a third role, which could put another table in its place.
        ("ALTER TABLE parts_1 OWNER TO stranger", "ALTER TABLE parts_1 OWNER TO waybill_owner"),
        ("ALTER SCHEMA public OWNER TO stranger", "ALTER SCHEMA public OWNER TO waybill_owner"),
    ] {
        server.sql_as("postgres", "app", more);
        let refused = export("reader", &own);
        assert!(refused.code == 1 && refused.stderr.contains("belongs to"), "{more}: {}", refused.stderr);
        server.sql_as("postgres", "app", less);
        let ended = export("reader", &own);
        assert_eq!(ended.code, 0, "{less}: {}", ended.stderr);
    }
}
