-- Compare the events in the sources' own tables with the messages about them, for a closing (the stored figures of a
-- finished period). Such an event is called an occasion. Examples are a result (it can be fetched at the desk) and a
-- supplement (the citizen must bring papers). Called by store/oversight/closings.py.

-- name: empty_counted
-- Empty motcua.counted_occasions for the next comparison. The caller holds the closings' lock (store/ledger/locks.py).
SELECT motcua.empty_counted_occasions();

-- name: take_occasions
-- Insert a batch of occasions from a source's own tables (motcua.counted_occasions). The caller has brought the codes
-- into the form in which the ledger stores codes.
INSERT INTO motcua.counted_occasions (
    source_id, agency_written, dossier_code, procedure_code, kind, numbers, due_day, occurred_at, recorded_at
)
SELECT
    s.source_id,
    r.agency_code,
    r.dossier_code,
    nullif(r.procedure_code, ''),
    r.kind,
    r.numbers,
    r.due_day,
    r.occurred_at,
    r.recorded_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, dossier_code text, procedure_code text, kind text, numbers bigint[], due_day date,
        occurred_at timestamptz, recorded_at timestamptz
    )
INNER JOIN motcua.sources AS s ON s.name = %(source)s;

-- name: look_at_counted
-- Update the planner's statistics of motcua.counted_occasions.
SELECT motcua.look_at_counted_occasions();

-- name: count_counted
-- Count the sources' occasions by agency, procedure and kind, and those from before citizens were texted about the
-- agency's dossiers (motcua.counted_occasions). Occasions of an unknown agency have an empty agency code.
SELECT
    coalesce(c.agency_code, '') AS agency_code,
    coalesce(o.procedure_code, '') AS procedure_code,
    o.kind,
    count(*) AS at_source,
    count(*) FILTER (
        WHERE c.agency_code IS NOT NULL AND coalesce(
            CASE
                WHEN o.occurred_at >= timestamptz '2000-01-01' THEN least(o.occurred_at, o.recorded_at)
                ELSE o.recorded_at
            END < c.enabled_from, TRUE
        )
    ) AS out_of_scope
FROM motcua.counted_occasions AS o
LEFT JOIN motcua.agency_scopes AS c ON o.agency_written = c.written
GROUP BY 1, 2, 3;

-- name: compare_occasions
-- Return the results and supplements of [start, end) in which a source and the ledger differ, each with the reason
-- (motcua.counted_occasions, motcua.messages): occasions without a message by the closing's cut-off, and messages
-- without an occasion. A row without a reason is about a message that has no occasion, or about an occasion that shares
-- its message with another one. The caller finds the reason in the source's present rows. For this, the row has the
-- source's numbers and the stored recorded times of all transitions of the message. Messages of sources that could not
-- be read are left out.
WITH occasions AS (
    SELECT
        o.occasion_no,
        o.source_id,
        o.dossier_code,
        o.kind,
        o.numbers,
        o.recorded_at,
        o.agency_written,
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
    -- A source that was restored or copied may use a transition's number again for another dossier, so the dossier must
    -- agree too.
    SELECT
        o.occasion_no,
        o.kind,
        d.agency_code,
        t.dossier_id,
        t.transition_id,
        t.message_id,
        t.outcome,
        t.planned_at,
        t.picked_up_at,
        t.occurred_at,
        t.recorded_at,
        t.status_code,
        t.at_one_stop_desk
    FROM occasions AS o
    CROSS JOIN unnest(o.numbers) AS n (number)
    INNER JOIN motcua.transitions AS t ON o.source_id = t.source_id AND n.number = t.source_transition_id
    LEFT JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
    WHERE coalesce(o.dossier_code = d.dossier_code, TRUE)
    UNION ALL
    -- Here the dossier's row, not a transition, shows the occasion. The message is found through the dossier's last
    -- transition.
    SELECT
        o.occasion_no,
        o.kind,
        d.agency_code,
        l.dossier_id,
        l.transition_id,
        l.message_id,
        l.outcome,
        l.planned_at,
        l.picked_up_at,
        l.occurred_at,
        l.recorded_at,
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
        min(k.agency_code) AS agency_code,
        min(k.occurred_at) AS occurred_at,
        max(k.planned_at) AS planned_at,
        max(k.picked_up_at) AS picked_up_at,
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
        m.dossier_id,
        m.agency_code,
        m.recorded_at,
        coalesce(m.procedure_code, '') AS procedure_code,
        k.dossier_id = m.dossier_id AS is_of_it,
        k.transition_id = m.transition_id AS began_it,
        k.transition_id = m.transition_id AND k.recorded_at <> m.recorded_at AS was_moved,
        h.history_id <= %(known_history)s AS is_in_time
    FROM known AS k
    INNER JOIN motcua.messages AS m ON k.message_id = m.message_id AND k.kind = m.kind
    INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id AND h.from_state IS NULL
    ORDER BY k.occasion_no, k.dossier_id = m.dossier_id DESC, k.transition_id = m.transition_id DESC, m.message_id
),

-- Two occasions in the sources can be one occasion in the ledger. If both belong to one source, the ledger lacks the
-- transition between them. If they belong to two sources, both sources hold the same dossier. If one occasion appears
-- twice, its source holds the dossier twice.
ranked AS (
    SELECT
        t.*,
        o.source_id,
        o.numbers,
        row_number() OVER of_message AS nth,
        row_number() OVER of_source AS nth_of_source,
        row_number() OVER of_numbers AS nth_copy
    FROM told AS t
    INNER JOIN occasions AS o ON t.occasion_no = o.occasion_no
    WHERE t.is_of_it
    WINDOW
        of_message AS (
            PARTITION BY t.message_id
            ORDER BY t.began_it DESC, t.procedure_code = o.procedure_code DESC, t.occasion_no
        ),
        of_source AS (
            PARTITION BY t.message_id, o.source_id
            ORDER BY t.began_it DESC, t.procedure_code = o.procedure_code DESC, t.occasion_no
        ),
        of_numbers AS (
            PARTITION BY t.message_id, o.source_id, o.numbers
            ORDER BY t.began_it DESC, t.procedure_code = o.procedure_code DESC, t.occasion_no
        )
),

-- Find the occasions that share their message with another occasion of the same source or of another period, and
-- collect the transitions of that message that the occasion's source wrote.
joined AS (
    SELECT
        r.occasion_no,
        array_agg(t.source_transition_id ORDER BY t.source_transition_id) AS numbers,
        array_agg(t.recorded_at ORDER BY t.source_transition_id) AS recorded,
        max(t.source_transition_id) FILTER (WHERE coalesce(t.source_transition_id < r.numbers[1], TRUE))
            AS number_before,
        min(t.source_transition_id) FILTER (WHERE t.source_transition_id > r.numbers[cardinality(r.numbers)])
            AS number_after
    FROM ranked AS r
    INNER JOIN motcua.transitions AS t
        ON
            r.dossier_id = t.dossier_id AND r.message_id = t.message_id AND r.source_id = t.source_id
            AND NOT t.from_row
    WHERE
        r.nth_copy = 1
        AND (
            r.nth_of_source > 1
            OR (
                r.nth = 1 AND (NOT r.began_it OR r.numbers = '{}')
                AND (r.recorded_at < %(start)s OR r.recorded_at >= %(end)s)
            )
        )
    GROUP BY r.occasion_no, r.numbers
    HAVING bool_or(t.source_transition_id <> all(r.numbers))
),

-- This subquery collects the facts about an occasion. The next subquery derives the reason of the difference from them.
met AS (
    SELECT
        o.*,
        k.occasion_no IS NOT NULL AS is_known,
        k.transition_id,
        k.agency_code AS known_agency,
        k.occurred_at AS known_occurred_at,
        k.planned_at,
        k.picked_up_at,
        k.is_unplanned,
        k.is_out_of_scope AS was_out_of_scope,
        k.calls_for_it,
        r.message_id,
        r.nth,
        r.nth_of_source,
        r.nth_copy,
        r.agency_code AS told_agency,
        r.procedure_code AS told_procedure,
        r.recorded_at AS told_recorded_at,
        r.is_in_time,
        r.was_moved,
        s.numbers AS joined_numbers,
        s.recorded AS joined_recorded,
        s.number_before,
        s.number_after,
        o.agency_code IS NOT NULL AND coalesce(o.happened_at < o.enabled_from, TRUE) AS is_out_of_scope,
        -- Check whether the agency code that the source writes belonged to another agency when the message was planned.
        (r.agency_code IS DISTINCT FROM o.agency_code) AND r.agency_code = k.agency_code AS is_of_other_agency,
        coalesce(r.procedure_code <> o.procedure_code, FALSE) AND EXISTS (
            SELECT 1 FROM motcua.dossier_versions AS v
            WHERE v.dossier_id = r.dossier_id AND coalesce(v.procedure_code, '') = r.procedure_code
        ) AS had_that_procedure
    FROM occasions AS o
    LEFT JOIN made AS k ON o.occasion_no = k.occasion_no
    LEFT JOIN ranked AS r ON o.occasion_no = r.occasion_no
    LEFT JOIN joined AS s ON o.occasion_no = s.occasion_no
),

judged AS (
    SELECT
        m.*,
        CASE
            WHEN m.nth_of_source > 1 OR m.joined_numbers IS NOT NULL OR NOT m.is_known OR m.agency_code IS NULL
                THEN
                    CASE
                        WHEN m.is_out_of_scope THEN NULL
                        WHEN m.nth_copy > 1 THEN 'source_changed'
                        WHEN EXISTS (
                            SELECT 1 FROM motcua.quarantine AS q
                            WHERE
                                q.source_id = m.source_id AND q.row_kind = 'transition' AND q.released_at IS NULL
                                AND q.row_key = any(m.numbers::text[])
                        ) THEN 'quarantined'
                        -- The quarantine (rows that could not be used) has a row that explains the difference: the
                        -- dossier's, or the transition between this occasion and another one of the same message.
                        WHEN (m.numbers = '{}' OR m.joined_numbers IS NOT NULL) AND EXISTS (
                            SELECT 1
                            FROM motcua.quarantine AS q
                            LEFT JOIN motcua.agency_scopes AS g ON btrim(q.agency_code) = g.written
                            WHERE
                                q.source_id = m.source_id AND q.released_at IS NULL
                                AND coalesce(normalize(btrim(q.dossier_code)), '') = m.dossier_code
                                AND coalesce(g.agency_code, btrim(q.agency_code), '')
                                = coalesce(m.agency_code, m.agency_written)
                                AND CASE
                                    WHEN q.row_kind = 'dossier' THEN m.numbers = '{}'
                                    WHEN (q.payload ->> 'transition_id')::bigint > m.number_before
                                        THEN coalesce((q.payload ->> 'transition_id')::bigint < m.numbers[1], TRUE)
                                    ELSE
                                        (q.payload ->> 'transition_id')::bigint > m.numbers[cardinality(m.numbers)]
                                        AND (q.payload ->> 'transition_id')::bigint < m.number_after
                                END
                        ) THEN 'quarantined'
                        -- The ledger knew the agency's code when the occasion was read, and does not know it now.
                        WHEN m.agency_code IS NULL AND m.is_known THEN 'scope_changed'
                        -- The ledger has this transition with another dossier.
                        WHEN
                            NOT m.is_known AND EXISTS (
                                SELECT 1 FROM motcua.transitions AS t
                                WHERE
                                    t.source_id = m.source_id AND t.source_transition_id = m.numbers[1]
                                    AND t.recorded_at = m.recorded_at
                            )
                            THEN 'source_changed'
                        -- The ledger has a newer row of the dossier, or the same row with another status. The source
                        -- then has two rows.
                        WHEN
                            NOT m.is_known AND m.numbers = '{}' AND EXISTS (
                                SELECT 1 FROM motcua.dossiers AS d
                                WHERE
                                    d.agency_code = m.agency_code AND d.dossier_code = m.dossier_code
                                    AND d.status_code IS NOT NULL AND d.updated_at >= m.recorded_at
                                    AND (
                                        d.updated_at > m.recorded_at
                                        OR motcua.condition_of(d.status_code, d.at_one_stop_desk)
                                        IS DISTINCT FROM m.kind
                                    )
                            )
                            THEN 'source_changed'
                        -- The occasion is so new that no pick-up (the reading of a source's new rows) can have read
                        -- all rows up to it. The next pick-up will.
                        WHEN
                            (NOT m.is_known AND m.numbers[1] > u.cursor_transition_id)
                            OR coalesce(u.picked_up_at < m.recorded_at + %(overlap)s, TRUE)
                            THEN 'cut_off'
                        WHEN m.joined_numbers IS NOT NULL THEN NULL
                        ELSE 'missing'
                    END
            WHEN m.message_id IS NOT NULL AND NOT m.is_in_time THEN 'cut_off'
            WHEN m.is_out_of_scope THEN NULL
            WHEN m.nth > 1 THEN 'source_changed'
            WHEN m.message_id IS NOT NULL
                THEN
                    CASE
                        WHEN m.is_of_other_agency THEN 'scope_changed'
                        WHEN m.told_agency <> m.agency_code THEN 'without_message'
                        WHEN m.told_recorded_at < %(start)s OR m.told_recorded_at >= %(end)s
                            THEN CASE WHEN m.was_moved THEN 'without_message' ELSE 'other_period' END
                        WHEN m.had_that_procedure THEN 'other_procedure'
                        WHEN m.told_procedure <> m.procedure_code THEN 'without_message'
                    END
            WHEN m.transition_id > %(known_transition)s THEN 'cut_off'
            -- At the cut-off, the run that had read the occasion may not have planned its message yet.
            WHEN m.is_unplanned AND m.picked_up_at > %(as_of)s::timestamptz - %(overlap)s THEN 'cut_off'
            WHEN m.is_unplanned THEN 'unplanned'
            WHEN m.was_out_of_scope AND m.known_occurred_at < m.enabled_from THEN 'source_changed'
            WHEN
                m.was_out_of_scope
                AND (
                    EXISTS (
                        SELECT 1 FROM motcua.agency_changes AS c
                        WHERE
                            c.agency_code = m.known_agency
                            AND coalesce((c.after ->> 'enabled_from')::timestamptz > m.happened_at, TRUE)
                    )
                    OR NOT EXISTS (
                        SELECT 1
                        FROM motcua.agencies_on((m.planned_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS f
                        WHERE f.agency_code = m.known_agency AND f.in_charge IS NOT NULL
                    )
                )
                THEN 'scope_changed'
            WHEN m.calls_for_it THEN 'without_message'
            ELSE 'source_changed'
        END AS reason
    FROM met AS m
    INNER JOIN motcua.sources AS u ON m.source_id = u.source_id
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
    CASE WHEN j.reason IS NULL THEN j.joined_numbers END AS numbers,
    CASE WHEN j.reason IS NULL THEN j.joined_recorded END AS recorded,
    FALSE AS was_cleaned
FROM judged AS j
WHERE j.reason IS NOT NULL OR (j.joined_numbers IS NOT NULL AND NOT j.is_out_of_scope)
UNION ALL
SELECT
    'ledger' AS side,
    CASE
        WHEN j.is_out_of_scope OR j.is_of_other_agency THEN 'scope_changed'
        WHEN j.told_agency <> j.agency_code THEN 'without_event'
        WHEN j.had_that_procedure THEN 'other_procedure'
        WHEN j.occasion_no IS NOT NULL THEN 'without_event'
        WHEN n.was_moved THEN 'without_event'
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
    coalesce(n.source_id, d.source_id) AS source_id,
    n.numbers[1] AS source_transition_id,
    m.transition_id,
    m.message_id,
    m.occurred_at,
    CASE WHEN NOT n.was_moved THEN n.numbers END AS numbers,
    CASE WHEN NOT n.was_moved THEN n.recorded END AS recorded,
    n.was_cleaned
FROM motcua.messages AS m
INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id AND h.from_state IS NULL
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
LEFT JOIN judged AS j ON m.message_id = j.message_id AND j.nth = 1
-- Find the source that the message came from. The dossier may have moved to another source later.
LEFT JOIN LATERAL (
    SELECT
        b.source_id,
        b.recorded_at <> m.recorded_at AS was_moved,
        array_agg(t.source_transition_id ORDER BY t.source_transition_id) FILTER (WHERE NOT t.from_row) AS numbers,
        array_agg(t.recorded_at ORDER BY t.source_transition_id) FILTER (WHERE NOT t.from_row) AS recorded,
        bool_or(t.from_row) AS is_row,
        -- A transition whose recorded time could not be used has the time of reading instead.
        bool_or(t.recorded_at = t.picked_up_at) AS was_cleaned
    FROM motcua.transitions AS b
    LEFT JOIN motcua.transitions AS t
        ON b.source_id = t.source_id AND b.dossier_id = t.dossier_id AND m.message_id = t.message_id
    WHERE j.occasion_no IS NULL AND b.transition_id = m.transition_id
    GROUP BY b.source_id, b.recorded_at
) AS n ON TRUE
WHERE
    m.kind IN ('result', 'supplement')
    AND m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND h.history_id <= %(known_history)s
    AND (
        j.occasion_no IS NULL OR j.is_out_of_scope OR j.told_procedure <> j.procedure_code
        OR j.told_agency IS DISTINCT FROM j.agency_code
    )
    AND (
        j.occasion_no IS NOT NULL
        OR coalesce(coalesce(n.source_id, d.source_id) <> all(%(unread)s::smallint[]), TRUE)
    );
