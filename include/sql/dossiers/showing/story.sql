-- What the answer to "was this citizen told" depends on beside what 9029 says of the dossier: its agency's settings and
-- name, its phone, whether it is at the desk, whether it was handed over, and what planning made of its last step.
-- Holds personal data. Called by store/dossiers.py.
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    motcua.code_key(d.dossier_code) AS code_key,
    coalesce(f.short_name, f.name) AS agency_name,
    g.province,
    d.procedure_code,
    p.name AS procedure_name,
    d.applicant_name,
    d.msisdn,
    d.phone_refusal,
    d.purged_at,
    d.received_at,
    d.due_at,
    d.finished_at,
    d.returned_at,
    d.picked_up_at,
    r.picked_up_at AS read_at,
    CASE WHEN f.in_charge IS NOT NULL THEN g.enabled_from END AS enabled_from,
    g.same_day_excluded,
    g.same_day_procedures,
    g.kinds_off,
    CASE
        WHEN t.row_speaks OR t.recorded_at IS NULL OR t.recorded_at <= coalesce(d.updated_at, '-infinity')
            THEN d.at_one_stop_desk
        ELSE l.at_one_stop_desk
    END AS at_one_stop_desk,
    coalesce(s.handed_over, FALSE) AS handed_over,
    l.outcome AS present_outcome,
    (SELECT n.noticed_at FROM motcua.gaps AS n WHERE n.closed_at IS NULL AND n.held_until IS NULL)
        AS nothing_sent_since,
    motcua.stopped_until('reply', d.agency_code, %(now)s) IS NOT NULL AS inquiries_are_stopped
FROM motcua.dossiers AS d
INNER JOIN motcua.sources AS r ON d.source_id = r.source_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.agencies_on((%(now)s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS f
    ON d.agency_code = f.agency_code
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
LEFT JOIN LATERAL motcua.last_step(d.dossier_id, 'infinity', 9223372036854775807, 9223372036854775807) AS t ON TRUE
LEFT JOIN LATERAL (
    SELECT n.at_one_stop_desk, n.outcome
    FROM motcua.transitions AS n
    WHERE
        n.dossier_id = d.dossier_id
        AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS o WHERE o.transition_id = n.transition_id)
    ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
    LIMIT 1
) AS l ON TRUE
LEFT JOIN LATERAL motcua.dossier_as_of(d.dossier_id, %(now)s, 9223372036854775807, 9223372036854775807) AS s ON TRUE
WHERE
    d.dossier_id = %(dossier_id)s
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s))
