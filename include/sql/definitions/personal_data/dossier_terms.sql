-- Until when a dossier's personal data is kept. It has ended when its result was handed over, or when the row or a
-- later step says so (not taken, withdrawn, returned); a result that nobody collected ends a year after it was there.
-- From the end on the agency's term runs, unless a citizen asked for the erasure. What still moves has not ended. Of
-- the row and its last step the newer one decides. Called by motcua.purge_personal_data, include/sql/personal_data.
CREATE OR REPLACE VIEW motcua.dossier_terms AS
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    d.picked_up_at,
    d.purged_at,
    e.ended_at,
    CASE WHEN d.erase_asked_at IS NULL THEN e.ended_at + g.retention ELSE e.ended_at END AS kept_until,
    (
        EXISTS (
            SELECT 1 FROM motcua.transitions AS t WHERE t.dossier_id = d.dossier_id AND t.planned_at IS NULL
        ) OR EXISTS (
            SELECT 1 FROM motcua.messages AS m
            WHERE
                m.dossier_id = d.dossier_id
                AND (
                    m.state IN ('queued', 'sending', 'unknown')
                    OR (m.kind <> 'reply' AND (m.state = 'accepted' OR m.useful_until > clock_timestamp()))
                )
        )
    ) AS may_be_told,
    exists(
        SELECT 1 FROM motcua.complaints AS c
        WHERE c.dossier_id = d.dossier_id AND c.outcome = 'open' AND c.withdrawn_at IS NULL
    ) AS is_complained_of
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
LEFT JOIN LATERAL (
    SELECT t.status_code, t.occurred_at, t.recorded_at
    FROM motcua.transitions AS t
    WHERE t.dossier_id = d.dossier_id
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS l ON TRUE
CROSS JOIN
    LATERAL (
        SELECT
            CASE WHEN l.recorded_at > coalesce(d.updated_at, '-infinity') THEN l.status_code ELSE d.status_code END
                AS status_code,
            -- A step or a row after the hand-over means that it goes on.
            d.returned_at IS NOT NULL
            AND coalesce(l.status_code IN (9, 10) OR l.occurred_at <= d.returned_at, TRUE)
            AND coalesce(d.status_code IN (9, 10) OR d.updated_at <= d.returned_at + interval '1 day', TRUE)
                AS handed_over
    ) AS s
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN coalesce(s.status_code IN (3, 7, 9, 10), FALSE) OR s.handed_over
                THEN coalesce(
                -- A time that lies in the future cannot be the end.
                    greatest(least(greatest(d.returned_at, d.finished_at), d.picked_up_at), l.occurred_at),
                    d.updated_at,
                    d.picked_up_at
                ) + CASE WHEN s.status_code = 9 AND NOT s.handed_over THEN interval '365 days' ELSE interval '0' END
        END AS ended_at
) AS e;
COMMENT ON VIEW motcua.dossier_terms IS 'Until when a dossier''s personal data is kept, and what keeps it longer.';
