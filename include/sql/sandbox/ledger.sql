-- What the demo asks of the ledger, to tell of itself and to be judged by. Called by sandbox/smoke.py,
-- sandbox/summary.py, sandbox/past/playing.py and sandbox/latency.py.

-- name: summary_transitions
-- How many transitions were picked up, how many wait to be planned, and what planning made of the others. Promises one
-- row, also when nothing was picked up yet.
SELECT
    count(*) AS picked_up,
    count(*) FILTER (WHERE planned_at IS NULL) AS unplanned,
    count(*) FILTER (WHERE outcome = 'message') AS began_a_message,
    count(*) FILTER (WHERE outcome IN ('same_occasion', 'no_occasion')) AS no_message,
    count(*) FILTER (WHERE outcome = 'out_of_scope') AS out_of_scope
FROM motcua.transitions;

-- name: told_lately
-- Who was told of a result in the last days before a moment.
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
-- Some dossiers, of as many agencies as can be, whose code no other agency uses, each with the step that its row names
-- and the one that its last transition names.
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
    -- A hostile step's name is cut in the text.
    char_length(d.step_name) BETWEEN 1 AND 40
    AND NOT EXISTS (
        SELECT 1
        FROM motcua.dossiers AS o
        WHERE motcua.code_key(o.dossier_code) = motcua.code_key(d.dossier_code) AND o.dossier_id <> d.dossier_id
    )
ORDER BY d.agency_code, d.dossier_id DESC
LIMIT %(limit)s;

-- name: attempts
-- Every attempt with its message: what the phone network's own log is held against. Promises the order of the attempts.
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
-- Every phone number in the ledger, E.164: what no log may hold.
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
-- When the gateway took each of these transitions' messages, where that was the first attempt of a message that never
-- waited for a mended phone.
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
