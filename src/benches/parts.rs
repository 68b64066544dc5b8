//! Benchmark of parts of a database: a company with a tenth of the incidents, and an organisation's own documents.

use std::path::Path;
use std::process::Command;

use super::bench_environment::{BenchEnvironment, PASSWORD, large_server, mib, waybill};
use super::postgres::Postgres;
use super::timed_program::{self, TimedProgram, measure, measure_and_keep_output, report};

const ROUNDS: usize = 5;

/// Compares the export of a company with a tenth of the incidents with that of the whole database, on both engines.
pub fn measure_segments(incidents: u64) {
    let ground = BenchEnvironment::prepare_with_largest_company(incidents);
    let (pg, lite) = (ground.server.url(), ground.sqlite_url());
    let largest = "SELECT company_id FROM incidents GROUP BY company_id ORDER BY count(*) DESC LIMIT 1";
    let filter = format!("company={}", ground.server.sql(largest));
    let out = ground.path("part.json");
    let export = |source: &str, options: &[&str]| measure(&mut ground.export_to_stdout_command(source, options), &out);
    let part = ["--filter", &filter];
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("whole database (PostgreSQL)", || export(&pg, &[])),
        TimedProgram::new("a company of 10 % (PostgreSQL)", || export(&pg, &part)),
        TimedProgram::new("whole database (SQLite)", || export(&lite, &[])),
        TimedProgram::new("a company of 10 % (SQLite)", || export(&lite, &part)),
    ];
    let runs = timed_program::run_rounds(&programs, ROUNDS);
    println!("\n{incidents} incidents, parts; median of {ROUNDS} after one warm-up");
    report(&programs, &runs);
    let ratio = |of: usize, to: usize| timed_program::ratio(&runs[of], &runs[to]);
    println!(
        "a company of 10 % against the whole database: PostgreSQL {:.2} ×, SQLite {:.2} ×",
        ratio(1, 0),
        ratio(3, 2)
    );
}

/// Compares the replacement of a company with a tenth of the incidents, of which all is there as the file has it, with a merge of that
/// file and with its export.
pub fn measure_replacement(incidents: u64) {
    let ground = BenchEnvironment::prepare_with_largest_company(incidents);
    let (pg, lite) = (ground.server.url_as("waybill_owner", "app"), ground.sqlite_url());
    let largest = "SELECT company_id FROM incidents GROUP BY company_id ORDER BY count(*) DESC LIMIT 1";
    let filter = format!("company={}", ground.server.sql(largest));
    let files = [ground.path("part-pg.json"), ground.path("part-lite.json")];
    let out = ground.path("told.txt");
    let export = |source: &str, file: &Path| {
        measure_and_keep_output(&mut ground.export_to_stdout_command(source, &["--filter", &filter]), file)
    };
    let import = |target: &str, file: &Path, mode: &str| {
        let mut import = waybill();
        import.arg("import").arg(file).args(["--target", target, "--profile", "supportsignal", "--mode", mode]);
        import.arg("--state").arg(format!("sqlite:{}", ground.path("imports.db").display()));
        measure(&mut import, &out)
    };
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("a company of 10 % (PostgreSQL)", || export(&pg, &files[0])),
        TimedProgram::new("merged, all of it is there", || import(&pg, &files[0], "merge")),
        TimedProgram::new("the company replaced", || import(&pg, &files[0], "replace")),
        TimedProgram::new("a company of 10 % (SQLite)", || export(&lite, &files[1])),
        TimedProgram::new("merged, all of it is there", || import(&lite, &files[1], "merge")),
        TimedProgram::new("the company replaced", || import(&lite, &files[1], "replace")),
    ];
    let runs = timed_program::run_rounds(&programs, ROUNDS);
    println!("\n{incidents} incidents, a part replaced; median of {ROUNDS} after one warm-up");
    report(&programs, &runs);
    let ratio = |of: usize, to: usize| timed_program::ratio(&runs[of], &runs[to]);
    println!("replacement against merge: PostgreSQL {:.2} ×, SQLite {:.2} ×", ratio(2, 1), ratio(5, 4));
    drop(programs);
    for file in files {
        let _ = std::fs::remove_file(file);
    }
}

/// Compares `--layout ocomms` with one statement that builds the same document.
pub fn measure_layout(messages: u64) {
    let server = large_server();
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut sample = waybill();
    sample.args(["sample", "--application", "ocomms", "--organizations", "1", "--output", &server.url(), "--messages"]);
    sample.arg(messages.to_string()).env("WAYBILL_SAMPLE_PASSWORD", PASSWORD);
    measure(&mut sample, &folder.path().join("made.txt"));
    server.sql_as("postgres", "app", "VACUUM ANALYZE");
    let organization = server.sql("SELECT id FROM organizations LIMIT 1");
    let out = folder.path().join("out.json");
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("waybill export --layout ocomms", || {
            let run = measure(&mut layout_command(&server, &folder, &organization), &out);
            let _ = std::fs::remove_dir_all(folder.path().join("exports"));
            run
        }),
        TimedProgram::new("psql json_agg", || {
            let mut psql = server.psql("waybill_owner", "app");
            measure(psql.arg("-c").arg(DOCUMENT_QUERY.replace("$1", &format!("'{organization}'"))), &out)
        }),
    ];
    let runs = timed_program::run_rounds(&programs, ROUNDS);
    println!("\n{messages} messages in one organisation; median of {ROUNDS} after one warm-up");
    report(&programs, &runs);
    println!("psql json_agg against waybill: {:.2} ×", timed_program::ratio(&runs[1], &runs[0]));
    let server_peak = server_peak_bytes(&server, &organization);
    println!("peak memory of the server's process for json_agg: {:.0} MiB", mib(server_peak));
}

fn layout_command(server: &Postgres, folder: &tempfile::TempDir, organization: &str) -> Command {
    let mut export = waybill();
    export.args(["export", "--profile", "ocomms", "--source", &server.url(), "--organization", organization]);
    export.args(["--layout", "ocomms", "--output"]).arg(folder.path().join("exports")).arg("--state");
    export.arg(format!("sqlite:{}", folder.path().join("state.db").display()));
    export
}

/// The peak memory of the process that builds the document in one value.
fn server_peak_bytes(server: &Postgres, organization: &str) -> u64 {
    let query = DOCUMENT_QUERY.replace("$1", &format!("'{organization}'"));
    let script = format!(
        "CREATE TEMP TABLE built AS {query}; \
         SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status') LIKE '%VmHWM%', \
                substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmHWM:\\s+(\\d+)');"
    );
    let told = server.sql_as("postgres", "app", &script);
    told.lines().last().and_then(|line| line.rsplit('|').next()?.trim().parse::<u64>().ok()).unwrap_or(0) << 10
}

/// The same content as one JSON value.
const DOCUMENT_QUERY: &str = "
SELECT json_build_object(
    'organization', (SELECT row_to_json(o) FROM organizations o WHERE o.id = $1),
    'members', (SELECT json_agg(json_build_object('member', m, 'user', u, 'profile', p))
        FROM members m JOIN users u ON u.id = m.user_id LEFT JOIN profiles p ON p.user_id = u.id
        WHERE m.organization_id = $1),
    'channels', (SELECT json_agg(json_build_object('channel', c,
        'members', (SELECT json_agg(x ORDER BY x.joined_at) FROM channel_members x WHERE x.channel_id = c.id),
        'messages', (SELECT json_agg(json_build_object('message', m,
            'reactions', (SELECT json_agg(r ORDER BY r.created_at) FROM reactions r WHERE r.message_id = m.id))
            ORDER BY m.sequence) FROM messages m WHERE m.channel_id = c.id)))
        FROM channels c WHERE c.organization_id = $1),
    'directMessages', (SELECT json_agg(json_build_object('conversation', c,
        'participants', (SELECT json_agg(x) FROM conversation_participants x WHERE x.conversation_id = c.id),
        'messages', (SELECT json_agg(json_build_object('message', m,
            'reactions', (SELECT json_agg(r) FROM reactions r WHERE r.message_id = m.id))
            ORDER BY m.sequence) FROM messages m WHERE m.conversation_id = c.id)))
        FROM conversations c WHERE c.organization_id = $1),
    'pinnedMessages', (SELECT json_agg(p) FROM pinned_messages p JOIN channels c ON c.id = p.channel_id
        WHERE c.organization_id = $1),
    'notifications', (SELECT json_agg(n) FROM notifications n LEFT JOIN channels c ON c.id = n.channel_id
        LEFT JOIN conversations v ON v.id = n.conversation_id
        WHERE c.organization_id = $1 OR v.organization_id = $1),
    'readStates', (SELECT json_agg(s) FROM channel_read_state s LEFT JOIN channels c ON c.id = s.channel_id
        LEFT JOIN conversations v ON v.id = s.conversation_id
        WHERE c.organization_id = $1 OR v.organization_id = $1))";
