-- Closings: the stored figures of a finished day, month, quarter or year. The functions return messages and dossiers as
-- they were at a given time, so that anybody can count a closing again. The views let auditors read closings.

-- Return when a message reached the state that it had at the time of a given row of message_history.
CREATE OR REPLACE FUNCTION audit.moved_at(message bigint, known_history bigint)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT max(h.changed_at)
    FROM audit.message_history AS h
    WHERE h.message_id = message AND h.history_id <= known_history AND h.from_state IS DISTINCT FROM h.to_state
$$;
COMMENT ON FUNCTION audit.moved_at(bigint, bigint)
IS 'Returns when a message reached the state that it had at the time of a given row of message_history.';

-- Return the messages that changed after a given row of message_history, as they were at the time of that row. Messages
-- that did not exist yet are left out.
CREATE OR REPLACE FUNCTION audit.moved_since(known_history bigint)
RETURNS TABLE (
    message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text,
    transition_id bigint, state text, reason text, segments smallint, recorded_at timestamptz, moved_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        m.message_id, m.kind, m.dossier_id, coalesce(m.agency_code, ''), coalesce(m.procedure_code, ''), m.occasion,
        m.transition_id, n.from_state, n.from_reason, m.segments, m.recorded_at,
        -- A function is called, because a subquery here would keep PostgreSQL from reading all the other messages with
        -- parallel workers.
        audit.moved_at(m.message_id, known_history)
    FROM (
        SELECT DISTINCT ON (l.message_id) l.message_id, l.from_state, l.from_reason
        FROM audit.message_history AS l
        WHERE l.history_id > known_history
        ORDER BY l.message_id, l.history_id
    ) AS n
    INNER JOIN audit.messages AS m ON n.message_id = m.message_id
    -- The first change of a message has no from_state. If it came after the given row, the message did not exist yet.
    WHERE n.from_state IS NOT NULL
$$;
COMMENT ON FUNCTION audit.moved_since(bigint)
IS 'Returns the messages that changed after a given row of message_history, as they were at the time of that row.';

-- Return every message as it was at the time of a given row of message_history, and when the message had reached its
-- state of that time.
CREATE OR REPLACE FUNCTION audit.messages_as_of(known_history bigint)
RETURNS TABLE (
    message_id bigint, kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text,
    transition_id bigint, state text, reason text, segments smallint, recorded_at timestamptz, moved_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        m.message_id, m.kind, m.dossier_id, coalesce(m.agency_code, ''), coalesce(m.procedure_code, ''), m.occasion,
        m.transition_id, m.state, m.reason, m.segments, m.recorded_at, m.changed_at
    FROM audit.messages AS m
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.message_history AS l WHERE l.history_id > known_history AND l.message_id = m.message_id
    )
    UNION ALL
    SELECT s.* FROM audit.moved_since(known_history) AS s
$$;
COMMENT ON FUNCTION audit.messages_as_of(bigint)
IS 'Returns every message as it was at the time of a given row of message_history, and when it had reached that state.';

-- Return a dossier as it was at a given time, like motcua.dossier_as_of, for roles that may read only the schema audit.
CREATE OR REPLACE FUNCTION audit.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT * FROM motcua.dossier_as_of(of_dossier, moment, known_version, known_transition)
$$;
COMMENT ON FUNCTION audit.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'Returns a dossier as it was at a given time, like motcua.dossier_as_of, for roles that may read only the schema audit.';

-- Return every dossier's row as it was last read from its source, using only the rows of dossier_versions up to a given
-- number.
CREATE OR REPLACE FUNCTION audit.dossiers_as_of(known_version bigint)
RETURNS TABLE (
    dossier_id bigint, source_id smallint, agency_code text, dossier_code text, procedure_code text, submitted_via text,
    received_at timestamptz, due_at timestamptz, status_code smallint, finished_at timestamptz, returned_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(d.procedure_code, ''), d.submitted_via,
        d.received_at, d.due_at, d.status_code, d.finished_at, d.returned_at, d.updated_at
    FROM audit.dossiers AS d
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.dossier_versions AS v WHERE v.version_id > known_version AND v.dossier_id = d.dossier_id
    )
    UNION ALL
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(o.procedure_code, ''),
        CASE WHEN o.submitted_via = '' THEN d.submitted_via ELSE o.submitted_via END,
        o.received_at, o.due_at, o.status_code, o.finished_at, o.returned_at, o.updated_at
    FROM (
        SELECT DISTINCT v.dossier_id FROM audit.dossier_versions AS v WHERE v.version_id > known_version
    ) AS n
    INNER JOIN audit.dossiers AS d ON n.dossier_id = d.dossier_id
    CROSS JOIN LATERAL (
        SELECT l.* FROM audit.dossier_versions AS l
        WHERE l.dossier_id = n.dossier_id AND l.version_id <= known_version
        ORDER BY l.version_id DESC
        LIMIT 1
    ) AS o
$$;
COMMENT ON FUNCTION audit.dossiers_as_of(bigint)
IS 'Returns every dossier''s row as it was last read from its source, up to a given row of dossier_versions.';

-- Return the dossiers that are counted in the figures of a period, one row for each dossier. A column such as
-- resolved_late is true if the dossier counts in that figure. Only rows of dossier_versions up to known_version are
-- used. The parameter only_agency limits the result to one agency.
CREATE OR REPLACE FUNCTION audit.dossiers_in_period(
    known_version bigint, starts timestamptz, ends timestamptz, only_agency text DEFAULT NULL
)
RETURNS TABLE (
    dossier_id bigint, agency_code text, procedure_code text, dossier_code text, received_at timestamptz,
    due_at timestamptz, resolved_at timestamptz, returned_at timestamptz,
    carried_over boolean, received boolean, received_online boolean, received_postal boolean, resolved_early boolean,
    resolved_on_time boolean, resolved_late boolean, resolved_without_due boolean, withdrawn boolean,
    open_in_time boolean, open_late boolean, paused_in_time boolean, paused_late boolean, due boolean,
    handed_over boolean
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        f.dossier_id, f.agency_code, f.procedure_code, f.dossier_code, f.received_at, f.due_at, f.resolved_at,
        f.returned_at,
        f.is_carried_over,
        f.is_received,
        f.is_received AND coalesce(f.submitted_via = 'online', FALSE),
        f.is_received AND coalesce(f.submitted_via = 'postal', FALSE),
        f.is_resolved AND coalesce(f.days_over < 0, FALSE),
        f.is_resolved AND coalesce(f.days_over = 0, FALSE),
        f.is_resolved AND coalesce(f.days_over > 0, FALSE),
        f.is_resolved AND f.days_over IS NULL,
        f.is_resolved AND f.status_code = 7,
        f.is_open AND NOT f.is_paused AND NOT f.is_overdue,
        f.is_open AND NOT f.is_paused AND f.is_overdue,
        f.is_open AND f.is_paused AND NOT f.is_overdue,
        f.is_open AND f.is_paused AND f.is_overdue,
        f.is_due,
        f.is_handed_over
    FROM (
        SELECT
            j.*,
            coalesce(j.received_at >= starts AND j.received_at < ends, FALSE) AS is_received,
            coalesce(j.received_at < starts AND coalesce(j.resolved_at >= starts, TRUE), FALSE) AS is_carried_over,
            coalesce(j.resolved_at >= starts AND j.resolved_at < ends, FALSE) AS is_resolved,
            -- Both moments are cut to days in Vietnam's time zone.
            (j.resolved_at AT TIME ZONE interval '+07:00')::date
            - (j.due_at AT TIME ZONE interval '+07:00')::date AS days_over,
            coalesce(j.received_at < ends AND coalesce(j.resolved_at >= ends, TRUE), FALSE) AS is_open,
            coalesce(j.status_at_end IN (5, 6, 8), FALSE) AS is_paused,
            coalesce(j.due_at < ends, FALSE) AS is_overdue,
            coalesce(j.due_at >= starts AND j.due_at < ends, FALSE) AS is_due,
            coalesce(j.returned_at >= starts AND j.returned_at < ends, FALSE) AS is_handed_over
        FROM (
            SELECT
                d.dossier_id, d.agency_code, d.procedure_code, d.dossier_code, d.submitted_via, d.status_code,
                d.received_at, d.returned_at,
                CASE
                    WHEN d.status_code IN (7, 9, 10) THEN coalesce(d.finished_at, d.returned_at, d.updated_at)
                END AS resolved_at,
                CASE WHEN e.dossier_id IS NULL THEN d.status_code ELSE e.status_code END AS status_at_end,
                CASE WHEN e.dossier_id IS NULL THEN d.due_at ELSE e.due_at END AS due_at
            FROM audit.dossiers_as_of(known_version) AS d
            LEFT JOIN (
                SELECT DISTINCT ON (v.dossier_id) v.dossier_id, v.status_code, v.due_at
                FROM audit.dossiers AS c
                INNER JOIN audit.dossier_versions AS v ON c.dossier_id = v.dossier_id
                WHERE
                    -- The state at the end of the period is searched only for rows that changed after it. From a
                    -- condition in this form PostgreSQL can estimate that these are few.
                    (c.updated_at >= ends OR c.updated_at IS NULL)
                    AND v.version_id <= known_version AND coalesce(v.updated_at, v.seen_at) < ends
                ORDER BY v.dossier_id, v.version_id DESC
            ) AS e ON d.dossier_id = e.dossier_id AND (d.updated_at >= ends OR d.updated_at IS NULL)
            WHERE
                (only_agency IS NULL OR d.agency_code = only_agency)
                AND d.status_code IS DISTINCT FROM 1 AND d.status_code IS DISTINCT FROM 3
                -- A dossier that meets none of these conditions cannot count in a figure of the period.
                AND (
                    d.received_at < ends
                    OR d.updated_at >= ends OR d.updated_at IS NULL
                    OR (d.due_at >= starts AND d.due_at < ends)
                    OR (d.returned_at >= starts AND d.returned_at < ends)
                    OR (d.finished_at >= starts AND d.finished_at < ends)
                    OR (d.updated_at >= starts AND d.updated_at < ends)
                )
        ) AS j
        -- OFFSET 0 keeps PostgreSQL from merging the two queries, so each condition is computed once for a dossier and
        -- not again for every figure.
        OFFSET 0
    ) AS f
    WHERE f.is_carried_over OR f.is_received OR f.is_resolved OR f.is_open OR f.is_handed_over OR f.is_due
$$;
COMMENT ON FUNCTION audit.dossiers_in_period(bigint, timestamptz, timestamptz, text)
IS 'Returns the dossiers that are counted in the figures of a period, one row for each dossier. A column such as resolved_late is true if the dossier counts in that figure. Only rows of dossier_versions up to known_version are used. The parameter only_agency limits the result to one agency.';

-- Empty motcua.counted_occasions. While a closing is computed, this table holds the occasions of its period, which are
-- the events at the sources that require a message. The occasions are compared with the messages.
CREATE OR REPLACE FUNCTION motcua.empty_counted_occasions() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    TRUNCATE motcua.counted_occasions
$$;
COMMENT ON FUNCTION motcua.empty_counted_occasions() IS 'Empties motcua.counted_occasions. While a day is closed, this table holds the day''s occasions, the events at the sources that require a message, and they are compared with the messages.';

-- Update the planner's statistics of motcua.counted_occasions.
CREATE OR REPLACE FUNCTION motcua.look_at_counted_occasions() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    ANALYZE motcua.counted_occasions
$$;
COMMENT ON FUNCTION motcua.look_at_counted_occasions()
IS 'Updates the statistics of motcua.counted_occasions that PostgreSQL''s query planner uses.';

-- Let auditors read closings: every figure, each difference from the sources, and what corrections changed.
CREATE OR REPLACE VIEW audit.closings AS
SELECT
    closing_no, period, corrects, run_id, as_of, known_version, known_transition, known_history, known_message,
    known_inquiry, known_receipt, data_as_of, sources_unread, segment_price, figures_hash, difference, unexplained,
    closed_at, period_length, known_quality_run, known_attempt, prices
FROM motcua.closings;
CREATE OR REPLACE VIEW audit.closing_dossiers AS
SELECT
    closing_no, agency_code, procedure_code, carried_over, received, received_online, received_postal,
    resolved_early, resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late,
    paused_in_time, paused_late, due, handed_over
FROM motcua.closing_dossiers;
CREATE OR REPLACE VIEW audit.closing_messages AS
SELECT
    closing_no, agency_code, procedure_code, kind, at_source, out_of_scope, only_source, only_ledger, expected,
    suppressed, cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered,
    unconfirmed, difference, segments
FROM motcua.closing_messages;
CREATE OR REPLACE VIEW audit.closing_reasons AS
SELECT
    closing_no, agency_code, procedure_code, kind, state, reason, messages
FROM motcua.closing_reasons;
CREATE OR REPLACE VIEW audit.closing_timings AS
SELECT
    closing_no, agency_code, procedure_code, kind, delivered, median_seconds, p95_seconds
FROM motcua.closing_timings;
CREATE OR REPLACE VIEW audit.closing_channels AS
SELECT
    closing_no, agency_code, kind, gateway, billed_unit, carrier, taken, units, segments
FROM motcua.closing_channels;
CREATE OR REPLACE VIEW audit.closing_agencies AS
SELECT
    closing_no, agency_code, apologies_right, apologies_wrong, apologies_stopped, late_untold, inquiries,
    inquiry_fees, told_without_result, findings_open
FROM motcua.closing_agencies;
CREATE OR REPLACE VIEW audit.closing_differences AS
SELECT
    difference_no, closing_no, side, reason, explained, agency_code, procedure_code, kind, dossier_code, source_id,
    source_transition_id, transition_id, message_id, occurred_at
FROM motcua.closing_differences;
CREATE OR REPLACE VIEW audit.closing_orphans AS
SELECT
    orphan_no, closing_no, sort, agency_code, procedure_code, dossier_code, message_id, receipt_id, happened_at
FROM motcua.closing_orphans;
CREATE OR REPLACE VIEW audit.closing_changes AS
SELECT
    closing_no, agency_code, procedure_code, kind, figure, was, became, causes
FROM motcua.closing_changes;
-- Show the sums of each closing, which the web pages display. Usually the sums were stored with the closing. If an
-- earlier version of the program stored a closing without sums, the view adds up the closing's figures. The next two
-- views do the same for figures of dossiers and for reasons.
CREATE OR REPLACE VIEW audit.closing_message_sums AS
SELECT
    closing_no, agency_code, kind, balances, cells, at_source, out_of_scope, only_source, only_ledger, suppressed,
    cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered, unconfirmed, segments
FROM motcua.closing_message_sums
UNION ALL
SELECT
    c.closing_no, a.agency_code, a.kind, a.balances, a.cells, a.at_source, a.out_of_scope, a.only_source,
    a.only_ledger, a.suppressed, a.cancelled, a.expired, a.queued, a.sending, a.unknown, a.rejected, a.accepted,
    a.delivered, a.undelivered, a.unconfirmed, a.segments
FROM motcua.closings AS c
INNER JOIN LATERAL (
    SELECT
        m.agency_code, m.kind, m.difference = 0 AS balances, count(*)::integer AS cells,
        sum(m.at_source) AS at_source, sum(m.out_of_scope) AS out_of_scope,
        sum(m.only_source) AS only_source, sum(m.only_ledger) AS only_ledger,
        sum(m.suppressed) AS suppressed, sum(m.cancelled) AS cancelled,
        sum(m.expired) AS expired, sum(m.queued) AS queued, sum(m.sending) AS sending,
        sum(m.unknown) AS unknown, sum(m.rejected) AS rejected, sum(m.accepted) AS accepted,
        sum(m.delivered) AS delivered, sum(m.undelivered) AS undelivered,
        sum(m.unconfirmed) AS unconfirmed, sum(m.segments) AS segments
    FROM motcua.closing_messages AS m
    WHERE m.closing_no = c.closing_no
    GROUP BY m.agency_code, m.kind, m.difference = 0
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.closing_message_sums AS s WHERE s.closing_no = c.closing_no);
CREATE OR REPLACE VIEW audit.closing_dossier_sums AS
SELECT
    closing_no, agency_code, cells, carried_over, received, received_online, received_postal, resolved_early,
    resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late, paused_in_time,
    paused_late, due, handed_over
FROM motcua.closing_dossier_sums
UNION ALL
SELECT
    c.closing_no, a.agency_code, a.cells, a.carried_over, a.received, a.received_online, a.received_postal,
    a.resolved_early, a.resolved_on_time, a.resolved_late, a.resolved_without_due, a.withdrawn, a.open_in_time,
    a.open_late, a.paused_in_time, a.paused_late, a.due, a.handed_over
FROM motcua.closings AS c
INNER JOIN LATERAL (
    SELECT
        d.agency_code, count(*)::integer AS cells,
        sum(d.carried_over) AS carried_over, sum(d.received) AS received,
        sum(d.received_online) AS received_online, sum(d.received_postal) AS received_postal,
        sum(d.resolved_early) AS resolved_early, sum(d.resolved_on_time) AS resolved_on_time,
        sum(d.resolved_late) AS resolved_late, sum(d.resolved_without_due) AS resolved_without_due,
        sum(d.withdrawn) AS withdrawn, sum(d.open_in_time) AS open_in_time,
        sum(d.open_late) AS open_late, sum(d.paused_in_time) AS paused_in_time,
        sum(d.paused_late) AS paused_late, sum(d.due) AS due, sum(d.handed_over) AS handed_over
    FROM motcua.closing_dossiers AS d
    WHERE d.closing_no = c.closing_no
    GROUP BY d.agency_code
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.closing_dossier_sums AS s WHERE s.closing_no = c.closing_no);
CREATE OR REPLACE VIEW audit.closing_reason_sums AS
SELECT
    closing_no, agency_code, kind, state, reason, messages
FROM motcua.closing_reason_sums
UNION ALL
SELECT
    c.closing_no, a.agency_code, a.kind, a.state, a.reason, a.messages
FROM motcua.closings AS c
INNER JOIN LATERAL (
    SELECT
        r.agency_code, r.kind, r.state, r.reason, sum(r.messages) AS messages
    FROM motcua.closing_reasons AS r
    WHERE r.closing_no = c.closing_no
    GROUP BY r.agency_code, r.kind, r.state, r.reason
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.closing_reason_sums AS s WHERE s.closing_no = c.closing_no);
