//! `OComms`: its profile fits its schema, its sample is what tests of isolation need, its accounts sign in.

use std::sync::Arc;

use tempfile::TempDir;
use waybill::model::export::DriftPolicy;
use waybill::model::manifest::RecordOrder;
use waybill::server::profile::Profile;
use waybill::server::profile::builtin::ocomms::SampleSpec;
use waybill::server::sample::generate_in_postgres;
use waybill::server::source::Source;
use waybill::server::source::postgres::ConnectConfig;

use crate::harness::{PASSWORD, Postgres, Waybill, WaybillCommand};

/// A server with a sample of this size.
fn postgres_with_chat(organizations: u64, messages: u64) -> Postgres {
    let server = Postgres::start();
    fill(&server, &SampleSpec { organizations, messages, seed: 1 }, false);
    server
}

fn fill(server: &Postgres, spec: &SampleSpec, replace: bool) {
    let address: ConnectConfig = server.url().parse().unwrap();
    generate_in_postgres(&spec.clone().sample(), &address, PASSWORD, replace).unwrap();
}

fn count(server: &Postgres, from: &str) -> u64 {
    server.sql(&format!("SELECT count(*) FROM {from}")).parse().unwrap()
}

#[test]
fn every_column_of_ocomms_is_classified_and_exactly_the_credentials_are_left_out() {
    let server = postgres_with_chat(1, 0);
    let catalog = server.source().open_snapshot().unwrap().catalog().unwrap();
    assert_eq!(catalog.tables.len(), 42);
    let profile = Profile::built_in("ocomms").unwrap();
    assert_eq!(profile.drift(&catalog).lines(), Vec::<String>::new());
    assert_eq!(profile.columns_with_raised_class(&catalog), Vec::new());
    assert_eq!(profile.owners_without_reference(&catalog.tables), Vec::new());
    assert_eq!(profile.missing_auth_columns(&catalog), Vec::new());
    assert_eq!(Profile::detect_built_in(&catalog).unwrap().name, "ocomms");

    let planned = profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report).unwrap();
    let mut removed: Vec<String> = planned.redaction.removed_fields.iter().map(ToString::to_string).collect();
    removed.sort();
    let expected = [
        "accounts.access_token",
        "accounts.id_token",
        "accounts.password",
        "accounts.refresh_token",
        "guest_invites.token",
        "push_subscriptions.auth",
        "push_subscriptions.endpoint",
        "push_subscriptions.p256dh",
        "sessions.token",
    ];
    assert_eq!(removed, expected);
    let mut excluded: Vec<&str> = planned.redaction.excluded_tables.iter().map(|table| table.table.as_str()).collect();
    excluded.sort_unstable();
    assert_eq!(excluded, ["password_history", "two_factor", "verifications"]);
}

#[test]
fn no_secret_of_the_ocomms_sample_is_exported() {
    let (server, folder) = (postgres_with_chat(3, 300), TempDir::new().unwrap());
    let ended = WaybillCommand::new(folder.path()).run([
        "export",
        "--source",
        &server.url(),
        "--profile",
        "ocomms",
        "--output",
        "out.json",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = std::fs::read_to_string(folder.path().join("out.json")).unwrap();
    for (table, column) in [("sessions", "token"), ("accounts", "password"), ("two_factor", "secret")] {
        let secret = server.sql(&format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 1"));
        assert!(!secret.is_empty() && !text.contains(&secret), "{table}.{column}");
    }
    assert!(!text.contains("secret-"), "every credential of the sample begins like this");
    assert!(text.contains("canary-o0002-messages-content"));
}

#[test]
fn the_ocomms_sample_fills_every_table_and_is_replaced_by_the_same_one() {
    let server = postgres_with_chat(3, 900);
    let tables =
        server.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
    let tables: Vec<&str> = tables.lines().collect();
    assert_eq!(tables.len(), 42);
    let digests = || -> Vec<String> {
        let digest = |table: &&str| {
            let found = server.sql(&format!(
                "SELECT count(*) || ' ' || md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {table} t"
            ));
            assert!(!found.starts_with("0 ") && !found.is_empty(), "{table} is empty");
            format!("{table} {found}")
        };
        tables.iter().map(digest).collect()
    };
    let first = digests();
    fill(&server, &SampleSpec { organizations: 3, messages: 900, seed: 1 }, true);
    assert_eq!(digests(), first);
    fill(&server, &SampleSpec { organizations: 3, messages: 900, seed: 2 }, true);
    assert_ne!(digests(), first);
}

/// What the tests of organisation exports count on.
#[test]
fn the_ocomms_sample_holds_what_isolation_must_separate() {
    let server = postgres_with_chat(4, 2_000);
    let some = |from: &str| assert!(count(&server, from) > 0, "{from}");
    some("(SELECT user_id FROM members GROUP BY user_id HAVING count(*) > 1) x");
    some("members a JOIN members b USING (user_id) WHERE a.role = 'owner' AND NOT a.is_guest AND b.role = 'member'");
    some("members WHERE is_guest AND role = 'guest'");
    some("members WHERE is_guest AND role = 'owner'");
    some("invitations WHERE status = 'pending'");
    some("messages WHERE parent_id IS NOT NULL");
    some("messages WHERE deleted_at IS NOT NULL AND content <> ''");
    some("messages WHERE content LIKE '%' || chr(27) || '%'");
    some("messages WHERE extract(microseconds FROM created_at)::bigint % 1000 <> 0");
    some("messages WHERE search_content @@ to_tsquery('english', 'review')");
    let in_two = "GROUP BY user_id HAVING count(DISTINCT organization_id) > 1) x";
    for table in ["notifications", "channel_read_state"] {
        some(&format!("(SELECT user_id FROM {table} t JOIN channels c ON c.id = t.channel_id {in_two}"));
        some(&format!("(SELECT user_id FROM {table} t JOIN conversations c ON c.id = t.conversation_id {in_two}"));
    }
    some(
        "(SELECT author_id AS user_id FROM messages m JOIN conversations c ON c.id = m.conversation_id \
          GROUP BY author_id HAVING count(DISTINCT organization_id) > 1) x",
    );
    some("conversations WHERE is_group");
    some("conversations WHERE NOT is_group");
    some("channel_read_state WHERE conversation_id IS NOT NULL");
    some(
        "messages m JOIN channels c ON c.id = m.channel_id WHERE NOT EXISTS (SELECT FROM members o WHERE \
         o.organization_id = c.organization_id AND o.user_id = m.author_id)",
    );
    let pins_of_two = "pinned_messages p JOIN messages m ON m.id = p.message_id JOIN channels a ON a.id = p.channel_id \
                       JOIN channels b ON b.id = m.channel_id WHERE a.organization_id <> b.organization_id";
    assert_eq!(count(&server, pins_of_two), 1);
    let wrong_counts = "messages m WHERE reply_count <> (SELECT count(*) FROM messages r WHERE r.parent_id = m.id)";
    assert_eq!(count(&server, wrong_counts), 0);
    let gaps = "(SELECT FROM messages GROUP BY channel_id, conversation_id HAVING max(sequence) <> count(*)) x";
    assert_eq!(count(&server, gaps), 0);
    // The n-th organisation's texts hold its number, and nobody else's.
    let foreign = "messages m JOIN channels c ON c.id = m.channel_id JOIN organizations o ON o.id = c.organization_id \
                   WHERE substring(m.content FROM 'canary-(o[0-9]+)-') <> substring(o.name FROM 'canary-(o[0-9]+)-')";
    assert_eq!(count(&server, foreign), 0);
    assert_eq!(count(&server, "messages WHERE content LIKE '%canary-o0003-messages-content%'"), 500);
}

/// The columns whose texts say whose they are.
const CANARY_COLUMNS: [&str; 29] = [
    "bookmarks.note",
    "channel_categories.name",
    "channel_notes.content",
    "channels.description",
    "channels.name",
    "channels.topic",
    "conversations.name",
    "custom_emojis.name",
    "file_attachments.original_name",
    "file_attachments.path",
    "invitations.email",
    "link_previews.description",
    "link_previews.title",
    "link_previews.url",
    "messages.content",
    "notifications.content",
    "organizations.description",
    "organizations.logo",
    "organizations.metadata",
    "organizations.name",
    "personal_notes.content",
    "reminders.note",
    "scheduled_messages.content",
    "scheduled_messages.error",
    "user_groups.description",
    "user_groups.name",
    "user_sidebar_preferences.preferences",
    "workspace_join_requests.message",
    "workspace_join_requests.rejection_reason",
];

#[test]
fn texts_of_the_ocomms_sample_say_whose_they_are() {
    let server = postgres_with_chat(4, 2_000);
    let columns = server.sql(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' \
         AND data_type IN ('text', 'character varying', 'jsonb') ORDER BY 1",
    );
    let mut marked = Vec::new();
    for field in columns.lines() {
        let (table, column) = field.split_once('.').unwrap();
        let canaries =
            format!("{table} t, regexp_matches(t.{column}::text, 'canary-o([0-9]+)-([a-z_]+-[a-z_]+)', 'g') c");
        let names = server.sql(&format!("SELECT DISTINCT c[2] FROM {canaries}"));
        if !names.is_empty() {
            assert_eq!(names, field.replace('.', "-"));
            marked.push(field.to_owned());
        }
        let of_organization = "information_schema.columns WHERE column_name = 'organization_id' AND table_name = ";
        if !names.is_empty() && count(&server, &format!("{of_organization} '{table}'")) > 0 {
            let pairs = format!("(SELECT DISTINCT organization_id, c[1] FROM {canaries}) x");
            let organizations = format!("(SELECT DISTINCT organization_id FROM {canaries}) x");
            assert_eq!(count(&server, &pairs), count(&server, &organizations), "{field}");
        }
    }
    assert_eq!(marked, CANARY_COLUMNS);
}

#[test]
fn a_draft_for_ocomms_finds_its_accounts_and_their_second_factor() {
    let (server, folder) = (postgres_with_chat(1, 50), TempDir::new().unwrap());
    let drafted = WaybillCommand::new(folder.path()).run(["profile", "init", "--source", &server.url()]);
    assert_eq!(drafted.code, 0, "{}", drafted.stderr);
    let text = drafted.text();
    assert!(text.contains("# application_second_factor = { two_factor_enabled = true }"), "{text}");
    assert!(text.contains("column = \"password\", when = { provider_id = \"credential\" } }"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_ocomms_sign_in_with_the_passwords_of_better_auth() {
    let server = tokio::task::block_in_place(|| postgres_with_chat(3, 90));
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::built_in("ocomms").unwrap()).await;
    for email in ["owner@sample.test", "two.owners@sample.test", "admin@sample.test", "guest@sample.test"] {
        let right = waybill.anonymous().sign_in(email, PASSWORD).await;
        assert_eq!((right.status, right.header("location")), (303, "/admin"), "{email}");
        let wrong = waybill.anonymous().sign_in(email, "guess").await;
        assert_eq!(wrong.header("location"), "/login?problem=wrong&next=/admin", "{email}");
    }
    // Nobody of OComms may export the whole database, with all organisations in it.
    let owner = waybill.signed_in_as("owner@sample.test").await;
    assert_eq!(owner.get("/admin/developer-tools/export").await.status, 403);
    assert_eq!(owner.post("/rpc/request_export", "").await.status, 403);

    let right = waybill.anonymous().sign_in("two.factor@sample.test", PASSWORD).await;
    assert_eq!(right.header("location"), "/login?problem=application-second-factor&next=/admin");
    let wrong = waybill.anonymous().sign_in("two.factor@sample.test", "guess").await;
    assert_eq!(wrong.header("location"), "/login?problem=wrong&next=/admin");
    assert!(waybill.audit_trail().await.contains(&"application_second_factor_needed".to_owned()));
}

#[test]
fn a_sample_of_ocomms_needs_postgresql_and_each_application_its_own_options() {
    let folder = TempDir::new().unwrap();
    for (arguments, says) in [
        (&["--application", "ocomms", "--output", "chat.db"][..], "ocomms knows PostgreSQL only"),
        (
            &["--application", "ocomms", "--incidents", "5", "--output", "chat.db"],
            "--incidents belongs to samples of supportsignal: leave it out, or add --application supportsignal",
        ),
        (
            &["--messages", "5", "--output", "s.db"],
            "--messages belongs to samples of ocomms: leave it out, or add --application ocomms",
        ),
        (&["--application", "other", "--output", "s.db"], "[possible values: supportsignal, ocomms, carol]"),
        (&["--companies", "0", "--output", "s.db"], "--companies"),
        (&["--largest-share", "101", "--output", "s.db"], "--largest-share"),
    ] {
        let ended = WaybillCommand::new(folder.path()).run([&["sample"], arguments].concat());
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}
