-- The snapshot that data quality is judged on: one at a time, made anew by each run. After a crash of the server it is
-- empty, and nothing is lost. The check itself has the planner look at it: a vacuum, which began while it was filled
-- and judged, read all of it for nothing, on the same processors.

CREATE UNLOGGED TABLE quality.days (
    calendar smallint NOT NULL,
    day date NOT NULL,
    working boolean NOT NULL,
    nth integer NOT NULL,
    previous_working_day date
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.days IS 'Working calendars in use: each day, whether it is worked, and how many working days there were up to it.';

CREATE UNLOGGED TABLE quality.agencies (
    agency_code text NOT NULL,
    answers text,
    calendar smallint NOT NULL,
    apology_day text NOT NULL,
    enabled_from timestamptz,
    today integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.agencies IS 'Agencies: who answers for their dossiers now, their calendar, and how many working days of it were over.';

CREATE UNLOGGED TABLE quality.desk_register (
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    result_ready_at timestamptz,
    handed_over_at timestamptz
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.desk_register IS 'The desk''s own register, where a source offers it.';

CREATE UNLOGGED TABLE quality.register_readings (
    source_id smallint NOT NULL,
    failure text
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.register_readings IS 'Sources that offer a desk register, and why one could not be read.';

CREATE UNLOGGED TABLE quality.dossiers (
    dossier_id bigint NOT NULL,
    agency_code text NOT NULL,
    answers text,
    source_id smallint NOT NULL,
    procedure_code text NOT NULL,
    status_code smallint,
    received_at timestamptz,
    received_nth integer,
    due_at timestamptz,
    due_day date,
    due_nth integer,
    due_working boolean,
    eve date,
    finished_at timestamptz,
    returned_at timestamptz,
    updated_at timestamptz,
    textable boolean NOT NULL,
    phone_refusal text,
    phone_notes text[]
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.dossiers IS 'Dossiers that are looked at (not ended, or received or changed since the first of the months), with their days counted.';

CREATE UNLOGGED TABLE quality.moves (
    dossier_id bigint NOT NULL,
    last_status smallint NOT NULL,
    last_recorded_at timestamptz NOT NULL,
    last_occurred_at timestamptz NOT NULL,
    last_nth integer,
    first_actor text,
    result_at timestamptz,
    result_nth integer,
    desk_result_at timestamptz,
    collected_at timestamptz,
    collected_nth integer,
    reopened_at timestamptz,
    supplement_at timestamptz,
    supplement_nth integer,
    supplement_from timestamptz,
    result_note_at timestamptz,
    evening_at timestamptz,
    withdrawn_at timestamptz,
    withdrawal_asked boolean NOT NULL,
    paused_at timestamptz,
    skipped_at timestamptz,
    odd_hours_at timestamptz,
    day_off_at timestamptz
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.moves IS 'What a dossier''s transitions say, one row a dossier; nth counts working days.';

CREATE UNLOGGED TABLE quality.result_messages (
    dossier_id bigint NOT NULL,
    told boolean NOT NULL,
    outcome text NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.result_messages IS 'What became of a dossier''s result messages.';

CREATE UNLOGGED TABLE quality.edited (
    dossier_id bigint NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.edited IS 'Dossiers whose due date or procedure changed.';

CREATE UNLOGGED TABLE quality.marks (
    dossier_id bigint NOT NULL,
    due_moved_at timestamptz,
    late_moves integer,
    unexplained_moves integer,
    due_day_at_pause date,
    procedure_changed_at timestamptz,
    phone_owners integer,
    number_failed_at timestamptz,
    own_number_failed_at timestamptz,
    refiled_at timestamptz,
    refiled_nth integer,
    inquiries integer,
    last_inquiry_at timestamptz,
    complained_at timestamptz,
    cleaned_time_at timestamptz,
    cleaned text,
    register_ready_at timestamptz,
    register_handed_at timestamptz
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.marks IS 'What few dossiers have; several rows a dossier, each with some of the columns.';

CREATE UNLOGGED TABLE quality.dossier_facts (
    dossier_id bigint NOT NULL,
    agency_code text,
    status_code smallint,
    ended boolean NOT NULL,
    textable boolean NOT NULL,
    due_on_day_off boolean,
    phone_refusal text,
    phone_notes text[],
    phone_owners integer,
    number_failed_at timestamptz,
    own_number_failed_at timestamptz,
    reopened_at timestamptz,
    supplement_at timestamptz,
    supplement_days integer,
    result_note_at timestamptz,
    refiled_at timestamptz,
    refiled_days integer,
    beat_at timestamptz,
    paused_at timestamptz,
    pause_month date,
    paused_late boolean NOT NULL,
    due_moved_at timestamptz,
    due_late_moves integer,
    due_unexplained_moves integer,
    procedure_changed_at timestamptz,
    withdrawn_at timestamptz,
    withdrawal_asked boolean NOT NULL,
    inquiries integer,
    last_inquiry_at timestamptz,
    complained_at timestamptz,
    skipped_at timestamptz,
    odd_hours_at timestamptz,
    day_off_at timestamptz,
    before_receipt_at timestamptz,
    in_future_at timestamptz,
    cleaned_time_at timestamptz,
    cleaned text,
    register_offered boolean NOT NULL,
    register_ready_at timestamptz,
    register_handed_at timestamptz,
    idle_days integer,
    waiting_days integer,
    term_days integer,
    pickup_days integer,
    received_at timestamptz,
    due_at timestamptz,
    last_event_at timestamptz,
    result_at timestamptz,
    desk_result_at timestamptz,
    collected_at timestamptz,
    collected_at_once boolean NOT NULL,
    same_day boolean NOT NULL,
    told_result boolean NOT NULL,
    result_message text,
    enabled boolean NOT NULL,
    received_month date,
    result_month date,
    desk_result_month date,
    collected_month date,
    procedure_code text NOT NULL,
    source_id smallint NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.dossier_facts IS 'Everything that the rules about dossiers look at, one row a dossier.';

CREATE UNLOGGED TABLE quality.usual_waits (
    procedure_code text NOT NULL,
    collected integer NOT NULL,
    median numeric NOT NULL,
    deviation numeric NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.usual_waits IS 'How long results of a procedure wait at the desk: working days, median and median absolute deviation.';

CREATE UNLOGGED TABLE quality.actor_days (
    agency_code text NOT NULL,
    actor text NOT NULL,
    day date NOT NULL,
    changes integer NOT NULL,
    batch integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.actor_days IS 'Users'' days with many changes within a few minutes late in the day. Holds users'' names.';

CREATE UNLOGGED TABLE quality.agency_days (
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    day date NOT NULL,
    changes integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.agency_days IS 'Transitions by day.';

CREATE UNLOGGED TABLE quality.month_cells (
    agency_code text,
    procedure_code text NOT NULL,
    month date NOT NULL,
    received integer NOT NULL,
    textable integer NOT NULL,
    results integer NOT NULL,
    uncollected integer NOT NULL,
    collected integer NOT NULL,
    at_once integer NOT NULL,
    beats integer NOT NULL,
    pauses integer NOT NULL,
    late_pauses integer NOT NULL,
    expected integer NOT NULL,
    delivered integer NOT NULL,
    no_phone integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.month_cells IS 'What is counted by agency, procedure and month; several rows each, to be summed up.';

CREATE UNLOGGED TABLE quality.agency_month_facts (
    subject text,
    agency_code text,
    month date NOT NULL,
    procedure_code text,
    received integer NOT NULL,
    textable integer NOT NULL,
    previous_received integer NOT NULL,
    previous_textable integer NOT NULL,
    results integer NOT NULL,
    uncollected integer NOT NULL,
    uncollected_usual numeric,
    collected integer NOT NULL,
    at_once integer NOT NULL,
    beats integer NOT NULL,
    beats_usual numeric,
    pauses integer NOT NULL,
    late_pauses integer NOT NULL,
    late_pauses_usual numeric,
    batch_days integer NOT NULL,
    batch_users integer NOT NULL,
    batch_changes integer NOT NULL,
    expected integer NOT NULL,
    delivered integer NOT NULL,
    no_phone integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.agency_month_facts IS 'Everything that the rules about an agency''s month look at; procedure_code is empty for the whole agency.';

CREATE UNLOGGED TABLE quality.source_facts (
    subject text NOT NULL,
    source_id smallint NOT NULL,
    agency_code text,
    picked_up_at timestamptz,
    hours_unread numeric,
    failed_at timestamptz,
    last_transition_at timestamptz,
    silent_days integer,
    recent numeric NOT NULL,
    usual numeric NOT NULL,
    unknown_codes integer NOT NULL,
    unknown_since timestamptz,
    unusable_rows integer NOT NULL,
    unusable_since timestamptz,
    register_failure text
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.source_facts IS 'Everything that the rules about sources look at; agency_code is empty for the whole source.';

CREATE UNLOGGED TABLE quality.found (
    rule text NOT NULL,
    subject text NOT NULL,
    level text NOT NULL,
    agency_code text,
    since timestamptz,
    facts jsonb NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.found IS 'The rows that Great Expectations returned in this run.';

CREATE UNLOGGED TABLE quality.ledger_counts (
    agency_code text NOT NULL,
    dossiers integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.ledger_counts IS 'How many dossiers of each agency are to be looked at, counted in the ledger alone, at the same moment.';

CREATE UNLOGGED TABLE quality.agency_counts (
    agency_code text,
    in_ledger integer NOT NULL,
    in_snapshot integer NOT NULL,
    received integer NOT NULL,
    received_in_months integer NOT NULL
) WITH (autovacuum_enabled = FALSE);
COMMENT ON TABLE quality.agency_counts IS 'What must be the same of each agency: dossiers in ledger and snapshot, and those received one by one and summed up.';
