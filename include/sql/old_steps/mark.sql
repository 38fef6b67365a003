-- Notes which transitions of these dossiers are old steps, as far as this pick-up's rows show it: they happened before
-- one of a lower number of the same source by more than twice what its clocks may be off, and were recorded no earlier
-- than that. A substituted time, exactly midnight, and the statuses that end a dossier (3, 7, 10) make none.
-- Called by store/notices/old_steps.py.
WITH steps AS (
    SELECT
        t.transition_id,
        t.source_id,
        t.dossier_id,
        t.sequence,
        t.from_row,
        t.status_code,
        t.occurred_at,
        t.recorded_at,
        max(t.occurred_at) OVER (
            PARTITION BY t.dossier_id, t.source_id
            ORDER BY t.sequence, t.from_row, t.transition_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS latest_before
    FROM motcua.transitions AS t
    WHERE t.dossier_id = any(%(dossier_ids)s)
),

old AS (
    SELECT
        s.*,
        greatest(
            s.transition_id,
            (
                SELECT min(b.transition_id)
                FROM motcua.transitions AS b
                WHERE
                    b.dossier_id = s.dossier_id AND b.source_id = s.source_id
                    AND (b.sequence, b.from_row, b.transition_id) < (s.sequence, s.from_row, s.transition_id)
                    AND b.occurred_at > s.occurred_at + 2 * %(clock_skew)s::interval
            )
        ) AS known_from
    FROM steps AS s
    WHERE
        s.occurred_at < s.latest_before - 2 * %(clock_skew)s::interval
        AND s.recorded_at >= s.latest_before - 2 * %(clock_skew)s::interval
        AND NOT s.from_row
        AND s.status_code NOT IN (3, 7, 10)
        AND (s.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time <> '00:00'
        AND s.recorded_at >= (SELECT r.since FROM motcua.rule_dates AS r WHERE r.rule = 'old_steps')
        AND NOT EXISTS (
            SELECT 1 FROM motcua.cleaned_fields AS c
            WHERE
                c.dossier_id = s.dossier_id AND c.transition_id = s.transition_id
                AND 'occurred_at' = any(string_to_array(c.detail, ', '))
        )
)

INSERT INTO motcua.old_steps (transition_id, source_id, dossier_id, known_from, read_from, marked_at, ask_at)
SELECT
    o.transition_id,
    o.source_id,
    o.dossier_id,
    o.known_from,
    o.recorded_at + %(clock_skew)s::interval,
    %(now)s,
    o.recorded_at + %(clock_skew)s::interval
FROM old AS o
-- A pair that was known before the rule was stays what it was.
INNER JOIN motcua.transitions AS k ON o.known_from = k.transition_id
WHERE k.picked_up_at = %(now)s
ON CONFLICT (transition_id) DO NOTHING
