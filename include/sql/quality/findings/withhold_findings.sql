-- Findings that stand and are of a broken agency now: this run neither sees nor fixes them. A dossier's finding goes by
-- who is in charge of the dossier now, so that one that moved to a sound agency is told of there. Called by
-- store/oversight/quality.py.
INSERT INTO motcua.quality_withheld (run_no, finding_id)
SELECT %(run_no)s, e.finding_id
FROM motcua.finding_episodes AS e
INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id
LEFT JOIN motcua.dossiers AS d ON f.dossier_id = d.dossier_id
WHERE
    e.closed_run IS NULL AND f.rule = any(%(checked)s)
    AND coalesce(
        CASE
            WHEN d.dossier_id IS NULL THEN f.agency_code
            ELSE
                coalesce(
                    (SELECT min(a.answers) FROM quality.agencies AS a WHERE a.agency_code = d.agency_code),
                    d.agency_code
                )
        END, ''
    ) = any(%(broken_agencies)s)
    AND NOT EXISTS (SELECT 1 FROM quality.found AS n WHERE n.rule = f.rule AND n.subject = f.subject)
