//! A hostile source: the owner of the database can create functions, operators, types, casts and views, and none of
//! them may run with Waybill's rights.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use waybill::server::profile::Profile;
use waybill::server::source::postgres::PostgresSource;
use waybill::server::source::{Error, Kind, Predicate, Source};

use crate::harness::{PASSWORD, Pooler, Postgres, Waybill, WaybillCommand, connect_source, parse_export};

/// An application's accounts, with every kind of type that can run code of its owner.
const APPLICATION: &str = r"
    CREATE FUNCTION public.loot(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN RAISE LOG 'LOOT % as %', what, current_user; RETURN true; END $$;
    CREATE TYPE public.role AS ENUM ('admin', 'user');
    CREATE FUNCTION public.role_text(public.role) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN PERFORM public.loot('cast from role'); RETURN 'admin'; END $$;
    CREATE FUNCTION public.text_role(text) RETURNS public.role LANGUAGE plpgsql AS
        $$ BEGIN PERFORM public.loot('cast to role'); RETURN 'admin'; END $$;
    CREATE CAST (public.role AS text) WITH FUNCTION public.role_text(public.role) AS IMPLICIT;
    CREATE CAST (text AS public.role) WITH FUNCTION public.text_role(text) AS IMPLICIT;
    CREATE DOMAIN public.mail AS text CHECK (public.loot('domain'));
    CREATE TYPE public.span AS RANGE (subtype = integer);
    CREATE TYPE public.place AS (street text, number integer);
    CREATE FUNCTION public.twice(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM public.loot('generated column'); RETURN 2 * $1; END $$;
    CREATE TABLE users (id integer PRIMARY KEY, email public.mail NOT NULL, role public.role NOT NULL,
        password_hash text NOT NULL, home public.place, age public.span,
        doubled integer GENERATED ALWAYS AS (public.twice(id)) STORED);
    COMMENT ON TABLE users IS 'people'; COMMENT ON COLUMN users.email IS 'address';
    CREATE TABLE roles (user_id integer REFERENCES users (id), name public.role, active boolean);
    CREATE TABLE visits (day date, n integer) PARTITION BY RANGE (day);
    CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO visits VALUES ('2026-05-01', 3);
";

/// Creates a look-alike in `public` for each of these functions, operators, types and relations of `pg_catalog`. A
/// function of internal types, which only a superuser can create, gets a polymorphic look-alike.
const CREATE_LOOK_ALIKES: &str = r"
    SET client_min_messages = error; SET check_function_bodies = off;
    DO $plant$
    DECLARE f record; o record; w text; n integer := 0; body text;
    BEGIN
      FOR f IN SELECT p.proname, p.prokind, p.proretset, p.proargmodes, pg_get_function_arguments(p.oid) args,
                      pg_get_function_result(p.oid) result
                 FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY ($names$) LOOP
        n := n + 1;
        body := format('BEGIN PERFORM public.loot(%L); ', 'function ' || f.proname)
             || CASE WHEN f.proretset OR f.proargmodes IS NOT NULL THEN 'RETURN; END' ELSE 'RETURN NULL; END' END;
        BEGIN
          IF f.prokind = 'a' THEN
            EXECUTE format('CREATE FUNCTION public.loot_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L', n,
                           concat_ws(', ', f.result, nullif(f.args, '*')), f.result, body);
            EXECUTE format('CREATE AGGREGATE public.%I(%s) (sfunc = public.loot_%s, stype = %s)', f.proname,
                           coalesce(nullif(f.args, ''), '*'), n, f.result);
          ELSE
            EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, f.args,
                           f.result, body);
          END IF;
        EXCEPTION WHEN OTHERS THEN NULL; END;
      END LOOP;
      FOREACH w IN ARRAY ($names$) LOOP
        IF EXISTS (SELECT FROM pg_proc WHERE proname = w AND pronamespace = 'pg_catalog'::regnamespace)
           AND NOT EXISTS (SELECT FROM pg_proc WHERE proname = w AND pronamespace = 'public'::regnamespace) THEN
          EXECUTE format('CREATE FUNCTION public.%I(anyelement) RETURNS anyelement LANGUAGE plpgsql AS %L', w,
                         format('BEGIN PERFORM public.loot(%L); RETURN $1; END', 'function ' || w));
        END IF;
      END LOOP;
      FOR o IN SELECT oprname, oprleft, format_type(oprleft, NULL) l, format_type(oprright, NULL) r,
                      format_type(oprresult, NULL) result FROM pg_operator
                WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprname = ANY ($operators$) LOOP
        n := n + 1;
        BEGIN
          EXECUTE format('CREATE FUNCTION public.loot_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L', n,
                         concat_ws(', ', CASE WHEN o.oprleft <> 0 THEN o.l END, o.r), o.result,
                         format('BEGIN PERFORM public.loot(%L); RETURN NULL; END', 'operator ' || o.oprname));
          EXECUTE format('CREATE OPERATOR public.%s (%s rightarg = %s, function = public.loot_%s)', o.oprname,
                         CASE WHEN o.oprleft <> 0 THEN 'leftarg = ' || o.l || ',' ELSE '' END, o.r, n);
        EXCEPTION WHEN OTHERS THEN NULL; END;
      END LOOP;
      FOREACH w IN ARRAY ($names$) LOOP
        BEGIN
          IF EXISTS (SELECT FROM pg_class WHERE relname = w AND relnamespace = 'pg_catalog'::regnamespace) THEN
            EXECUTE format('CREATE VIEW public.%I AS SELECT * FROM pg_catalog.%I WHERE public.loot(%L)', w, w,
                           'relation ' || w);
          ELSIF EXISTS (SELECT FROM pg_type WHERE typname = w AND typnamespace = 'pg_catalog'::regnamespace) THEN
            EXECUTE format('CREATE DOMAIN public.%I AS pg_catalog.%I CHECK (public.loot(%L))', w, w, 'type ' || w);
          END IF;
        EXCEPTION WHEN OTHERS THEN NULL; END;
      END LOOP;
    END $plant$;
";

const PROFILE: &str = r#"
name = "hostile"
[auth]
table = "users"
id = "id"
email = "email"
password = "password_hash"
[roles.admin]
label = "Admin"
when = { role = "admin" }
capabilities = ["export_database"]
[roles.other]
label = "Other"
table = "roles"
user = "user_id"
when = { name = "admin", active = true }
[tables.users.columns]
id = "plain"
email = "personal"
role = "plain"
password_hash = "secret"
home = "personal"
age = "personal"
doubled = "plain"
[tables.roles.columns]
user_id = "plain"
name = "plain"
active = "plain"
[tables.visits.columns]
day = "plain"
n = "plain"
"#;

/// The files of a folder and of those in it, but for the wire client, which has no SQL of its own.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().partition(|path| path.is_dir());
    let inner = folders.iter().filter(|folder| !folder.ends_with("client")).flat_map(|folder| files_below(folder));
    files.into_iter().chain(inner).collect()
}

/// Every name and every run of operator characters in the SQL of the PostgreSQL source.
fn names_and_operators_in_our_sql() -> (BTreeSet<String>, BTreeSet<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/source/postgres");
    let (mut names, mut operators) = (BTreeSet::new(), BTreeSet::new());
    for file in files_below(&folder) {
        let source = std::fs::read_to_string(file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for literal in code.replace("'\"'", "").replace("\\\"", "").split('"').skip(1).step_by(2) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            names.extend(literal.split(|c| !is_name(c)).map(str::to_lowercase).filter(|word| word.len() > 1));
            let is_operator = |c: char| "+-*/<>=~!@#%^&|`?".contains(c);
            operators.extend(literal.split(|c| !is_operator(c)).filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    (names, operators)
}

fn sql_array(words: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("ARRAY[{}]", quoted.join(","))
}

/// A database whose owner has created a look-alike for everything that Waybill's SQL uses.
fn hostile_database() -> Postgres {
    let server = Postgres::start();
    server.sql_as(
        "postgres",
        "app",
        "ALTER SYSTEM SET log_line_prefix = '[%a] '; SELECT pg_reload_conf(); ALTER DATABASE app OWNER TO waybill_owner",
    );
    server.sql(APPLICATION);
    let hash = argon2_hash();
    server.sql(&format!(
        "INSERT INTO users VALUES (1, 'ada@example.org', 'admin', '{hash}', ('Main Street', 1), '[1,5)');
         INSERT INTO roles VALUES (1, 'admin', true)"
    ));
    let (names, operators) = names_and_operators_in_our_sql();
    server
        .sql(&CREATE_LOOK_ALIKES.replace("$names$", &sql_array(&names)).replace("$operators$", &sql_array(&operators)));
    // Every function and operator in our SQL has a look-alike.
    let missing = format!(
        "SET search_path = pg_catalog; SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ({names})
           AND proname NOT IN (SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
         UNION SELECT DISTINCT oprname FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace
           AND oprname = ANY ({operators})
           AND oprname NOT IN (SELECT oprname FROM pg_operator WHERE oprnamespace = 'public'::regnamespace)",
        names = sql_array(&names),
        operators = sql_array(&operators)
    );
    assert_eq!(server.sql(&missing), "");
    let planted = "SET search_path = pg_catalog; SELECT (SELECT count(DISTINCT proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND proname NOT LIKE 'loot%') > 20 AND (SELECT count(DISTINCT oprname) FROM pg_operator
        WHERE oprnamespace = 'public'::regnamespace) > 5";
    assert_eq!(server.sql(planted), "t", "too few look-alikes: does this test still find the SQL?");
    server.sql("ALTER DATABASE app SET search_path = public, pg_catalog");
    // The look-alikes do run for a client that does not pin `search_path`.
    server.sql_as("postgres", "app", "SELECT obj_description(1, 'pg_class'), 1 = 1");
    for logged in ["function obj_description as postgres", "operator = as postgres"] {
        assert!(server.log().contains(logged), "the look-alikes do not work");
    }
    server
}

fn argon2_hash() -> String {
    waybill::server::support::password::hash_argon2id(PASSWORD, b"0123456789abcdef")
}

/// Log lines of foreign code that ran in Waybill's sessions.
fn foreign_code_runs(server: &Postgres) -> Vec<String> {
    server
        .log()
        .lines()
        .filter(|line| line.starts_with("[waybill]") && line.contains("LOOT"))
        .map(str::to_owned)
        .collect()
}

/// A superuser's source with `waybill_owner` as trusted owner, so that tables are read and only look-alikes could do
/// harm.
fn trusting_source_at(url: &str) -> PostgresSource {
    PostgresSource::connect(url.parse().unwrap(), &["waybill_owner".into()]).unwrap()
}

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
    // Sign-in refuses the same tables.
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
    }
    assert_eq!(foreign_code_runs(&server), Vec::<String>::new());
    let left = pooler.sql_as_other_client(
        "SELECT pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.||) ' '
        OPERATOR(pg_catalog.||) pg_catalog.current_setting('row_security')",
    );
    assert_eq!(left, "public, pg_catalog on");
}
