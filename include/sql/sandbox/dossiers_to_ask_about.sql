-- Some dossiers, of as many agencies as can be, whose code no other agency uses, each with the step that its row names
-- and the one that its last transition names. Called by sandbox/smoke.py.
SELECT DISTINCT ON (d.agency_code)
    d.dossier_code,
    array_remove(
        ARRAY[
            d.step_name,
            (
                SELECT t.to_step
                FROM motcua.transitions AS t
                WHERE t.dossier_id = d.dossier_id
                ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
                LIMIT 1
            )
        ],
        NULL
    ) AS steps
FROM motcua.dossiers AS d
WHERE
    -- A hostile step's name is cut in the text.
    char_length(d.step_name) BETWEEN 1 AND 40
    AND NOT EXISTS (
        SELECT 1
        FROM motcua.dossiers AS o
        WHERE motcua.code_key(o.dossier_code) = motcua.code_key(d.dossier_code) AND o.dossier_id <> d.dossier_id
    )
ORDER BY d.agency_code, d.dossier_id DESC
LIMIT %(limit)s
