-- Pushed steps as the contract's view of transitions gives them, for all sources. The desk is told as in
-- source_dossiers.sql. Read by include/sql/sources/national_sync/transitions.sql.
CREATE OR REPLACE VIEW intake.source_transitions AS
SELECT
    t.source,
    t.transition_id,
    t.agency_code,
    t.dossier_code,
    NULL::text AS from_step,
    t.fields ->> 'NoiDungXuLy' AS to_step,
    t.status_code,
    CASE coalesce(m.status_code, t.status_code)
        WHEN 9 THEN TRUE
        WHEN 5 THEN t.supplement_at_desk OR coalesce(t.recorded_at >= c.supplements_at_desk_since, FALSE)
        ELSE FALSE
    END AS at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    t.fields ->> 'NguoiXuLy' AS actor,
    NULL::text AS note
FROM intake.pushed_steps AS t
LEFT JOIN intake.clients AS c ON t.client_id = c.client_id
LEFT JOIN motcua.sources AS s ON t.source = s.name
LEFT JOIN motcua.status_meanings AS m
    ON s.source_id = m.source_id AND t.status_code = m.source_status AND (m.ends_at IS NULL OR m.ends_at > now())
WHERE t.transition_id IS NOT NULL;
COMMENT ON VIEW intake.source_transitions IS 'Pushed steps as the contract''s view of transitions gives them.';
