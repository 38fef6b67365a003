-- Compare the apologies of a finished period with the due dates that require them, and the replies with the inquiries
-- that require them. Also find the messages and sources that the comparison covers. Apologies say that a result will be
-- late; they are planned every evening. A closing is the stored figures of the period; what the ledger holds at the
-- closing's cut-off (as_of) counts. Called by store/oversight/closings.py.

-- name: known_message
-- Return the number of the last message that counts in a closing (motcua.message_history). Each message up to this
-- number was inserted before or with the closing's last row of history (known_history).
SELECT
    coalesce(
        (
            SELECT min(h.message_id) - 1 FROM motcua.message_history AS h
            WHERE h.history_id > %(known_history)s AND h.from_state IS NULL
        ),
        (SELECT max(m.message_id) FROM motcua.messages AS m),
        0
    ) AS known_message;

-- name: sources_of_messages
-- Return which of the given sources the messages of [start, end) came from, except replies (motcua.sources).
SELECT s.name
FROM motcua.sources AS s
WHERE
    s.name = any(%(names)s)
    AND EXISTS (
        SELECT 1
        FROM motcua.messages AS m
        LEFT JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
        INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
        WHERE
            m.recorded_at >= %(start)s AND m.recorded_at < %(end)s AND m.kind <> 'reply'
            AND coalesce(t.source_id, d.source_id) = s.source_id
    )
ORDER BY s.name;

-- name: compare_apologies
-- Return how the apologies of the evenings in [start, end) differ from the sources, with the reason of each difference
-- (motcua.counted_occasions, motcua.messages). With side 'source', a source's rows require an apology, but there is no
-- matching one by the cut-off. With side 'ledger', the rows of no source require the apology. A dossier needs only one
-- apology for a due day even if two sources hold the dossier or one source holds it twice. Messages of sources that
-- could not be read are left out.
WITH owed AS (
    SELECT
        o.occasion_no,
        o.source_id,
        o.dossier_code,
        o.due_day,
        o.recorded_at AS evening_at,
        c.agency_code,
        coalesce(o.procedure_code, '') AS procedure_code,
        d.dossier_id,
        e.known_version,
        e.known_transition,
        e.settled_at <= %(as_of)s AS is_settled
    FROM motcua.counted_occasions AS o
    INNER JOIN motcua.agency_scopes AS c ON o.agency_written = c.written
    LEFT JOIN motcua.dossiers AS d ON c.agency_code = d.agency_code AND o.dossier_code = d.dossier_code
    LEFT JOIN motcua.apology_evenings AS e ON c.agency_code = e.agency_code AND o.recorded_at = e.evening_at
    WHERE o.kind = 'apology' AND c.enabled_from <= o.recorded_at
),

told AS (
    SELECT
        o.*,
        m.message_id,
        m.recorded_at,
        m.agency_code AS told_agency,
        coalesce(m.procedure_code, '') AS told_procedure,
        coalesce(m.procedure_code, '') <> o.procedure_code AND EXISTS (
            SELECT 1 FROM motcua.dossier_versions AS v
            WHERE v.dossier_id = m.dossier_id AND v.procedure_code IS NOT DISTINCT FROM m.procedure_code
        ) AS had_that_procedure,
        h.history_id <= %(known_history)s AS is_in_time,
        row_number() OVER (
            PARTITION BY m.message_id ORDER BY coalesce(m.procedure_code, '') = o.procedure_code DESC, o.occasion_no
        ) AS nth
    FROM owed AS o
    LEFT JOIN motcua.messages AS m
        ON
            o.dossier_id = m.dossier_id AND m.kind = 'apology'
            AND m.occasion = 'due ' || to_char(o.due_day, 'YYYY-MM-DD')
    LEFT JOIN motcua.message_history AS h ON m.message_id = h.message_id AND h.from_state IS NULL
),

judged AS (
    SELECT
        t.*,
        CASE
            WHEN t.message_id IS NOT NULL AND NOT t.is_in_time THEN 'cut_off'
            WHEN t.message_id IS NOT NULL AND t.nth > 1 THEN 'source_changed'
            WHEN t.told_agency <> t.agency_code THEN 'without_message'
            -- Apologies about the same due day may be planned on two evenings. The message then belongs to the earlier
            -- evening.
            WHEN
                t.recorded_at <> t.evening_at AND EXISTS (
                    SELECT 1 FROM motcua.apology_evenings AS a
                    WHERE
                        a.agency_code = t.agency_code AND a.evening_at = t.recorded_at
                        AND t.due_day BETWEEN a.first_due AND a.last_due
                )
                THEN 'other_period'
            WHEN t.recorded_at <> t.evening_at THEN 'without_message'
            WHEN t.had_that_procedure THEN 'other_procedure'
            WHEN t.message_id IS NOT NULL AND t.told_procedure <> t.procedure_code THEN 'without_message'
            WHEN t.message_id IS NOT NULL THEN NULL
            WHEN t.dossier_id IS NULL AND EXISTS (
                SELECT 1
                FROM motcua.quarantine AS q
                INNER JOIN motcua.agency_scopes AS g ON btrim(q.agency_code) = g.written
                WHERE
                    q.source_id = t.source_id AND q.released_at IS NULL
                    AND normalize(btrim(q.dossier_code)) = t.dossier_code AND g.agency_code = t.agency_code
            ) THEN 'quarantined'
            WHEN NOT coalesce(t.is_settled, FALSE) THEN 'evening_missed'
            -- The agency code that the source writes belonged to another agency when the apologies of the evening were
            -- planned.
            WHEN t.dossier_id IS NULL AND EXISTS (
                SELECT 1
                FROM motcua.dossiers AS d
                INNER JOIN motcua.agency_changes AS c ON d.agency_code = c.agency_code
                INNER JOIN motcua.agency_scopes AS g ON c.before -> 'aliases' ? g.written
                WHERE
                    d.source_id = t.source_id AND d.dossier_code = t.dossier_code AND d.agency_code <> t.agency_code
                    AND g.agency_code = t.agency_code
            ) THEN 'scope_changed'
            WHEN t.dossier_id IS NULL THEN 'missing'
            WHEN known_then.is_owed THEN 'without_message'
            WHEN known_now.is_owed THEN 'cut_off'
            ELSE 'source_changed'
        END AS reason
    FROM told AS t
    LEFT JOIN LATERAL (
        SELECT
            coalesce(
                NOT s.handed_over AND s.status_code IN (2, 4)
                AND (s.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = t.due_day
                AND coalesce((s.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < t.due_day, TRUE), FALSE
            ) AS is_owed
        FROM motcua.dossier_as_of(t.dossier_id, t.evening_at, t.known_version, t.known_transition) AS s
    ) AS known_then ON t.message_id IS NULL
    LEFT JOIN LATERAL (
        SELECT
            coalesce(
                NOT s.handed_over AND s.status_code IN (2, 4)
                AND (s.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = t.due_day
                AND coalesce((s.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < t.due_day, TRUE), FALSE
            ) AS is_owed
        FROM motcua.dossier_as_of(t.dossier_id, t.evening_at, 9223372036854775807, 9223372036854775807) AS s
    ) AS known_now ON t.message_id IS NULL
),

moved AS (
    SELECT
        j.source_id,
        j.dossier_code,
        j.evening_at
    FROM judged AS j
    WHERE j.reason = 'scope_changed'
)

SELECT
    'source' AS side,
    j.reason,
    j.agency_code,
    j.procedure_code,
    'apology' AS kind,
    j.dossier_code,
    j.source_id,
    NULL::bigint AS source_transition_id,
    NULL::bigint AS transition_id,
    j.message_id,
    j.evening_at AS occurred_at
FROM judged AS j
WHERE j.reason IS NOT NULL
UNION ALL
SELECT
    'ledger' AS side,
    CASE
        WHEN j.told_agency <> j.agency_code THEN 'without_event'
        WHEN j.had_that_procedure THEN 'other_procedure'
        WHEN j.message_id IS NOT NULL THEN 'without_event'
        WHEN coalesce(m.recorded_at < g.enabled_from, TRUE) THEN 'scope_changed'
        WHEN EXISTS (
            SELECT 1 FROM moved AS s
            WHERE
                s.source_id = d.source_id AND s.dossier_code = d.dossier_code AND s.evening_at = m.recorded_at
        ) THEN 'scope_changed'
        WHEN then_owed.is_owed THEN 'source_changed'
        ELSE 'without_event'
    END AS reason,
    m.agency_code,
    coalesce(m.procedure_code, '') AS procedure_code,
    'apology' AS kind,
    d.dossier_code,
    d.source_id,
    NULL::bigint AS source_transition_id,
    NULL::bigint AS transition_id,
    m.message_id,
    m.recorded_at AS occurred_at
FROM motcua.messages AS m
INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id AND h.from_state IS NULL
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON m.agency_code = g.agency_code
LEFT JOIN judged AS j ON m.message_id = j.message_id AND m.recorded_at = j.evening_at AND j.nth = 1
LEFT JOIN motcua.apology_evenings AS e ON m.agency_code = e.agency_code AND m.recorded_at = e.evening_at
LEFT JOIN LATERAL (
    SELECT
        coalesce(
            NOT s.handed_over AND s.status_code IN (2, 4)
            AND 'due ' || to_char(s.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD') = m.occasion
            AND coalesce(
                (s.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                < (s.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, TRUE
            ), FALSE
        ) AS is_owed
    FROM motcua.dossier_as_of(m.dossier_id, m.recorded_at, e.known_version, e.known_transition) AS s
) AS then_owed ON j.message_id IS NULL
WHERE
    m.kind = 'apology'
    AND m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND h.history_id <= %(known_history)s
    AND (j.message_id IS NULL OR j.told_procedure <> j.procedure_code OR j.told_agency <> j.agency_code)
    AND coalesce(d.source_id <> all(%(unread)s::smallint[]), TRUE);

-- name: compare_replies
-- Return the inquiries of [start, end) whose reply is missing, and the replies without an inquiry (motcua.inquiries,
-- motcua.messages). Such a difference always counts as unexplained.
SELECT
    'source' AS side,
    'without_message' AS reason,
    i.agency_code,
    '' AS procedure_code,
    'reply' AS kind,
    d.dossier_code,
    NULL::smallint AS source_id,
    NULL::bigint AS source_transition_id,
    NULL::bigint AS transition_id,
    i.message_id,
    i.received_at AS occurred_at
FROM motcua.inquiries AS i
LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
WHERE
    i.received_at >= %(start)s AND i.received_at < %(end)s AND i.inquiry_id <= %(known_inquiry)s
    AND NOT EXISTS (SELECT 1 FROM motcua.messages AS m WHERE m.message_id = i.message_id)
UNION ALL
SELECT
    'ledger' AS side,
    'without_event' AS reason,
    m.agency_code,
    coalesce(m.procedure_code, '') AS procedure_code,
    m.kind,
    d.dossier_code,
    NULL::smallint AS source_id,
    NULL::bigint AS source_transition_id,
    NULL::bigint AS transition_id,
    m.message_id,
    m.recorded_at AS occurred_at
FROM motcua.messages AS m
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.kind = 'reply'
    AND m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND EXISTS (
        SELECT 1 FROM motcua.message_history AS h
        WHERE h.message_id = m.message_id AND h.from_state IS NULL AND h.history_id <= %(known_history)s
    )
    AND NOT EXISTS (SELECT 1 FROM motcua.inquiries AS i WHERE i.message_id = m.message_id);
