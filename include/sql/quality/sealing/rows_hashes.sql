-- By rule: how many rows a run's episodes hold, and SHA-256 over their ids, one a line, in the order of their bytes.
-- Called by store/oversight/quality.py.
SELECT
    r.rule,
    count(f.finding_id) AS found,
    encode(
        sha256(convert_to(coalesce(string_agg(f.subject, chr(10) ORDER BY f.subject), ''), 'UTF8')), 'hex'
    ) AS rows_hash
FROM unnest(%(rules)s::text[]) AS r (rule)
LEFT JOIN (
    SELECT g.rule, g.finding_id, g.subject COLLATE "C" AS subject -- noqa: RF03
    FROM motcua.findings AS g
    INNER JOIN motcua.finding_episodes AS e ON g.finding_id = e.finding_id
    WHERE
        e.opened_run <= %(run_no)s::bigint AND coalesce(e.closed_run > %(run_no)s::bigint, TRUE)
        AND g.rule = any(%(rules)s::text[])
        AND NOT EXISTS (
            SELECT 1 FROM motcua.quality_withheld AS w
            WHERE w.run_no = %(run_no)s::bigint AND w.finding_id = g.finding_id
        )
) AS f ON r.rule = f.rule
GROUP BY r.rule
