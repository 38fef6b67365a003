-- Store runs of DAGs, and read what one run did, for some agencies or all. Runs of earlier versions, which stored no
-- run numbers, are found by their name. Called by store/runs.py and store/ledger/sessions.py.

-- name: begin
-- Insert a run when it first works on the ledger, and return its number (motcua.runs).
INSERT INTO motcua.runs AS r (dag_id, run_id)
VALUES (%(dag_id)s, %(run_id)s)
ON CONFLICT (run_id, dag_id) DO UPDATE SET dag_id = r.dag_id
RETURNING run_no;

-- name: leave_undone
-- Write the work that the last task of a run (its gate) found undone, as a JSON array (motcua.runs).
UPDATE motcua.runs
SET left_undone = %(words)s
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s;

-- name: red_only_for
-- Return the given runs whose gate failed because of the given check alone (motcua.runs). Runs of earlier versions,
-- which stored text, are left out.
SELECT r.run_id
FROM motcua.runs AS r
WHERE
    r.run_id = any(%(run_ids)s::text[])
    AND CASE
        WHEN r.left_undone IS JSON ARRAY
            THEN NOT jsonb_path_exists(
                r.left_undone::jsonb, '$[*] ? (@.name != $name)', jsonb_build_object('name', %(name)s::text)
            )
        ELSE FALSE
    END;

-- name: find
-- Return one run (motcua.runs).
SELECT
    run_no,
    began_at,
    left_undone
FROM motcua.runs
WHERE run_id = %(run_id)s AND dag_id = %(dag_id)s;

-- name: pick_ups
-- Return how many rows a run read from each source (motcua.pick_ups).
SELECT
    s.name AS source,
    sum(p.transitions) AS transitions,
    sum(p.dossiers) AS dossiers
FROM motcua.pick_ups AS p
INNER JOIN motcua.sources AS s ON p.source_id = s.source_id
WHERE
    p.run_no = %(run_no)s
    AND (%(agencies)s::text[] IS NULL OR p.agency_code = any(%(agencies)s::text[]))
GROUP BY s.name
ORDER BY s.name;

-- name: quarantined
-- Return the number of unusable rows that this run was the first to find, and of those that are still unusable, by
-- source and reason (motcua.quarantine). The rows of an agency are found by its code or by the other codes that sources
-- write for it.
SELECT
    s.name AS source,
    q.reason,
    count(*) AS found,
    count(*) FILTER (WHERE q.released_at IS NULL) AS waiting
FROM motcua.quarantine AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
LEFT JOIN motcua.agency_aliases AS a ON q.agency_code = a.alias
WHERE
    q.run_no = %(run_no)s
    AND (
        %(agencies)s::text[] IS NULL
        OR q.agency_code = any(%(agencies)s::text[])
        OR a.agency_code = any(%(agencies)s::text[])
    )
GROUP BY s.name, q.reason
ORDER BY s.name, found DESC, q.reason;

-- name: messages
-- Return the messages that a run inserted, changed or tried to send, the newest first, in their present state
-- (motcua.messages). For a run without a number, which an earlier version made, these are the messages that it tried to
-- send. Each message is looked up by its key until the limit is reached, so that the cost does not depend on the number
-- of all messages.
WITH touched AS MATERIALIZED (
    SELECT h.message_id FROM motcua.message_history AS h
    WHERE h.run_no = %(run_no)s
    UNION
    SELECT a.message_id FROM motcua.attempts AS a
    WHERE %(run_no)s::bigint IS NULL AND a.run_id = %(run_id)s
)

SELECT
    m.message_id,
    m.agency_code,
    d.dossier_code,
    m.kind,
    m.state,
    m.reason
FROM (SELECT t.message_id FROM touched AS t ORDER BY t.message_id DESC OFFSET 0) AS r
INNER JOIN LATERAL (
    SELECT o.message_id, o.agency_code, o.dossier_id, o.kind, o.state, o.reason FROM motcua.messages AS o
    WHERE
        o.message_id = r.message_id
        AND (%(agencies)s::text[] IS NULL OR o.agency_code = any(%(agencies)s::text[]))
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
ORDER BY r.message_id DESC
LIMIT %(limit)s;

-- name: moves
-- Return how many messages a run changed from one state to another, by the two states and the reason
-- (motcua.message_history). New messages also have their kind. Changes to the state sending are left out, because they
-- are not final. A message is looked up by its key only if the result needs its kind or agency.
SELECT
    m.kind,
    h.from_state,
    h.to_state,
    h.to_reason AS reason,
    count(*) AS messages
FROM motcua.message_history AS h
LEFT JOIN LATERAL (
    SELECT
        CASE WHEN h.from_state IS NULL THEN o.kind END AS kind,
        o.agency_code
    FROM motcua.messages AS o
    WHERE o.message_id = h.message_id AND (h.from_state IS NULL OR %(agencies)s::text[] IS NOT NULL)
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
WHERE
    h.run_no = %(run_no)s
    AND h.to_state <> 'sending'
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.kind, h.from_state, h.to_state, h.to_reason
ORDER BY messages DESC, m.kind, h.from_state, h.to_state, reason;

-- name: attempts
-- Return a run's attempts by gateway, answer and present state (motcua.attempts).
SELECT
    a.gateway,
    a.outcome,
    a.state,
    count(*) AS attempts
FROM motcua.attempts AS a
LEFT JOIN LATERAL (
    SELECT o.agency_code FROM motcua.messages AS o
    WHERE o.message_id = a.message_id AND %(agencies)s::text[] IS NOT NULL
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
WHERE
    a.run_id = %(run_id)s
    AND coalesce(a.run_no = %(run_no)s::bigint, TRUE)
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY a.gateway, a.outcome, a.state
ORDER BY a.gateway, attempts DESC, a.outcome, a.state;

-- name: stops
-- Return the pauses of gateways, and of carriers or templates at gateways, that a run began, with the reasons
-- (motcua.gateway_changes).
SELECT
    gateway,
    subject,
    motcua.without_numbers(reason) AS reason,
    changed_at
FROM motcua.gateway_changes
WHERE changed_by = %(run_id)s AND change = 'stopped'
ORDER BY changed_at;

-- name: evenings
-- Return the evenings that a run settled (motcua.apology_evenings). For each evening, the run planned an agency's
-- apologies, or found that it was too late for them or that the evening was on a day off.
SELECT
    e.agency_code,
    g.name AS agency_name,
    e.day,
    e.state,
    e.looked_at,
    e.queued,
    e.suppressed,
    e.missed
FROM motcua.apology_evenings AS e
INNER JOIN motcua.agencies AS g ON e.agency_code = g.agency_code
WHERE
    e.run_no = %(run_no)s
    AND (%(agencies)s::text[] IS NULL OR e.agency_code = any(%(agencies)s::text[]))
ORDER BY e.day, e.queued DESC, g.name;

-- name: closings
-- Return the closings (stored figures of a period) that a run stored, with their publications (motcua.closings). The
-- columns difference and unexplained are zero if the messages match the events that require messages.
SELECT
    c.closing_no,
    c.period,
    c.corrects,
    c.difference,
    c.unexplained,
    c.sources_unread,
    p.publication_no
FROM motcua.closings AS c
LEFT JOIN motcua.publications AS p ON c.closing_no = p.closing_no
WHERE c.run_id = %(run_id)s
ORDER BY c.closing_no;

-- name: verifications
-- Return the publications that a run verified, with the number of differences (audit.publication_verifications).
SELECT
    v.publication_no,
    c.closing_no,
    c.period,
    v.faults
FROM audit.publication_verifications AS v
INNER JOIN audit.publications AS p ON v.publication_no = p.publication_no
INNER JOIN audit.closings AS c ON p.closing_no = c.closing_no
WHERE v.verified_by = %(run_id)s
ORDER BY v.faults DESC, v.publication_no DESC;

-- name: statements
-- Return the carrier statements (a provider's monthly lists of billed messages) that a run imported, and the files that
-- it refused (motcua.carrier_statements, motcua.refused_statements).
SELECT
    s.form,
    s.file_name,
    s.month,
    s.statement_no
FROM motcua.carrier_statements AS s
WHERE s.imported_by = %(run_id)s
UNION ALL
SELECT
    r.form,
    r.file_name,
    r.month,
    NULL AS statement_no
FROM motcua.refused_statements AS r
WHERE r.refused_by = %(run_id)s
ORDER BY statement_no NULLS LAST, form, file_name;

-- name: checks
-- Return the check of data quality that a run made, with the number of dossiers checked and of faults found that nobody
-- has acknowledged (motcua.quality_runs).
SELECT
    r.run_no,
    r.day,
    r.working_day,
    r.broken,
    r.sealed_at IS NOT NULL AS is_sealed,
    coalesce((
        SELECT sum(a.dossiers) FROM motcua.quality_agencies AS a
        WHERE
            a.run_no = r.run_no
            AND (%(agencies)s::text[] IS NULL OR a.agency_code = any(%(agencies)s::text[]))
    ), 0) AS dossiers,
    coalesce((
        SELECT sum(c.found - c.acknowledged) FROM motcua.quality_counts AS c
        WHERE
            c.run_no = r.run_no
            AND (%(agencies)s::text[] IS NULL OR c.agency_code = any(%(agencies)s::text[]))
    ), 0) AS to_correct
FROM motcua.quality_runs AS r
WHERE r.run_id = %(run_id)s;

-- name: mails
-- Return the number of mails about a run's publications or about its check of data quality, by report, receiving body
-- and state (motcua.report_mails).
SELECT
    m.report_no,
    m.body,
    g.name AS agency_name,
    m.state,
    count(*) AS mails
FROM motcua.report_mails AS m
LEFT JOIN motcua.agencies AS g ON m.body = g.agency_code
WHERE
    m.report = %(report)s
    AND m.report_no = any(%(numbers)s::bigint[])
    AND (%(agencies)s::text[] IS NULL OR m.body = any(%(agencies)s::text[]))
GROUP BY m.report_no, m.body, g.name, m.state
ORDER BY m.report_no, g.name NULLS FIRST, m.body, m.state;

-- name: purges
-- Return how many rows a run emptied of personal data, by table (motcua.personal_data_purges).
SELECT
    p.of_table,
    sum(p.emptied)::bigint AS emptied
FROM motcua.personal_data_purges AS p
WHERE p.run_no = %(run_no)s AND p.emptied > 0
GROUP BY p.of_table
ORDER BY emptied DESC, p.of_table;

-- name: cleanings
-- Return what a run removed from Airflow's own database and logs (motcua.airflow_cleanings).
SELECT
    c.of_what,
    sum(c.removed)::bigint AS removed,
    sum(c.size)::bigint AS size,
    string_agg(DISTINCT c.failed, ', ' ORDER BY c.failed) AS failed
FROM motcua.airflow_cleanings AS c
WHERE c.run_no = %(run_no)s
GROUP BY c.of_what
HAVING sum(c.removed) > 0 OR bool_or(c.failed IS NOT NULL)
ORDER BY removed DESC, c.of_what;
