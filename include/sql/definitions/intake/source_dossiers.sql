-- Pushed dossiers as the contract's view of dossiers gives them, for all sources. Status 9 is at the desk: it means
-- that the result was passed there. A supplement is where the push says so, or the client's setting of that time. Read
-- by include/sql/sources/national_sync/dossiers.sql.
CREATE OR REPLACE VIEW intake.source_dossiers AS
SELECT
    d.source,
    d.dossier_code,
    d.agency_code,
    d.fields ->> 'MaTTHC' AS procedure_code,
    d.fields ->> 'TenTTHC' AS procedure_name,
    d.fields ->> 'TenLinhVuc' AS field_name,
    d.fields ->> 'ChuHoSo' AS applicant_name,
    d.fields ->> 'SoDienThoai' AS applicant_phone,
    -- No push says when: it was typed in when the dossier was received.
    d.received_at AS phone_entered_at,
    CASE d.fields ->> 'HinhThuc'
        WHEN '0' THEN 'direct'
        WHEN '1' THEN 'postal'
        WHEN '2' THEN 'online'
    END AS submitted_via,
    d.received_at,
    d.due_at,
    (
        SELECT t.fields ->> 'NoiDungXuLy'
        FROM intake.pushed_steps AS t
        WHERE t.source = d.source AND t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
        ORDER BY least(t.occurred_at, t.recorded_at) DESC, t.transition_id DESC
        LIMIT 1
    ) AS step_name,
    d.status_code,
    CASE coalesce(m.status_code, d.status_code)
        WHEN 9 THEN TRUE
        WHEN 5 THEN d.supplement_at_desk OR coalesce(d.updated_at >= c.supplements_at_desk_since, FALSE)
        ELSE FALSE
    END AS at_one_stop_desk,
    d.finished_at,
    d.returned_at,
    d.updated_at
FROM intake.pushed_dossiers AS d
LEFT JOIN intake.clients AS c ON d.client_id = c.client_id
LEFT JOIN motcua.sources AS s ON d.source = s.name
LEFT JOIN motcua.status_meanings AS m
    ON s.source_id = m.source_id AND d.status_code = m.source_status AND (m.ends_at IS NULL OR m.ends_at > now());
COMMENT ON VIEW intake.source_dossiers IS 'Pushed dossiers as the contract''s view of dossiers gives them.';
