-- Numbers that several transitions have, some of them, each with one of the dossiers, and how many such numbers there
-- are. Called by sources/checking.py.
SELECT
    t.transition_id,
    min(t.dossier_code) AS dossier_code,
    count(*) OVER () AS doubles
FROM source_transitions AS t
WHERE t.transition_id IS NOT NULL
GROUP BY t.transition_id
HAVING count(*) > 1
ORDER BY t.transition_id DESC
LIMIT %(most)s
