-- Everything that is held of these dossiers, or of this code of an agency where no dossier has it, and of the texts
-- that came from this number: one row a value, with the number that its row goes with, the dossier's own number, and
-- until when it is kept (empty: until its dossier has ended, or its complaint is settled, and then its agency's term).
-- What was emptied is not there any more. Called by store/personal_data_requests.py.
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
    -- One whose agency is not known may be of another dossier with this code.
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
ORDER BY f.agency_code NULLS LAST, f.dossier_code NULLS LAST, f.of_table, f.row_no, f.of_column
