-- Empty personal data after its term, in batches, and show or empty a citizen's data at the citizen's request. Called
-- by store/personal_data.py.

-- name: may_purge
-- Return whether the connected role may empty personal data, through a function that the role motcua_eraser owns
-- (pg_proc).
SELECT coalesce(
    (
        SELECT has_function_privilege(p.oid, 'EXECUTE') AND pg_get_userbyid(p.proowner) = 'motcua_eraser'
        FROM pg_proc AS p
        INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
        WHERE n.nspname = 'motcua' AND p.proname = 'purge_personal_data' AND has_schema_privilege(n.oid, 'USAGE')
    ), FALSE
) AS may_purge;

-- name: wait
-- Wait until no other transaction empties personal data, and make others wait until this transaction ends
-- (motcua.wait_for_emptying).
SELECT motcua.wait_for_emptying();

-- name: purge
-- Empty one batch of personal data (motcua.purge_personal_data). The result states the last row that the batch
-- examined, how many rows it emptied, and the rows to be added to the list of erasures, a file outside the ledger.
SELECT p.looked_until, p.emptied, p.listed
FROM motcua.purge_personal_data(
    %(kind)s, %(after)s, %(at_most)s, %(reference)s, %(cause)s, %(by)s, %(reason)s, %(only_these)s, %(listed_at)s
) AS p;

-- name: known_references
-- Return those of the given batches that the ledger has. The batches come from a file, the list of erasures
-- (motcua.personal_data_purges).
SELECT DISTINCT p.reference FROM motcua.personal_data_purges AS p WHERE p.reference = any(%(wanted)s::text[]);

-- name: tidy
-- Make PostgreSQL's planner collect its statistics anew, because they still hold values of emptied rows
-- (motcua.tidy_after_purge).
SELECT motcua.tidy_after_purge();

-- name: list
-- Return what was emptied lately, the newest first, one row for each table of a batch (motcua.personal_data_purges).
SELECT p.purged_at, p.cause, p.of_table, p.emptied, p.purged_by, p.reason
FROM motcua.personal_data_purges AS p
ORDER BY p.purge_id DESC
LIMIT %(limit)s;

-- name: dossiers_of_citizen
-- Return the dossiers that a request is about, and until when the personal data of each is stored (motcua.dossiers).
-- The request names one dossier by its agency and code, or all dossiers with one phone number.
SELECT
    d.dossier_id,
    d.agency_code,
    g.name AS agency_name,
    d.dossier_code,
    d.applicant_name,
    d.applicant_phone,
    d.msisdn,
    coalesce(d.received_at, d.picked_up_at) AS held_since,
    d.erase_asked_at,
    t.ended_at,
    t.kept_until,
    t.purged_at,
    t.may_be_told,
    t.is_complained_of
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.dossier_terms AS t ON d.dossier_id = t.dossier_id
WHERE
    CASE
        WHEN %(msisdn)s::text IS NULL THEN d.agency_code = %(agency_code)s AND d.dossier_code = %(dossier_code)s
        ELSE d.msisdn = %(msisdn)s
    END
ORDER BY d.agency_code, d.dossier_code;

-- name: code_alone
-- Return the form in which a code that belongs to no dossier of the agency may be shown and stored (motcua.agencies,
-- motcua.dossiers). A code that may be a name or a phone number is replaced by a pseudonym. The result also has the
-- agency's name, and the codes of the agency's dossiers that differ from the given code only in spelling.
SELECT
    CASE
        WHEN motcua.is_like_a_code(%(dossier_code)s) THEN %(dossier_code)s
        ELSE 'PA-' || right(motcua.desk_user(%(agency_code)s, motcua.code_key(%(dossier_code)s)), 8)
    END AS shown_as,
    coalesce(
        (SELECT g.name FROM motcua.agencies AS g WHERE g.agency_code = %(agency_code)s), %(agency_code)s
    ) AS agency_name,
    array(
        SELECT d.dossier_code FROM motcua.dossiers AS d
        WHERE d.agency_code = %(agency_code)s AND motcua.code_key(d.dossier_code) = motcua.code_key(%(dossier_code)s)
        ORDER BY d.dossier_code
    ) AS alike;

-- name: rows_of_codes
-- Return the rows in quarantine (unusable rows of a source) and the complaints without a dossier (motcua.quarantine,
-- motcua.complaints). Only rows and complaints are returned that have one of these pairs of agency and code, and whose
-- personal data is not emptied. The column of_whom has the source or the agency. For a complaint, is_under_way is true
-- if it is open, or if the agency has another open complaint without a dossier about the same code.
SELECT DISTINCT
    'quarantine' AS kind, q.source_id::text AS of_whom, q.quarantine_id AS row_no, FALSE AS is_under_way
FROM jsonb_array_elements(%(codes)s::jsonb) AS k (code)
INNER JOIN motcua.quarantine AS q ON motcua.code_key(q.dossier_code) = motcua.code_key(k.code ->> 1)
WHERE
    q.purged_at IS NULL
    AND (
        q.agency_code = k.code ->> 0
        OR EXISTS (
            SELECT 1 FROM motcua.agency_aliases AS l
            WHERE l.agency_code = k.code ->> 0 AND l.alias = q.agency_code
        )
    )
UNION ALL
SELECT DISTINCT
    'complaints', c.agency_code, c.complaint_id,
    exists(
        SELECT 1 FROM motcua.complaints AS o
        WHERE
            o.dossier_id IS NULL AND o.outcome = 'open' AND o.withdrawn_at IS NULL AND o.agency_code = c.agency_code
            AND motcua.code_key(o.dossier_code) = motcua.code_key(c.dossier_code)
    )
FROM jsonb_array_elements(%(codes)s::jsonb) AS k (code)
INNER JOIN motcua.complaints AS c
    ON c.agency_code = k.code ->> 0 AND motcua.code_key(c.dossier_code) = motcua.code_key(k.code ->> 1)
WHERE
    c.dossier_id IS NULL
    AND (
        num_nonnulls(c.note, c.outcome_reason, c.withdraw_reason) > 0 OR NOT motcua.is_like_a_code(c.dossier_code)
    )
ORDER BY kind, row_no;

-- name: number_elsewhere
-- Return how many dossiers other than the given ones once had a message to this phone number (motcua.messages). The
-- given dossiers are those that have this number now; the others had it earlier.
SELECT count(DISTINCT m.dossier_id) AS dossiers
FROM motcua.messages AS m
WHERE
    m.kind <> 'reply'
    AND m.dossier_id <> all(%(dossier_ids)s::bigint[])
    AND (
        m.msisdn = %(msisdn)s
        OR EXISTS (
            SELECT 1 FROM motcua.attempts AS a WHERE a.message_id = m.message_id AND a.msisdn = %(msisdn)s
        )
    );

-- name: inquiries_of_number
-- Return the texts from a phone number to the short code 9029 that are not emptied, and whether the reply to each text
-- may still be on its way (motcua.inquiries).
SELECT
    i.gateway,
    i.inquiry_id,
    m.state IN ('queued', 'sending', 'unknown') AS is_under_way
FROM motcua.inquiries AS i
INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
WHERE i.msisdn = %(msisdn)s AND i.purged_at IS NULL
ORDER BY i.inquiry_id;

-- name: held
-- Return all values that the ledger holds about these dossiers and about the texts to 9029 from this phone number
-- (motcua.dossiers, motcua.messages, motcua.inquiries and others). If no dossier has the given code of an agency, the
-- values about that code are returned. Each row of the result has one value, the phone number from the table row that
-- holds the value (number), the citizen's number (own), and the time until which the value is stored. An empty time
-- means that the retention term begins only when the dossier ends or the complaint is settled. Emptied values are not
-- returned.
WITH of_dossier AS MATERIALIZED (
    SELECT d.*, t.kept_until
    FROM motcua.dossiers AS d
    INNER JOIN motcua.dossier_terms AS t ON d.dossier_id = t.dossier_id
    WHERE d.dossier_id = any(%(dossier_ids)s::bigint[])
),

of_code AS MATERIALIZED (
    SELECT d.agency_code, d.dossier_code, d.msisdn, d.kept_until, d.dossier_id FROM of_dossier AS d
    UNION ALL
    SELECT %(agency_code)s::text, %(dossier_code)s::text, NULL, NULL, NULL
    WHERE %(agency_code)s::text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM of_dossier)
),

of_inquiry AS MATERIALIZED (
    SELECT
        i.*,
        d.agency_code AS of_agency,
        d.dossier_code AS of_code,
        CASE WHEN %(msisdn)s::text IS NULL THEN o.msisdn ELSE %(msisdn)s END AS own
    FROM motcua.inquiries AS i
    LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
    LEFT JOIN of_dossier AS o ON i.dossier_id = o.dossier_id
    WHERE i.msisdn = %(msisdn)s OR o.dossier_id IS NOT NULL
),

of_message AS MATERIALIZED (
    SELECT m.*, d.agency_code AS of_agency, d.dossier_code AS of_code, d.msisdn AS own, d.kept_until
    FROM motcua.messages AS m
    INNER JOIN of_dossier AS d ON m.dossier_id = d.dossier_id
    UNION ALL
    SELECT m.*, i.of_agency, i.of_code, i.own, i.received_at + interval '90 days' AS kept_until
    FROM motcua.messages AS m
    INNER JOIN of_inquiry AS i ON m.message_id = i.message_id
    WHERE NOT EXISTS (SELECT 1 FROM of_dossier AS d WHERE d.dossier_id = m.dossier_id)
),

of_attempt AS MATERIALIZED (
    SELECT a.*, m.of_agency, m.of_code, m.own, m.kept_until
    FROM motcua.attempts AS a
    INNER JOIN of_message AS m ON a.message_id = m.message_id
),

found AS (
    SELECT
        'dossiers' AS of_table, d.dossier_id AS row_no, d.agency_code, d.dossier_code,
        coalesce(d.received_at, d.picked_up_at) AS held_since, d.kept_until, d.msisdn AS number, d.msisdn AS own,
        v.of_column, v.value
    FROM of_dossier AS d
    CROSS JOIN
        LATERAL (
            VALUES
            ('applicant_name', d.applicant_name),
            ('applicant_phone', d.applicant_phone),
            ('msisdn', d.msisdn),
            ('procedure_code', d.procedure_code),
            ('step_name', d.step_name)
        ) AS v (of_column, value)
    UNION ALL
    SELECT
        'dossier_versions', w.version_id, d.agency_code, d.dossier_code, w.seen_at, d.kept_until, NULL, d.msisdn,
        'applicant_phone', w.applicant_phone
    FROM motcua.dossier_versions AS w
    INNER JOIN of_dossier AS d ON w.dossier_id = d.dossier_id
    UNION ALL
    SELECT
        'transitions', t.transition_id, d.agency_code, d.dossier_code, t.occurred_at, d.kept_until, NULL, d.msisdn,
        v.of_column, v.value
    FROM motcua.transitions AS t
    INNER JOIN of_dossier AS d ON t.dossier_id = d.dossier_id
    CROSS JOIN
        LATERAL (VALUES ('to_step', t.to_step), ('note', t.note), ('actor', t.actor)) AS v (of_column, value)
    UNION ALL
    SELECT
        'messages', m.message_id, m.of_agency, m.of_code, m.recorded_at, m.kept_until, m.msisdn, m.own,
        v.of_column, v.value
    FROM of_message AS m
    CROSS JOIN
        LATERAL (
            VALUES
            ('msisdn', m.msisdn),
            ('text', m.text),
            ('parameters', array_to_string(m.parameters, ', ')),
            ('accented_parameters', array_to_string(m.accented_parameters, ', ')),
            ('kind', m.kind),
            ('state', m.state)
        ) AS v (of_column, value)
    UNION ALL
    SELECT
        'attempts', a.attempt_id, a.of_agency, a.of_code, a.started_at, a.kept_until, a.msisdn, a.own,
        v.of_column, v.value
    FROM of_attempt AS a
    CROSS JOIN
        LATERAL (
            VALUES
            ('msisdn', a.msisdn),
            ('gateway', a.gateway),
            ('gateway_reference', a.gateway_reference),
            ('state', a.state)
        ) AS v (of_column, value)
    UNION ALL
    SELECT
        'receipts', r.receipt_id, a.of_agency, a.of_code, r.received_at, r.received_at + interval '90 days',
        a.msisdn, a.own, v.of_column, v.value
    FROM motcua.receipts AS r
    INNER JOIN of_attempt AS a ON r.gateway = a.gateway AND r.reference = a.reference
    CROSS JOIN
        LATERAL (
            VALUES ('raw', nullif(r.raw, '{}')::text), ('gateway_status', r.gateway_status)
        ) AS v (of_column, value)
    UNION ALL
    SELECT
        'inquiries', i.inquiry_id, i.of_agency, i.of_code, i.received_at, i.received_at + interval '90 days',
        i.msisdn, i.own, v.of_column, v.value
    FROM of_inquiry AS i
    CROSS JOIN
        LATERAL (
            VALUES ('msisdn', i.msisdn),
            ('text', i.text),
            ('asked_code', i.asked_code),
            ('gateway_message_id', i.gateway_message_id),
            ('dedupe_key', i.dedupe_key),
            ('outcome', i.outcome)
        ) AS v (of_column, value)
    UNION ALL
    SELECT
        'complaints', c.complaint_id, d.agency_code, d.dossier_code, c.received_at,
        CASE
            WHEN d.dossier_id IS NOT NULL THEN d.kept_until
            WHEN c.outcome <> 'open' OR c.withdrawn_at IS NOT NULL THEN c.received_at + g.retention
        END,
        NULL, d.msisdn, v.of_column, v.value
    FROM motcua.complaints AS c
    INNER JOIN of_code AS d ON c.agency_code = d.agency_code
    INNER JOIN motcua.agencies AS g ON c.agency_code = g.agency_code
    CROSS JOIN
        LATERAL (
            VALUES
            ('note', c.note),
            ('outcome_reason', c.outcome_reason),
            ('withdraw_reason', c.withdraw_reason),
            ('dossier_code', c.dossier_code),
            ('claim', c.claim),
            ('outcome', c.outcome)
        ) AS v (of_column, value)
    WHERE
        c.dossier_id = d.dossier_id
        OR (c.dossier_id IS NULL AND motcua.code_key(c.dossier_code) = motcua.code_key(d.dossier_code))
    UNION ALL
    -- Only rows of this agency are returned: a row of an unknown agency may belong to another dossier with this code.
    SELECT
        'quarantine', q.quarantine_id, d.agency_code, d.dossier_code, q.first_seen_at,
        q.last_seen_at + interval '90 days', NULL, d.msisdn, v.of_column, v.value
    FROM motcua.quarantine AS q
    INNER JOIN of_code AS d ON motcua.code_key(q.dossier_code) = motcua.code_key(d.dossier_code)
    CROSS JOIN
        LATERAL (
            VALUES ('payload', nullif(q.payload, '{}')::text), ('dossier_code', q.dossier_code)
        ) AS v (of_column, value)
    WHERE
        q.agency_code = d.agency_code
        OR EXISTS (
            SELECT 1 FROM motcua.agency_aliases AS l
            WHERE l.agency_code = d.agency_code AND l.alias = q.agency_code
        )
    UNION ALL
    SELECT
        'pushed_dossiers', p.dossier_no, d.agency_code, d.dossier_code, p.arrived_at, d.kept_until, NULL, d.msisdn,
        'fields', nullif(p.fields, '{}')::text
    FROM intake.pushed_dossiers AS p
    INNER JOIN of_code AS d ON p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
    UNION ALL
    SELECT
        'pushed_steps', p.step_no, d.agency_code, d.dossier_code, p.occurred_at, d.kept_until, NULL, d.msisdn,
        'fields', nullif(p.fields, '{}')::text
    FROM intake.pushed_steps AS p
    INNER JOIN of_code AS d ON p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
)

SELECT
    f.of_table,
    f.of_column,
    f.row_no,
    f.agency_code,
    f.dossier_code,
    f.held_since,
    f.kept_until,
    f.number,
    f.own,
    f.value
FROM found AS f
WHERE f.value <> ''
ORDER BY f.agency_code NULLS LAST, f.dossier_code NULLS LAST, f.of_table, f.row_no, f.of_column;

-- name: log_request
-- Log that a person handled a citizen's request, with the time and the reason (motcua.personal_data_requests). The
-- row holds no phone number and no value.
INSERT INTO motcua.personal_data_requests
(handled_at, handled_by, act, agency_code, dossier_code, reason, dossiers, held)
VALUES (
    %(now)s, %(handled_by)s, %(act)s, %(agency_code)s, %(dossier_code)s, %(reason)s, %(dossiers)s, %(held)s
);

-- name: requests
-- Return the handled requests of citizens, the newest first (motcua.personal_data_requests).
SELECT r.handled_at, r.handled_by, r.act, r.agency_code, r.dossier_code, r.reason, r.dossiers, r.held
FROM motcua.personal_data_requests AS r
ORDER BY r.request_id DESC
LIMIT %(limit)s;
