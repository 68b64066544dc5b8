-- The schema of the bundled sample application, SupportSignal: incident reporting for disability services.
-- Times are milliseconds since 1970 (UTC), as in the original.

CREATE TABLE companies (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    contact_email text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'trial', 'suspended', 'test')),
    created_at bigint NOT NULL,
    created_by text
);
CREATE INDEX companies_by_status ON companies (status);
CREATE UNIQUE INDEX companies_by_slug ON companies (slug);

CREATE TABLE users (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    password text NOT NULL,
    profile_image_url text,
    role text NOT NULL CHECK (role IN ('system_admin', 'demo_admin', 'company_admin', 'team_lead', 'frontline_worker')),
    company_id text,
    created_at bigint
);
CREATE UNIQUE INDEX users_by_email ON users (email);
CREATE INDEX users_by_company_id ON users (company_id);

CREATE TABLE user_invitations (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    email text NOT NULL,
    company_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('company_admin', 'team_lead', 'frontline_worker')),
    invited_by text NOT NULL,
    invitation_token text NOT NULL,
    expires_at bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'accepted', 'expired', 'revoked')),
    created_at bigint NOT NULL,
    accepted_at bigint
);
CREATE INDEX user_invitations_by_email ON user_invitations (email);
CREATE INDEX user_invitations_by_company_id ON user_invitations (company_id);
CREATE INDEX user_invitations_by_invitation_token ON user_invitations (invitation_token);
CREATE INDEX user_invitations_by_status ON user_invitations (status);
CREATE INDEX user_invitations_by_company_id_and_status ON user_invitations (company_id, status);
CREATE INDEX user_invitations_by_email_and_company_id ON user_invitations (email, company_id);
CREATE INDEX user_invitations_by_email_and_status ON user_invitations (email, status);

CREATE TABLE sites (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    company_id text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    updated_at bigint
);
CREATE INDEX sites_by_company_id ON sites (company_id);
CREATE INDEX sites_by_company_id_and_name ON sites (company_id, name);

CREATE TABLE sessions (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    "userId" text NOT NULL,
    "sessionToken" text NOT NULL,
    expires bigint NOT NULL,
    "rememberMe" boolean
);
CREATE UNIQUE INDEX sessions_by_sessionToken ON sessions ("sessionToken");
CREATE INDEX sessions_by_userId ON sessions ("userId");

CREATE TABLE accounts (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    "userId" text NOT NULL,
    type text NOT NULL,
    provider text NOT NULL,
    "providerAccountId" text NOT NULL,
    refresh_token text,
    access_token text,
    expires_at bigint,
    token_type text,
    scope text,
    id_token text
);
CREATE INDEX accounts_by_provider_and_providerAccountId ON accounts (provider, "providerAccountId");
CREATE INDEX accounts_by_userId ON accounts ("userId");

CREATE TABLE password_reset_tokens (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    "userId" text NOT NULL,
    token text NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX password_reset_tokens_by_token ON password_reset_tokens (token);
CREATE INDEX password_reset_tokens_by_userId ON password_reset_tokens ("userId");

CREATE TABLE impersonation_sessions (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    admin_user_id text NOT NULL,
    target_user_id text NOT NULL,
    session_token text NOT NULL,
    original_session_token text NOT NULL,
    reason text NOT NULL,
    expires bigint NOT NULL,
    is_active boolean NOT NULL,
    created_at bigint NOT NULL,
    terminated_at bigint,
    correlation_id text NOT NULL
);
CREATE INDEX impersonation_sessions_by_session_token ON impersonation_sessions (session_token);
CREATE INDEX impersonation_sessions_by_admin_user_id ON impersonation_sessions (admin_user_id);
CREATE INDEX impersonation_sessions_by_target_user_id ON impersonation_sessions (target_user_id);
CREATE INDEX impersonation_sessions_by_is_active_and_expires ON impersonation_sessions (is_active, expires);

CREATE TABLE debug_logs (
    _id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    id text NOT NULL,
    trace_id text NOT NULL,
    user_id text,
    system text NOT NULL CHECK (system IN ('browser', 'convex', 'worker', 'manual')),
    level text NOT NULL CHECK (level IN ('log', 'info', 'warn', 'error')),
    message text NOT NULL,
    timestamp bigint NOT NULL,
    context jsonb,
    stack text,
    raw_data jsonb NOT NULL,
    synced_at bigint NOT NULL
);
CREATE INDEX debug_logs_by_trace_id ON debug_logs (trace_id);
CREATE INDEX debug_logs_by_user_id ON debug_logs (user_id);
CREATE INDEX debug_logs_by_system ON debug_logs (system);
CREATE INDEX debug_logs_by_timestamp ON debug_logs (timestamp);
CREATE INDEX debug_logs_by_synced_at ON debug_logs (synced_at);

CREATE TABLE participants (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    company_id text NOT NULL,
    site_id text,
    first_name text NOT NULL,
    last_name text NOT NULL,
    date_of_birth text NOT NULL,
    ndis_number text NOT NULL,
    contact_phone text,
    emergency_contact text,
    support_level text NOT NULL CHECK (support_level IN ('high', 'medium', 'low')),
    care_notes text,
    status text NOT NULL CHECK (status IN ('active', 'inactive', 'discharged')),
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    updated_at bigint NOT NULL,
    updated_by text NOT NULL
);
CREATE INDEX participants_by_company_id ON participants (company_id);
CREATE INDEX participants_by_company_id_and_site_id ON participants (company_id, site_id);
CREATE INDEX participants_by_ndis_number ON participants (ndis_number);
CREATE INDEX participants_by_status ON participants (status);
CREATE INDEX participants_by_last_name_and_first_name ON participants (last_name, first_name);

CREATE TABLE incidents (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    company_id text NOT NULL,
    site_id text,
    reporter_name text NOT NULL,
    participant_id text,
    participant_name text NOT NULL,
    event_date_time text NOT NULL,
    location text NOT NULL,
    capture_status text NOT NULL CHECK (capture_status IN ('draft', 'in_progress', 'completed')),
    analysis_status text NOT NULL CHECK (analysis_status IN ('not_started', 'in_progress', 'completed')),
    overall_status text NOT NULL CHECK (overall_status IN ('capture_pending', 'analysis_pending', 'ready_for_analysis', 'completed')),
    created_at bigint NOT NULL,
    created_by text,
    updated_at bigint NOT NULL,
    updated_by text,
    narrative_hash text,
    questions_generated boolean NOT NULL,
    narrative_enhanced boolean NOT NULL,
    analysis_generated boolean NOT NULL,
    current_step bigint,
    step_description text,
    content_preview text,
    workflow_completed_at bigint,
    submitted_by text,
    submitted_at bigint,
    handoff_status text CHECK (handoff_status IN ('draft', 'ready_for_analysis', 'in_analysis', 'analysis_complete')),
    completion_checklist jsonb
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
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    incident_id text NOT NULL,
    before_event text NOT NULL,
    during_event text NOT NULL,
    end_event text NOT NULL,
    post_event text NOT NULL,
    before_event_extra text,
    during_event_extra text,
    end_event_extra text,
    post_event_extra text,
    consolidated_narrative text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    enhanced_at bigint,
    narrative_hash text,
    version bigint NOT NULL
);
CREATE INDEX incident_narratives_by_incident_id ON incident_narratives (incident_id);
CREATE INDEX incident_narratives_by_updated_at ON incident_narratives (updated_at);

CREATE TABLE clarification_questions (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    incident_id text NOT NULL,
    question_id text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('before_event', 'during_event', 'end_event', 'post_event')),
    question_text text NOT NULL,
    question_order bigint NOT NULL,
    generated_at bigint NOT NULL,
    ai_model text,
    prompt_version text,
    is_active boolean NOT NULL
);
CREATE INDEX clarification_questions_by_incident_id ON clarification_questions (incident_id);
CREATE INDEX clarification_questions_by_incident_id_and_phase ON clarification_questions (incident_id, phase);
CREATE INDEX clarification_questions_by_generated_at ON clarification_questions (generated_at);

CREATE TABLE clarification_answers (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    incident_id text NOT NULL,
    question_id text NOT NULL,
    answer_text text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('before_event', 'during_event', 'end_event', 'post_event')),
    answered_at bigint NOT NULL,
    answered_by text,
    updated_at bigint NOT NULL,
    is_complete boolean NOT NULL,
    character_count bigint NOT NULL,
    word_count bigint NOT NULL
);
CREATE INDEX clarification_answers_by_incident_id ON clarification_answers (incident_id);
CREATE INDEX clarification_answers_by_incident_id_and_phase ON clarification_answers (incident_id, phase);
CREATE INDEX clarification_answers_by_question_id ON clarification_answers (question_id);
CREATE INDEX clarification_answers_by_answered_at ON clarification_answers (answered_at);

CREATE TABLE incident_analysis (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    incident_id text NOT NULL,
    contributing_conditions text NOT NULL,
    conditions_original text,
    conditions_edited boolean NOT NULL,
    analyzed_at bigint NOT NULL,
    analyzed_by text,
    updated_at bigint NOT NULL,
    ai_analysis_prompt text,
    ai_model text,
    ai_confidence double precision,
    ai_processing_time bigint,
    analysis_status text NOT NULL CHECK (analysis_status IN ('draft', 'ai_generated', 'user_reviewed', 'completed')),
    revision_count bigint NOT NULL,
    total_edit_time bigint
);
CREATE INDEX incident_analysis_by_incident_id ON incident_analysis (incident_id);
CREATE INDEX incident_analysis_by_analyzed_at ON incident_analysis (analyzed_at);
CREATE INDEX incident_analysis_by_analyzed_by ON incident_analysis (analyzed_by);
CREATE INDEX incident_analysis_by_analysis_status ON incident_analysis (analysis_status);

CREATE TABLE incident_classifications (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    incident_id text NOT NULL,
    analysis_id text NOT NULL,
    classification_id text NOT NULL,
    incident_type text NOT NULL CHECK (incident_type IN ('behavioural', 'environmental', 'medical', 'communication', 'other')),
    supporting_evidence text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
    confidence_score double precision NOT NULL,
    user_reviewed boolean NOT NULL,
    user_modified boolean NOT NULL,
    review_notes text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    classified_by text,
    ai_generated boolean NOT NULL,
    ai_model text,
    original_ai_classification text
);
CREATE INDEX incident_classifications_by_incident_id ON incident_classifications (incident_id);
CREATE INDEX incident_classifications_by_analysis_id ON incident_classifications (analysis_id);
CREATE INDEX incident_classifications_by_incident_type ON incident_classifications (incident_type);
CREATE INDEX incident_classifications_by_severity ON incident_classifications (severity);
CREATE INDEX incident_classifications_by_created_at ON incident_classifications (created_at);

CREATE TABLE prompt_groups (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    group_name text NOT NULL,
    description text,
    display_order bigint NOT NULL,
    is_collapsible boolean,
    default_collapsed boolean,
    created_at bigint NOT NULL,
    created_by text
);
CREATE INDEX prompt_groups_by_group_name ON prompt_groups (group_name);
CREATE INDEX prompt_groups_by_display_order ON prompt_groups (display_order);

CREATE TABLE ai_prompts (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    prompt_name text NOT NULL,
    prompt_version text NOT NULL,
    prompt_template text NOT NULL,
    description text,
    input_schema text,
    output_schema text,
    scope text CHECK (scope IN ('production', 'developer')),
    developer_session_id text,
    parent_prompt_id text,
    expires_at bigint,
    workflow_step text,
    subsystem text,
    ai_model text NOT NULL,
    max_tokens bigint,
    temperature double precision,
    baseline_max_tokens bigint,
    adjusted_at bigint,
    adjustment_reason text,
    acknowledged_at bigint,
    acknowledged_by text,
    group_id text,
    display_order bigint,
    execution_mode text CHECK (execution_mode IN ('single', 'batch_analysis')),
    prompt_type text CHECK (prompt_type IN ('generation', 'predicate', 'classification', 'observation')),
    data_source_id text,
    output_format jsonb,
    is_active boolean,
    created_at bigint NOT NULL,
    created_by text,
    replaced_at bigint,
    replaced_by text,
    usage_count bigint,
    average_response_time double precision,
    success_rate double precision
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
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    name text NOT NULL,
    description text,
    entity_type text NOT NULL CHECK (entity_type IN ('incident', 'narrative', 'moment')),
    config jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'inactive', 'error')),
    created_at bigint NOT NULL,
    created_by text,
    last_run_at bigint
);
CREATE INDEX data_source_profiles_by_entity_type ON data_source_profiles (entity_type);
CREATE INDEX data_source_profiles_by_status ON data_source_profiles (status);
CREATE INDEX data_source_profiles_by_entity_type_and_status ON data_source_profiles (entity_type, status);

CREATE TABLE analysis_executions (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    data_source_id text NOT NULL,
    entity_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    started_at bigint NOT NULL,
    completed_at bigint,
    prompt_count bigint NOT NULL,
    correlation_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX analysis_executions_by_entity_id ON analysis_executions (entity_id);
CREATE INDEX analysis_executions_by_status ON analysis_executions (status);
CREATE INDEX analysis_executions_by_correlation_id ON analysis_executions (correlation_id);
CREATE INDEX analysis_executions_by_data_source_id ON analysis_executions (data_source_id);
CREATE INDEX analysis_executions_by_entity_id_and_status ON analysis_executions (entity_id, status);

CREATE TABLE analysis_results (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    execution_id text NOT NULL,
    prompt_id text NOT NULL,
    output jsonb NOT NULL,
    tokens_used bigint NOT NULL,
    processing_time_ms bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('success', 'error')),
    error_message text,
    created_at bigint NOT NULL
);
CREATE INDEX analysis_results_by_execution_id ON analysis_results (execution_id);
CREATE INDEX analysis_results_by_prompt_id ON analysis_results (prompt_id);
CREATE INDEX analysis_results_by_execution_id_and_prompt_id ON analysis_results (execution_id, prompt_id);
CREATE INDEX analysis_results_by_status ON analysis_results (status);

CREATE TABLE ai_request_logs (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    correlation_id text NOT NULL,
    operation text NOT NULL,
    model text NOT NULL,
    prompt_template text NOT NULL,
    input_data jsonb NOT NULL,
    output_data jsonb,
    processing_time_ms bigint NOT NULL,
    tokens_used bigint,
    cost_usd double precision,
    success boolean NOT NULL,
    error_message text,
    user_id text,
    incident_id text,
    created_at bigint NOT NULL
);
CREATE INDEX ai_request_logs_by_correlation_id ON ai_request_logs (correlation_id);
CREATE INDEX ai_request_logs_by_operation ON ai_request_logs (operation);
CREATE INDEX ai_request_logs_by_created_at ON ai_request_logs (created_at);
CREATE INDEX ai_request_logs_by_user_id ON ai_request_logs (user_id);
CREATE INDEX ai_request_logs_by_incident_id ON ai_request_logs (incident_id);
CREATE INDEX ai_request_logs_by_success ON ai_request_logs (success);

CREATE TABLE workflow_handoffs (
    id text PRIMARY KEY NOT NULL,
    _creation_time bigint NOT NULL,
    incident_id text NOT NULL,
    from_workflow text NOT NULL,
    to_workflow text NOT NULL,
    handoff_data jsonb NOT NULL,
    team_leader_notified boolean NOT NULL,
    notification_sent_at bigint,
    handoff_accepted boolean NOT NULL,
    handoff_accepted_by text,
    handoff_accepted_at bigint,
    created_at bigint NOT NULL
);
CREATE INDEX workflow_handoffs_by_incident_id ON workflow_handoffs (incident_id);
CREATE INDEX workflow_handoffs_by_to_workflow ON workflow_handoffs (to_workflow);
CREATE INDEX workflow_handoffs_by_team_leader_notified ON workflow_handoffs (team_leader_notified);

-- Added last: two tables may refer to each other.
ALTER TABLE companies ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE users ADD FOREIGN KEY (company_id) REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE user_invitations ADD FOREIGN KEY (company_id) REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE user_invitations ADD FOREIGN KEY (invited_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE sites ADD FOREIGN KEY (company_id) REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE sites ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE sessions ADD FOREIGN KEY ("userId") REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE accounts ADD FOREIGN KEY ("userId") REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE password_reset_tokens ADD FOREIGN KEY ("userId") REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE impersonation_sessions ADD FOREIGN KEY (admin_user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE impersonation_sessions ADD FOREIGN KEY (target_user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE participants ADD FOREIGN KEY (company_id) REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE participants ADD FOREIGN KEY (site_id) REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE participants ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE participants ADD FOREIGN KEY (updated_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incidents ADD FOREIGN KEY (company_id) REFERENCES companies (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incidents ADD FOREIGN KEY (site_id) REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incidents ADD FOREIGN KEY (participant_id) REFERENCES participants (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incidents ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incidents ADD FOREIGN KEY (updated_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incidents ADD FOREIGN KEY (submitted_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incident_narratives ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE clarification_questions ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE clarification_answers ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE clarification_answers ADD FOREIGN KEY (answered_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incident_analysis ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incident_analysis ADD FOREIGN KEY (analyzed_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incident_classifications ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incident_classifications ADD FOREIGN KEY (analysis_id) REFERENCES incident_analysis (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE incident_classifications ADD FOREIGN KEY (classified_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE prompt_groups ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_prompts ADD FOREIGN KEY (parent_prompt_id) REFERENCES ai_prompts (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_prompts ADD FOREIGN KEY (acknowledged_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_prompts ADD FOREIGN KEY (group_id) REFERENCES prompt_groups (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_prompts ADD FOREIGN KEY (data_source_id) REFERENCES data_source_profiles (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_prompts ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE data_source_profiles ADD FOREIGN KEY (created_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE analysis_executions ADD FOREIGN KEY (data_source_id) REFERENCES data_source_profiles (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE analysis_results ADD FOREIGN KEY (execution_id) REFERENCES analysis_executions (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE analysis_results ADD FOREIGN KEY (prompt_id) REFERENCES ai_prompts (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_request_logs ADD FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ai_request_logs ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE workflow_handoffs ADD FOREIGN KEY (incident_id) REFERENCES incidents (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE workflow_handoffs ADD FOREIGN KEY (handoff_accepted_by) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED;
