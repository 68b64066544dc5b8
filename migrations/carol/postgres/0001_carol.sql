-- The schema of the sample application Carol: a person's career and the people whom they know. Ids are UUIDs.

-- Accounts.
CREATE TABLE users (
    id text PRIMARY KEY NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_by_email ON users (email);

CREATE TABLE oauth_identities (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    provider text NOT NULL,
    subject text NOT NULL,
    access_token text,
    refresh_token text
);
CREATE UNIQUE INDEX oauth_identities_by_provider_subject ON oauth_identities (provider, subject);
CREATE INDEX oauth_identities_by_user_id ON oauth_identities (user_id);

CREATE TABLE sessions (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    token_hash text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX sessions_by_token_hash ON sessions (token_hash);
CREATE INDEX sessions_by_user_id ON sessions (user_id);

CREATE TABLE personal_access_tokens (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    token_hash text NOT NULL,
    expires_at timestamptz
);
CREATE UNIQUE INDEX personal_access_tokens_by_token_hash ON personal_access_tokens (token_hash);
CREATE INDEX personal_access_tokens_by_user_id ON personal_access_tokens (user_id);

CREATE TABLE login_attempts (
    id text PRIMARY KEY NOT NULL,
    email text NOT NULL,
    ip text NOT NULL,
    ok boolean NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE settings (
    user_id text NOT NULL,
    key text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (user_id, key)
);

-- Files: the blob folder has one named storage_key for each.
CREATE TABLE media (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 text NOT NULL,
    storage_key text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX media_by_storage_key ON media (storage_key);
CREATE INDEX media_by_user_id ON media (user_id);

-- What somebody worked for, learnt at, or knows people of.
CREATE TABLE organizations (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    website text,
    description text,
    logo_media_id text,
    parent_id text,
    primary_person_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX organizations_by_user_id_name ON organizations (user_id, name);
CREATE INDEX organizations_by_logo_media_id ON organizations (logo_media_id);
CREATE INDEX organizations_by_parent_id ON organizations (parent_id);
CREATE INDEX organizations_by_primary_person_id ON organizations (primary_person_id);

CREATE TABLE organization_links (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    organization_id text NOT NULL,
    label text NOT NULL,
    url text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX organization_links_by_user_id ON organization_links (user_id);
CREATE INDEX organization_links_by_organization_id ON organization_links (organization_id);

-- One for each account.
CREATE TABLE profiles (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    full_name text NOT NULL,
    headline text,
    summary text,
    location text,
    birth_date date,
    photo_media_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX profiles_by_user_id ON profiles (user_id);
CREATE INDEX profiles_by_photo_media_id ON profiles (photo_media_id);

CREATE TABLE profile_contacts (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    profile_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('email', 'phone', 'url', 'social')),
    label text,
    value text NOT NULL,
    position integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX profile_contacts_by_user_id ON profile_contacts (user_id);
CREATE INDEX profile_contacts_by_profile_id ON profile_contacts (profile_id);

CREATE TABLE skill_sections (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    position integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX skill_sections_by_user_id_name ON skill_sections (user_id, name);

CREATE TABLE skills (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    section_id text NOT NULL,
    name text NOT NULL,
    level smallint CHECK (level BETWEEN 1 AND 5),
    years numeric(4, 1),
    position integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX skills_by_section_id_name ON skills (section_id, name);
CREATE INDEX skills_by_user_id ON skills (user_id);

CREATE TABLE education (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    institution text NOT NULL,
    degree text,
    field text,
    start_on date,
    end_on date,
    grade text,
    notes text,
    organization_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX education_by_user_id ON education (user_id);
CREATE INDEX education_by_organization_id ON education (organization_id);

CREATE TABLE jobs (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    organization_id text,
    employer text NOT NULL,
    industry text,
    start_on date,
    end_on date,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX jobs_by_user_id ON jobs (user_id);
CREATE INDEX jobs_by_organization_id ON jobs (organization_id);

CREATE TABLE positions (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    job_id text NOT NULL,
    title text NOT NULL,
    start_on date,
    end_on date,
    description text,
    achievements jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX positions_by_user_id ON positions (user_id);
CREATE INDEX positions_by_job_id ON positions (job_id);

CREATE TABLE projects (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    url text,
    description text,
    job_id text,
    cover_media_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX projects_by_user_id ON projects (user_id);
CREATE INDEX projects_by_job_id ON projects (job_id);
CREATE INDEX projects_by_cover_media_id ON projects (cover_media_id);

-- skill_ids is a list of ids of skills.
CREATE TABLE contributions (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    project_id text NOT NULL,
    role text NOT NULL,
    description text,
    hours numeric(8, 2) CHECK (hours >= 0),
    skill_ids jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX contributions_by_user_id ON contributions (user_id);
CREATE INDEX contributions_by_project_id ON contributions (project_id);

-- Whom somebody knows.
CREATE TABLE people (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    given_name text NOT NULL,
    family_name text,
    nickname text,
    organization_id text,
    introduced_by_id text,
    photo_media_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX people_by_user_id ON people (user_id);
CREATE INDEX people_by_organization_id ON people (organization_id);
CREATE INDEX people_by_introduced_by_id ON people (introduced_by_id);
CREATE INDEX people_by_photo_media_id ON people (photo_media_id);

CREATE TABLE person_contacts (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    person_id text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX person_contacts_by_user_id ON person_contacts (user_id);
CREATE INDEX person_contacts_by_person_id ON person_contacts (person_id);

CREATE TABLE person_notes (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    person_id text NOT NULL,
    body text NOT NULL,
    noted_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX person_notes_by_user_id ON person_notes (user_id);
CREATE INDEX person_notes_by_person_id ON person_notes (person_id);

CREATE TABLE person_dates (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    person_id text NOT NULL,
    label text NOT NULL,
    on_date date NOT NULL,
    yearly boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX person_dates_by_user_id ON person_dates (user_id);
CREATE INDEX person_dates_by_person_id ON person_dates (person_id);

CREATE TABLE person_relations (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    person_id text NOT NULL,
    other_person_id text NOT NULL,
    kind text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX person_relations_by_user_id ON person_relations (user_id);
CREATE INDEX person_relations_by_person_id ON person_relations (person_id);
CREATE INDEX person_relations_by_other_person_id ON person_relations (other_person_id);

CREATE TABLE person_tags (
    user_id text NOT NULL,
    person_id text NOT NULL,
    tag text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (person_id, tag)
);
CREATE INDEX person_tags_by_user_id ON person_tags (user_id);

CREATE TABLE organization_key_people (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    organization_id text NOT NULL,
    person_id text NOT NULL,
    role text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX organization_key_people_by_user_id ON organization_key_people (user_id);
CREATE INDEX organization_key_people_by_organization_id ON organization_key_people (organization_id);
CREATE INDEX organization_key_people_by_person_id ON organization_key_people (person_id);

-- The body is Markdown, in which media/<file> stands for the media whose id is in the name. about_id is an id of the table that about_type names.
CREATE TABLE notes (
    id text PRIMARY KEY NOT NULL,
    user_id text NOT NULL,
    title text,
    body text NOT NULL,
    about_type text CHECK (about_type IN ('person', 'organization', 'job', 'project')),
    about_id text,
    pinned boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK ((about_type IS NULL) = (about_id IS NULL))
);
CREATE INDEX notes_by_user_id ON notes (user_id);

ALTER TABLE oauth_identities ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE sessions ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE personal_access_tokens ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE settings ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE media ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations ADD FOREIGN KEY (logo_media_id) REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations ADD FOREIGN KEY (parent_id) REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organizations ADD FOREIGN KEY (primary_person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organization_links ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organization_links ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE profiles ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE profiles ADD FOREIGN KEY (photo_media_id) REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE profile_contacts ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE profile_contacts ADD FOREIGN KEY (profile_id) REFERENCES profiles (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE skill_sections ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE skills ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE skills ADD FOREIGN KEY (section_id) REFERENCES skill_sections (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE education ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE education ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE jobs ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE jobs ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE positions ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE positions ADD FOREIGN KEY (job_id) REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE projects ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE projects ADD FOREIGN KEY (job_id) REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE projects ADD FOREIGN KEY (cover_media_id) REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE contributions ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE contributions ADD FOREIGN KEY (project_id) REFERENCES projects (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE people ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE people ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE people ADD FOREIGN KEY (introduced_by_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE people ADD FOREIGN KEY (photo_media_id) REFERENCES media (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_contacts ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_contacts ADD FOREIGN KEY (person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_notes ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_notes ADD FOREIGN KEY (person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_dates ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_dates ADD FOREIGN KEY (person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_relations ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_relations ADD FOREIGN KEY (person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_relations ADD FOREIGN KEY (other_person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_tags ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE person_tags ADD FOREIGN KEY (person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organization_key_people ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organization_key_people ADD FOREIGN KEY (organization_id) REFERENCES organizations (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE organization_key_people ADD FOREIGN KEY (person_id) REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE notes ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
