-- How many open dossiers earlier whole exports of a source had, and how many of these are not among the given ones.
-- Called by include/sql/intake/exports_taken/compare.sql.
CREATE OR REPLACE FUNCTION intake.compare_export(
    of_client bigint, agency_codes text[], dossier_codes text[], OUT there bigint, OUT missing bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH present AS MATERIALIZED (
        SELECT p.agency_code, p.dossier_code FROM unnest(agency_codes, dossier_codes) AS p (agency_code, dossier_code)
    )

    SELECT count(*), count(*) FILTER (WHERE p.dossier_code IS NULL)
    FROM intake.clients AS c
    INNER JOIN intake.pushed_dossiers AS d ON c.source = d.source
    INNER JOIN intake.exported_dossiers AS e ON d.dossier_no = e.dossier_no
    LEFT JOIN present AS p ON d.agency_code = p.agency_code AND d.dossier_code = p.dossier_code
    WHERE c.client_id = of_client AND e.vanished_in IS NULL AND d.status_code NOT IN (3, 7, 10)
$$;
COMMENT ON FUNCTION intake.compare_export(bigint, text[], text[]) IS 'How many open dossiers of earlier whole exports are not among the given ones.';
