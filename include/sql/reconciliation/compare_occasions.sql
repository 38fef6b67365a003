-- Results and supplements of [start, end): occasions of the sources that have no message by the cut-off, and messages
-- that have no occasion, each with its reason; of a message whose reason only the source can tell, the source's numbers
-- instead, with the recorded times that were kept of them. Messages of sources that could not be read are left out.
-- Called by store/closings.py.
WITH occasions AS (
    SELECT
        o.occasion_no,
        o.source_id,
        o.dossier_code,
        o.kind,
        o.numbers,
        o.recorded_at,
        c.agency_code,
        coalesce(o.procedure_code, '') AS procedure_code,
        CASE
            WHEN o.occurred_at >= timestamptz '2000-01-01' THEN least(o.occurred_at, o.recorded_at)
            ELSE o.recorded_at
        END AS happened_at,
        c.enabled_from
    FROM motcua.counted_occasions AS o
    LEFT JOIN motcua.agency_scopes AS c ON o.agency_written = c.written
    WHERE o.kind IN ('result', 'supplement')
),

known AS (
    SELECT
        o.occasion_no,
        o.kind,
        t.transition_id,
        t.message_id,
        t.outcome,
        t.status_code,
        t.at_one_stop_desk
    FROM occasions AS o
    CROSS JOIN unnest(o.numbers) AS n (number)
    INNER JOIN motcua.transitions AS t ON o.source_id = t.source_id AND n.number = t.source_transition_id
    UNION ALL
    -- The dossier's row tells of it: ours is what the dossier's last transition says.
    SELECT
        o.occasion_no,
        o.kind,
        l.transition_id,
        l.message_id,
        l.outcome,
        l.status_code,
        l.at_one_stop_desk
    FROM occasions AS o
    INNER JOIN motcua.dossiers AS d ON o.agency_code = d.agency_code AND o.dossier_code = d.dossier_code
    CROSS JOIN
        LATERAL (
            SELECT t.* FROM motcua.transitions AS t
            WHERE t.dossier_id = d.dossier_id
            ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
            LIMIT 1
        ) AS l
    WHERE o.numbers = '{}' AND motcua.condition_of(l.status_code, l.at_one_stop_desk) = o.kind
),

made AS (
    SELECT
        k.occasion_no,
        min(k.transition_id) AS transition_id,
        bool_or(k.outcome IS NULL) AS is_unplanned,
        bool_or(k.outcome = 'out_of_scope') AS is_out_of_scope,
        bool_or(motcua.condition_of(k.status_code, k.at_one_stop_desk) = k.kind) AS calls_for_it
    FROM known AS k
    GROUP BY k.occasion_no
),

told AS (
    SELECT DISTINCT ON (k.occasion_no)
        k.occasion_no,
        m.message_id,
        m.recorded_at,
        coalesce(m.procedure_code, '') AS procedure_code,
        h.history_id <= %(known_history)s AS is_in_time
    FROM known AS k
    INNER JOIN motcua.messages AS m ON k.message_id = m.message_id AND k.kind = m.kind
    INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id AND h.from_state IS NULL
    ORDER BY k.occasion_no, k.transition_id = m.transition_id DESC, m.message_id
),

-- Two occasions of the source that are one here: the transition between them is lacking.
ranked AS (
    SELECT
        t.*,
        row_number() OVER (PARTITION BY t.message_id ORDER BY t.occasion_no) AS nth
    FROM told AS t
),

judged AS (
    SELECT
        o.*,
        k.transition_id,
        r.message_id,
        r.nth,
        r.procedure_code AS told_procedure,
        o.agency_code IS NOT NULL AND coalesce(o.happened_at < o.enabled_from, TRUE) AS is_out_of_scope,
        CASE
            WHEN r.nth > 1 OR k.occasion_no IS NULL OR o.agency_code IS NULL
                THEN
                    CASE
                        WHEN EXISTS (
                            SELECT 1 FROM motcua.quarantine AS q
                            WHERE
                                q.source_id = o.source_id AND q.row_kind = 'transition'
                                AND (
                                    (q.row_key = any(o.numbers::text[]) AND q.released_at IS NULL)
                                    OR (r.nth > 1 AND q.dossier_code = o.dossier_code)
                                )
                        ) THEN 'quarantined'
                        WHEN o.numbers = '{}' AND EXISTS (
                            SELECT 1 FROM motcua.quarantine AS q
                            WHERE
                                q.source_id = o.source_id AND q.row_kind = 'dossier'
                                AND q.dossier_code = o.dossier_code AND q.released_at IS NULL
                        ) THEN 'quarantined'
                        WHEN o.agency_code IS NOT NULL AND coalesce(o.happened_at < o.enabled_from, TRUE) THEN NULL
                        -- No pick-up can have read it yet; the next one will.
                        WHEN
                            k.occasion_no IS NULL AND (
                                o.numbers[1] > u.cursor_transition_id
                                OR coalesce(u.picked_up_at < o.recorded_at + %(overlap)s, TRUE)
                            )
                            THEN 'cut_off'
                        ELSE 'missing'
                    END
            WHEN r.message_id IS NOT NULL AND NOT r.is_in_time THEN 'cut_off'
            WHEN coalesce(o.happened_at < o.enabled_from, TRUE) THEN NULL
            WHEN r.message_id IS NOT NULL
                THEN
                    CASE
                        WHEN r.recorded_at < %(start)s OR r.recorded_at >= %(end)s THEN 'other_period'
                        WHEN r.procedure_code <> o.procedure_code THEN 'other_procedure'
                    END
            WHEN k.transition_id > %(known_transition)s THEN 'cut_off'
            WHEN k.is_unplanned THEN 'unplanned'
            WHEN k.is_out_of_scope THEN 'scope_changed'
            WHEN k.calls_for_it THEN 'without_message'
            ELSE 'source_changed'
        END AS reason
    FROM occasions AS o
    LEFT JOIN made AS k ON o.occasion_no = k.occasion_no
    LEFT JOIN ranked AS r ON o.occasion_no = r.occasion_no
    INNER JOIN motcua.sources AS u ON o.source_id = u.source_id
)

SELECT
    'source' AS side,
    j.reason,
    coalesce(j.agency_code, '') AS agency_code,
    j.procedure_code,
    j.kind,
    j.dossier_code,
    j.source_id,
    j.numbers[1] AS source_transition_id,
    j.transition_id,
    j.message_id,
    j.happened_at AS occurred_at,
    NULL::bigint[] AS numbers,
    NULL::timestamptz[] AS recorded
FROM judged AS j
WHERE j.reason IS NOT NULL
UNION ALL
SELECT
    'ledger' AS side,
    CASE
        WHEN j.is_out_of_scope THEN 'scope_changed'
        WHEN j.occasion_no IS NOT NULL THEN 'other_procedure'
        WHEN n.numbers IS NOT NULL THEN NULL
        WHEN n.is_row AND EXISTS (
            SELECT 1 FROM motcua.dossier_versions AS v
            WHERE v.dossier_id = m.dossier_id AND motcua.condition_of(v.status_code, v.at_one_stop_desk) = m.kind
        ) THEN 'source_changed'
        ELSE 'without_event'
    END AS reason,
    m.agency_code,
    coalesce(m.procedure_code, '') AS procedure_code,
    m.kind,
    d.dossier_code,
    d.source_id,
    n.numbers[1] AS source_transition_id,
    m.transition_id,
    m.message_id,
    m.occurred_at,
    n.numbers,
    n.recorded
FROM motcua.messages AS m
INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id AND h.from_state IS NULL
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
LEFT JOIN judged AS j ON m.message_id = j.message_id AND j.nth = 1
LEFT JOIN LATERAL (
    SELECT
        array_agg(t.source_transition_id ORDER BY t.source_transition_id) FILTER (WHERE NOT t.from_row) AS numbers,
        array_agg(t.recorded_at ORDER BY t.source_transition_id) FILTER (WHERE NOT t.from_row) AS recorded,
        bool_or(t.from_row) AS is_row
    FROM motcua.transitions AS t
    WHERE j.occasion_no IS NULL AND t.dossier_id = m.dossier_id AND t.message_id = m.message_id
) AS n ON TRUE
WHERE
    m.kind IN ('result', 'supplement')
    AND m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND h.history_id <= %(known_history)s
    AND (j.occasion_no IS NULL OR j.is_out_of_scope OR j.told_procedure <> j.procedure_code)
    AND coalesce(d.source_id <> all(%(unread)s::smallint[]), TRUE)
