-- Grant the ledger's roles their rights. Each motcua migrate runs this file after all other files. The file revokes all
-- rights of the roles and then grants the rights in the two lists below. A role that this server does not have yet is
-- skipped. It gets its rights at the first motcua migrate after it was created. The owner may do everything. A function
-- that runs with its owner's rights may be called only by the roles listed for it. Any other function may be called by
-- every role. docs/decisions/roles.md gives the reasons.
DO $rights$
DECLARE
    parts CONSTANT text[] := ARRAY[
        'motcua_app', 'motcua_callbacks', 'motcua_pages', 'motcua_audit', 'motcua_purge', 'motcua_intake', 'motcua_eraser'
    ];
    there text[];
    the record;
BEGIN
    there := ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = any(parts));
    FOR the IN
        SELECT 'SCHEMA ' || quote_ident(n.nspname) AS named, '' AS public_too
        FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname IN ('audit', 'intake', 'motcua', 'quality', 'statements')
        UNION ALL
        SELECT format('%I.%I', n.nspname, c.relname), ''
        FROM pg_catalog.pg_class AS c
        INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
        WHERE
            n.nspname IN ('audit', 'intake', 'motcua', 'quality', 'statements')
            AND c.relkind IN ('r', 'v')
            AND pg_has_role(c.relowner, 'USAGE')
        UNION ALL
        SELECT
            'FUNCTION ' || p.oid::pg_catalog.regprocedure,
            CASE WHEN p.prosecdef AND p.prorettype <> 'trigger'::pg_catalog.regtype THEN ', PUBLIC' ELSE '' END
        FROM pg_catalog.pg_proc AS p
        INNER JOIN pg_catalog.pg_namespace AS n ON p.pronamespace = n.oid
        WHERE
            n.nspname IN ('audit', 'intake', 'motcua', 'quality', 'statements')
            AND pg_has_role(p.proowner, 'USAGE')
        ORDER BY named
    LOOP
        EXECUTE format(
            'REVOKE ALL ON %s FROM %s%s', the.named, (SELECT string_agg(quote_ident(r), ', ') FROM unnest(there) AS r),
            the.public_too
        );
    END LOOP;
    FOR the IN
        SELECT r.named, w.role, w.rights
        FROM (
            VALUES
        -- Each row has an object and what four roles may do with it: motcua_app (tasks and commands), motcua_callbacks,
        -- motcua_pages and motcua_audit.
        ('SCHEMA audit', 'USAGE', '', 'USAGE', 'USAGE'),
        ('SCHEMA intake', 'USAGE', '', 'USAGE', ''),
        ('SCHEMA motcua', 'USAGE', 'USAGE', 'USAGE', ''),
        ('SCHEMA quality', 'USAGE', '', '', ''),
        ('SCHEMA statements', 'USAGE', '', '', ''),
        ('intake.client_agencies', 'SELECT, INSERT, DELETE', '', 'SELECT', ''),
        ('intake.client_changes', 'SELECT, INSERT', '', 'SELECT (client_id, agencies)', ''),
        ('intake.client_days', 'SELECT', '', 'SELECT', ''),
        ('intake.client_hours', 'SELECT', '', '', ''),
        (
            'intake.clients',
            'SELECT, INSERT, UPDATE',
            '',
            'SELECT (client_id, name, source, networks, supplements_at_desk_since, disabled_at)',
            ''
        ),
        ('intake.export_forms', 'SELECT, INSERT', '', 'SELECT', ''),
        ('intake.exported_dossiers', 'SELECT, UPDATE (vanished_in)', '', 'SELECT (dossier_no, vanished_in)', ''),
        (
            'intake.exports',
            'SELECT, INSERT, UPDATE',
            '',
            'SELECT, INSERT, UPDATE (state, read_at, size, modified_at, seen_at, sent_by, sent_at, accepted_by,'
            ' accepted_at, accepted_why)',
            ''
        ),
        ('intake.faults', 'SELECT', '', 'SELECT', ''),
        ('intake.numbers', '', '', '', ''),
        (
            'intake.pushed_dossiers',
            'SELECT (dossier_no, agency_code, dossier_code, status_code, arrived_at, fields)',
            '',
            'SELECT (dossier_no, agency_code, dossier_code, status_code)',
            ''
        ),
        (
            'intake.pushed_steps',
            'SELECT (step_no, client_id, transition_id, agency_code, dossier_code, occurred_at, fields)',
            '',
            '',
            ''
        ),
        ('intake.recent_states', '', '', '', ''),
        ('intake.sessions', 'SELECT (client_id), DELETE', '', '', ''),
        ('intake.source_dossiers', 'SELECT', '', '', ''),
        ('intake.source_transitions', 'SELECT', '', '', ''),
        ('intake.supplements_untold', 'SELECT', '', 'SELECT', ''),
        ('intake.waiting_steps', 'SELECT', '', 'SELECT', ''),
        ('intake.wrong_addresses', 'SELECT', '', '', ''),
        ('motcua.agencies', 'SELECT, INSERT, UPDATE', 'SELECT (agency_code)', 'SELECT', ''),
        ('motcua.agency_aliases', 'SELECT, INSERT, UPDATE, DELETE', 'SELECT (agency_code, alias)', 'SELECT', ''),
        ('motcua.agency_changes', 'SELECT', '', 'SELECT', ''),
        ('motcua.agency_names', 'SELECT, INSERT, UPDATE, DELETE', '', 'SELECT', ''),
        ('motcua.agency_scopes', 'SELECT', '', '', ''),
        ('motcua.airflow_cleanings', 'SELECT, INSERT', '', 'SELECT', ''),
        (
            'motcua.alerts',
            'SELECT, INSERT, UPDATE',
            'SELECT (name, over_at)',
            'SELECT, UPDATE (acknowledged_at, acknowledged_by)',
            ''
        ),
        (
            'motcua.apology_evenings',
            'SELECT, INSERT',
            'SELECT (agency_code, evening_at, known_transition, known_version, first_due, last_due)',
            'SELECT',
            ''
        ),
        ('motcua.applied_migrations', 'SELECT', '', '', ''),
        (
            'motcua.attempts',
            'SELECT, INSERT, UPDATE',
            'SELECT (message_id, gateway, state, released, started_at)',
            'SELECT',
            ''
        ),
        (
            'motcua.believed_sleeps',
            'SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by)',
            '',
            'SELECT',
            ''
        ),
        ('motcua.calendar_changes', 'SELECT', '', 'SELECT', ''),
        ('motcua.calendar_days', 'SELECT, INSERT, UPDATE, DELETE', '', 'SELECT', ''),
        ('motcua.calendar_years', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.carrier_statements', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.cleaned_fields', 'SELECT, INSERT, UPDATE (detail, last_seen_at)', '', '', ''),
        (
            'motcua.closing_agencies, motcua.closing_changes, motcua.closing_channels, motcua.closing_differences, '
            'motcua.closing_dossier_sums, motcua.closing_dossiers, motcua.closing_message_sums, '
            'motcua.closing_messages, motcua.closing_orphans, motcua.closing_pushed, motcua.closing_reason_sums, '
            'motcua.closing_reasons, motcua.closing_stops, motcua.closing_timings',
            'SELECT, INSERT',
            '',
            '',
            ''
        ),
        ('motcua.closings', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.complaint_changes', 'SELECT', '', '', ''),
        (
            'motcua.complaints',
            'SELECT, INSERT, UPDATE (dossier_id, message_id, note, outcome, outcome_by, outcome_at, outcome_reason, withdrawn_at, withdrawn_by, withdraw_reason)',
            '',
            'SELECT, INSERT, UPDATE (dossier_id, message_id, outcome, outcome_by, outcome_at, outcome_reason, withdrawn_at, withdrawn_by, withdraw_reason)',
            ''
        ),
        ('motcua.dossier_terms', 'SELECT', '', '', ''),
        (
            'motcua.dossier_versions',
            'SELECT, INSERT',
            'SELECT (version_id, dossier_id, due_at, received_at, seen_at, status_code, returned_at, updated_at)',
            'SELECT',
            ''
        ),
        (
            'motcua.dossiers',
            'SELECT, INSERT, UPDATE',
            'SELECT (dossier_id, agency_code, procedure_code)',
            'SELECT',
            ''
        ),
        ('motcua.finding_acknowledgements', 'SELECT, INSERT', '', 'SELECT, INSERT', ''),
        ('motcua.finding_episodes', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.finding_rechecks', 'SELECT, INSERT', '', 'SELECT, INSERT', ''),
        ('motcua.findings', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        (
            'motcua.gaps',
            'SELECT, INSERT, UPDATE',
            'SELECT (gap_no, kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, closed_at,'
            ' slept_since, held_until)',
            'SELECT',
            ''
        ),
        ('motcua.gateway_changes', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.gateway_days', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.gateway_stops', 'SELECT, INSERT, UPDATE, DELETE', 'SELECT (gateway, concerns, expected)', 'SELECT', ''),
        ('motcua.gateways', 'SELECT, INSERT, UPDATE', 'SELECT (name)', 'SELECT', ''),
        (
            'motcua.inquiries',
            'SELECT, INSERT, UPDATE (msisdn, text, asked_code)',
            'SELECT (agency_code, dossier_id, received_at)',
            'SELECT',
            ''
        ),
        ('motcua.journals', 'SELECT, INSERT', '', '', ''),
        ('motcua.lost_attempts', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.message_history', 'SELECT', 'SELECT (message_id, to_state)', 'SELECT', ''),
        ('motcua.message_moves', 'SELECT', '', '', ''),
        ('motcua.message_states', 'SELECT', 'SELECT', '', ''),
        (
            'motcua.messages',
            'SELECT, INSERT, UPDATE',
            'SELECT (message_id, kind, state, agency_code, dossier_id, transition_id, recorded_at, planned_at, next_attempt_at, attempts_made, accepted_at)',
            'SELECT',
            ''
        ),
        ('motcua.occasion_conditions', 'SELECT', '', 'SELECT', ''),
        ('motcua.office_hours', 'SELECT, INSERT, UPDATE, DELETE', '', 'SELECT', ''),
        (
            'motcua.old_steps',
            'SELECT, INSERT, UPDATE',
            'SELECT (transition_id, version_id, known_from, has_force)',
            'SELECT',
            ''
        ),
        ('motcua.outside_watch', 'SELECT, UPDATE', '', '', ''),
        ('motcua.page_requests', 'SELECT, UPDATE (told_at, applies_at, told, untold_because)', '', 'SELECT', ''),
        ('motcua.personal_data_purges', 'SELECT', '', 'SELECT', ''),
        ('motcua.personal_data_requests', 'SELECT, INSERT', '', '', ''),
        ('motcua.phone_changes', 'SELECT, DELETE', '', '', ''),
        ('motcua.phone_searches', 'SELECT, INSERT', '', 'INSERT', ''),
        ('motcua.pick_ups', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.portal_figures', 'SELECT, INSERT', '', '', ''),
        ('motcua.procedures', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.pseudonym_key', '', '', '', ''),
        ('motcua.publication_verifications', 'SELECT, INSERT', '', '', ''),
        ('motcua.publications', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_agencies', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_broken_agencies', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_counts', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_results', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_runs', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.quality_shares', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_sources', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_suggestions', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quality_withheld', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.quarantine', 'SELECT, INSERT, UPDATE', 'SELECT (source_id, row_kind, row_key)', 'SELECT', ''),
        ('motcua.receipt_readings', 'SELECT, INSERT', '', 'SELECT', ''),
        (
            'motcua.receipts',
            'SELECT, INSERT',
            'SELECT (receipt_id, received_at), INSERT (gateway, reference, gateway_status, raw)',
            'SELECT',
            ''
        ),
        (
            'motcua.refused_statements',
            'SELECT, INSERT, UPDATE (set_aside_at, set_aside_by, set_aside_reason)',
            '',
            'SELECT, INSERT, UPDATE (set_aside_at, set_aside_by, set_aside_reason)',
            ''
        ),
        ('motcua.releases', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.report_mails', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.rule_dates', 'SELECT', '', '', ''),
        ('motcua.runs', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.sender_life', 'SELECT, INSERT, UPDATE', '', '', ''),
        ('motcua.sending_conditions', 'SELECT', '', 'SELECT', ''),
        ('motcua.source_checks', 'SELECT, INSERT, UPDATE', '', 'SELECT', ''),
        ('motcua.source_numberings', 'SELECT, INSERT', '', 'SELECT', ''),
        ('motcua.sources', 'SELECT, INSERT, UPDATE', 'SELECT (name, picked_up_at, failed_at)', 'SELECT', ''),
        ('motcua.statement_difference_sums', 'SELECT, INSERT', '', '', ''),
        ('motcua.statement_lines', 'SELECT, INSERT', '', '', ''),
        ('motcua.statement_matches', 'SELECT, INSERT', '', '', ''),
        ('motcua.statement_sums', 'SELECT, INSERT', '', '', ''),
        ('motcua.statement_uploads', 'SELECT', '', 'SELECT, INSERT', ''),
        ('motcua.status_map_changes', 'SELECT', '', 'SELECT', ''),
        ('motcua.status_maps', 'SELECT', '', 'SELECT', ''),
        ('motcua.status_meanings', 'SELECT', '', 'SELECT', ''),
        (
            'motcua.stops',
            'SELECT, INSERT, UPDATE (ended_at, ended_by)',
            'SELECT (kind, agency_code, until, ended_at)',
            'SELECT',
            ''
        ),
        ('motcua.template_registration_changes', 'SELECT, INSERT', '', '', ''),
        ('motcua.template_registrations', 'SELECT, INSERT, UPDATE, DELETE', '', '', ''),
        (
            'motcua.transitions',
            'SELECT, INSERT, UPDATE',
            'SELECT (transition_id, dossier_id, source_id, source_transition_id, outcome, status_code, at_one_stop_desk, planned_at, sequence, from_row, recorded_at, occurred_at)',
            'SELECT',
            ''
        ),
        ('motcua.unread_receipts', 'SELECT', 'SELECT', '', ''),
        ('motcua.user_agencies', 'SELECT, INSERT, DELETE', '', 'SELECT, INSERT, DELETE', ''),
        ('motcua.user_agency_changes', 'SELECT, INSERT', '', 'SELECT, INSERT', ''),
        ('motcua.watch_life', 'SELECT, INSERT, UPDATE, DELETE', '', 'SELECT', ''),
        (
            'audit.agencies, audit.agency_aliases, audit.agency_changes, audit.agency_names, audit.alerts, '
            'audit.apology_evenings, audit.attempts, audit.calendar_changes, audit.calendar_days, '
            'audit.calendar_years, audit.carrier_statements, audit.cleaned_fields, audit.closing_agencies, '
            'audit.closing_changes, audit.closing_channels, audit.closing_differences, audit.closing_dossier_sums, '
            'audit.closing_dossiers, audit.closing_message_sums, audit.closing_messages, audit.closing_orphans, audit.closing_pushed, '
            'audit.closing_reason_sums, audit.closing_reasons, audit.closing_stops, audit.closing_timings, '
            'audit.closings, audit.complaint_changes, audit.complaints, audit.dossier_versions, audit.dossiers, '
            'audit.finding_acknowledgements, audit.finding_episodes, audit.finding_rechecks, audit.findings, '
            'audit.gaps, audit.gateway_changes, audit.gateway_days, audit.inquiries, audit.lost_attempts, '
            'audit.message_history, audit.messages, audit.office_hours, audit.old_steps, audit.page_requests, '
            'audit.personal_data_purges, audit.portal_figures, audit.publication_verifications, audit.publications, '
            'audit.quality_agencies, audit.quality_broken_agencies, audit.quality_counts, audit.quality_results, '
            'audit.quality_runs, audit.quality_shares, audit.quality_sources, audit.quality_suggestions, '
            'audit.quality_withheld, audit.quarantine, audit.receipts, audit.refused_statements, audit.releases, '
            'audit.report_mails, audit.rule_dates, audit.sources, audit.statement_difference_sums, '
            'audit.statement_lines, audit.statement_matches, audit.statement_sums, audit.status_map_changes, '
            'audit.stops, audit.template_registration_changes, audit.template_registrations, audit.transitions',
            'SELECT',
            '',
            'SELECT',
            'SELECT'
        ),
        (
            'audit.personal_data_requests, audit.phone_searches, audit.user_agency_changes',
            '',
            '',
            '',
            'SELECT'
        ),
        ('motcua.counted_occasions', 'SELECT, INSERT', '', '', ''),
        -- The check of data quality makes these tables by calling quality.make, then fills and reads them.
        ('ALL TABLES IN SCHEMA quality', 'SELECT, INSERT', '', '', ''),
        ('statements.lines', 'SELECT, INSERT', '', '', ''),
        ('statements.ours', 'SELECT, INSERT', '', '', ''),
        ('statements.pairs', 'SELECT, INSERT', '', '', ''),
        ('FUNCTION audit.dossier_as_of', 'EXECUTE', '', 'EXECUTE', 'EXECUTE'),
        ('FUNCTION intake.begin_taking', 'EXECUTE', '', '', ''),
        ('FUNCTION intake.write_taken', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.answer_gap', 'EXECUTE', '', 'EXECUTE', ''),
        ('FUNCTION motcua.apply_page_request', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.apply_receipts', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.asked_dossiers', 'EXECUTE', 'EXECUTE', 'EXECUTE', ''),
        ('FUNCTION motcua.asked_too_often', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.desk_user', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.empty_counted_occasions', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.give_testimony', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.look_at_counted_occasions', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.map_status', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.provider_id', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.release_messages', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.reply_given', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.save_inquiry', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.save_page_request', 'EXECUTE', '', 'EXECUTE', ''),
        ('FUNCTION motcua.seen_from_outside', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.set_agency_settings', 'EXECUTE', '', 'EXECUTE', ''),
        ('FUNCTION quality.begin_snapshot', 'EXECUTE', '', '', ''),
        ('FUNCTION quality.look_at', 'EXECUTE', '', '', ''),
        ('FUNCTION quality.make', 'EXECUTE', '', '', ''),
        ('FUNCTION statements.clear', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.tidy_after_purge', 'EXECUTE', '', '', ''),
        ('FUNCTION motcua.wait_for_folder', 'EXECUTE', '', 'EXECUTE', ''),
        ('FUNCTION motcua.wait_for_phone', 'EXECUTE', 'EXECUTE', '', ''),
        ('FUNCTION motcua.wait_for_settings', 'EXECUTE', '', 'EXECUTE', ''),
        ('FUNCTION motcua.withdraw_page_request', 'EXECUTE', '', 'EXECUTE', ''),
        ('FUNCTION statements.look_at', 'EXECUTE', '', '', '')
        ) AS r (named, app, callbacks, pages, audit)
        CROSS JOIN LATERAL (
            VALUES
            ('motcua_app', r.app), ('motcua_callbacks', r.callbacks), ('motcua_pages', r.pages), ('motcua_audit', r.audit)
        ) AS w (role, rights)
        WHERE w.rights <> '' AND w.role = any(there)
        UNION ALL
        SELECT o.named, o.role, o.rights
        FROM (
            VALUES
        -- The role motcua_intake of the intake app: data that one-stop software pushes is written only by these
        -- functions. Each of them requires a session, except sign_in and sign_in_from, which open one.
        ('SCHEMA intake', 'motcua_intake', 'USAGE'),
        ('FUNCTION intake.begin_push', 'motcua_intake', 'EXECUTE'),
        ('FUNCTION intake.look_up', 'motcua_intake', 'EXECUTE'),
        ('FUNCTION intake.note_call', 'motcua_intake', 'EXECUTE'),
        ('FUNCTION intake.sign_in', 'motcua_intake', 'EXECUTE'),
        ('FUNCTION intake.sign_in_from', 'motcua_intake', 'EXECUTE'),
        ('FUNCTION intake.whose', 'motcua_intake', 'EXECUTE'),
        ('FUNCTION intake.write_push', 'motcua_intake', 'EXECUTE'),
        -- The purge of personal data logs in as motcua_purge, which may only call two functions. The first one runs
        -- with the rights of its owner motcua_eraser, which may empty the columns listed below.
        ('SCHEMA motcua', 'motcua_purge', 'USAGE'),
        ('FUNCTION motcua.purge_personal_data', 'motcua_purge', 'EXECUTE'),
        ('FUNCTION motcua.wait_for_emptying', 'motcua_purge', 'EXECUTE'),
        -- The owner keeps the right to call its own function. The next migrate needs this to replace the function.
        ('FUNCTION motcua.purge_personal_data', 'motcua_eraser', 'EXECUTE'),
        ('SCHEMA motcua', 'motcua_eraser', 'USAGE'),
        ('FUNCTION motcua.desk_user', 'motcua_eraser', 'EXECUTE'),
        ('FUNCTION motcua.provider_id', 'motcua_eraser', 'EXECUTE'),
        ('SCHEMA intake', 'motcua_eraser', 'USAGE'),
        ('intake.pushed_dossiers', 'motcua_eraser', 'SELECT, UPDATE (fields, purged_at)'),
        ('intake.pushed_steps', 'motcua_eraser', 'SELECT, UPDATE (fields, purged_at)'),
        ('motcua.agencies', 'motcua_eraser', 'SELECT'),
        ('motcua.attempts', 'motcua_eraser', 'SELECT, UPDATE (msisdn, gateway_reference, purged_at)'),
        (
            'motcua.complaints',
            'motcua_eraser',
            'SELECT, UPDATE (note, outcome_reason, withdraw_reason, dossier_code, purged_at, erase_asked_at)'
        ),
        ('motcua.dossier_terms', 'motcua_eraser', 'SELECT'),
        ('motcua.dossier_versions', 'motcua_eraser', 'SELECT, UPDATE (applicant_phone, purged_at)'),
        (
            'motcua.dossiers',
            'motcua_eraser',
            'SELECT, UPDATE (applicant_name, applicant_phone, msisdn, purged_at, erase_asked_at)'
        ),
        ('motcua.inquiries', 'motcua_eraser', 'SELECT, UPDATE (msisdn, text, asked_code, gateway_message_id, dedupe_key, purged_at)'),
        ('motcua.messages', 'motcua_eraser', 'SELECT, UPDATE (msisdn, text, parameters, accented_parameters, purged_at)'),
        ('motcua.personal_data_purges', 'motcua_eraser', 'INSERT'),
        ('motcua.quarantine', 'motcua_eraser', 'SELECT, UPDATE (payload, dossier_code, purged_at)'),
        ('motcua.receipts', 'motcua_eraser', 'SELECT, UPDATE (raw, purged_at)'),
        ('motcua.transitions', 'motcua_eraser', 'SELECT, UPDATE (note, actor)')
        ) AS o (named, role, rights)
        WHERE o.role = any(there)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', the.rights, the.named, the.role);
    END LOOP;
END
$rights$
