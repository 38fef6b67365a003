-- Findings of the rules that were checked and that were not returned are fixed, but for those withheld. Called by
-- store/oversight/quality.py.
UPDATE motcua.finding_episodes AS e
SET closed_run = %(run_no)s
FROM motcua.findings AS f
WHERE
    e.closed_run IS NULL AND e.finding_id = f.finding_id AND f.rule = any(%(checked)s)
    AND NOT EXISTS (SELECT 1 FROM quality.found AS n WHERE n.rule = f.rule AND n.subject = f.subject)
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = %(run_no)s AND w.finding_id = e.finding_id
    )
