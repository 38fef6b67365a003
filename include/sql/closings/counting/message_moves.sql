-- Why messages of [start, end) stand otherwise at one cut-off than at an earlier one, by agency, procedure, kind and
-- cause. Called by store/oversight/closings.py.
WITH moves AS (
    SELECT
        h.message_id,
        (array_agg(h.from_state ORDER BY h.history_id))[1] AS was,
        (array_agg(h.to_state ORDER BY h.history_id DESC))[1] AS became,
        bool_or(h.from_state IS NULL) AS is_new
    FROM audit.message_history AS h
    WHERE h.history_id > %(before)s AND h.history_id <= %(after)s
    GROUP BY h.message_id
),

causes AS (
    SELECT
        m.agency_code,
        m.procedure_code,
        m.kind,
        CASE
            WHEN v.is_new THEN 'picked_up_late'
            WHEN EXISTS (
                SELECT 1 FROM audit.receipts AS r
                INNER JOIN audit.attempts AS a ON r.attempt_id = a.attempt_id
                WHERE a.message_id = m.message_id AND r.receipt_id > %(before_receipt)s AND r.effect = 'applied'
            ) THEN 'late_receipt'
            WHEN v.was IN ('unknown', 'accepted', 'unconfirmed') THEN 'settled_later'
            WHEN v.was IN ('queued', 'sending') THEN 'sent_later'
            ELSE 'reopened'
        END AS cause
    FROM moves AS v
    INNER JOIN audit.messages AS m ON v.message_id = m.message_id
    WHERE
        m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
        AND (v.is_new OR v.was <> v.became)
)

SELECT DISTINCT
    coalesce(c.agency_code, '') AS agency_code,
    coalesce(c.procedure_code, '') AS procedure_code,
    c.kind,
    c.cause
FROM causes AS c
