//! A hostile source: the owner of the database can create functions, operators, types, casts and views, and none of
//! them may run with Waybill's rights.

use std::sync::Arc;

use tempfile::TempDir;
use waybill::model::name::TableName;
use waybill::server::profile::Profile;
use waybill::server::source::{ChoiceQuery, Choices, Error, Kind, Predicate, Source};

use crate::harness::{PASSWORD, Pooler, Postgres, Waybill, WaybillCommand, connect_source, parse_export};

use super::look_alikes::*;

/// Runs preview, export, and the profile commands that read the database.
fn run_every_command(folder: &TempDir, url: &str) {
    let run = |arguments: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SOURCE", url).env("WAYBILL_TRUST_OWNER", "waybill_owner");
        let ended = program.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
        ended
    };
    std::fs::write(folder.path().join("hostile.toml"), PROFILE).unwrap();
    run(&["preview"]);
    run(&["preview", "--profile", "hostile.toml"]);
    run(&["export", "--profile", "hostile.toml", "--output", "out.json", "--force"]);
    run(&["export", "--order", "key", "--output", "guessed.json", "--force"]);
    run(&["preview", "--tables", "visits"]);
    run(&["export", "--profile", "hostile.toml", "--tables", "visits,users", "--output", "part.json", "--force"]);
    run(&["profile", "init", "--output", "-"]);
    run(&["profile", "check", "--profile", "hostile.toml"]);
    let export = parse_export(&std::fs::read(folder.path().join("out.json")).unwrap());
    assert_eq!(export.data["users"][0]["role"], "admin");
    assert_eq!(export.data["users"][0]["home"], "(\"Main Street\",1)");
    assert_eq!(export.data["visits"][0]["n"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_the_database_owner_created_runs_with_waybills_rights() {
    let server = tokio::task::block_in_place(hostile_database);
    let folder = TempDir::new().unwrap();
    let url = server.url_as("postgres", "app");
    tokio::task::block_in_place(|| run_every_command(&folder, &url));
    let profile = Profile::load(folder.path().join("hostile.toml").to_str().unwrap()).unwrap();
    let source = Arc::new(tokio::task::block_in_place(|| trusting_source_at(&url)));
    let waybill = Waybill::with_source(source, profile).await;
    let admin = waybill.signed_in_as("ada@example.org").await;
    let page = admin.get("/admin/developer-tools/export").await;
    assert_eq!(page.status, 200, "the role was not read: {}", page.text());
    let nobody = waybill.anonymous().sign_in("eve@example.org", PASSWORD).await;
    assert!(nobody.header("location").contains("problem=wrong"));
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_in_place_of_the_accounts_table_is_refused_and_does_not_run() {
    let server = tokio::task::block_in_place(hostile_database);
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("hostile.toml"), PROFILE).unwrap();
    let profile = Profile::load(folder.path().join("hostile.toml").to_str().unwrap()).unwrap();
    let source = Arc::new(tokio::task::block_in_place(|| trusting_source_at(&server.url_as("postgres", "app"))));
    let waybill = Waybill::with_source(source, profile).await;
    let admin = waybill.signed_in_as("ada@example.org").await;
    let view = "ALTER TABLE public.users RENAME TO real_users;
        CREATE VIEW public.users AS SELECT * FROM public.real_users WHERE public.loot('view');";
    server.sql_as("waybill_owner", "app", &format!("SET search_path = pg_catalog; {view}"));
    let refused = admin.get("/admin/developer-tools/export").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let signed_in = waybill.anonymous().sign_in("ada@example.org", PASSWORD).await;
    assert!(signed_in.header("location").contains("problem=unavailable"), "{}", signed_in.header("location"));
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
}

#[test]
fn expressions_that_the_planner_would_evaluate_are_refused_by_name() {
    let server = Postgres::start();
    server.sql_as("postgres", "app", "ALTER SYSTEM SET log_line_prefix = '[%a] '; SELECT pg_reload_conf()");
    server.sql(
        "CREATE FUNCTION public.evil(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
            $$ BEGIN RAISE LOG 'LOOT % as %', $1, current_user; RETURN 1; END $$;
         CREATE OPERATOR public.@#@ (rightarg = text, function = public.evil);
         CREATE TABLE by_index (id integer); CREATE INDEX ON by_index ((evil('index') + id));
         CREATE TABLE by_operator (id integer); CREATE INDEX ON by_operator (((@#@ 'operator'::text) + id));
         CREATE TABLE by_condition (id integer); CREATE INDEX ON by_condition (id) WHERE evil('condition') = id;
         CREATE TABLE by_partition (id integer) PARTITION BY RANGE ((evil('partition') + id));
         CREATE TABLE by_leaf (id integer) PARTITION BY RANGE (id);
         CREATE TABLE by_leaf_1 PARTITION OF by_leaf FOR VALUES FROM (1) TO (9);
         CREATE INDEX ON by_leaf_1 ((evil('leaf') + id));
         CREATE FUNCTION public.negator(date, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
            $$ BEGIN RETURN public.evil('negator') = 1; END $$;
         CREATE OPERATOR public.@<@ (leftarg = date, rightarg = timestamptz, function = pg_catalog.date_lt_timestamptz,
            negator = OPERATOR(public.@>=@));
         CREATE OPERATOR public.@>=@ (leftarg = date, rightarg = timestamptz, function = public.negator,
            negator = OPERATOR(public.@<@));
         CREATE TABLE by_negator (id integer, d date);
         CREATE INDEX ON by_negator ((d - pg_catalog.integer_pl_date((NOT ('2020-01-01'::date OPERATOR(public.@<@)
            '2020-01-01'::timestamptz))::int, '2020-01-01'::date)));
         CREATE DOMAIN public.checked AS text CHECK (evil('domain') = 1);
         CREATE DOMAIN public.texts AS text[]; CREATE DOMAIN public.many AS public.checked[];
         CREATE TABLE by_domain (id integer);
         CREATE INDEX ON by_domain ((id + array_length(('{\"{a}\"}'::public.texts[])::public.many[], 1)));
         CREATE TYPE public.mood AS ENUM ('good', 'bad');
         CREATE TABLE by_enum (id integer, mood public.mood); CREATE INDEX ON by_enum (id) WHERE mood = 'good';
         CREATE TABLE by_check (id integer, CHECK (evil('check') = 1 AND id > 0));
         ALTER DATABASE app SET constraint_exclusion = on;
         CREATE TABLE harmless (id integer, name text); CREATE INDEX ON harmless (lower(name));
         INSERT INTO harmless VALUES (1, 'one');",
    );
    // Statistics over expressions are new in version 14.
    let has_statistics = server.major_version() >= 14;
    if has_statistics {
        server.sql(
            "CREATE TABLE by_statistics (id integer, n integer);
            CREATE STATISTICS s ON (evil('statistics') + id), n FROM by_statistics",
        );
    }
    let folder = TempDir::new().unwrap();
    let export = |url: &str, more: &[&str]| {
        let arguments = [&["export", "--source", url, "--output", "out.json", "--force"], more].concat();
        WaybillCommand::new(folder.path()).run(arguments)
    };
    server.sql_as("postgres", "app", "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    let reader = server.url_as("reader", "app");
    let source = connect_source(&reader);
    let refused = source.open_snapshot().unwrap().catalog().unwrap().unreadable;
    let reason =
        |table: &str| refused.iter().find(|refused| refused.table == table).map(|refused| refused.reason.as_str());
    let statistics = has_statistics.then_some(("by_statistics", "its extended statistics uses function public.evil"));
    for (table, named) in [
        ("by_index", "an index uses function public.evil"),
        ("by_operator", "an index uses"),
        ("by_negator", "an index uses operator public.@<@"),
        ("by_domain", "an index uses type public."),
        ("by_condition", "an index"),
        ("by_partition", "its partition key"),
        ("by_leaf", "an index"),
    ]
    .into_iter()
    .chain(statistics)
    {
        assert!(reason(table).is_some_and(|reason| reason.starts_with(named)), "{table}: {:?}", reason(table));
    }
    for fine in ["harmless", "by_check", "by_enum"] {
        assert_eq!(reason(fine), None, "{fine}");
    }
    let ended = export(&reader, &[]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(refused.iter().all(|refused| ended.stderr.contains(refused.table.as_str())), "{}", ended.stderr);
    assert!(ended.stderr.contains("connect as waybill_owner, exclude the table in a profile"), "{}", ended.stderr);
    let excluded = "name = \"x\"\n[tables.harmless.columns]\nid = \"plain\"\nname = \"plain\"\n[tables.by_check.columns]\nid = \"plain\"\n";
    std::fs::write(folder.path().join("x.toml"), excluded).unwrap();
    let rest = export(&reader, &["--profile", "x.toml"]);
    assert_eq!(rest.code, 6, "{}", rest.stderr);
    // Sign-in and choices refuse the same tables.
    assert!(matches!(choices(&source, "by_index", "id", ""), Err(Error { kind: Kind::Unsuitable, .. })));
    let found = source.find_unique(&"by_index".into(), &[Predicate::equals("id", "1")], &["id"]);
    assert!(matches!(found, Err(Error { kind: Kind::Unsuitable, .. })), "{found:?}");
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
    // The owner of the functions may run them, so the export works as that user.
    let own = export(&server.url(), &[]);
    assert_eq!(own.code, 0, "{}", own.stderr);
}

#[test]
fn row_level_security_policies_never_run() {
    let server = Postgres::start();
    server.sql_as("postgres", "app", "ALTER SYSTEM SET log_line_prefix = '[%a] '; SELECT pg_reload_conf()");
    server.sql(
        "CREATE FUNCTION public.policy() RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN RAISE LOG 'LOOT policy'; RETURN true; END $$;
         CREATE TABLE accounts (id integer PRIMARY KEY, email text); INSERT INTO accounts VALUES (1, 'a@example.org');
         ALTER TABLE accounts ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON accounts USING (public.policy())",
    );
    server.sql_as("postgres", "app", "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    let source = connect_source(&server.url_as("reader", "app"));
    let found = source.find_unique(&"accounts".into(), &[Predicate::equals("id", "1")], &["email"]);
    let Err(error @ Error { kind: Kind::Unsuitable, .. }) = found else { panic!("{found:?}") };
    let reason = error.to_string();
    assert!(reason.starts_with("table accounts ") && reason.contains("row-level security"), "{reason}");
    assert!(matches!(choices(&source, "accounts", "email", ""), Err(Error { kind: Kind::Unsuitable, .. })));
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
}

/// A qualified name is not enough: among functions of one name, PostgreSQL calls the best match by argument types.
#[test]
fn a_domain_over_an_extension_type_calls_no_look_alike() {
    let server = Postgres::start();
    server.sql_as("postgres", "app", "ALTER SYSTEM SET log_line_prefix = '[%a] '; SELECT pg_reload_conf()");
    if server.sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'") == "0" {
        return;
    }
    server.sql_as("postgres", "app", "CREATE EXTENSION citext SCHEMA public");
    server.sql(
        "CREATE FUNCTION public.loot(what text) RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN RAISE LOG 'LOOT %', what; RETURN true; END $$;
         CREATE DOMAIN public.mail AS public.citext;
         CREATE FUNCTION public.citextout(public.mail) RETURNS text LANGUAGE plpgsql AS
            $$ BEGIN PERFORM public.loot('output'); RETURN 'x'; END $$;
         CREATE FUNCTION public.same(public.mail, public.citext) RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN RETURN public.loot('operator'); END $$;
         CREATE OPERATOR public.= (leftarg = public.mail, rightarg = public.citext, function = public.same);
         CREATE TABLE users (id integer PRIMARY KEY, email public.mail, plain public.citext);
         INSERT INTO users VALUES (1, 'Ada@example.org', 'Ada');",
    );
    let folder = TempDir::new().unwrap();
    let url = server.url_as("postgres", "app");
    for more in [&["--order", "key"][..], &[]] {
        let trusting =
            ["export", "--source", &url, "--trust-owner", "waybill_owner", "--output", "out.json", "--force"];
        let arguments = [&trusting[..], more].concat();
        let ended = WaybillCommand::new(folder.path()).run(arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let export = parse_export(&std::fs::read(folder.path().join("out.json")).unwrap());
    assert_eq!(export.data["users"][0]["email"], "Ada@example.org");
    let source = trusting_source_at(&url);
    let find = |key: &str| {
        source.find_unique(&"users".into(), &[Predicate::equals("email", key)], &["email", "plain"]).unwrap()
    };
    assert_eq!(find("ada@EXAMPLE.org"), Some(vec![Some("Ada@example.org".into()), Some("Ada".into())]));
    assert_eq!(find("somebody@else.org"), None);
    for (show, search) in [("email", "ADA@"), ("plain", "ada"), ("plain", "1")] {
        assert_eq!(choices(&source, "users", show, search).unwrap().total, 1, "{show} {search}");
    }
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
}

/// Clients of a pooler share server sessions, so settings left by one would apply to the next.
#[test]
fn behind_a_transaction_pooler_nothing_foreign_runs_and_nothing_is_left_behind() {
    let server = hostile_database();
    let pooler = Pooler::start(&server);
    let folder = TempDir::new().unwrap();
    let url = pooler.url_as("postgres", "app");
    run_every_command(&folder, &url);
    let source = trusting_source_at(&url);
    for _ in 0..3 {
        assert_eq!(
            source.find_unique(&"users".into(), &[Predicate::equals("email", "ada@example.org")], &["role"]).unwrap(),
            Some(vec![Some("admin".into())])
        );
        assert_eq!(choices(&source, "users", "email", "ADA@example").unwrap().total, 1);
    }
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
    let left = pooler.sql_as_other_client(
        "SELECT pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.||) ' '
        OPERATOR(pg_catalog.||) pg_catalog.current_setting('row_security')",
    );
    assert_eq!(left, "public, pg_catalog on");
}

/// An event trigger runs when the tables for the keys of a part are made. Its function may belong to anybody.
#[test]
fn a_part_is_refused_while_a_foreign_event_trigger_would_run() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE shops (id integer PRIMARY KEY); CREATE TABLE ran (at text)");
    server.sql_as(
        "postgres",
        "app",
        "CREATE ROLE mallory; GRANT CREATE ON SCHEMA public TO mallory;
         CREATE FUNCTION spy() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ran VALUES (1); END';
         ALTER FUNCTION spy() OWNER TO mallory;
         CREATE EVENT TRIGGER spying ON ddl_command_start EXECUTE FUNCTION spy();",
    );
    let run = |more: &[&str]| {
        let url = server.url();
        let arguments = [&["preview", "--source", &url], more].concat();
        WaybillCommand::new(folder.path()).run(arguments)
    };
    let refused = run(&["--tables", "shops"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("the event trigger spying would run a function of mallory"), "{}", refused.stderr);
    assert_eq!(run(&[]).code, 0, "the whole database needs no tables");
    assert_eq!(server.sql("SELECT count(*) FROM ran"), "0");
    assert_eq!(run(&["--tables", "shops", "--trust-owner", "mallory"]).code, 0);
    server.sql_as("postgres", "app", "ALTER EVENT TRIGGER spying DISABLE");
    assert_eq!(run(&["--tables", "shops"]).code, 0);
}

fn choices(source: &dyn Source, table: &str, show: &str, search: &str) -> Result<Choices, Error> {
    let table = TableName::from(table);
    source.list_choices(&ChoiceQuery { table: &table, key: "id", show, search, conditions: &[], limit: 9 })
}
