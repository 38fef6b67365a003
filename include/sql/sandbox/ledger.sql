-- Read the ledger for the demo's summaries and for its checks. Called by sandbox/smoke.py, sandbox/summary.py,
-- sandbox/past/playing.py and sandbox/latency.py.

-- name: summary_transitions
-- Return how many transitions were read from sources, how many still wait for the decision whether they need a message
-- (planning), and how many got each decision (motcua.transitions). The result is always one row.
SELECT
    count(*) AS picked_up,
    count(*) FILTER (WHERE planned_at IS NULL) AS unplanned,
    count(*) FILTER (WHERE outcome = 'message') AS began_a_message,
    count(*) FILTER (WHERE outcome IN ('same_occasion', 'no_occasion')) AS no_message,
    count(*) FILTER (WHERE outcome = 'out_of_scope') AS out_of_scope
FROM motcua.transitions;

-- name: told_lately
-- Return the dossiers about whose results citizens got a text in the last three days before a time (motcua.messages).
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    m.msisdn
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE
    m.kind = 'result' AND m.state = 'delivered' AND m.msisdn IS NOT NULL
    AND m.changed_at BETWEEN %(now)s - interval '3 days' AND %(now)s
ORDER BY m.message_id;

-- name: dossiers_to_ask_about
-- Return the dossiers about which a check sends texts to 9029: one dossier of each agency, up to a limit
-- (motcua.dossiers, motcua.transitions). For each dossier, return the step in its row and the step of its last
-- transition. Dossiers whose code another dossier has too are left out.
SELECT DISTINCT ON (d.agency_code)
    d.dossier_code,
    array_remove(
        ARRAY[
            d.step_name,
            (
                SELECT t.to_step
                FROM motcua.transitions AS t
                WHERE t.dossier_id = d.dossier_id
                ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
                LIMIT 1
            )
        ],
        NULL
    ) AS steps
FROM motcua.dossiers AS d
WHERE
    -- A very long name of a step is cut in the reply, so dossiers at such a step are left out.
    char_length(d.step_name) BETWEEN 1 AND 40
    AND NOT EXISTS (
        SELECT 1
        FROM motcua.dossiers AS o
        WHERE motcua.code_key(o.dossier_code) = motcua.code_key(d.dossier_code) AND o.dossier_id <> d.dossier_id
    )
ORDER BY d.agency_code, d.dossier_id DESC
LIMIT %(limit)s;

-- name: attempts
-- Return every attempt with its message, in the order of the attempts (motcua.attempts, motcua.messages). A check
-- compares this list with the log of the simulated phone network.
SELECT
    a.reference,
    a.message_id,
    a.state,
    m.kind,
    m.state AS message_state
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
ORDER BY a.attempt_id;

-- name: numbers
-- Return every phone number in the ledger, E.164 (motcua.dossiers, motcua.attempts, motcua.inquiries). A check makes
-- sure that no log contains any of these numbers.
SELECT msisdn
FROM motcua.dossiers
WHERE msisdn IS NOT NULL
UNION
SELECT msisdn
FROM motcua.attempts
UNION
SELECT msisdn
FROM motcua.inquiries
WHERE starts_with(msisdn, '+');

-- name: acceptances
-- Return when a gateway accepted the message of each of these transitions, if the message was accepted at its first
-- attempt and never waited for a corrected phone number (motcua.messages, motcua.transitions, motcua.sources).
SELECT
    s.name AS source,
    t.source_transition_id AS transition_id,
    m.accepted_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (source text, transition_id bigint)
INNER JOIN motcua.sources AS s ON r.source = s.name
INNER JOIN motcua.transitions AS t ON s.source_id = t.source_id AND r.transition_id = t.source_transition_id
INNER JOIN motcua.messages AS m ON t.transition_id = m.transition_id
WHERE
    m.accepted_at IS NOT NULL
    AND m.attempts_made = 1
    AND NOT EXISTS (
        SELECT 1 FROM motcua.message_history AS h
        WHERE h.message_id = m.message_id AND h.to_state = 'suppressed'
    );
