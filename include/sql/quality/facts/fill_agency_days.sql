-- Transitions of each agency and source by day, of the last five working weeks. Called by store/oversight/quality.py.
INSERT INTO quality.agency_days (source_id, agency_code, day, changes)
SELECT t.source_id, d.agency_code, l.day, count(*)
FROM motcua.transitions AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
CROSS JOIN LATERAL (SELECT (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day) AS l
WHERE
    NOT t.from_row
    AND t.occurred_at >= (
        SELECT min(n.day)::timestamp AT TIME ZONE interval '+07:00'
        FROM quality.days AS n
        INNER JOIN quality.agencies AS a ON n.calendar = a.calendar AND n.nth = a.today - 24 AND n.working
    )
GROUP BY t.source_id, d.agency_code, l.day
