-- Whether there is a dossier: of some agencies, or any at all (NULL). Each agency is looked up by itself, so that one
-- without any costs no look at all the others' rows. Called by store/notices/dossiers.py.
SELECT
    EXISTS (SELECT 1 FROM motcua.dossiers WHERE %(agencies)s::text[] IS NULL)
    OR EXISTS (
        SELECT 1
        FROM unnest(%(agencies)s::text[]) AS a (agency_code)
        INNER JOIN LATERAL (
            SELECT d.dossier_id FROM motcua.dossiers AS d
            WHERE d.agency_code = a.agency_code
            LIMIT 1  -- noqa: AM09
        ) AS f ON TRUE
    ) AS are_any
