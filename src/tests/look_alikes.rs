//! A database whose owner has created a look-alike for everything that our SQL uses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use waybill::server::source::postgres::PostgresSource;

use crate::harness::{PASSWORD, Postgres};

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
pub const CREATE_LOOK_ALIKES: &str = r"
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

pub const PROFILE: &str = r#"
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
pub fn hostile_database() -> Postgres {
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

pub fn argon2_hash() -> String {
    waybill::server::support::password::hash_argon2id(PASSWORD, b"0123456789abcdef")
}

/// Log lines of foreign code that ran in Waybill's sessions.
pub fn foreign_code_runs(server: &Postgres) -> Vec<String> {
    server
        .log()
        .lines()
        .filter(|line| line.starts_with("[waybill]") && line.contains("LOOT"))
        .map(str::to_owned)
        .collect()
}

/// A superuser's source with `waybill_owner` as trusted owner, so that tables are read and only look-alikes could do
/// harm.
pub fn trusting_source_at(url: &str) -> PostgresSource {
    PostgresSource::connect(url.parse().unwrap(), &["waybill_owner".into()]).unwrap()
}
