-- Supplements of pushed sources of which no citizen was told, because nothing says that they wait at the one-stop desk:
-- each step that says so, and the row of a dossier of which no step does. Neither of them said to be at the desk, nor
-- had the dossier a message of a supplement then. What a status stands for is what staff said.
-- Read by include/sql/intake/clients/.
CREATE OR REPLACE VIEW intake.supplements_untold AS
SELECT s.source, s.client_id, s.agency_code, s.dossier_code, s.said_at
FROM (
    SELECT
        t.source, t.client_id, t.agency_code, t.dossier_code, t.status_code, t.supplement_at_desk,
        t.recorded_at AS said_at
    FROM intake.pushed_steps AS t
    WHERE t.transition_id IS NOT NULL
    UNION ALL
    SELECT d.source, d.client_id, d.agency_code, d.dossier_code, d.status_code, d.supplement_at_desk, d.updated_at
    FROM intake.pushed_dossiers AS d
    WHERE
        NOT EXISTS (
            SELECT 1 FROM intake.pushed_steps AS t
            WHERE
                t.source = d.source AND t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
                AND t.status_code = d.status_code
        )
) AS s
INNER JOIN intake.clients AS c ON s.client_id = c.client_id
LEFT JOIN motcua.sources AS o ON s.source = o.name
LEFT JOIN motcua.status_meanings AS m
    ON o.source_id = m.source_id AND s.status_code = m.source_status AND (m.ends_at IS NULL OR m.ends_at > now())
WHERE
    coalesce(m.status_code, s.status_code) = 5
    AND NOT s.supplement_at_desk
    AND NOT coalesce(s.said_at >= c.supplements_at_desk_since, FALSE)
    AND NOT EXISTS (
        SELECT 1 FROM motcua.dossiers AS k
        INNER JOIN motcua.messages AS n ON k.dossier_id = n.dossier_id
        WHERE
            k.agency_code = s.agency_code AND k.dossier_code = s.dossier_code
            AND n.kind = 'supplement' AND n.planned_at >= s.said_at - interval '1 day'
    );
COMMENT ON VIEW intake.supplements_untold IS 'Supplements of pushed sources of which no citizen was told, because nothing says that they wait at the one-stop desk.';
