-- Some of the findings of some rules that a run returned, of one agency or of all, in the order of urgency that
-- reports/quality/urgency.py tells; "rules" in theirs. "standing" chooses among them as the run's counts and changes
-- against an earlier run do, "fixed" those that are no longer there: a figure is as many rows. What somebody accepted
-- for a time is shown as it is now, and chosen by as it was when the run was sealed. The text of a phone field is for
-- masking alone. Called by store/oversight/quality.py.
SELECT
    f.finding_id,
    f.rule,
    f.agency_code,
    f.subject,
    f.since,
    f.facts,
    d.dossier_code,
    d.procedure_code,
    p.name AS procedure_name,
    coalesce(d.msisdn, d.applicant_phone) AS phone,
    e.opened_run,
    e.closed_run,
    e.again,
    e.deadline,
    e.department_on,
    first.as_of AS first_seen,
    opened.as_of AS opened_at,
    coalesce(closed_before.as_of, run.as_of) AS last_seen,
    a.acknowledged_by,
    a.why,
    a.until,
    a.acknowledged_at
FROM motcua.quality_runs AS run
INNER JOIN motcua.finding_episodes AS e ON run.run_no >= e.opened_run
INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id
INNER JOIN motcua.quality_results AS r ON run.run_no = r.run_no AND f.rule = r.rule AND r.status = 'checked'
INNER JOIN motcua.quality_runs AS first ON f.first_run = first.run_no
INNER JOIN motcua.quality_runs AS opened ON e.opened_run = opened.run_no
LEFT JOIN LATERAL (
    SELECT c.as_of FROM motcua.quality_runs AS c
    WHERE c.run_no < e.closed_run AND e.closed_run <= run.run_no
    ORDER BY c.run_no DESC
    LIMIT 1
) AS closed_before ON TRUE
LEFT JOIN motcua.dossiers AS d ON f.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
LEFT JOIN LATERAL (
    SELECT k.acknowledged_by, k.why, k.until, k.acknowledged_at
    FROM motcua.finding_acknowledgements AS k
    WHERE k.finding_id = f.finding_id
    ORDER BY k.acknowledgement_id DESC
    LIMIT 1
) AS a ON run.day <= a.until
LEFT JOIN LATERAL (
    SELECT k.until
    FROM motcua.finding_acknowledgements AS k
    WHERE k.finding_id = f.finding_id AND k.acknowledged_at <= run.sealed_at
    ORDER BY k.acknowledgement_id DESC
    LIMIT 1
) AS sealed ON run.day <= sealed.until
WHERE
    run.run_no = %(run_no)s::bigint
    AND CASE
        WHEN coalesce(%(standing)s::text <> 'fixed', TRUE) THEN coalesce(e.closed_run > run.run_no, TRUE)
        ELSE
            e.opened_run <= %(since_run)s::bigint AND e.closed_run > %(since_run)s::bigint
            AND e.closed_run <= run.run_no
            AND NOT EXISTS (
                SELECT 1 FROM motcua.finding_episodes AS n
                WHERE
                    n.finding_id = e.finding_id AND n.opened_run > e.opened_run AND n.opened_run <= run.run_no
                    AND coalesce(n.closed_run > run.run_no, TRUE)
            )
    END
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = run.run_no AND w.finding_id = f.finding_id
    )
    AND f.rule = any(%(rules)s::text[])
    AND (%(agency_code)s::text IS NULL OR f.agency_code = %(agency_code)s)
    AND CASE %(standing)s::text
        WHEN 'to_do' THEN sealed.until IS NULL
        WHEN 'acknowledged' THEN sealed.until IS NOT NULL
        WHEN 'new' THEN coalesce(e.opened_run > %(since_run)s AND NOT e.again, %(since_run)s::bigint IS NULL)
        WHEN 'back' THEN coalesce(e.opened_run > %(since_run)s AND e.again, FALSE)
        WHEN 'arrived' THEN coalesce(e.opened_run > %(since_run)s, TRUE)
        WHEN 'standing' THEN coalesce(e.opened_run <= %(since_run)s, FALSE)
        WHEN 'late' THEN sealed.until IS NULL AND e.deadline < run.day
        WHEN 'late_for_department' THEN sealed.until IS NULL AND e.department_on < run.day
        ELSE TRUE
    END
ORDER BY
    a.until IS NOT NULL,
    CASE
        WHEN a.until IS NOT NULL OR e.deadline IS NULL OR run.day <= e.deadline THEN 2
        WHEN run.day <= e.department_on THEN 1
        ELSE 0
    END,
    array_position(%(rules)s::text[], f.rule),
    e.deadline NULLS FIRST,
    coalesce(d.dossier_code, f.subject) COLLATE "C",  -- noqa: RF03
    f.finding_id
LIMIT %(most)s OFFSET %(skipped)s
