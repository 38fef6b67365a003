-- What belongs to nothing in [start, end), by the cut-off: messages about no dossier, receipts that name no attempt of
-- ours, and results handed to citizens whom no message told. It says the same whenever it is asked: whether a receipt
-- had been read by then does not matter, and an agency's beginning is what it was when the closing was stored, or what
-- it is where none is yet. Called by store/oversight/closings.py.
WITH joined AS (
    SELECT
        g.agency_code,
        CASE
            WHEN c.change_id IS NULL THEN g.enabled_from
            ELSE (c.before ->> 'enabled_from')::timestamptz
        END AS enabled_from
    FROM audit.agencies AS g
    LEFT JOIN (
        SELECT DISTINCT ON (a.agency_code)
            a.agency_code,
            a.change_id,
            a.before
        FROM audit.agency_changes AS a
        WHERE a.changed_at > %(closed_at)s::timestamptz
        ORDER BY a.agency_code, a.change_id
    ) AS c ON g.agency_code = c.agency_code
)

SELECT
    'message_without_dossier' AS sort,
    m.agency_code,
    m.procedure_code,
    NULL AS dossier_code,
    m.message_id,
    NULL::bigint AS receipt_id,
    m.recorded_at AS happened_at
FROM audit.messages_as_of(%(known_history)s) AS m
LEFT JOIN audit.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND (m.kind <> 'reply' OR m.dossier_id IS NOT NULL) AND d.dossier_id IS NULL
UNION ALL
SELECT
    'receipt_without_attempt' AS sort,
    '' AS agency_code,
    '' AS procedure_code,
    NULL AS dossier_code,
    NULL::bigint AS message_id,
    r.receipt_id,
    r.received_at AS happened_at
FROM audit.receipts AS r
WHERE
    r.received_at >= %(start)s AND r.received_at < %(end)s AND r.receipt_id <= %(known_receipt)s
    AND NOT EXISTS (
        SELECT 1 FROM audit.attempts AS a
        WHERE a.reference = r.reference AND a.gateway = r.gateway
    )
UNION ALL
SELECT
    'handed_over_untold' AS sort,
    d.agency_code,
    d.procedure_code,
    d.dossier_code,
    NULL::bigint AS message_id,
    NULL::bigint AS receipt_id,
    d.returned_at AS happened_at
FROM audit.dossiers_as_of(%(known_version)s) AS d
INNER JOIN joined AS g ON d.agency_code = g.agency_code
WHERE
    d.returned_at >= %(start)s AND d.returned_at < %(end)s AND d.returned_at >= g.enabled_from
    AND NOT EXISTS (
        SELECT 1 FROM audit.messages AS m
        WHERE m.dossier_id = d.dossier_id AND m.kind = 'result' AND m.message_id <= %(known_message)s
    )
ORDER BY sort, agency_code, happened_at, dossier_code, receipt_id
