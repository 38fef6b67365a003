-- Findings of data quality by agency at the last check before the cut-off that was sealed by then, no later than the
-- morning after the period; acknowledged ones are not counted. Called by store/oversight/closings.py.
SELECT
    c.agency_code,
    sum(c.found - c.acknowledged) AS findings_open
FROM audit.quality_counts AS c
WHERE
    c.agency_code IS NOT NULL
    AND c.run_no = (
        SELECT max(r.run_no) FROM audit.quality_runs AS r
        WHERE
            r.sealed_at IS NOT NULL AND r.day <= %(last_day)s::date + 1 AND r.as_of <= %(as_of)s
            -- Closings from before this was kept name none.
            AND r.run_no <= coalesce(%(known_quality_run)s::bigint, r.run_no)
    )
GROUP BY c.agency_code
