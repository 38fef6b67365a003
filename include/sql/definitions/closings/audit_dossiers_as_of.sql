-- Every dossier's row as it had last been read at a version.
CREATE OR REPLACE FUNCTION audit.dossiers_as_of(known_version bigint)
RETURNS TABLE (
    dossier_id bigint, source_id smallint, agency_code text, dossier_code text, procedure_code text, submitted_via text,
    received_at timestamptz, due_at timestamptz, status_code smallint, finished_at timestamptz, returned_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(d.procedure_code, ''), d.submitted_via,
        d.received_at, d.due_at, d.status_code, d.finished_at, d.returned_at, d.updated_at
    FROM audit.dossiers AS d
    WHERE NOT EXISTS (
        SELECT 1 FROM audit.dossier_versions AS v WHERE v.version_id > known_version AND v.dossier_id = d.dossier_id
    )
    UNION ALL
    SELECT
        d.dossier_id, d.source_id, d.agency_code, d.dossier_code, coalesce(o.procedure_code, ''),
        CASE WHEN o.submitted_via = '' THEN d.submitted_via ELSE o.submitted_via END,
        o.received_at, o.due_at, o.status_code, o.finished_at, o.returned_at, o.updated_at
    FROM (
        SELECT DISTINCT v.dossier_id FROM audit.dossier_versions AS v WHERE v.version_id > known_version
    ) AS n
    INNER JOIN audit.dossiers AS d ON n.dossier_id = d.dossier_id
    CROSS JOIN LATERAL (
        SELECT l.* FROM audit.dossier_versions AS l
        WHERE l.dossier_id = n.dossier_id AND l.version_id <= known_version
        ORDER BY l.version_id DESC
        LIMIT 1
    ) AS o
$$;
COMMENT ON FUNCTION audit.dossiers_as_of(bigint)
IS 'Every dossier''s row as it had last been read at a version.';
