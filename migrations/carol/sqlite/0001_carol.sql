-- The schema of the sample application Carol: a person's career and the people whom they know. Ids are UUIDs.
-- Decimals are texts, so that their digits stay as they are; times are ISO 8601, UTC.
PRAGMA foreign_keys = ON;

-- Accounts.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX users_by_email ON users (email);

CREATE TABLE oauth_identities (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    access_token TEXT,
    refresh_token TEXT
);
CREATE UNIQUE INDEX oauth_identities_by_provider_subject ON oauth_identities (provider, subject);
CREATE INDEX oauth_identities_by_user_id ON oauth_identities (user_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    token_hash TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE UNIQUE INDEX sessions_by_token_hash ON sessions (token_hash);
CREATE INDEX sessions_by_user_id ON sessions (user_id);

CREATE TABLE personal_access_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    expires_at TEXT
);
CREATE UNIQUE INDEX personal_access_tokens_by_token_hash ON personal_access_tokens (token_hash);
CREATE INDEX personal_access_tokens_by_user_id ON personal_access_tokens (user_id);

CREATE TABLE login_attempts (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    ip TEXT NOT NULL,
    ok BOOLEAN NOT NULL CHECK (ok IN (0, 1)),
    at TEXT NOT NULL
);

CREATE TABLE settings (
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    key TEXT NOT NULL,
    value TEXT NOT NULL CHECK (json_valid(value)),
    PRIMARY KEY (user_id, key)
);

-- Files: the blob folder has one named storage_key for each.
CREATE TABLE media (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256 TEXT NOT NULL,
    storage_key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX media_by_storage_key ON media (storage_key);
CREATE INDEX media_by_user_id ON media (user_id);

-- What somebody worked for, learnt at, or knows people of.
CREATE TABLE organizations (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    website TEXT,
    description TEXT,
    logo_media_id TEXT REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED,
    parent_id TEXT REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED,
    primary_person_id TEXT REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX organizations_by_user_id_name ON organizations (user_id, name);
CREATE INDEX organizations_by_logo_media_id ON organizations (logo_media_id);
CREATE INDEX organizations_by_parent_id ON organizations (parent_id);
CREATE INDEX organizations_by_primary_person_id ON organizations (primary_person_id);

CREATE TABLE organization_links (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    organization_id TEXT NOT NULL REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED,
    label TEXT NOT NULL,
    url TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX organization_links_by_user_id ON organization_links (user_id);
CREATE INDEX organization_links_by_organization_id ON organization_links (organization_id);

-- One for each account.
CREATE TABLE profiles (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    full_name TEXT NOT NULL,
    headline TEXT,
    summary TEXT,
    location TEXT,
    birth_date TEXT,
    photo_media_id TEXT REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX profiles_by_user_id ON profiles (user_id);
CREATE INDEX profiles_by_photo_media_id ON profiles (photo_media_id);

CREATE TABLE profile_contacts (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    profile_id TEXT NOT NULL REFERENCES profiles (id) DEFERRABLE INITIALLY DEFERRED,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'phone', 'url', 'social')),
    label TEXT,
    value TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX profile_contacts_by_user_id ON profile_contacts (user_id);
CREATE INDEX profile_contacts_by_profile_id ON profile_contacts (profile_id);

CREATE TABLE skill_sections (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX skill_sections_by_user_id_name ON skill_sections (user_id, name);

CREATE TABLE skills (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    section_id TEXT NOT NULL REFERENCES skill_sections (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    level INTEGER CHECK (level BETWEEN 1 AND 5),
    years TEXT,
    position INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX skills_by_section_id_name ON skills (section_id, name);
CREATE INDEX skills_by_user_id ON skills (user_id);

CREATE TABLE education (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    institution TEXT NOT NULL,
    degree TEXT,
    field TEXT,
    start_on TEXT,
    end_on TEXT,
    grade TEXT,
    notes TEXT,
    organization_id TEXT REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX education_by_user_id ON education (user_id);
CREATE INDEX education_by_organization_id ON education (organization_id);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    organization_id TEXT REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED,
    employer TEXT NOT NULL,
    industry TEXT,
    start_on TEXT,
    end_on TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX jobs_by_user_id ON jobs (user_id);
CREATE INDEX jobs_by_organization_id ON jobs (organization_id);

CREATE TABLE positions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    job_id TEXT NOT NULL REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED,
    title TEXT NOT NULL,
    start_on TEXT,
    end_on TEXT,
    description TEXT,
    achievements TEXT NOT NULL CHECK (json_valid(achievements)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX positions_by_user_id ON positions (user_id);
CREATE INDEX positions_by_job_id ON positions (job_id);

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    url TEXT,
    description TEXT,
    job_id TEXT REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED,
    cover_media_id TEXT REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX projects_by_user_id ON projects (user_id);
CREATE INDEX projects_by_job_id ON projects (job_id);
CREATE INDEX projects_by_cover_media_id ON projects (cover_media_id);

-- skill_ids is a list of ids of skills.
CREATE TABLE contributions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    project_id TEXT NOT NULL REFERENCES projects (id) DEFERRABLE INITIALLY DEFERRED,
    role TEXT NOT NULL,
    description TEXT,
    hours TEXT CHECK (CAST(hours AS REAL) >= 0),
    skill_ids TEXT NOT NULL CHECK (json_valid(skill_ids)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX contributions_by_user_id ON contributions (user_id);
CREATE INDEX contributions_by_project_id ON contributions (project_id);

-- Whom somebody knows.
CREATE TABLE people (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    given_name TEXT NOT NULL,
    family_name TEXT,
    nickname TEXT,
    organization_id TEXT REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED,
    introduced_by_id TEXT REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    photo_media_id TEXT REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX people_by_user_id ON people (user_id);
CREATE INDEX people_by_organization_id ON people (organization_id);
CREATE INDEX people_by_introduced_by_id ON people (introduced_by_id);
CREATE INDEX people_by_photo_media_id ON people (photo_media_id);

CREATE TABLE person_contacts (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX person_contacts_by_user_id ON person_contacts (user_id);
CREATE INDEX person_contacts_by_person_id ON person_contacts (person_id);

CREATE TABLE person_notes (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    body TEXT NOT NULL,
    noted_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX person_notes_by_user_id ON person_notes (user_id);
CREATE INDEX person_notes_by_person_id ON person_notes (person_id);

CREATE TABLE person_dates (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    label TEXT NOT NULL,
    on_date TEXT NOT NULL,
    yearly BOOLEAN NOT NULL CHECK (yearly IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX person_dates_by_user_id ON person_dates (user_id);
CREATE INDEX person_dates_by_person_id ON person_dates (person_id);

CREATE TABLE person_relations (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    other_person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    kind TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX person_relations_by_user_id ON person_relations (user_id);
CREATE INDEX person_relations_by_person_id ON person_relations (person_id);
CREATE INDEX person_relations_by_other_person_id ON person_relations (other_person_id);

CREATE TABLE person_tags (
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    tag TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (person_id, tag)
);
CREATE INDEX person_tags_by_user_id ON person_tags (user_id);

CREATE TABLE organization_key_people (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    organization_id TEXT NOT NULL REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED,
    person_id TEXT NOT NULL REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED,
    role TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX organization_key_people_by_user_id ON organization_key_people (user_id);
CREATE INDEX organization_key_people_by_organization_id ON organization_key_people (organization_id);
CREATE INDEX organization_key_people_by_person_id ON organization_key_people (person_id);

-- The body is Markdown, in which media/<file> stands for the media whose id is in the name. about_id is an id of the table that about_type names.
CREATE TABLE notes (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    title TEXT,
    body TEXT NOT NULL,
    about_type TEXT CHECK (about_type IN ('person', 'organization', 'job', 'project')),
    about_id TEXT,
    pinned BOOLEAN NOT NULL CHECK (pinned IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CHECK ((about_type IS NULL) = (about_id IS NULL))
);
CREATE INDEX notes_by_user_id ON notes (user_id);
