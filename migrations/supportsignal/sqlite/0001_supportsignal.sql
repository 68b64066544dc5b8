-- The schema of the bundled sample application, SupportSignal: incident reporting for disability services.
-- Times are milliseconds since 1970 (UTC), as in the original.
PRAGMA foreign_keys = ON;

CREATE TABLE companies (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'trial', 'suspended', 'test')),
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX companies_by_status ON companies (status);
CREATE UNIQUE INDEX companies_by_slug ON companies (slug);

CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    password TEXT NOT NULL,
    profile_image_url TEXT,
    role TEXT NOT NULL CHECK (role IN ('system_admin', 'demo_admin', 'company_admin', 'team_lead', 'frontline_worker')),
    company_id TEXT REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED,
    created_at INTEGER
);
CREATE UNIQUE INDEX users_by_email ON users (email);
CREATE INDEX users_by_company_id ON users (company_id);

CREATE TABLE user_invitations (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    email TEXT NOT NULL,
    company_id TEXT NOT NULL REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED,
    role TEXT NOT NULL CHECK (role IN ('company_admin', 'team_lead', 'frontline_worker')),
    invited_by TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    invitation_token TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'expired', 'revoked')),
    created_at INTEGER NOT NULL,
    accepted_at INTEGER
);
CREATE INDEX user_invitations_by_email ON user_invitations (email);
CREATE INDEX user_invitations_by_company_id ON user_invitations (company_id);
CREATE INDEX user_invitations_by_invitation_token ON user_invitations (invitation_token);
CREATE INDEX user_invitations_by_status ON user_invitations (status);
CREATE INDEX user_invitations_by_company_id_and_status ON user_invitations (company_id, status);
CREATE INDEX user_invitations_by_email_and_company_id ON user_invitations (email, company_id);
CREATE INDEX user_invitations_by_email_and_status ON user_invitations (email, status);

CREATE TABLE sites (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    company_id TEXT NOT NULL REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    updated_at INTEGER
);
CREATE INDEX sites_by_company_id ON sites (company_id);
CREATE INDEX sites_by_company_id_and_name ON sites (company_id, name);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    userId TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    sessionToken TEXT NOT NULL,
    expires INTEGER NOT NULL,
    rememberMe BOOLEAN CHECK (rememberMe IN (0, 1))
);
CREATE UNIQUE INDEX sessions_by_sessionToken ON sessions (sessionToken);
CREATE INDEX sessions_by_userId ON sessions (userId);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    userId TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    type TEXT NOT NULL,
    provider TEXT NOT NULL,
    providerAccountId TEXT NOT NULL,
    refresh_token TEXT,
    access_token TEXT,
    expires_at INTEGER,
    token_type TEXT,
    scope TEXT,
    id_token TEXT
);
CREATE INDEX accounts_by_provider_and_providerAccountId ON accounts (provider, providerAccountId);
CREATE INDEX accounts_by_userId ON accounts (userId);

CREATE TABLE password_reset_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    userId TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    token TEXT NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX password_reset_tokens_by_token ON password_reset_tokens (token);
CREATE INDEX password_reset_tokens_by_userId ON password_reset_tokens (userId);

CREATE TABLE impersonation_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    admin_user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    target_user_id TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    session_token TEXT NOT NULL,
    original_session_token TEXT NOT NULL,
    reason TEXT NOT NULL,
    expires INTEGER NOT NULL,
    is_active BOOLEAN NOT NULL CHECK (is_active IN (0, 1)),
    created_at INTEGER NOT NULL,
    terminated_at INTEGER,
    correlation_id TEXT NOT NULL
);
CREATE INDEX impersonation_sessions_by_session_token ON impersonation_sessions (session_token);
CREATE INDEX impersonation_sessions_by_admin_user_id ON impersonation_sessions (admin_user_id);
CREATE INDEX impersonation_sessions_by_target_user_id ON impersonation_sessions (target_user_id);
CREATE INDEX impersonation_sessions_by_is_active_and_expires ON impersonation_sessions (is_active, expires);

CREATE TABLE debug_logs (
    _id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    user_id TEXT,
    system TEXT NOT NULL CHECK (system IN ('browser', 'convex', 'worker', 'manual')),
    level TEXT NOT NULL CHECK (level IN ('log', 'info', 'warn', 'error')),
    message TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    context TEXT CHECK (json_valid(context)),
    stack TEXT,
    raw_data TEXT NOT NULL CHECK (json_valid(raw_data)),
    synced_at INTEGER NOT NULL
);
CREATE INDEX debug_logs_by_trace_id ON debug_logs (trace_id);
CREATE INDEX debug_logs_by_user_id ON debug_logs (user_id);
CREATE INDEX debug_logs_by_system ON debug_logs (system);
CREATE INDEX debug_logs_by_timestamp ON debug_logs (timestamp);
CREATE INDEX debug_logs_by_synced_at ON debug_logs (synced_at);

CREATE TABLE participants (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    company_id TEXT NOT NULL REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED,
    site_id TEXT REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    date_of_birth TEXT NOT NULL,
    ndis_number TEXT NOT NULL,
    contact_phone TEXT,
    emergency_contact TEXT,
    support_level TEXT NOT NULL CHECK (support_level IN ('high', 'medium', 'low')),
    care_notes TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'discharged')),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX participants_by_company_id ON participants (company_id);
CREATE INDEX participants_by_company_id_and_site_id ON participants (company_id, site_id);
CREATE INDEX participants_by_ndis_number ON participants (ndis_number);
CREATE INDEX participants_by_status ON participants (status);
CREATE INDEX participants_by_last_name_and_first_name ON participants (last_name, first_name);

CREATE TABLE incidents (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    company_id TEXT NOT NULL REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED,
    site_id TEXT REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
    reporter_name TEXT NOT NULL,
    participant_id TEXT REFERENCES participants (id) DEFERRABLE INITIALLY DEFERRED,
    participant_name TEXT NOT NULL,
    event_date_time TEXT NOT NULL,
    location TEXT NOT NULL,
    capture_status TEXT NOT NULL CHECK (capture_status IN ('draft', 'in_progress', 'completed')),
    analysis_status TEXT NOT NULL CHECK (analysis_status IN ('not_started', 'in_progress', 'completed')),
    overall_status TEXT NOT NULL CHECK (overall_status IN ('capture_pending', 'analysis_pending', 'ready_for_analysis', 'completed')),
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    updated_at INTEGER NOT NULL,
    updated_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    narrative_hash TEXT,
    questions_generated BOOLEAN NOT NULL CHECK (questions_generated IN (0, 1)),
    narrative_enhanced BOOLEAN NOT NULL CHECK (narrative_enhanced IN (0, 1)),
    analysis_generated BOOLEAN NOT NULL CHECK (analysis_generated IN (0, 1)),
    current_step INTEGER,
    step_description TEXT,
    content_preview TEXT,
    workflow_completed_at INTEGER,
    submitted_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    submitted_at INTEGER,
    handoff_status TEXT CHECK (handoff_status IN ('draft', 'ready_for_analysis', 'in_analysis', 'analysis_complete')),
    completion_checklist TEXT CHECK (json_valid(completion_checklist))
);
CREATE INDEX incidents_by_company_id ON incidents (company_id);
CREATE INDEX incidents_by_overall_status ON incidents (overall_status);
CREATE INDEX incidents_by_created_at ON incidents (created_at);
CREATE INDEX incidents_by_handoff_status ON incidents (handoff_status);
CREATE INDEX incidents_by_company_id_and_overall_status ON incidents (company_id, overall_status);
CREATE INDEX incidents_by_company_id_and_created_at ON incidents (company_id, created_at);
CREATE INDEX incidents_by_company_id_and_created_by ON incidents (company_id, created_by);
CREATE INDEX incidents_by_company_id_and_updated_at ON incidents (company_id, updated_at);
CREATE INDEX incidents_by_company_id_and_site_id ON incidents (company_id, site_id);

CREATE TABLE incident_narratives (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    before_event TEXT NOT NULL,
    during_event TEXT NOT NULL,
    end_event TEXT NOT NULL,
    post_event TEXT NOT NULL,
    before_event_extra TEXT,
    during_event_extra TEXT,
    end_event_extra TEXT,
    post_event_extra TEXT,
    consolidated_narrative TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    enhanced_at INTEGER,
    narrative_hash TEXT,
    version INTEGER NOT NULL
);
CREATE INDEX incident_narratives_by_incident_id ON incident_narratives (incident_id);
CREATE INDEX incident_narratives_by_updated_at ON incident_narratives (updated_at);

CREATE TABLE clarification_questions (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    question_id TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('before_event', 'during_event', 'end_event', 'post_event')),
    question_text TEXT NOT NULL,
    question_order INTEGER NOT NULL,
    generated_at INTEGER NOT NULL,
    ai_model TEXT,
    prompt_version TEXT,
    is_active BOOLEAN NOT NULL CHECK (is_active IN (0, 1))
);
CREATE INDEX clarification_questions_by_incident_id ON clarification_questions (incident_id);
CREATE INDEX clarification_questions_by_incident_id_and_phase ON clarification_questions (incident_id, phase);
CREATE INDEX clarification_questions_by_generated_at ON clarification_questions (generated_at);

CREATE TABLE clarification_answers (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    question_id TEXT NOT NULL,
    answer_text TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('before_event', 'during_event', 'end_event', 'post_event')),
    answered_at INTEGER NOT NULL,
    answered_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    updated_at INTEGER NOT NULL,
    is_complete BOOLEAN NOT NULL CHECK (is_complete IN (0, 1)),
    character_count INTEGER NOT NULL,
    word_count INTEGER NOT NULL
);
CREATE INDEX clarification_answers_by_incident_id ON clarification_answers (incident_id);
CREATE INDEX clarification_answers_by_incident_id_and_phase ON clarification_answers (incident_id, phase);
CREATE INDEX clarification_answers_by_question_id ON clarification_answers (question_id);
CREATE INDEX clarification_answers_by_answered_at ON clarification_answers (answered_at);

CREATE TABLE incident_analysis (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    contributing_conditions TEXT NOT NULL,
    conditions_original TEXT,
    conditions_edited BOOLEAN NOT NULL CHECK (conditions_edited IN (0, 1)),
    analyzed_at INTEGER NOT NULL,
    analyzed_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    updated_at INTEGER NOT NULL,
    ai_analysis_prompt TEXT,
    ai_model TEXT,
    ai_confidence REAL,
    ai_processing_time INTEGER,
    analysis_status TEXT NOT NULL CHECK (analysis_status IN ('draft', 'ai_generated', 'user_reviewed', 'completed')),
    revision_count INTEGER NOT NULL,
    total_edit_time INTEGER
);
CREATE INDEX incident_analysis_by_incident_id ON incident_analysis (incident_id);
CREATE INDEX incident_analysis_by_analyzed_at ON incident_analysis (analyzed_at);
CREATE INDEX incident_analysis_by_analyzed_by ON incident_analysis (analyzed_by);
CREATE INDEX incident_analysis_by_analysis_status ON incident_analysis (analysis_status);

CREATE TABLE incident_classifications (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    analysis_id TEXT NOT NULL REFERENCES incident_analysis (id) DEFERRABLE INITIALLY DEFERRED,
    classification_id TEXT NOT NULL,
    incident_type TEXT NOT NULL CHECK (incident_type IN ('behavioural', 'environmental', 'medical', 'communication', 'other')),
    supporting_evidence TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
    confidence_score REAL NOT NULL,
    user_reviewed BOOLEAN NOT NULL CHECK (user_reviewed IN (0, 1)),
    user_modified BOOLEAN NOT NULL CHECK (user_modified IN (0, 1)),
    review_notes TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    classified_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    ai_generated BOOLEAN NOT NULL CHECK (ai_generated IN (0, 1)),
    ai_model TEXT,
    original_ai_classification TEXT
);
CREATE INDEX incident_classifications_by_incident_id ON incident_classifications (incident_id);
CREATE INDEX incident_classifications_by_analysis_id ON incident_classifications (analysis_id);
CREATE INDEX incident_classifications_by_incident_type ON incident_classifications (incident_type);
CREATE INDEX incident_classifications_by_severity ON incident_classifications (severity);
CREATE INDEX incident_classifications_by_created_at ON incident_classifications (created_at);

CREATE TABLE prompt_groups (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    group_name TEXT NOT NULL,
    description TEXT,
    display_order INTEGER NOT NULL,
    is_collapsible BOOLEAN CHECK (is_collapsible IN (0, 1)),
    default_collapsed BOOLEAN CHECK (default_collapsed IN (0, 1)),
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX prompt_groups_by_group_name ON prompt_groups (group_name);
CREATE INDEX prompt_groups_by_display_order ON prompt_groups (display_order);

CREATE TABLE ai_prompts (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    prompt_name TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    prompt_template TEXT NOT NULL,
    description TEXT,
    input_schema TEXT,
    output_schema TEXT,
    scope TEXT CHECK (scope IN ('production', 'developer')),
    developer_session_id TEXT,
    parent_prompt_id TEXT REFERENCES ai_prompts (id) DEFERRABLE INITIALLY DEFERRED,
    expires_at INTEGER,
    workflow_step TEXT,
    subsystem TEXT,
    ai_model TEXT NOT NULL,
    max_tokens INTEGER,
    temperature REAL,
    baseline_max_tokens INTEGER,
    adjusted_at INTEGER,
    adjustment_reason TEXT,
    acknowledged_at INTEGER,
    acknowledged_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    group_id TEXT REFERENCES prompt_groups (id) DEFERRABLE INITIALLY DEFERRED,
    display_order INTEGER,
    execution_mode TEXT CHECK (execution_mode IN ('single', 'batch_analysis')),
    prompt_type TEXT CHECK (prompt_type IN ('generation', 'predicate', 'classification', 'observation')),
    data_source_id TEXT REFERENCES data_source_profiles (id) DEFERRABLE INITIALLY DEFERRED,
    output_format TEXT CHECK (json_valid(output_format)),
    is_active BOOLEAN CHECK (is_active IN (0, 1)),
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    replaced_at INTEGER,
    replaced_by TEXT,
    usage_count INTEGER,
    average_response_time REAL,
    success_rate REAL
);
CREATE INDEX ai_prompts_by_prompt_name ON ai_prompts (prompt_name);
CREATE INDEX ai_prompts_by_prompt_name_and_prompt_version ON ai_prompts (prompt_name, prompt_version);
CREATE INDEX ai_prompts_by_is_active ON ai_prompts (is_active);
CREATE INDEX ai_prompts_by_workflow_step ON ai_prompts (workflow_step);
CREATE INDEX ai_prompts_by_subsystem ON ai_prompts (subsystem);
CREATE INDEX ai_prompts_by_group_id ON ai_prompts (group_id);
CREATE INDEX ai_prompts_by_execution_mode ON ai_prompts (execution_mode);
CREATE INDEX ai_prompts_by_data_source_id ON ai_prompts (data_source_id);

CREATE TABLE data_source_profiles (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    entity_type TEXT NOT NULL CHECK (entity_type IN ('incident', 'narrative', 'moment')),
    config TEXT NOT NULL CHECK (json_valid(config)),
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'error')),
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    last_run_at INTEGER
);
CREATE INDEX data_source_profiles_by_entity_type ON data_source_profiles (entity_type);
CREATE INDEX data_source_profiles_by_status ON data_source_profiles (status);
CREATE INDEX data_source_profiles_by_entity_type_and_status ON data_source_profiles (entity_type, status);

CREATE TABLE analysis_executions (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    data_source_id TEXT NOT NULL REFERENCES data_source_profiles (id) DEFERRABLE INITIALLY DEFERRED,
    entity_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    started_at INTEGER NOT NULL,
    completed_at INTEGER,
    prompt_count INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX analysis_executions_by_entity_id ON analysis_executions (entity_id);
CREATE INDEX analysis_executions_by_status ON analysis_executions (status);
CREATE INDEX analysis_executions_by_correlation_id ON analysis_executions (correlation_id);
CREATE INDEX analysis_executions_by_data_source_id ON analysis_executions (data_source_id);
CREATE INDEX analysis_executions_by_entity_id_and_status ON analysis_executions (entity_id, status);

CREATE TABLE analysis_results (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    execution_id TEXT NOT NULL REFERENCES analysis_executions (id) DEFERRABLE INITIALLY DEFERRED,
    prompt_id TEXT NOT NULL REFERENCES ai_prompts (id) DEFERRABLE INITIALLY DEFERRED,
    output TEXT NOT NULL CHECK (json_valid(output)),
    tokens_used INTEGER NOT NULL,
    processing_time_ms INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('success', 'error')),
    error_message TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX analysis_results_by_execution_id ON analysis_results (execution_id);
CREATE INDEX analysis_results_by_prompt_id ON analysis_results (prompt_id);
CREATE INDEX analysis_results_by_execution_id_and_prompt_id ON analysis_results (execution_id, prompt_id);
CREATE INDEX analysis_results_by_status ON analysis_results (status);

CREATE TABLE ai_request_logs (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_template TEXT NOT NULL,
    input_data TEXT NOT NULL CHECK (json_valid(input_data)),
    output_data TEXT CHECK (json_valid(output_data)),
    processing_time_ms INTEGER NOT NULL,
    tokens_used INTEGER,
    cost_usd REAL,
    success BOOLEAN NOT NULL CHECK (success IN (0, 1)),
    error_message TEXT,
    user_id TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    incident_id TEXT REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    created_at INTEGER NOT NULL
);
CREATE INDEX ai_request_logs_by_correlation_id ON ai_request_logs (correlation_id);
CREATE INDEX ai_request_logs_by_operation ON ai_request_logs (operation);
CREATE INDEX ai_request_logs_by_created_at ON ai_request_logs (created_at);
CREATE INDEX ai_request_logs_by_user_id ON ai_request_logs (user_id);
CREATE INDEX ai_request_logs_by_incident_id ON ai_request_logs (incident_id);
CREATE INDEX ai_request_logs_by_success ON ai_request_logs (success);

CREATE TABLE workflow_handoffs (
    id TEXT PRIMARY KEY NOT NULL,
    _creation_time INTEGER NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED,
    from_workflow TEXT NOT NULL,
    to_workflow TEXT NOT NULL,
    handoff_data TEXT NOT NULL CHECK (json_valid(handoff_data)),
    team_leader_notified BOOLEAN NOT NULL CHECK (team_leader_notified IN (0, 1)),
    notification_sent_at INTEGER,
    handoff_accepted BOOLEAN NOT NULL CHECK (handoff_accepted IN (0, 1)),
    handoff_accepted_by TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    handoff_accepted_at INTEGER,
    created_at INTEGER NOT NULL
);
CREATE INDEX workflow_handoffs_by_incident_id ON workflow_handoffs (incident_id);
CREATE INDEX workflow_handoffs_by_to_workflow ON workflow_handoffs (to_workflow);
CREATE INDEX workflow_handoffs_by_team_leader_notified ON workflow_handoffs (team_leader_notified);
