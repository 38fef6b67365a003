-- Which of these codes of agencies the source writes. Called by sources/counting.py.
SELECT c.written
FROM unnest(%(codes)s::text[]) AS c (written)
WHERE
    EXISTS (SELECT 1 FROM source_transitions AS t WHERE t.agency_code = c.written)
    OR EXISTS (SELECT 1 FROM source_dossiers AS d WHERE d.agency_code = c.written)
