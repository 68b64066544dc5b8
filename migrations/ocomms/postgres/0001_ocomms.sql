-- The schema of the sample of OComms, a team chat for several organisations.
-- PostgreSQL only, as the application. Foreign keys follow the tables, since they refer to each other.

CREATE TYPE bookmark_type AS ENUM ('message', 'file');
CREATE TYPE reminder_status AS ENUM ('pending', 'fired', 'snoozed', 'completed', 'cancelled');
CREATE TYPE reminder_pattern AS ENUM ('daily', 'weekdays', 'weekly', 'monthly');
CREATE TYPE scheduled_message_status AS ENUM ('scheduled', 'sent', 'cancelled', 'failed');

CREATE TABLE organizations (
    id text PRIMARY KEY NOT NULL,
    name text NOT NULL,
    slug text,
    logo text,
    metadata text,
    created_at timestamp NOT NULL DEFAULT now(),
    join_policy text NOT NULL DEFAULT 'invite_only',
    description text
);
CREATE UNIQUE INDEX organizations_by_slug ON organizations (slug);

CREATE TABLE users (
    id text PRIMARY KEY NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    email_verified boolean NOT NULL DEFAULT false,
    image text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    two_factor_enabled boolean
);
CREATE UNIQUE INDEX users_by_email ON users (email);

CREATE TABLE accounts (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    account_id text NOT NULL,
    provider_id text NOT NULL,
    access_token text,
    refresh_token text,
    access_token_expires_at timestamp,
    refresh_token_expires_at timestamp,
    scope text,
    id_token text,
    password text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_by_provider_id_and_account_id ON accounts (provider_id, account_id);
CREATE INDEX accounts_by_user_id ON accounts (user_id);

CREATE TABLE sessions (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    token text NOT NULL,
    expires_at timestamp NOT NULL,
    ip_address text,
    user_agent text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX sessions_by_token ON sessions (token);
CREATE INDEX sessions_by_user_id ON sessions (user_id);

CREATE TABLE verifications (
    id text PRIMARY KEY NOT NULL,
    identifier text NOT NULL,
    value text NOT NULL,
    expires_at timestamp NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX verifications_by_identifier ON verifications (identifier);

CREATE TABLE two_factor (
    id text PRIMARY KEY NOT NULL,
    secret text NOT NULL,
    backup_codes text NOT NULL,
    user_id text NOT NULL
);
CREATE UNIQUE INDEX two_factor_by_user_id ON two_factor (user_id);

CREATE TABLE password_history (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    password_hash varchar(255) NOT NULL,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX password_history_by_user_id ON password_history (user_id);

CREATE TABLE user_lockouts (
    user_id text PRIMARY KEY NOT NULL,
    failed_attempts integer NOT NULL DEFAULT 0,
    last_failed_at timestamp,
    locked_until timestamp,
    lockout_count integer NOT NULL DEFAULT 0,
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE user_storage (
    user_id text PRIMARY KEY NOT NULL,
    used_bytes bigint NOT NULL DEFAULT 0,
    quota_bytes bigint NOT NULL DEFAULT 1073741824,
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE profiles (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    display_name varchar(100),
    avatar_path varchar(500),
    bio text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX profiles_by_user_id ON profiles (user_id);

CREATE TABLE push_subscriptions (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    endpoint text NOT NULL,
    p256dh text NOT NULL,
    auth text NOT NULL,
    user_agent text,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX push_subscriptions_by_endpoint ON push_subscriptions (endpoint);
CREATE INDEX push_subscriptions_by_user_id ON push_subscriptions (user_id);

CREATE TABLE user_statuses (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    emoji text,
    text text,
    expires_at timestamptz,
    dnd_enabled boolean NOT NULL DEFAULT false,
    job_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX user_statuses_by_user_id ON user_statuses (user_id);
CREATE INDEX user_statuses_by_expires_at ON user_statuses (expires_at);

CREATE TABLE members (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    organization_id text NOT NULL,
    role text NOT NULL DEFAULT 'member',
    created_at timestamp NOT NULL DEFAULT now(),
    is_guest boolean NOT NULL DEFAULT false,
    guest_expires_at timestamp,
    guest_soft_locked boolean NOT NULL DEFAULT false,
    guest_job_id text
);
CREATE UNIQUE INDEX members_by_user_id_and_organization_id ON members (user_id, organization_id);
CREATE INDEX members_by_guest_expires_at ON members (guest_expires_at);
CREATE INDEX members_by_organization_id ON members (organization_id);

CREATE TABLE invitations (
    id text PRIMARY KEY NOT NULL,
    email text NOT NULL,
    organization_id text NOT NULL,
    inviter_id text NOT NULL,
    role text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    expires_at timestamp NOT NULL,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX invitations_by_email ON invitations (email);
CREATE INDEX invitations_by_organization_id ON invitations (organization_id);
CREATE INDEX invitations_by_inviter_id ON invitations (inviter_id);

CREATE TABLE guest_invites (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    organization_id text NOT NULL,
    token text NOT NULL,
    created_by text NOT NULL,
    expires_at timestamp,
    channel_ids text NOT NULL,
    used_by text,
    used_at timestamp,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX guest_invites_by_token ON guest_invites (token);
CREATE INDEX guest_invites_by_organization_id ON guest_invites (organization_id);
CREATE INDEX guest_invites_by_created_by ON guest_invites (created_by);
CREATE INDEX guest_invites_by_used_by ON guest_invites (used_by);

CREATE TABLE workspace_join_requests (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    organization_id text NOT NULL,
    message text,
    status text NOT NULL DEFAULT 'pending',
    rejection_reason text,
    created_at timestamp NOT NULL DEFAULT now(),
    reviewed_at timestamp,
    reviewed_by text
);
CREATE INDEX workspace_join_requests_by_organization_id_and_status ON workspace_join_requests (organization_id, status);
CREATE INDEX workspace_join_requests_by_user_id ON workspace_join_requests (user_id);
CREATE INDEX workspace_join_requests_by_reviewed_by ON workspace_join_requests (reviewed_by);

CREATE TABLE user_groups (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    organization_id text NOT NULL,
    name text NOT NULL,
    handle text NOT NULL,
    description text,
    created_by text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX user_groups_by_organization_id_and_handle ON user_groups (organization_id, handle);
CREATE INDEX user_groups_by_created_by ON user_groups (created_by);

CREATE TABLE user_group_members (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    group_id uuid NOT NULL,
    user_id text NOT NULL,
    added_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX user_group_members_by_group_id_and_user_id ON user_group_members (group_id, user_id);
CREATE INDEX user_group_members_by_user_id ON user_group_members (user_id);

CREATE TABLE user_sidebar_preferences (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    organization_id text NOT NULL,
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX user_sidebar_preferences_by_user_id_and_organization_id ON user_sidebar_preferences (user_id, organization_id);
CREATE INDEX user_sidebar_preferences_by_organization_id ON user_sidebar_preferences (organization_id);

CREATE TABLE custom_emojis (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    workspace_id text NOT NULL,
    name varchar(64) NOT NULL,
    filename varchar(255) NOT NULL,
    path varchar(500) NOT NULL,
    mime_type varchar(100) NOT NULL,
    size_bytes integer NOT NULL,
    is_animated boolean NOT NULL DEFAULT false,
    uploaded_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX custom_emojis_by_workspace_id_and_name ON custom_emojis (workspace_id, name);
CREATE INDEX custom_emojis_by_uploaded_by ON custom_emojis (uploaded_by);

CREATE TABLE channel_categories (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    organization_id text NOT NULL,
    name text NOT NULL,
    sort_order integer NOT NULL DEFAULT 0,
    created_by text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX channel_categories_by_organization_id ON channel_categories (organization_id);
CREATE INDEX channel_categories_by_created_by ON channel_categories (created_by);

CREATE TABLE user_category_collapse_states (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    category_id uuid NOT NULL,
    is_collapsed boolean NOT NULL DEFAULT false,
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX user_category_collapse_states_by_user_id_and_category_id ON user_category_collapse_states (user_id, category_id);
CREATE INDEX user_category_collapse_states_by_category_id ON user_category_collapse_states (category_id);

CREATE TABLE channels (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    organization_id text NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    description text,
    topic text,
    is_private boolean NOT NULL DEFAULT false,
    created_by text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    is_archived boolean NOT NULL DEFAULT false,
    archived_at timestamp,
    archived_by text,
    category_id uuid,
    sort_order integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX channels_by_organization_id_and_slug ON channels (organization_id, slug);
CREATE INDEX channels_by_created_by ON channels (created_by);
CREATE INDEX channels_by_archived_by ON channels (archived_by);
CREATE INDEX channels_by_category_id ON channels (category_id);

CREATE TABLE channel_members (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    channel_id uuid NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL DEFAULT 'member',
    joined_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX channel_members_by_channel_id_and_user_id ON channel_members (channel_id, user_id);
CREATE INDEX channel_members_by_user_id ON channel_members (user_id);

CREATE TABLE channel_notes (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    channel_id uuid NOT NULL,
    content text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    updated_by text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX channel_notes_by_channel_id ON channel_notes (channel_id);
CREATE INDEX channel_notes_by_updated_by ON channel_notes (updated_by);

CREATE TABLE channel_notification_settings (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    channel_id uuid NOT NULL,
    user_id text NOT NULL,
    mode text NOT NULL DEFAULT 'all',
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX channel_notification_settings_by_channel_id_and_user_id ON channel_notification_settings (channel_id, user_id);
CREATE INDEX channel_notification_settings_by_user_id ON channel_notification_settings (user_id);

CREATE TABLE guest_channel_access (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    member_id text NOT NULL,
    channel_id uuid NOT NULL,
    granted_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX guest_channel_access_by_member_id_and_channel_id ON guest_channel_access (member_id, channel_id);
CREATE INDEX guest_channel_access_by_channel_id ON guest_channel_access (channel_id);

CREATE TABLE conversations (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    organization_id text NOT NULL,
    is_group boolean NOT NULL DEFAULT false,
    name text,
    created_by text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX conversations_by_organization_id ON conversations (organization_id);
CREATE INDEX conversations_by_created_by ON conversations (created_by);

CREATE TABLE conversation_participants (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL,
    user_id text NOT NULL,
    joined_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX conversation_participants_by_conversation_id_and_user_id ON conversation_participants (conversation_id, user_id);
CREATE INDEX conversation_participants_by_user_id ON conversation_participants (user_id);

CREATE TABLE messages (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    content text NOT NULL,
    author_id text NOT NULL,
    channel_id uuid,
    conversation_id uuid,
    parent_id uuid,
    reply_count integer NOT NULL DEFAULT 0,
    sequence integer NOT NULL,
    deleted_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    search_content tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED
);
CREATE INDEX messages_by_channel_id_and_sequence ON messages (channel_id, sequence);
CREATE INDEX messages_by_conversation_id_and_sequence ON messages (conversation_id, sequence);
CREATE INDEX messages_by_author_id ON messages (author_id);
CREATE INDEX messages_by_parent_id ON messages (parent_id);
CREATE INDEX messages_by_search_content ON messages USING gin (search_content);

CREATE TABLE channel_read_state (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    channel_id uuid,
    conversation_id uuid,
    last_read_sequence integer NOT NULL DEFAULT 0,
    marked_unread_at_sequence integer,
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX channel_read_state_by_user_id_and_channel_id ON channel_read_state (user_id, channel_id);
CREATE UNIQUE INDEX channel_read_state_by_user_id_and_conversation_id ON channel_read_state (user_id, conversation_id);
CREATE INDEX channel_read_state_by_channel_id ON channel_read_state (channel_id);
CREATE INDEX channel_read_state_by_conversation_id ON channel_read_state (conversation_id);

CREATE TABLE reactions (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    message_id uuid NOT NULL,
    user_id text NOT NULL,
    emoji text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX reactions_by_message_id_and_user_id_and_emoji ON reactions (message_id, user_id, emoji);
CREATE INDEX reactions_by_user_id ON reactions (user_id);

CREATE TABLE thread_participants (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    thread_id uuid NOT NULL,
    user_id text NOT NULL,
    last_read_at timestamp NOT NULL,
    joined_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX thread_participants_by_thread_id_and_user_id ON thread_participants (thread_id, user_id);
CREATE INDEX thread_participants_by_user_id ON thread_participants (user_id);

CREATE TABLE pinned_messages (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    message_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    pinned_by text NOT NULL,
    pinned_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX pinned_messages_by_channel_id_and_message_id ON pinned_messages (channel_id, message_id);
CREATE INDEX pinned_messages_by_message_id ON pinned_messages (message_id);
CREATE INDEX pinned_messages_by_pinned_by ON pinned_messages (pinned_by);

CREATE TABLE notifications (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    type text NOT NULL,
    message_id uuid,
    channel_id uuid,
    conversation_id uuid,
    actor_id text,
    content text NOT NULL,
    read_at timestamp,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX notifications_by_user_id_and_created_at ON notifications (user_id, created_at);
CREATE INDEX notifications_by_message_id ON notifications (message_id);
CREATE INDEX notifications_by_channel_id ON notifications (channel_id);
CREATE INDEX notifications_by_conversation_id ON notifications (conversation_id);
CREATE INDEX notifications_by_actor_id ON notifications (actor_id);

CREATE TABLE file_attachments (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    message_id uuid,
    filename varchar(255) NOT NULL,
    original_name varchar(255) NOT NULL,
    mime_type varchar(100) NOT NULL,
    size_bytes integer NOT NULL,
    path varchar(500) NOT NULL,
    is_image boolean NOT NULL DEFAULT false,
    uploaded_by text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX file_attachments_by_message_id ON file_attachments (message_id);
CREATE INDEX file_attachments_by_uploaded_by ON file_attachments (uploaded_by);

CREATE TABLE link_previews (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    url text NOT NULL,
    title varchar(500),
    description text,
    image_url text,
    site_name varchar(200),
    fetched_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX link_previews_by_url ON link_previews (url);
CREATE INDEX link_previews_by_expires_at ON link_previews (expires_at);

CREATE TABLE message_link_previews (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    message_id uuid NOT NULL,
    link_preview_id uuid NOT NULL,
    position integer NOT NULL DEFAULT 0,
    hidden boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX message_link_previews_by_message_id_and_link_preview_id ON message_link_previews (message_id, link_preview_id);
CREATE INDEX message_link_previews_by_link_preview_id ON message_link_previews (link_preview_id);

CREATE TABLE bookmarks (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    type bookmark_type NOT NULL,
    message_id uuid,
    file_id uuid,
    note text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX bookmarks_by_user_id_and_message_id ON bookmarks (user_id, message_id);
CREATE UNIQUE INDEX bookmarks_by_user_id_and_file_id ON bookmarks (user_id, file_id);
CREATE INDEX bookmarks_by_message_id ON bookmarks (message_id);
CREATE INDEX bookmarks_by_file_id ON bookmarks (file_id);

CREATE TABLE reminders (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    message_id uuid NOT NULL,
    note text,
    remind_at timestamptz NOT NULL,
    status reminder_status NOT NULL DEFAULT 'pending',
    recurring_pattern reminder_pattern,
    job_id text,
    last_fired_at timestamptz,
    snoozed_until timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX reminders_by_status_and_remind_at ON reminders (status, remind_at);
CREATE INDEX reminders_by_user_id ON reminders (user_id);
CREATE INDEX reminders_by_message_id ON reminders (message_id);

CREATE TABLE scheduled_messages (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    author_id text NOT NULL,
    content text NOT NULL,
    channel_id uuid,
    conversation_id uuid,
    scheduled_for timestamptz NOT NULL,
    status scheduled_message_status NOT NULL DEFAULT 'scheduled',
    job_id text,
    message_id uuid,
    error text,
    sent_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scheduled_messages_by_status_and_scheduled_for ON scheduled_messages (status, scheduled_for);
CREATE INDEX scheduled_messages_by_author_id ON scheduled_messages (author_id);
CREATE INDEX scheduled_messages_by_channel_id ON scheduled_messages (channel_id);
CREATE INDEX scheduled_messages_by_conversation_id ON scheduled_messages (conversation_id);
CREATE INDEX scheduled_messages_by_message_id ON scheduled_messages (message_id);

CREATE TABLE personal_notes (
    id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    organization_id text NOT NULL,
    content text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX personal_notes_by_user_id_and_organization_id ON personal_notes (user_id, organization_id);
CREATE INDEX personal_notes_by_organization_id ON personal_notes (organization_id);

ALTER TABLE accounts
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE sessions
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE two_factor
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE password_history
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE user_lockouts
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE user_storage
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE profiles
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE push_subscriptions
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE user_statuses
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE members
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE invitations
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (inviter_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE guest_invites
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (used_by) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE workspace_join_requests
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (reviewed_by) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE user_groups
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE user_group_members
    ADD FOREIGN KEY (group_id) REFERENCES user_groups (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE user_sidebar_preferences
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE custom_emojis
    ADD FOREIGN KEY (workspace_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (uploaded_by) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE channel_categories
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE user_category_collapse_states
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (category_id) REFERENCES channel_categories (id) ON DELETE CASCADE;
ALTER TABLE channels
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    ADD FOREIGN KEY (archived_by) REFERENCES users (id) ON DELETE SET NULL,
    ADD FOREIGN KEY (category_id) REFERENCES channel_categories (id) ON DELETE SET NULL;
ALTER TABLE channel_members
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE channel_notes
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (updated_by) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE channel_notification_settings
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE guest_channel_access
    ADD FOREIGN KEY (member_id) REFERENCES members (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE;
ALTER TABLE conversations
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE conversation_participants
    ADD FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE messages
    ADD FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (parent_id) REFERENCES messages (id) ON DELETE CASCADE;
ALTER TABLE channel_read_state
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE;
ALTER TABLE reactions
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE thread_participants
    ADD FOREIGN KEY (thread_id) REFERENCES messages (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE pinned_messages
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (pinned_by) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE notifications
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (actor_id) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE file_attachments
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE SET NULL,
    ADD FOREIGN KEY (uploaded_by) REFERENCES users (id) ON DELETE CASCADE;
ALTER TABLE message_link_previews
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (link_preview_id) REFERENCES link_previews (id) ON DELETE CASCADE;
ALTER TABLE bookmarks
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (file_id) REFERENCES file_attachments (id) ON DELETE CASCADE;
ALTER TABLE reminders
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE;
ALTER TABLE scheduled_messages
    ADD FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (channel_id) REFERENCES channels (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE SET NULL;
ALTER TABLE personal_notes
    ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE;
