-- Marks the dossiers of a source that a whole export has no more, and takes the mark from those that it has again;
-- returns how many it first has not. Called by include/sql/intake/exports_taken/note_vanished.sql.
CREATE OR REPLACE FUNCTION intake.note_vanished(
    of_client bigint, export bigint, agency_codes text[], dossier_codes text[]
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH present AS MATERIALIZED (
        SELECT DISTINCT d.dossier_no
        FROM unnest(agency_codes, dossier_codes) AS p (agency_code, dossier_code)
        INNER JOIN intake.clients AS c ON c.client_id = of_client
        INNER JOIN intake.pushed_dossiers AS d
            ON c.source = d.source AND p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
    ),

    marked AS (
        UPDATE intake.exported_dossiers AS e
        SET vanished_in = CASE WHEN p.dossier_no IS NULL THEN export END
        FROM intake.clients AS c
        INNER JOIN intake.pushed_dossiers AS d ON c.source = d.source
        LEFT JOIN present AS p ON d.dossier_no = p.dossier_no
        WHERE
            c.client_id = of_client AND e.dossier_no = d.dossier_no
            AND (e.vanished_in IS NULL) = (p.dossier_no IS NULL)
        RETURNING e.vanished_in
    )

    SELECT count(m.vanished_in) FROM marked AS m
$$;
COMMENT ON FUNCTION intake.note_vanished(bigint, bigint, text[], text[]) IS 'Marks the dossiers that a whole export has no more.';
